"""What CodePipeline keeps of executions, and how they take their turns: values and pure transitions."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from tidegate_sandbox import context
from tidegate_sandbox.services.codepipeline.conditions import Rule, When
from tidegate_sandbox.services.codepipeline.structure import Action, Mode, Pipeline, Stage

ExecutionStatus = Literal["Cancelled", "InProgress", "Stopped", "Stopping", "Succeeded", "Superseded", "Failed"]
ActionStatus = Literal["InProgress", "Abandoned", "Succeeded", "Failed"]
StageStatus = Literal["InProgress", "Failed", "Stopped", "Stopping", "Succeeded", "Skipped"]


@dataclass(frozen=True)
class Turn:
    """Who is in a stage and who waits before it: one execution at a time, in the order in which they came.

    While it is `closed` (its inbound transition is disabled) nobody comes in.
    """

    inside: str | None = None
    waiting: tuple[str, ...] = ()
    closed: bool = False

    def arrive(self, who: str, mode: Mode, ahead: bool = False) -> tuple["Turn", tuple[str, ...]]:
        """Let `who` in or make it wait; return also those that it supersedes (they waited, in mode SUPERSEDED).

        One that comes `ahead` waits before all others and supersedes none.
        """
        if self.inside is None and not self.closed:
            return replace(self, inside=who), ()
        if ahead:
            return replace(self, waiting=(who, *self.waiting)), ()
        if mode == "SUPERSEDED":
            return replace(self, waiting=(who,)), self.waiting
        return replace(self, waiting=(*self.waiting, who)), ()

    def leave(self, who: str) -> "Turn":
        """Take `who` away; where it was inside, the one that waited longest comes in."""
        left = replace(self, waiting=tuple(one for one in self.waiting if one != who))
        return replace(left, inside=None)._filled() if self.inside == who else left

    def opened(self, is_open: bool) -> "Turn":
        """Open or close it; where it opens, the one that waited longest comes in."""
        return replace(self, closed=not is_open)._filled()

    def _filled(self) -> "Turn":
        if self.inside is not None or self.closed or not self.waiting:
            return self
        return replace(self, inside=self.waiting[0], waiting=self.waiting[1:])


@dataclass(frozen=True)
class Disabled:
    """Why, by whom and when the inbound transition of a stage was disabled."""

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Location:
    """Where an artefact is in S3."""

    bucket: str
    key: str


@dataclass(frozen=True)
class JobResult:
    """What a function has answered: the code and the message of a failure, or what it has made.

    With a `continuation` it goes on: it is to be asked again, with that.
    """

    code: str = ""
    message: str = ""
    external_id: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    continuation: str = ""


@dataclass
class Job:
    """One question to a function, which answers by `id` (PutJobSuccessResult, PutJobFailureResult)."""

    id: str
    asked: datetime
    continuation: str = ""
    result: JobResult | None = None


@dataclass(kw_only=True)
class Run:
    """One run of an action, or of a rule of one of a stage's conditions."""

    stage: Stage
    started: datetime
    updated: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: ActionStatus = "InProgress"
    configuration: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Location] = field(default_factory=dict)
    outputs: Mapping[str, Location] = field(default_factory=dict)
    external_id: str = ""
    external_url: str = ""
    summary: str = ""
    error_code: str = ""
    job: Job | None = None
    """What was asked last of a function."""

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return self.status != "InProgress"


@dataclass(kw_only=True)
class ActionExecution(Run):
    """One run of an action."""

    action: Action
    token: str | None = None
    approval: Literal["Approved", "Rejected"] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    told: bool = False
    """Whether it has ended and its last event has gone out."""

    @property
    def declared(self) -> Action:
        """What it is a run of."""
        return self.action


@dataclass(kw_only=True)
class RuleExecution(Run):
    """One evaluation of a rule of one of a stage's conditions."""

    rule: Rule
    when: When

    @property
    def declared(self) -> Rule:
        """What it is a run of."""
        return self.rule

    @property
    def is_errored(self) -> bool:
        """Whether it could not be evaluated, which is another thing than not being met."""
        return self.status == "Failed" and self.error_code not in ("", "JobFailed")


