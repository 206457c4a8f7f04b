"""How many instances, builds and event rules a project at work needs at once."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from service_catalog.project.parameters import Git
from service_catalog.publishing.bundle import CHECKOUT

DEPLOY = Path("seed_code/deploy/{{cookiecutter.project_name}}-modeldeploy")
BUILD = Path("seed_code/build/{{cookiecutter.project_name}}-modelbuild")
# Service Quotas' own words.
ENDPOINT, TRAINING, PROCESSING = "for endpoint usage", "for training job usage", "for processing job usage"
BUILDS = "Concurrently running builds for Linux/Small environment"
# Verify runs for as long as a release does, beside whatever else is built.
BUILDS_AT_ONCE = 2
# On the default event bus; with a connection, pipelines are triggered and pull requests told by the host.
RULES = "Number of rules"
RULES_OF_A_PROJECT: Mapping[Git, int] = {"codecommit": 9, "connection": 6}


def needs(git: Git, checkout: Path = CHECKOUT) -> Mapping[str, Mapping[str, int]]:
    """Return what a project needs at once of each quota, by the service that has it.

    Instances and builds are those of the seeds that it starts with; `git` is where its code is to live.
    """
    wanted: Counter[str] = Counter()
    shared = _read(checkout / DEPLOY / "endpoint.yml").get("instances", {})
    fleets: Counter[str] = Counter()
    largest: Counter[str] = Counter()
    for path in sorted((checkout / DEPLOY / "stages").glob("*.yml")):
        instances = {**shared, **_read(path).get("instances", {})}
        kind, count = str(instances["type"]), int(instances["count"])
        fleets[kind] += count
        largest[kind] = max(largest[kind], count)
    # Stages are released one after another, and an update of one has its old and its new fleet at once.
    for kind, count in fleets.items():
        wanted[f"{kind} {ENDPOINT}"] = count + largest[kind]
    jobs = _read(checkout / BUILD / "pipeline.yml")["instances"]
    wanted[f"{jobs['training']} {TRAINING}"] += 1
    wanted[f"{jobs['processing']} {PROCESSING}"] += 1
    return {
        "sagemaker": dict(wanted),
        "codebuild": {BUILDS: BUILDS_AT_ONCE},
        "events": {RULES: RULES_OF_A_PROJECT[git]},
    }


def _read(path: Path) -> dict[str, Any]:
    """Read a YAML file of a seed, in which answers are still to be filled in."""
    text = re.sub(r"\{%.*?%\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}", '""', text)
    found: dict[str, Any] = yaml.safe_load(text) or {}
    return found
