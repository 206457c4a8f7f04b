"""Both templates, synthesised once for the whole run, and an AWS to publish to."""

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from launch_roles import with_policies

from service_catalog.portfolio.offer import Offer, version
from service_catalog.project.parameters import GITS
from service_catalog.publishing.account import Account
from service_catalog.publishing.synth import (
    stage_roles,
    synthesise_portfolio,
    synthesise_product,
    synthesise_stage_account,
)
from tests.service_catalog.launched import launched
from tests.service_catalog.resolved import PSEUDO, REVIEWED, forms, launches

Template = dict[str, Any]
Once = Callable[[str, Callable[[], Template]], Template]


@dataclass(frozen=True)
class Published:
    """What both templates are made for."""

    seed_bucket = "tidegate-111111111111-eu-west-1"
    seed_key = "seeds/0123456789abcdef.zip"
    templates = f"https://s3.eu-west-1.amazonaws.com/{seed_bucket}/templates"
    version = "0.1.0-fedcba00"
    principal = "arn:aws:iam::111111111111:role/studio/DataScientists"

    def offer(self, *principals: str) -> Offer:
        """What the admin stack offers: both routes, one version."""
        versions = {git: (version(self.version, f"{self.templates}/tidegate-{git}.yaml"),) for git in GITS}
        return Offer(principals or (self.principal,), versions, self.seed_bucket, store=self.seed_bucket)


@pytest.fixture(scope="session")
def published() -> Published:
    return Published()


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Return what a name stands for, made by whichever worker of the run needs it first: synthesising takes long."""
    os.environ["CDK_VALIDATION"] = "false"
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder

    def read_or_make(name: str, make: Callable[[], Template]) -> Template:
        kept = folder / f"{name}.template.json"
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                kept.write_text(json.dumps(make()))
        read: Template = json.loads(kept.read_text())
        return read

    return read_or_make


@pytest.fixture(scope="session")
def product(product_template: Template) -> Template:
    """What one launch creates whose stages are in the project's own account."""
    return launched(product_template)


@pytest.fixture(scope="session")
def hosted(hosted_template: Template) -> Template:
    """The same around repositories that a connection reaches."""
    return launched(hosted_template)


@pytest.fixture(scope="session")
def product_template(published: Published, once: Once) -> Template:
    """The template of the product."""
    return once("codecommit", lambda: synthesise_product(published.seed_bucket, published.seed_key, git="codecommit"))


@pytest.fixture(scope="session")
def hosted_template(published: Published, once: Once) -> Template:
    """The template of the product around repositories that a connection reaches."""
    return once("connection", lambda: synthesise_product(published.seed_bucket, published.seed_key, git="connection"))


@pytest.fixture(scope="session", params=GITS)
def either(request: pytest.FixtureRequest, product: Template, hosted: Template) -> Template:
    """The template of either variant: what holds for both."""
    return product if request.param == "codecommit" else hosted


@pytest.fixture(scope="session")
def portfolio(published: Published, once: Once) -> Template:
    """The template of the admin stack."""
    return once("portfolio", lambda: synthesise_portfolio(published.offer()))


@pytest.fixture(scope="session")
def launch_role(portfolio: Template) -> Template:
    """The role that Service Catalog launches with, as if the policies that it shares were its own."""
    return with_policies(portfolio, "LaunchRole")


@pytest.fixture(scope="session", params=GITS)
def either_template(request: pytest.FixtureRequest, product_template: Template, hosted_template: Template) -> Template:
    """The template of either variant, its conditions not decided."""
    return product_template if request.param == "codecommit" else hosted_template


@pytest.fixture(scope="session")
def reviewed(product_template: Template, hosted_template: Template) -> dict[str, Template]:
    """What launches create: those of every git host, accounts and network that the validators look at, by name."""
    either = {"codecommit": product_template, "connection": hosted_template}
    created = {git: launches(template, PSEUDO) for git, template in either.items()}
    return {f"{git}, {name}": created[git][name] for git in created for name in REVIEWED}


@pytest.fixture(scope="session")
def every_form(reviewed: dict[str, Template]) -> Template:
    """Each form that a resource takes in any of these launches, once."""
    return forms(reviewed.values())


@pytest.fixture(scope="session")
def stage_roles_template(once: Once) -> Template:
    """The template of the roles that a project has in an account of its stages."""
    return once("stage-roles", lambda: dict(json.loads(stage_roles().text)))


@pytest.fixture(scope="session")
def stage_account(once: Once) -> Template:
    """The template of what bootstrapping leaves in an account of stages."""
    return once("stage-account", lambda: synthesise_stage_account("111111111111"))


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account whose S3, CloudFormation and EventBridge answer on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("aws")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
    }
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], cwd=home, env=environment, stdout=log, stderr=log
        )
    try:
        _wait_for(port, process, home / "log")
        monkeypatch = pytest.MonkeyPatch()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        session = boto3.Session(
            aws_access_key_id="111111111111", aws_secret_access_key="local", region_name="eu-west-1"
        )
        yield Account(session, "111111111111", "eu-west-1")
        monkeypatch.undo()
    finally:
        process.terminate()
        process.wait(15)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Any) -> None:
    until = time.monotonic() + 60
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, f"no answer within a minute: {log.read_text()}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
