"""CodePipeline's pipelines: the API, AWS::CodePipeline::Pipeline, and starting one from an event."""

import contextlib
import json
import logging
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tidegate_sandbox import context, credentials, hooks, journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import Service, check_parameters
from tidegate_sandbox.services.codepipeline.acting import check_roles
from tidegate_sandbox.services.codepipeline.engine import Line
from tidegate_sandbox.services.codepipeline.execution import Disabled, Execution, variables_of
from tidegate_sandbox.services.codepipeline.structure import Pipeline, structure
from tidegate_sandbox.services.properties import as_parameters

codepipeline = Service("codepipeline")


@dataclass
class Kept:
    """A pipeline: as it was declared, as it is read, and its executions."""

    declaration: dict[str, Any]
    pipeline: Pipeline
    version: int
    created: datetime
    updated: datetime
    tags: list[dict[str, str]] = field(default_factory=list)
    line: Line = field(default_factory=Line)
    tokens: dict[str, str] = field(default_factory=dict)


_pipelines: context.Scoped[dict[str, Kept]] = context.Scoped(dict)
_lock = threading.Lock()


def find(name: str) -> Kept:
    """Return the pipeline; AwsError where there is none."""
    found = _pipelines.here().get(name)
    if found is None:
        raise AwsError("PipelineNotFoundException", f"Account has no pipeline named {name}")
    return found


def everywhere() -> list[tuple[context.Scope, Kept]]:
    """Return every pipeline of every account and region, with its scope."""
    return [(scope, kept) for scope, here in _pipelines.everywhere() for kept in list(here.values())]


def _declared(declaration: dict[str, Any], version: int) -> dict[str, Any]:
    defaults = {"executionMode": "SUPERSEDED", "pipelineType": "V1"}
    return {**defaults, **declaration, "version": version}


@codepipeline.operation("CreatePipeline")
def create(p: dict[str, Any]) -> dict[str, Any]:
    """Create a pipeline and start its first execution, as AWS does; also for CloudFormation."""
    declaration = _declared(p["pipeline"], 1)
    pipeline = structure(declaration, context.scope().region)
    check_roles(pipeline)
    now = context.sandbox().clock.now()
    with _lock:
        if pipeline.name in _pipelines.here():
            raise AwsError("PipelineNameInUseException", f"A pipeline named {pipeline.name} already exists")
        kept = Kept(declaration, pipeline, 1, now, now, p.get("tags", []))
        _pipelines.here()[pipeline.name] = kept
    if all(value is not None for value in pipeline.variables.values()):
        start(kept, {"triggerType": "CreatePipeline", "triggerDetail": "local"})
    return {"pipeline": declaration, "tags": kept.tags}


@codepipeline.operation("UpdatePipeline")
def update(p: dict[str, Any]) -> dict[str, Any]:
    """Give a pipeline another structure; executions that run keep theirs. Also for CloudFormation."""
    kept = find(p["pipeline"]["name"])
    check_roles(structure(_declared(p["pipeline"], 0), context.scope().region))
    with _lock:
        declaration = _declared(p["pipeline"], kept.version + 1)
        kept.pipeline = structure(declaration, context.scope().region)
        kept.declaration, kept.version = declaration, kept.version + 1
        kept.updated = context.sandbox().clock.now()
    return {"pipeline": declaration}


@codepipeline.operation("GetPipeline")
def _get(p: dict[str, Any]) -> dict[str, Any]:
    kept = find(p["name"])
    if p.get("version", kept.version) != kept.version:
        raise AwsError(
            "PipelineVersionNotFoundException", f"{p['name']} is at version {kept.version}; none else is kept"
        )
    arn = context.scope().arn("codepipeline", p["name"])
    metadata = {"pipelineArn": arn, "created": kept.created, "updated": kept.updated}
    return {"pipeline": kept.declaration, "metadata": metadata}


@codepipeline.operation("ListPipelines")
def _list(_: dict[str, Any]) -> dict[str, Any]:
    return {
        "pipelines": [
            {
                "name": name,
                "version": kept.version,
                "pipelineType": kept.declaration["pipelineType"],
                "executionMode": kept.pipeline.mode,
                "created": kept.created,
                "updated": kept.updated,
            }
            for name, kept in sorted(_pipelines.here().items())
        ]
    }


@codepipeline.operation("DeletePipeline")
def delete(p: dict[str, Any]) -> None:
    """Delete a pipeline; its executions are abandoned. What is not there is no error, as in AWS."""
    with _lock:
        gone = _pipelines.here().pop(p["name"], None)
    if gone is None:
        return
    for execution in list(gone.line.executions.values()):
        with contextlib.suppress(AwsError):  # it is over, or abandoned already
            gone.line.stop(execution, abandon=True, reason="The pipeline was deleted")


@codepipeline.operation("StartPipelineExecution")
def _start(p: dict[str, Any]) -> dict[str, Any]:
    trigger = {"triggerType": "StartPipelineExecution", "triggerDetail": whoever()}
    return {"pipelineExecutionId": _start_as(trigger, p)}


