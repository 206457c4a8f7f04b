"""`scripts/upgrade`: bring the infrastructure of a launched project to another published version.

It always says first what that changes; `--apply` then does it, waits, and says how it ended. The code of the
project's repositories is upgraded by their owners, with `scripts/upgrade.py` in each of them, and comes first.
"""

import argparse
import json
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from botocore.exceptions import ClientError

from service_catalog.names import BRANCH, SEEDS, template_key
from service_catalog.project.parameters import ACCOUNT
from service_catalog.publishing.account import Account, PublishError, reach, sentences
from service_catalog.publishing.admin_bucket import AdminBucket
from service_catalog.publishing.catalogue import Catalogue
from service_catalog.publishing.published import Published
from service_catalog.upgrade.code import RECORD
from service_catalog.upgrade.preview import losses, preview
from service_catalog.upgrade.project import SAGEMAKERS_OWN, Project, find_project
from tidegate.clock import Clock, SystemClock

POLL_SECONDS = 5.0
# Longer than CloudFormation lets any resource of a project take.
PATIENCE_SECONDS = 2 * 60 * 60
BUNDLE = re.compile(re.escape(SEEDS) + r"[0-9a-f]{32}\.zip")
WHY_CODE_FIRST = (
    "The code comes first: a version's repositories also serve the infrastructure of the version before, while its "
    "pipelines may ask of the deploy repository what an older one does not say. A stage of the pipeline is then not "
    "entered, and nothing is released."
)


@dataclass(frozen=True)
class Target:
    """The version that a project is brought to: its template, where that lies, and what a launch of it is asked."""

    version: str
    key: str
    url: str
    template: str

    @property
    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        """The launch parameters, SageMaker's own apart."""
        asked: Mapping[str, Mapping[str, Any]] = yaml.safe_load(self.template).get("Parameters", {})
        return {name: each for name, each in asked.items() if name not in SAGEMAKERS_OWN}

    @property
    def bundle(self) -> str | None:
        """The key of the seed bundle that belongs to it."""
        found = BUNDLE.search(self.template)
        return found[0] if found else None


@dataclass(frozen=True)
class Request:
    """What a person asks for. `losing` are the logical ids of resources that may be lost with what they hold."""

    project: str
    version: str | None = None
    answers: Mapping[str, str] | None = None
    apply: bool = False
    losing: tuple[str, ...] = ()
    before_code: bool = False


def upgrade(account: Account, request: Request, clock: Clock) -> bool:
    """Say what the upgrade changes and, if that is asked for, do it; say whether all is well.

    Raises PublishError for what cannot be done as it is asked for; nothing has changed then.
    """
    project, published = find_project(account, request.project)
    target = _target(account, project, published, request.version)
    what = f"Project {project.name} ({project.id}, stack {project.stack})"
    if target.version == project.origin.version and not request.answers and project.status != "UpdateFailed":
        print(f"{what} is of version {target.version}: there is nothing to upgrade.")
        return True
    if project.status.endswith("InProgress"):
        raise PublishError(f"{what} is {project.status}: wait until that has ended.")
    print(f"{what}: version {project.origin.version} → {target.version}")
    answers = _answers(project, target, request.answers or {})
    found = preview(account, project, target.template, target.url, answers, clock)
    print(f"What changes, by {found.source}:")
    print("\n".join(str(each) for each in found.effects) or "  nothing")
    reasons = [
        *(f"{each.logical_id} could lose {each.loses}: allow it with --lose {each.logical_id}." for each in losses(
            found.effects) if each.logical_id not in request.losing),
        *_unready_code(account, project, target, request),
        *_running(account, project),
    ]  # fmt: skip
    for told in moves(project, answers):
        print(told)
    for reason in reasons:
        print(f"! {reason}")
    if not request.apply:
        print(f"Nothing has been changed. To do it: {_command(project, target, request)}")
        return True
    if reasons:
        raise PublishError("Nothing has been changed, for what the lines with ! say.")
    return _apply(account, project, target, answers, clock)


