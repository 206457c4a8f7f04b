"""The records of pipelines and of their executions, as threads share them."""

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tidegate_sandbox import context, hooks
from tidegate_sandbox.context import Scoped, scope
from tidegate_sandbox.services.jobs.job import Job
from tidegate_sandbox.services.pipelines.definition import Definition, Step
from tidegate_sandbox.services.pipelines.schedule import Result
from tidegate_sandbox.services.pipelines.selection import Selection
from tidegate_sandbox.state import Lock

RUNNING = ("Executing", "Stopping")


@dataclass
class Pipeline:
    """A pipeline. `text` is its definition as it was given, `results` what its steps can take from earlier runs."""

    name: str
    arn: str
    text: str
    definition: Definition
    role: str
    token: str
    created: datetime
    modified: datetime
    display_name: str
    description: str | None = None
    most_parallel: int | None = None
    last_run: datetime | None = None
    executions: "list[Execution]" = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


@dataclass(frozen=True)
class StepRun:
    """A step of an execution: what ListPipelineExecutionSteps tells of it, and its properties for expressions."""

    step: Step
    started: datetime
    status: str = "Executing"
    ended: datetime | None = None
    attempts: int = 1
    failure_reason: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    cached_from: str | None = None
    reused_from: str | None = None


class Execution:
    """An execution of a pipeline, with the definition that the pipeline had when it began."""

    def __init__(self, pipeline: Pipeline, values: Mapping[str, Any], request: Mapping[str, Any]) -> None:
        self.pipeline = pipeline
        self.definition, self.text, self.role = pipeline.definition, pipeline.text, pipeline.role
        self.id = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))
        self.arn = f"{pipeline.arn}/execution/{self.id}"
        self.parameters = values
        self.given: list[dict[str, str]] = list(request.get("PipelineParameters", ()))
        self.token: str = request["ClientRequestToken"]
        self.created = self.modified = context.sandbox().clock.now()
        self.display_name = request.get("PipelineExecutionDisplayName") or f"execution-{_milliseconds(self.created)}"
        self.description: str | None = request.get("PipelineExecutionDescription")
        asked = request.get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps")
        self.most_parallel: int | None = asked or pipeline.most_parallel
        self.status = "Executing"
        self.failure_reason: str | None = None
        self.runs: dict[str, StepRun] = {}
        self.selection: Selection | None = None
        self.selected_by: Mapping[str, Any] | None = None
        """The SelectiveExecutionConfig that `selection` comes of."""
        self._ended_before: str | None = None
        self.retries: list[str] = []
        self.stopped_by: str | None = None
        """The token of the request that stopped it, which may come again."""
        """The tokens of the requests by which it was tried again."""
        self.scope = scope()
        self._jobs: set[Job] = set()
        self._lock = Lock()

    @property
    def variables(self) -> dict[str, str]:
        """What `Execution.` expressions come to."""
        moment = "%Y-%m-%dT%H:%M:%SZ"
        return {
            "CurrentDateTime": context.sandbox().clock.now().strftime(moment),
            "PipelineArn": self.pipeline.arn,
            "PipelineExecutionArn": self.arn,
            "PipelineExecutionId": self.id,
            "PipelineName": self.pipeline.name,
            "StartDateTime": self.created.strftime(moment),
        }

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop it."""
        return self.status == "Stopping"

    def reuse(self, selection: Selection, config: Mapping[str, Any], source: "Execution | None") -> None:
        """Run the selected steps alone, on what `source` left of those that they need."""
        self.selection, self.selected_by = selection, config
        if source is not None:
            for name in sorted(selection.reused):
                self.runs[name] = replace(source.runs[name], reused_from=source.arn)

    def first_steps(self) -> list[Step]:
        """Return the steps to begin with: those of branches follow their conditions."""
        return self.selection.first(self.definition) if self.selection else list(self.definition.steps)

    def branch(self, condition: StepRun) -> list[Step]:
        """Return the steps that run by the outcome of a condition; none where it has none."""
        if condition.step.type != "Condition" or not condition.properties:
            return []
        steps = condition.step.branch(condition.properties["Outcome"] == "True")
        return self.selection.of(steps) if self.selection else list(steps)

    def try_again(self, token: str, most_parallel: int | None) -> bool:
        """Forget the steps that did not succeed, so that they run again; whether it had ended without success."""
        with self._lock:
            if self.status not in ("Failed", "Stopped"):
                return False
            self.runs = {name: run for name, run in self.runs.items() if run.status == "Succeeded"}
            self.retries.append(token)
            self.most_parallel = most_parallel or self.most_parallel
            self.failure_reason = None
            self.modified = context.sandbox().clock.now()
            self._ended_before, self.status = self.status, "Executing"
        return True

    def begin(self, step: Step) -> None:
        """Record that `step` runs."""
        self._set(StepRun(step, context.sandbox().clock.now()), previous="Starting")

    def change(self, name: str, **changes: Any) -> None:
        """Record what changed about a step; with a final status, that it is over. Only its own thread changes it."""
        before = self.runs[name]
        if changes.get("status", "Executing") != "Executing":
            changes["ended"] = context.sandbox().clock.now()
        self._set(replace(before, **changes), previous=before.status)

    def _set(self, run: StepRun, previous: str) -> None:
        with self._lock:
            self.runs[run.step.name] = run
            self.modified = context.sandbox().clock.now()
        if run.status != previous:
            self._emit(
                "SageMaker Model Building Pipeline Execution Step Status Change",
                {
                    "stepName": run.step.name,
                    "stepType": run.step.type,
                    "stepStartTime": run.started.isoformat(),
                    "stepEndTime": run.ended.isoformat() if run.ended else None,
                    "previousStepStatus": previous,
                    "currentStepStatus": run.status,
                    "failureReason": run.failure_reason,
                    "metadata": _lower_camel(run.metadata),
                    "cacheHitResult": {"sourcePipelineExecutionArn": run.cached_from} if run.cached_from else None,
                },
            )

    def begun(self) -> list[StepRun]:
        """Return the steps that have begun, in that order."""
        with self._lock:
            return list(self.runs.values())

    def enter(self, status: str, failure_reason: str | None = None) -> None:
        """Record the execution's status, and tell EventBridge."""
        with self._lock:
            previous, self.failure_reason = self.status, failure_reason
            self.modified = context.sandbox().clock.now()
            # Last: who reads that it is over finds why, and since when.
            self.status = status
        self._tell(status, previous)

    def tell_start(self) -> None:
        """Tell EventBridge that the execution runs, unless it was stopped since it was made."""
        if not self.stopping:
            self._tell("Executing", self._ended_before)

    def _tell(self, status: str, previous: str | None) -> None:
        self._emit(
            "SageMaker Model Building Pipeline Execution Status Change",
            {
                "pipelineExecutionDisplayName": self.display_name,
                "pipelineExecutionDescription": self.description,
                "currentPipelineExecutionStatus": status,
                "previousPipelineExecutionStatus": previous,
                "executionStartTime": self.created.isoformat(),
                "executionEndTime": self.modified.isoformat() if status not in RUNNING else None,
            },
        )

    def _emit(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html."""
        both = {"pipelineArn": self.pipeline.arn, "pipelineExecutionArn": self.arn}
        told = {name: value for name, value in detail.items() if value is not None}
        hooks.emit_event("aws.sagemaker", detail_type, told | both, list(both.values()))

    def follow(self, job: Job) -> None:
        """Wait for a step's job; it is stopped when the execution is."""
        with self._lock:
            self._jobs.add(job)
            stopping = self.stopping
        if stopping:
            job.stop()
        job.wait()
        with self._lock:
            self._jobs.discard(job)

    def stop(self, token: str) -> bool:
        """Ask what runs to end, and let nothing further begin; return whether it was executing until this token."""
        with self._lock:
            if self.status != "Executing":
                return token == self.stopped_by
            self.status, self.stopped_by = "Stopping", token
            jobs = list(self._jobs)
        self._tell("Stopping", "Executing")
        for job in jobs:
            job.stop()
        return True


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _lower_camel(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name[0].lower() + name[1:]: _lower_camel(each) for name, each in value.items()}
    return value


pipelines: Scoped[dict[str, Pipeline]] = Scoped(dict)
"""By name, in the scope that is being served."""