def _start_as(trigger: Mapping[str, str], p: dict[str, Any]) -> str:
    commits = {}
    for revision in p.get("sourceRevisions", []):
        if revision["revisionType"] != "COMMIT_ID":
            raise AwsError(
                "ValidationException", f"source revision {revision['revisionType']} is not simulated: COMMIT_ID"
            )
        commits[revision["actionName"]] = revision["revisionValue"]
    return start(
        find(p["name"]),
        trigger,
        token=p.get("clientRequestToken"),
        variables={one["name"]: one["value"] for one in p.get("variables", [])},
        commits=commits,
    )


def whoever() -> str:
    """Return the ARN of whom a change is put down to: the account itself."""
    return f"arn:aws:iam::{context.scope().account}:root"


def start(
    kept: Kept,
    trigger: Mapping[str, str],
    token: str | None = None,
    variables: Mapping[str, str] | None = None,
    commits: Mapping[str, str] | None = None,
    branches: Mapping[str, str] | None = None,
) -> str:
    """Start an execution and return its id; the same `token` again gives the same execution."""
    try:
        values = variables_of(kept.pipeline, variables or {})
    except ValueError as error:
        raise AwsError("ValidationException", str(error)) from None
    now = context.sandbox().clock.now()
    with _lock:
        if token is not None and token in kept.tokens:
            return kept.tokens[token]
        execution = Execution(
            id=str(uuid.uuid4()),
            pipeline=kept.pipeline,
            version=kept.version,
            scope=context.scope(),
            trigger=trigger,
            started=now,
            updated=now,
            given_variables=values,
            commits=commits or {},
            branches=branches or {},
        )
        if token is not None:
            kept.tokens[token] = execution.id
    # Not under the lock: adding may send events, and they may start pipelines.
    kept.line.add(execution)
    return execution.id


def start_from_event(delivery: hooks.Delivery) -> None:
    """Start the pipeline that an event rule's target names: an event that comes twice starts it twice, as in AWS.

    The target's input may have variables and the revision of a source, which AWS writes as one or as a list of them.
    """
    _, _, _, region, account, name = delivery.arn.split(":", 5)
    given = _given_with(delivery.input)
    with hooks.acting_in(account, region):
        if name not in _pipelines.here():
            logging.getLogger(__name__).warning("an event names pipeline %s, which does not exist", delivery.arn)
            return
        with credentials.acting_as(delivery.role, "events", delivery.rule):
            journal.acted("codepipeline:StartPipelineExecution", delivery.arn)
        rule = context.scope().arn("events", f"rule/{delivery.rule}")
        parameters = check_parameters("codepipeline", "StartPipelineExecution", {**given, "name": name})
        _start_as({"triggerType": "CloudWatchEvent", "triggerDetail": rule}, parameters)


def _given_with(text: str | None) -> dict[str, Any]:
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(told, dict):
        return {}
    given = {key: told[key] for key in ("sourceRevisions", "variables") if key in told}
    if isinstance(given.get("sourceRevisions"), dict):
        given["sourceRevisions"] = [given["sourceRevisions"]]
    return given


class PipelineResource:
    """AWS::CodePipeline::Pipeline: Ref gives the name, GetAtt the Version."""

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, hooks.Attributes]:
        """Create the pipeline, which starts its first execution."""
        name = properties.get("Name") or hooks.physical_name(stack, logical_id, 100)
        closed = self._closed(properties)
        create(self._parameters({**properties, "Name": name}))
        self._close(name, closed)
        return name, {"Version": "1"}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, hooks.Attributes]:
        """Change the structure; another name means another pipeline."""
        if new.get("Name", physical_id) != physical_id:
            return self.create(logical_id, new, stack)
        update({"pipeline": self._parameters({**new, "Name": physical_id})["pipeline"]})
        kept = find(physical_id)
        self._close(physical_id, self._closed(new))
        if str(new.get("RestartExecutionOnUpdate", "false")).lower() == "true":
            start(kept, {"triggerType": "StartPipelineExecution", "triggerDetail": f"stack {stack}"})
        return physical_id, {"Version": str(kept.version)}

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete the pipeline."""
        delete({"name": physical_id})

    def _closed(self, properties: dict[str, Any]) -> dict[str, str]:
        """Return the stages whose inbound transition is disabled, each with the reason."""
        return {one["StageName"]: one["Reason"] for one in properties.get("DisableInboundStageTransitions") or ()}

    def _close(self, name: str, closed: dict[str, str]) -> None:
        kept = find(name)
        stages = {stage.name: stage for stage in kept.pipeline.stages}
        if unknown := sorted(set(closed) - set(stages)):
            raise ValueError(f"DisableInboundStageTransitions names {', '.join(unknown)}, which is no stage")
        now = context.sandbox().clock.now()
        for stage_name, stage in stages.items():
            reason = closed.get(stage_name)
            kept.line.set_transition(stage, None if reason is None else Disabled(reason, whoever(), now))

    def _parameters(self, properties: dict[str, Any]) -> dict[str, Any]:
        others = ("Tags", "RestartExecutionOnUpdate", "DisableInboundStageTransitions")
        declared = {k: v for k, v in properties.items() if k not in others}
        wrapped = {"Pipeline": declared, **({"Tags": properties["Tags"]} if properties.get("Tags") else {})}
        given = as_parameters("codepipeline", "CreatePipeline", wrapped)
        return check_parameters("codepipeline", "CreatePipeline", given)