def _command(project: Project, target: Target, request: Request) -> str:
    """Return the command that does what was asked about."""
    words = ["scripts/upgrade", project.name, "--to", target.version, "--apply"]
    words += [word for name, value in (request.answers or {}).items() for word in ("--parameter", f"{name}={value}")]
    words += [word for each in request.losing for word in ("--lose", each)]
    return shlex.join([*words, *(["--before-code"] if request.before_code else [])])


def _target(account: Account, project: Project, published: Published, wanted: str | None) -> Target:
    """Return the version that is asked for, or else the newest that projects of this origin can have."""
    known = list(published.stored)
    if project.origin.product:
        offered = {each.name for each in Catalogue(account).versions(project.origin.product)}
        known = [each for each in known if each in offered]
    if not known:
        raise PublishError(f"Nothing is published in account {account.id}, {account.region}: run scripts/publish.")
    version = wanted or known[-1]
    if version not in known:
        raise PublishError(f"There is no version {version} for {project.name}; there are {', '.join(known)}.")
    bucket = AdminBucket(account)
    key = template_key(project.origin.git, version)
    return Target(version, key, bucket.url(key), bucket.get(key).decode())


def _answers(project: Project, target: Target, given: Mapping[str, str]) -> dict[str, str]:
    """Return the launch parameters of the new version: those that are given, or as they are now."""
    questions = target.questions
    if unknown := sorted(given.keys() - questions.keys()):
        raise PublishError(f"Version {target.version} has no launch parameter {', '.join(unknown)}.")
    answers = {name: value for name, value in {**project.answers, **given}.items() if name in questions}
    missing = [name for name, each in questions.items() if name not in answers and "Default" not in each]
    if missing:
        raise PublishError(
            f"Version {target.version} asks for {', '.join(missing)}: give each with --parameter NAME=VALUE."
        )
    return answers


def moves(project: Project, answers: Mapping[str, str]) -> list[str]:
    """Say of each stage that the new `answers` put into another account what people have to do besides."""
    told = []
    for stage, parameter in ACCOUNT.items():
        before, after = project.answers.get(parameter, ""), answers.get(parameter, "")
        if before != after:
            told.append(
                f"The stage {stage} moves from {_place(before)} to {_place(after)}. Delete its stack "
                f"{project.names.endpoint_stack(stage)} before this is applied, since its roles go with the update if "
                "they are in another account; then say in endpoint.yml where it is (docs/accounts.md, Move a stage)."
            )
    return told


def _place(account: str) -> str:
    return f"account {account}" if account else "the project's own account"


def _unready_code(account: Account, project: Project, target: Target, request: Request) -> list[str]:
    """Say what is missing of the code that has to be there first, as far as that can be seen from here."""
    if request.before_code or target.bundle is None:
        return []
    upgraded = "run .venv/bin/python scripts/upgrade.py in a clone of the deploy repository and merge its branch"
    if project.origin.git == "connection":
        print(f"{WHY_CODE_FIRST} What is in a repository at its host is not looked at here.")
        return []
    repository = project.names.repository("deploy")
    try:
        answer = account.client("codecommit").get_file(
            repositoryName=repository, commitSpecifier=BRANCH, filePath=RECORD
        )
        has = json.loads(answer["fileContent"])["bundle"]["key"]
    except (ClientError, ValueError, KeyError, TypeError) as error:
        return [f"{WHY_CODE_FIRST} Which version {repository} has cannot be seen ({error}): {upgraded}, then "
                "go on with --before-code."]  # fmt: skip
    if has == target.bundle:
        return []
    return [f"{WHY_CODE_FIRST} {repository} is of another version: {upgraded} (or go on with --before-code)."]


def _running(account: Account, project: Project) -> list[str]:
    """Say which of the project's pipelines run: SageMaker asks not to update a project that is in use."""
    client = account.client("codepipeline")
    running = []
    for part in ("build", "deploy"):
        name = project.names.pipeline(part)
        try:
            newest = client.list_pipeline_executions(pipelineName=name, maxResults=20)["pipelineExecutionSummaries"]
        except client.exceptions.PipelineNotFoundException:
            continue
        running += [
            f"The pipeline {name} runs (execution {each['pipelineExecutionId']}): let it end, or stop it."
            for each in newest
            if each["status"] in ("InProgress", "Stopping")
        ]
    return running


