"""Evaluates the rules of a stage's conditions side by side, each with the role that it acts with."""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from botocore.exceptions import ClientError

from tidegate_sandbox import context, hooks
from tidegate_sandbox.services.codepipeline import conditions, windows
from tidegate_sandbox.services.codepipeline.acting import attempt
from tidegate_sandbox.services.codepipeline.actions import (
    ActionFailedError,
    Outcome,
    Work,
    codebuild,
    commands,
    function,
)
from tidegate_sandbox.services.codepipeline.conditions import Checked, Condition, When
from tidegate_sandbox.services.codepipeline.execution import Execution, RuleExecution
from tidegate_sandbox.services.codepipeline.structure import Stage
from tidegate_sandbox.services.codepipeline.variables import resolve

Wait = Callable[[RuleExecution, Callable[[], bool], float], bool]
"""Waits for a run until a condition holds or so many seconds of the sandbox's clock have passed; whether it holds."""

_EVER = 100 * 365 * 24 * 3600.0
_MINUTE = 60.0
_TICK = 0.5


def evaluate(
    changed: threading.Condition, execution: Execution, stage: Stage, condition: Condition, when: When, wait: Wait
) -> RuleExecution | None:
    """Evaluate a condition; return the rule that is not met, one that could not be evaluated first, else None.

    None as well where the execution is stopped meanwhile: then nothing is decided.
    """
    with changed:
        runs = _begun(execution, stage, condition, when)
    for run in runs:
        if not run.is_done:
            hooks.run_in_background(_run, changed, execution, run, wait, name=f"rule-{run.id}")
    with changed:
        while execution.status == "InProgress" and not all(run.is_done for run in runs):
            # The sandbox's clock may run faster than the wall, so the rules' times are looked at now and then.
            changed.wait(_TICK)
            _end_late(execution, runs)
        for run in runs:
            if not run.is_done:
                _end(execution, run, "Abandoned")
        if execution.status != "InProgress":
            return None
        failed = [run for run in runs if run.status == "Failed"]
    return min(failed, key=lambda run: not run.is_errored, default=None)


def _begun(execution: Execution, stage: Stage, condition: Condition, when: When) -> list[RuleExecution]:
    """Return a run of each rule: a new one, or those that a sandbox before this one had begun with."""
    before = execution.judged(stage, when)
    if any(not run.is_done for run in before):
        return before
    now = context.sandbox().clock.now()
    runs = [
        RuleExecution(stage=stage, started=now, updated=now, rule=rule, when=when, configuration=rule.configuration)
        for rule in condition.rules
    ]
    execution.rules += runs
    execution.updated = now
    return runs


def _end(execution: Execution, run: RuleExecution, status: str, summary: str = "", code: str = "") -> None:
    run.status = status  # type: ignore[assignment]
    run.summary, run.error_code = summary or run.summary, code
    run.updated = execution.updated = context.sandbox().clock.now()


def _end_late(execution: Execution, runs: list[RuleExecution]) -> None:
    now = context.sandbox().clock.now()
    for run in runs:
        minutes = run.rule.timeout_minutes
        if minutes and not run.is_done and now - run.started >= timedelta(minutes=minutes):
            _end(execution, run, "Failed", f"{run.rule.name} has taken longer than {minutes} minutes", "TimeoutError")


def _run(changed: threading.Condition, execution: Execution, run: RuleExecution, wait: Wait) -> None:
    def announce() -> None:
        with changed:
            changed.notify_all()

    work = Work(execution, run, partial(wait, run), announce)
    _, failure = attempt(execution, f"rule {run.rule.name}", run.rule.role_arn, partial(_do, work, run))
    with changed:
        if not run.is_done:
            if failure is None:
                _end(execution, run, "Succeeded")
            else:
                _end(execution, run, "Failed", str(failure), failure.code)
        changed.notify_all()


def _do(work: Work, run: RuleExecution) -> Outcome:
    if missing := [name for name in run.rule.inputs if name not in work.execution.artifacts]:
        raise ActionFailedError(f"there is no artifact {missing[0]}", "ConfigurationError")
    run.inputs = {name: work.execution.artifacts[name] for name in run.rule.inputs}
    if run.rule.provider != "VariableCheck":
        run.configuration = {key: resolve(text, work.execution.variables) for key, text in run.configuration.items()}
    return _RUNNERS[run.rule.provider](work)


def _variable(work: Work) -> Outcome:
    assert isinstance(work.run, RuleExecution)
    return _held(work, conditions.check(work.run.rule, work.execution.variables))


def _alarm(work: Work) -> Outcome:
    assert isinstance(work.run, RuleExecution)
    if minutes := int(work.configuration.get("WaitTime", "0")):
        work.wait(lambda: False, minutes * _MINUTE)
    try:
        return _held(work, conditions.state_of_alarm(work.run.rule, work.execution.variables, _state))
    except ClientError as error:
        raise ActionFailedError(error.response["Error"]["Message"], "PermissionError") from None


def _state(alarm: str) -> str | None:
    kinds = ["MetricAlarm", "CompositeAlarm"]
    found = context.scope().client("cloudwatch").describe_alarms(AlarmNames=[alarm], AlarmTypes=kinds)
    return next((one["StateValue"] for kind in ("MetricAlarms", "CompositeAlarms") for one in found[kind]), None)


def _held(work: Work, checked: Checked) -> Outcome:
    work.run.configuration = checked.configuration
    if not checked.passed:
        raise ActionFailedError(checked.summary, checked.error_code)
    work.run.summary = checked.summary
    return Outcome()


def _window(work: Work) -> Outcome:
    cron, zone = work.configuration["Cron"], work.configuration.get("TimeZone", "UTC")
    try:
        window = windows.read(cron, zone)
    except ValueError as error:
        raise ActionFailedError(str(error), "ConfigurationError") from None
    clock = context.sandbox().clock
    looked = clock.now()

    def is_open() -> bool:
        nonlocal looked
        before, looked = looked, clock.now()
        # Between two looks at a clock that runs fast a window may have come and gone.
        return window.has_opened(before, looked)

    if not work.wait(is_open, _EVER):
        raise ActionFailedError("Nobody waits for the deployment window any more", "")
    work.run.summary = f"the deployment window {cron} ({zone}) is open"
    return Outcome()


_RUNNERS: Mapping[str, Callable[[Work], Outcome]] = {
    "VariableCheck": _variable,
    "CloudWatchAlarm": _alarm,
    "DeploymentWindow": _window,
    "LambdaInvoke": function.run,
    "CodeBuild": codebuild.run,
    "Commands": commands.run,
}
