"""Names that people are shown (defaults of seeds, schemas, examples, documents) are names that a launch makes."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from service_catalog.names import ROLE_PATH, ProjectNames

ROOT = Path(__file__).parents[2]
SHOWN = ("README.md", "bench", "docs", "seed_code", "service_catalog", "src")
ROLE = re.compile(rf"role{ROLE_PATH}(?P<name>sagemaker-(?P<id>p-[a-z0-9]+)-(?P<rest>[a-z0-9-]+))")
BUCKET = re.compile(r"sagemaker-(?P<id>p-[a-z0-9]+)-(?P<account>[0-9]{12})(-(?P<region>[a-z0-9-]+))?")
REGION = re.compile(r"(?P<purpose>[a-z-]+?)-(?P<region>[a-z]{2}(-[a-z]+)+-[0-9])")


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    """Every text that is shown, by its path."""
    listed = subprocess.run(["git", "ls-files", "-z", *SHOWN], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    text = {".cfg", ".ini", ".j2", ".json", ".md", ".py", ".toml", ".yaml", ".yml"}
    return {str(path.relative_to(ROOT)): path.read_text(errors="replace") for path in paths if path.suffix in text}


@pytest.mark.parametrize("seed", ["build", "deploy"])
def test_then_a_seeds_defaults_are_what_a_launch_of_that_project_would_give(seed: str) -> None:
    given = json.loads((ROOT / "seed_code" / seed / "cookiecutter.json").read_text())
    account, region = given["account"], given["region"]
    names = ProjectNames(given["project_name"], given["project_id"], account, region)

    assert given["bucket"] == names.bucket
    assert given["execution_role_arn"] == f"arn:aws:iam::{account}:role{ROLE_PATH}{names.role('execution')}"
    assert given["image_repository"] == f"{account}.dkr.ecr.{region}.amazonaws.com/{names.image_repository}"
    assert given["model_package_group"] == names.model_package_group
    assert given["deploy_pipeline"] == names.pipeline("deploy")


def test_then_every_role_that_is_shown_has_the_name_that_a_launch_gives_it(shown: dict[str, str]) -> None:
    found = [(path, match) for path, text in shown.items() for match in ROLE.finditer(text)]

    assert len(found) > 10
    for path, match in found:
        said = REGION.fullmatch(match["rest"])
        assert said, f"{path}: {match['name']} does not end with a region"
        assert match["name"] == ProjectNames("any", match["id"], region=said["region"]).role(said["purpose"]), path


def test_then_every_bucket_that_is_shown_has_the_name_that_a_launch_gives_it(shown: dict[str, str]) -> None:
    found = [(path, match) for path, text in shown.items() for match in BUCKET.finditer(text)]

    assert len(found) > 10
    for path, match in found:
        made = ProjectNames("any", match["id"], match["account"], match["region"] or "")
        assert match[0] in (made.bucket, made.log_bucket), path


@pytest.mark.parametrize("before", ["sagemaker-project-p-"])
def test_then_no_name_is_shown_that_projects_had_once(before: str, shown: dict[str, str]) -> None:
    assert [path for path, text in shown.items() if before in text] == []
