"""CodeBuild's builds: starting, stopping and telling of them."""

import json
import logging
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from tidegate_sandbox import context, credentials, hooks, journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import check_parameters
from tidegate_sandbox.services.codebuild import runner, webhooks
from tidegate_sandbox.services.codebuild.projects import check_role, check_source, codebuild, find, refuse_variables
from tidegate_sandbox.services.codebuild.records import Build, PipelineRequest, Project, lock, state
from tidegate_sandbox.services.codebuild.source import SourceError, hosted
from tidegate_sandbox.services.connections import Check, HostedRepository, PullRequestEvent, Push
from tidegate_sandbox.state import changing
from tidegate_sandbox.state.tasks import begin

_SOURCE_OVERRIDES = {
    "sourceTypeOverride": "type",
    "sourceLocationOverride": "location",
    "buildspecOverride": "buildspec",
}
_ENVIRONMENT_OVERRIDES = {
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
    "environmentTypeOverride": "type",
}
_PROJECT_OVERRIDES = {
    "artifactsOverride": "artifacts",
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "queuedTimeoutInMinutesOverride": "queuedTimeoutInMinutes",
    "serviceRoleOverride": "serviceRole",
    "encryptionKeyOverride": "encryptionKey",
    "cacheOverride": "cache",
    "logsConfigOverride": "logsConfig",
}
_TAKEN = {
    "projectName",
    "sourceVersion",
    "environmentVariablesOverride",
    "idempotencyToken",
    *_SOURCE_OVERRIDES,
    *_ENVIRONMENT_OVERRIDES,
    *_PROJECT_OVERRIDES,
}


@codebuild.operation("StartBuild")
def _start(p: dict[str, Any]) -> dict[str, Any]:
    return {"build": _start_as("local", p).describe()}


def start_from_event(delivery: hooks.Delivery) -> None:
    """Start a build of the project that an event rule's target names; its input is what StartBuild takes."""
    _, _, _, region, account, resource = delivery.arn.split(":", 5)
    given = json.loads(delivery.input) if delivery.input is not None else {}
    with hooks.acting_in(account, region):
        parameters = {**given, "projectName": resource.removeprefix("project/")}
        with credentials.acting_as(delivery.role, "events", delivery.rule):
            journal.acted("codebuild:StartBuild", delivery.arn)
        _start_as(f"rule/{delivery.rule}", check_parameters("codebuild", "StartBuild", parameters))


def start_from_host(what: Push | PullRequestEvent) -> None:
    """Start a build of each project whose webhook is to, follow it, and report how it goes on the commit."""
    told = webhooks.happening(what)
    if told is None:
        return
    for scope, here in state.everywhere():
        for project in list(here.projects.values()):
            listens = project.get("webhook")
            if listens is None or not webhooks.passes(listens["filterGroups"], told):
                continue
            with hooks.acting_in(scope.account, scope.region):
                try:
                    reached = hosted(project["source"]) is what.repository
                except SourceError:  # a host tells nothing through a connection that is gone
                    continue
                if reached:
                    _build_and_report(project["name"], told, what.repository)


def _build_and_report(project: str, told: webhooks.Happening, repository: HostedRepository) -> None:
    version = told.trigger if told.base else told.commit
    started = {"projectName": project, "sourceVersion": version}
    with changing():
        build = _start_as(f"{repository.provider}-Hookshot", started, told.variables())
        repository.report(told.commit, _check(build, "pending"))
        begin(_report, build, told, repository, name=told.trigger)


def _report(build: Build, told: webhooks.Happening, repository: HostedRepository) -> None:
    build.finished.wait()
    logging.getLogger(__name__).info("%s of %s: %s", build.id, told.trigger, build.status)
    repository.report(told.commit, _check(build, "success" if build.status == "SUCCEEDED" else "failure"))


def _check(build: Build, state: str) -> Check:
    name = f"AWS CodeBuild {build.scope.region} ({build.project['name']})"
    return Check(name, url=build.log.as_uri(), state=state)