def _apply(account: Account, project: Project, target: Target, answers: Mapping[str, str], clock: Clock) -> bool:
    sagemaker = account.client("sagemaker")
    given = [{"Key": key, "Value": value} for key, value in answers.items()]
    if project.origin.product:
        artefacts = {each.name: each.id for each in Catalogue(account).versions(project.origin.product)}
        details = {"ProvisioningArtifactId": artefacts[target.version], "ProvisioningParameters": given}
        sagemaker.update_project(ProjectName=project.name, ServiceCatalogProvisioningUpdateDetails=details)
    else:
        # UpdateProject takes no address but one of https: the launch gave one.
        address = f"{project.origin.address}{target.key}"
        provider = {"TemplateName": project.origin.template, "TemplateURL": address, "Parameters": given}
        sagemaker.update_project(
            ProjectName=project.name, TemplateProvidersToUpdate=[{"CfnTemplateProvider": provider}]
        )
    print("The update has begun; it goes on if this is interrupted.", flush=True)
    until = clock.now().timestamp() + PATIENCE_SECONDS
    while (said := sagemaker.describe_project(ProjectName=project.name))["ProjectStatus"].endswith("InProgress"):
        if clock.now().timestamp() > until:
            raise PublishError(f"The update has not ended yet; the events of the stack {project.stack} say why.")
        clock.sleep(POLL_SECONDS)
    if said["ProjectStatus"] == "UpdateCompleted":
        print(f"UpdateCompleted: {project.name} is of version {target.version}.")
        return True
    print(f"{said['ProjectStatus']}: {_why(said)}")
    print(_left(account, project))
    return False


def _why(said: Mapping[str, Any]) -> str:
    """Return the reason that SageMaker has for how an update ended."""
    launched = said.get("ServiceCatalogProvisionedProductDetails", {}).get("ProvisionedProductStatusMessage")
    stacks = [
        each["CfnTemplateProviderDetail"].get("StackDetail", {}).get("StatusMessage")
        for each in said.get("TemplateProviderDetails", [])
    ]
    return "; ".join(filter(None, [launched, *stacks])) or "SageMaker gives no reason"


def _left(account: Account, project: Project) -> str:
    """Say what a failed update has left, and what to do."""
    (stack,) = account.client("cloudformation").describe_stacks(StackName=project.stack)["Stacks"]
    status = stack["StackStatus"]
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return (
            f"CloudFormation has taken everything back: the project is as it was, of version {project.origin.version}. "
            "Put right what the reason says, then run this again."
        )
    if status == "UPDATE_ROLLBACK_FAILED":
        return (
            f"The stack is {status}: put right what its events say, then aws cloudformation continue-update-rollback "
            f"--stack-name {project.stack}; the project can be upgraded again once it is UPDATE_ROLLBACK_COMPLETE."
        )
    return f"The stack is {status}; its events say what happened."


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return key, value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/upgrade",
        description="Say what bringing a project's infrastructure to another published version changes, and do it.",
    )
    parser.add_argument("project", metavar="PROJECT", help="the name of the project, as Studio shows it")
    parser.add_argument("--to", metavar="VERSION", help="a published version; else the newest")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--preview", action="store_true", help="say what would change, and change nothing (the default)")
    what.add_argument("--apply", action="store_true", help="say what changes, do it, wait, and say how it ended")
    parser.add_argument(
        "--parameter", type=_pair, action="append", default=[], metavar="NAME=VALUE",
        help="another answer to a launch parameter, or one to a new parameter; those not given stay",
    )  # fmt: skip
    parser.add_argument(
        "--lose", action="append", default=[], metavar="LOGICAL_ID",
        help="a resource that may be lost with what it holds; without it that is refused",
    )  # fmt: skip
    parser.add_argument("--before-code", action="store_true", help="do not ask that the deploy repository comes first")
    options = parser.parse_args(arguments)
    request = Request(
        options.project, options.to, dict(options.parameter), options.apply, tuple(options.lose), options.before_code
    )
    try:
        with sentences():
            return 0 if upgrade(reach(), request, SystemClock()) else 1
    except PublishError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