@dataclass(frozen=True)
class Revision:
    """What a source action took: of the artefact `artifact`."""

    action: str
    artifact: str
    id: str
    summary: str
    url: str


@dataclass
class Attempt:
    """A run of a stage: its groups of actions, and from where on in the execution's actions they are."""

    first: int
    groups: list[tuple[Action, ...]]
    again: bool = False
    """Whether the stage was run again by itself after it had failed."""


@dataclass
class Execution:
    """One execution, of a pipeline as it was when the execution started."""

    id: str
    pipeline: Pipeline
    version: int
    scope: context.Scope
    trigger: Mapping[str, str]
    started: datetime
    updated: datetime
    given_variables: Mapping[str, str] = field(default_factory=dict)
    commits: Mapping[str, str] = field(default_factory=dict)
    """The commits that source actions are to take, by action."""
    branches: Mapping[str, str] = field(default_factory=dict)
    """The branches where these were made, by action, as far as the change that started the execution tells."""
    status: ExecutionStatus = "InProgress"
    summary: str = ""
    stop_reason: str | None = None
    abandoned: bool = False
    actions: list[ActionExecution] = field(default_factory=list)
    rules: list[RuleExecution] = field(default_factory=list)
    overridden: set[tuple[str, When]] = field(default_factory=set)
    """The conditions, by stage, that somebody has overridden."""
    rolls_back_to: str | None = None
    """The execution that it rolls a stage back to; it runs that stage only."""
    stages: dict[str, StageStatus] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    """The last run of each stage."""
    artifacts: dict[str, Location] = field(default_factory=dict)
    output_variables: dict[str, Mapping[str, str]] = field(default_factory=dict)
    revisions: dict[str, Revision] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, Mapping[str, str]]:
        """Every variable that an action may refer to, by namespace."""
        return {
            **self.output_variables,
            "codepipeline": {"PipelineExecutionId": self.id},
            "variables": self.given_variables,
        }

    @property
    def is_over(self) -> bool:
        """Whether nothing of it will run any more, unless a stage is retried."""
        return self.status not in ("InProgress", "Stopping")

    def latest(self, stage: str, action: str) -> ActionExecution | None:
        """Return the latest run of an action in this execution."""
        runs = [run for run in self.actions if (run.stage.name, run.action.name) == (stage, action)]
        return runs[-1] if runs else None

    def run_of(self, attempt: Attempt, action: Action) -> ActionExecution | None:
        """Return the run of an action in an attempt, or None where it has not begun."""
        return next((run for run in self.actions[attempt.first :] if run.action == action), None)

    def judged(self, stage: Stage, when: When = "BEFORE_ENTRY") -> list[RuleExecution]:
        """Return the latest evaluation of each rule of one of the conditions of `stage`."""
        latest = {run.rule.name: run for run in self.rules if run.stage.name == stage.name and run.when == when}
        return list(latest.values())


def variables_of(pipeline: Pipeline, given: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the pipeline's variables; ValueError, as a sentence, for one unknown or without a value."""
    unknown = sorted(set(given) - set(pipeline.variables))
    if unknown:
        raise ValueError(f"pipeline {pipeline.name} has no variable {', '.join(unknown)}")
    values: dict[str, Any] = {**pipeline.variables, **given}
    unset = sorted(name for name, value in values.items() if value is None)
    if unset:
        raise ValueError(f"variable {', '.join(unset)} has no default, so a value must be given")
    return values


def to_run(stage: Stage, execution: Execution, only_failed: bool) -> list[tuple[Action, ...]]:
    """Return the groups of actions that a run of `stage` has to run: all, or in a retry those that did not succeed."""
    if not only_failed:
        return stage.groups()

    def succeeded(action: Action) -> bool:
        latest = execution.latest(stage.name, action.name)
        return latest is not None and latest.status == "Succeeded"

    remaining = (tuple(action for action in group if not succeeded(action)) for group in stage.groups())
    return [group for group in remaining if group]