def _start_as(initiator: str, p: dict[str, Any], webhook: Mapping[str, str] | None = None) -> Build:
    ignored = sorted(set(p) - _TAKEN)
    if ignored:
        raise AwsError("InvalidInputException", f"{', '.join(ignored)}: not in the local simulation")
    project = _overridden(find(p["projectName"]), p)
    if project["source"]["type"] == "CODEPIPELINE":
        raise AwsError("InvalidInputException", "A project whose source is CODEPIPELINE is started by its pipeline")
    check_role(project["serviceRole"])
    declared = _declared(project, p.get("environmentVariablesOverride", []))
    token = (project["name"], p.get("idempotencyToken", ""))
    version = p.get("sourceVersion") or project.get("sourceVersion", "")
    with lock, changing():
        known = state.here().tokens.get(token) if token[1] else None
        if known is not None:
            return state.here().builds[known]
        build = _new(project, declared, version, initiator)
        build.webhook = dict(webhook or {})
        if token[1]:
            state.here().tokens[token] = build.id
        runner.start(build, _retry_by_itself)
    return build


@codebuild.operation("RetryBuild")
def _retry_asked(p: dict[str, Any]) -> dict[str, Any]:
    if "id" not in p:
        raise AwsError("InvalidInputException", "RetryBuild needs the id of a build")
    before = _find_build(p["id"])
    if before.ended is None:
        raise AwsError("InvalidInputException", f"{before.id} has not ended")
    if before.pipeline is not None:
        raise AwsError("InvalidInputException", f"{before.id} is of a pipeline, which retries it")
    token = ("RetryBuild", p.get("idempotencyToken", ""))
    with changing():
        known = state.here().tokens.get(token) if token[1] else None
        build = state.here().builds[known] if known else _again(before)
        if token[1]:
            state.here().tokens[token] = build.id
    return {"build": build.describe()}


def _again(before: Build) -> Build:
    """Start a build that is as `before` was to be."""
    with lock, changing():
        build = _new(before.project, before.declared, before.source_version, before.initiator)
        build.webhook = before.webhook
        build.retried, build.previous = before.retried + 1, before.arn
        runner.start(build, _retry_by_itself)
    return build


def _retry_by_itself(before: Build) -> None:
    """Retry a build that has failed as often as its project, or the phase that failed, says (never a pipeline's)."""
    if before.status not in ("FAILED", "FAULT", "TIMED_OUT") or before.pipeline is not None:
        return
    if before.retried < before.retry_up_to and not before.next:
        session = credentials.session_of(before.project["serviceRole"], "codebuild", f"AWSCodeBuild-{before.uuid}")
        with credentials.acting_with(session):
            journal.acted("codebuild:RetryBuild", before.project["arn"])
        with hooks.acting_in(before.scope.account, before.scope.region), changing():
            before.next = _again(before).arn


def start_for_pipeline(project_name: str, variables: list[dict[str, Any]], request: PipelineRequest) -> Build:
    """Start a build for an action of a pipeline and return it; wait on its `finished`. AwsError where it cannot be."""
    project = find(project_name)
    if project["source"]["type"] != "CODEPIPELINE":
        raise AwsError(
            "InvalidInputException",
            f"the source of project {project_name} is {project['source']['type']}, "
            "and must be CODEPIPELINE for a pipeline to use it",
        )
    check_role(project["serviceRole"])
    declared = _declared(project, variables)
    primary = request.sources[0]
    version = f"arn:aws:s3:::{primary.bucket}/{primary.key}"
    with lock, changing():
        build = _new(project, declared, version, f"codepipeline/{request.pipeline}", request)
        runner.start(build, _retry_by_itself)
    return build


