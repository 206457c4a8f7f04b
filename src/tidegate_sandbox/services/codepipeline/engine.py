"""Runs executions: each on a thread of its own, through the stages in turn, the actions of a group side by side."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from tidegate_sandbox import context, hooks
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codepipeline import artifacts, rules
from tidegate_sandbox.services.codepipeline.acting import attempt
from tidegate_sandbox.services.codepipeline.actions import (
    Outcome,
    Runner,
    Task,
    approval,
    cloudformation,
    codebuild,
    codecommit,
    commands,
    connection,
    function,
)
from tidegate_sandbox.services.codepipeline.conditions import Condition, When
from tidegate_sandbox.services.codepipeline.events import action_changed, execution_changed, stage_changed
from tidegate_sandbox.services.codepipeline.execution import (
    ActionExecution,
    Attempt,
    Disabled,
    Execution,
    RuleExecution,
    Run,
    StageStatus,
    Turn,
    to_run,
)
from tidegate_sandbox.services.codepipeline.rollbacks import can_roll_back_to, rolling_back
from tidegate_sandbox.services.codepipeline.structure import Action, Stage
from tidegate_sandbox.services.codepipeline.variables import resolve
from tidegate_sandbox.state import Lock
from tidegate_sandbox.state.tasks import begin, going_on

RUNNERS: dict[str, Runner] = {
    "CodeCommit": codecommit.run,
    "CodeStarSourceConnection": connection.run,
    "CodeBuild": codebuild.run,
    "CloudFormation": cloudformation.run,
    "Manual": approval.run,
    "Commands": commands.run,
    "Lambda": function.run,
}
_TICK = 0.5


@dataclass
class Line:
    """The executions of one pipeline, and whose turn it is in each stage. `changed` guards all of it."""

    executions: dict[str, Execution] = field(default_factory=dict)
    turns: dict[str, Turn] = field(default_factory=dict)
    disabled: dict[str, Disabled] = field(default_factory=dict)
    """The stages whose inbound transition is disabled."""
    changed: threading.Condition = field(default_factory=lambda: threading.Condition(Lock()))  # type: ignore[arg-type]

    def add(self, execution: Execution, first: int = 0) -> None:
        """Line `execution` up before a stage, the first unless another is said, and run it in the background."""
        with self.changed:
            self.executions[execution.id] = execution
            superseded = self._arrive(execution, execution.pipeline.stages[first])
            self._start(execution, first, False)
        self._tell_superseded(superseded)

    def override(self, execution: Execution, stage: Stage, when: When) -> None:
        """Go on as if the condition had been met that `execution` failed by; AwsError where it failed by none."""
        following = execution.pipeline.stages.index(stage) + (1 if when == "ON_SUCCESS" else 0)
        with self.changed:
            failed = any(run.status == "Failed" for run in execution.judged(stage, when))
            if not execution.is_over or execution.stages.get(stage.name) != "Failed" or not failed:
                sentence = f"stage {stage.name} of {execution.id} has not failed by its condition {when}"
                raise AwsError("ConditionNotOverridableException", sentence)
            execution.overridden.add((stage.name, when))
            execution.status, execution.summary = "InProgress", ""
            if when == "ON_SUCCESS":
                execution.stages[stage.name] = "Succeeded"
            superseded = []
            if following < len(execution.pipeline.stages):
                superseded = self._arrive(execution, execution.pipeline.stages[following])
            self._start(execution, following, False)
        self._tell_superseded(superseded)

    def set_transition(self, stage: Stage, disabled: Disabled | None) -> None:
        """Let nobody into `stage` while its transition is `disabled`; None lets them in again."""
        with self.changed:
            if disabled is None:
                self.disabled.pop(stage.name, None)
            else:
                self.disabled[stage.name] = disabled
            self.turns[stage.name] = self.turns.get(stage.name, Turn()).opened(disabled is None)
            self.changed.notify_all()

    def retry(self, execution: Execution, stage: Stage, only_failed: bool) -> None:
        """Run `stage` again and go on from there; AwsError where it has not failed."""
        with self.changed:
            if not execution.is_over or execution.stages.get(stage.name) not in ("Failed", "Stopped"):
                raise AwsError("StageNotRetryableException", f"stage {stage.name} of {execution.id} has not failed")
            execution.status, execution.summary = "InProgress", ""
            execution.attempts.pop(stage.name, None)
            execution.stop_reason, execution.abandoned = None, False
            superseded = self._arrive(execution, stage)
            self._start(execution, execution.pipeline.stages.index(stage), only_failed)
        self._tell_superseded(superseded)

    def stop(self, execution: Execution, abandon: bool, reason: str) -> None:
        """Let no further action of `execution` start; with `abandon` wait for none either. AwsError once over."""
        with self.changed:
            if execution.is_over:
                raise AwsError(
                    "PipelineExecutionNotStoppableException", f"execution {execution.id} is {execution.status} already"
                )
            if execution.status == "Stopping" and not (abandon and not execution.abandoned):
                raise AwsError("DuplicatedStopRequestException", f"execution {execution.id} is being stopped already")
            execution.status, execution.stop_reason, execution.abandoned = "Stopping", reason, abandon
            self.changed.notify_all()
        execution_changed(execution, "STOPPING")

    def _start(self, execution: Execution, first: int, only_failed: bool) -> None:
        begin(self._run, execution, first, only_failed, name=f"pipeline-{execution.id}")

    def _run(self, execution: Execution, first: int, only_failed: bool) -> None:
        if going_on():
            first = self._where(execution, first)
        else:
            execution_changed(execution, "RESUMED" if execution.actions else "STARTED")
        if execution.is_over:
            return self._finish(execution, False)
        stages = execution.pipeline.stages[first : first + 1 if execution.rolls_back_to else None]
        crashed = False
        try:
            for stage, following in zip(stages, [*stages[1:], None], strict=True):
                if not self._entered(execution, stage):
                    break
                kept_out = None if stage.name in execution.attempts else self._kept_out(execution, stage)
                if kept_out:
                    goes_on = kept_out == "Skipped"
                else:
                    goes_on = self._concluded(execution, stage, self._run_stage(execution, stage, only_failed))
                only_failed = False
                if not goes_on or following is None:
                    break
                with self.changed:
                    # Arriving before leaving keeps the executions in their order.
                    superseded = self._arrive(execution, following)
                    self._leave(execution, stage)
                self._tell_superseded(superseded)
        except Exception:
            logging.getLogger(__name__).exception("execution %s", execution.id)
            crashed = True
        finally:
            self._finish(execution, crashed)

    def _where(self, execution: Execution, first: int) -> int:
        """Return the stage that an execution is in or waits for, where a sandbox before this one began it."""
        with self.changed:
            for number, stage in enumerate(execution.pipeline.stages):
                turn = self.turns.get(stage.name, Turn())
                if execution.id in (turn.inside, *turn.waiting):
                    return number
            # Where executions run in parallel none waits for its turn: it is in the last stage that has a status.
            stages = enumerate(execution.pipeline.stages)
            reached = [number for number, stage in stages if stage.name in execution.stages]
        return max((first, *reached))

    def _arrive(self, execution: Execution, stage: Stage) -> list[Execution]:
        if execution.pipeline.mode == "PARALLEL":
            return []
        turn = self.turns.get(stage.name, Turn())
        ahead = execution.rolls_back_to is not None
        self.turns[stage.name], gone = turn.arrive(execution.id, execution.pipeline.mode, ahead)
        superseded = [self.executions[one] for one in gone]
        for one in superseded:
            one.status, one.updated = "Superseded", context.sandbox().clock.now()
            one.summary = f"Superseded by {execution.id} before stage {stage.name}"
        self.changed.notify_all()
        return superseded

    def _leave(self, execution: Execution, stage: Stage) -> None:
        self.turns[stage.name] = self.turns.get(stage.name, Turn()).leave(execution.id)
        self.changed.notify_all()

    def _tell_superseded(self, superseded: list[Execution]) -> None:
        for one in superseded:
            execution_changed(one, "SUPERSEDED")

    def _entered(self, execution: Execution, stage: Stage) -> bool:
        with self.changed:
            self.changed.wait_for(lambda: execution.status != "InProgress" or self._has_turn(execution, stage))
            return execution.status == "InProgress"

    def _has_turn(self, execution: Execution, stage: Stage) -> bool:
        if execution.pipeline.mode == "PARALLEL":
            return stage.name not in self.disabled
        return self.turns[stage.name].inside == execution.id

    def _finish(self, execution: Execution, crashed: bool) -> None:
        with self.changed:
            for stage in execution.pipeline.stages:
                self._leave(execution, stage)
            if crashed:
                execution.status = "Failed"
            elif execution.status == "InProgress":
                failed = any(status == "Failed" for status in execution.stages.values())
                execution.status = "Failed" if failed else "Succeeded"
            elif execution.status == "Stopping":
                execution.status = "Stopped"
            execution.updated = context.sandbox().clock.now()
            ended = execution.status
            self.changed.notify_all()
        if ended != "Superseded":
            execution_changed(execution, ended.upper())

    def _kept_out(self, execution: Execution, stage: Stage) -> StageStatus | None:
        """Evaluate the condition of the stage's entry; return the stage's status where it is not entered."""
        if stage.entry is None or (unmet := self._unmet(execution, stage, stage.entry, "BEFORE_ENTRY")) is None:
            return None
        # A rule that could not be evaluated says nothing that a stage might be skipped by.
        kept_out: StageStatus = "Skipped" if stage.entry.result == "SKIP" and not unmet.is_errored else "Failed"
        with self.changed:
            execution.stages[stage.name] = kept_out
            if kept_out == "Failed":
                execution.summary = unmet.summary
        if kept_out == "Failed":
            stage_changed(execution, stage, "FAILED")
        return kept_out

    def _concluded(self, execution: Execution, stage: Stage, succeeded: bool) -> bool:
        """Evaluate the condition of the stage's success or failure, and do what it says; return whether it goes on."""
        if succeeded:
            if stage.success is None or (unmet := self._unmet(execution, stage, stage.success, "ON_SUCCESS")) is None:
                return True
            with self.changed:
                execution.stages[stage.name], execution.summary = "Failed", unmet.summary
            stage_changed(execution, stage, "FAILED")
            if stage.success.result == "ROLLBACK":
                self._roll_back_by_itself(execution, stage)
        elif execution.stages[stage.name] == "Failed" and self._leads_to_rollback(execution, stage):
            self._roll_back_by_itself(execution, stage)
        return False

    def _leads_to_rollback(self, execution: Execution, stage: Stage) -> bool:
        failure = stage.failure
        if failure is None:
            return False
        return not failure.rules or self._unmet(execution, stage, failure, "ON_FAILURE") is not None

    def _unmet(self, execution: Execution, stage: Stage, condition: Condition, when: When) -> RuleExecution | None:
        """Evaluate a condition; return the rule that is not met, one that could not be evaluated first, else None."""
        if (stage.name, when) in execution.overridden:
            return None
        return rules.evaluate(self.changed, execution, stage, condition, when, partial(self._wait, execution))

    def _roll_back_by_itself(self, execution: Execution, stage: Stage) -> None:
        trigger = {"triggerType": "AutomatedRollback", "triggerDetail": execution.id}
        with self.changed:
            if any(one.trigger == trigger for one in self.executions.values()):
                return  # by a sandbox before this one
            earlier = [
                one
                for one in self.executions.values()
                if one is not execution and can_roll_back_to(one, execution, stage)
            ]
        if not earlier:
            execution.summary = (
                f"{execution.summary} There is no execution that {stage.name} could be rolled back to.".strip()
            )
            return
        self.roll_back(earlier[-1], stage, "AutomatedRollback", execution.id)

    def roll_back(self, target: Execution, stage: Stage, trigger: str, detail: str) -> Execution:
        """Run `stage` as it was in `target`, in an execution of its own; return that."""
        execution = rolling_back(target, trigger, detail)
        self.add(execution, execution.pipeline.stages.index(stage))
        return execution

    def _run_stage(self, execution: Execution, stage: Stage, only_failed: bool) -> bool:
        attempt = execution.attempts.get(stage.name) or self._attempt(execution, stage, only_failed)
        if execution.stages[stage.name] == "InProgress":
            self._run_once(execution, stage, attempt)
        if execution.stages[stage.name] == "Failed" and stage.retry is not None and not attempt.again:
            attempt = self._attempt(execution, stage, stage.retry == "FAILED_ACTIONS", again=True)
            self._run_once(execution, stage, attempt)
        return execution.stages[stage.name] == "Succeeded"

    def _attempt(self, execution: Execution, stage: Stage, only_failed: bool, again: bool = False) -> Attempt:
        with self.changed:
            groups = to_run(stage, execution, only_failed)
            attempt = execution.attempts[stage.name] = Attempt(len(execution.actions), groups, again)
            execution.stages[stage.name] = "InProgress"
        stage_changed(execution, stage, "STARTED")
        return attempt

    def _run_once(self, execution: Execution, stage: Stage, attempt: Attempt) -> None:
        failed = False
        for group in attempt.groups:
            if failed or execution.status != "InProgress":
                break
            # A run that a sandbox before this one began is gone on with; one that had ended is not run again.
            found = [execution.run_of(attempt, action) for action in group]
            runs = [run or self._begin(execution, stage, each) for run, each in zip(found, group, strict=True)]
            for run in runs:
                if not run.told:
                    hooks.run_in_background(self._run_action, execution, run, name=f"action-{run.id}")
            with self.changed:
                self.changed.wait_for(partial(_is_over, execution, runs))
                for run in runs:
                    if not run.is_done:
                        run.status, run.updated = "Abandoned", context.sandbox().clock.now()
            failed = any(run.status == "Failed" for run in runs)
        with self.changed:
            stopped = execution.status != "InProgress"
            execution.stages[stage.name] = "Failed" if failed else "Stopped" if stopped else "Succeeded"
            execution.updated = context.sandbox().clock.now()
        stage_changed(execution, stage, "STOPPED" if stopped else "FAILED" if failed else "SUCCEEDED")

    def _begin(self, execution: Execution, stage: Stage, action: Action) -> ActionExecution:
        now = context.sandbox().clock.now()
        run = ActionExecution(stage=stage, action=action, started=now, updated=now)
        run.outputs = {name: artifacts.locate(execution.pipeline, name) for name in action.outputs}
        with self.changed:
            execution.actions.append(run)
            execution.updated = now
        action_changed(execution, run, "STARTED")
        return run

    def _run_action(self, execution: Execution, run: ActionExecution) -> None:
        if not run.is_done:
            self._do_action(execution, run)
        if not run.is_done or run.status == "Abandoned":
            return
        # The stage goes on after this event, so that events come in their order.
        action_changed(execution, run, run.status.upper())
        with self.changed:
            run.told = True
            self.changed.notify_all()

    def _do_action(self, execution: Execution, run: ActionExecution) -> None:
        outcome, failure = attempt(
            execution, f"action {run.action.name}", run.action.role_arn, partial(self._carry_out, execution, run)
        )
        with self.changed:
            if run.is_done or execution.abandoned:
                return
            run.updated = execution.updated = context.sandbox().clock.now()
            if failure is not None:
                run.status, run.summary, run.error_code = "Failed", str(failure), failure.code
            else:
                run.status, run.variables = "Succeeded", outcome.variables
                execution.artifacts.update(run.outputs)
                if outcome.revision is not None:
                    execution.revisions[outcome.revision.artifact] = outcome.revision
                if run.action.namespace:
                    execution.output_variables[run.action.namespace] = outcome.variables

    def _carry_out(self, execution: Execution, run: ActionExecution) -> Outcome:
        run.inputs = {name: execution.artifacts[name] for name in run.action.inputs}
        run.configuration = {k: resolve(v, execution.variables) for k, v in run.action.configuration.items()}
        return RUNNERS[run.action.provider](Task(execution, run, partial(self._wait, execution, run), self._announce))

    def _announce(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def _wait(self, execution: Execution, run: Run, condition: Callable[[], bool], seconds: float) -> bool:
        clock = context.sandbox().clock
        started = clock.now()
        with self.changed:
            while not condition():
                if execution.abandoned or run.is_done or (clock.now() - started).total_seconds() >= seconds:
                    return False
                # The sandbox's clock may run faster than the wall, so its end is looked for now and then.
                self.changed.wait(_TICK)
            return True


def _is_over(execution: Execution, runs: list[ActionExecution]) -> bool:
    return execution.abandoned or all(run.told for run in runs)