def start_commands(
    buildspec: str, variables: Iterable[Mapping[str, str]], request: PipelineRequest, timeout_minutes: int
) -> Build:
    """Start a build of no project, for Commands of a pipeline, and return it; wait on its `finished`."""
    name = f"codepipeline-{request.pipeline}"
    project: Project = {
        "name": name,
        "arn": context.scope().arn("codebuild", f"project/{name}"),
        "source": {"type": "CODEPIPELINE", "buildspec": buildspec},
        "artifacts": {"type": "CODEPIPELINE"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [],
        },
        "serviceRole": request.acts_as[-1],
        "timeoutInMinutes": timeout_minutes,
        "queuedTimeoutInMinutes": 480,
        "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": f"/aws/codepipeline/{request.pipeline}"}},
    }
    with lock, changing():
        build = _new(
            project,
            _declared(project, [dict(one) for one in variables]),
            "",
            f"codepipeline/{request.pipeline}",
            request,
        )
        runner.start(build, _retry_by_itself)
    return build


def of_pipeline(build_id: str) -> Build:
    """Return the build that `start_for_pipeline` started; AwsError where it is not there."""
    return _find_build(build_id)


@codebuild.operation("StopBuild")
def _stop(p: dict[str, Any]) -> dict[str, Any]:
    build = _find_build(p["id"])
    stop(build)
    return {"build": build.describe()}


def stop(build: Build) -> None:
    """End `build`: at once where a command runs, else before the next one."""
    build.stopping = True
    if build.shell is not None:
        build.shell.stop()


@codebuild.operation("BatchGetBuilds")
def _batch_get(p: dict[str, Any]) -> dict[str, Any]:
    builds = state.here().builds
    ids = [one.rpartition(":build/")[2] for one in p["ids"]]
    return {
        "builds": [builds[one].describe() for one in ids if one in builds],
        "buildsNotFound": [one for one in ids if one not in builds],
    }


@codebuild.operation("ListBuilds")
def _list(p: dict[str, Any]) -> dict[str, Any]:
    return {"ids": _ordered(list(state.here().builds), p)}


@codebuild.operation("ListBuildsForProject")
def _list_for_project(p: dict[str, Any]) -> dict[str, Any]:
    name = find(p["projectName"])["name"]
    return {"ids": _ordered([id for id, one in list(state.here().builds.items()) if one.project["name"] == name], p)}


def _ordered(ids: list[str], p: dict[str, Any]) -> list[str]:
    return ids if p.get("sortOrder") == "ASCENDING" else ids[::-1]


def _find_build(name: str) -> Build:
    found = state.here().builds.get(name.rpartition(":build/")[2])
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Build cannot be found: {name}")
    return found


def _overridden(project: Project, p: dict[str, Any]) -> Project:
    made = dict(project)
    made["source"] = project["source"] | {to: p[name] for name, to in _SOURCE_OVERRIDES.items() if name in p}
    environment = {to: p[name] for name, to in _ENVIRONMENT_OVERRIDES.items() if name in p}
    made["environment"] = project["environment"] | environment
    made |= {to: p[name] for name, to in _PROJECT_OVERRIDES.items() if name in p}
    check_source(made["source"], made["artifacts"])
    return made


def _declared(project: Project, overrides: list[dict[str, Any]]) -> list[dict[str, Any]]:
    refuse_variables(overrides)
    of_project = project["environment"]["environmentVariables"]
    by_name = {one["name"]: {"type": "PLAINTEXT", **one} for one in [*of_project, *overrides]}
    return list(by_name.values())


def _new(
    project: Project,
    declared: list[dict[str, Any]],
    version: str,
    initiator: str,
    request: PipelineRequest | None = None,
) -> Build:
    here = state.here()
    name, identifier = project["name"], str(uuid.uuid4())
    number = here.numbers[name] = here.numbers.get(name, 0) + 1
    logs = project.get("logsConfig", {}).get("cloudWatchLogs", {})
    stream = "/".join(filter(None, [logs.get("streamName"), identifier]))
    made = Build(
        uuid=identifier,
        number=number,
        project=project,
        scope=context.scope(),
        declared=declared,
        source_version=version,
        initiator=initiator,
        started=context.sandbox().clock.now(),
        log=context.sandbox().home / "codebuild" / "logs" / name / f"{identifier}.log",
        group=logs.get("groupName") or f"/aws/codebuild/{name}",
        stream=stream,
        pipeline=request,
        retry_up_to=0 if request else int(project.get("autoRetryLimit", 0)),
    )
    here.builds[made.id] = made
    return made
