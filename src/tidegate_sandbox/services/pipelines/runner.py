"""Runs an execution: starts each step when what it needs has succeeded, side by side, until the first failure."""

import logging
import queue

from tidegate_sandbox import context, credentials, hooks
from tidegate_sandbox.services.pipelines import schedule
from tidegate_sandbox.services.pipelines.definition import CACHED, Step
from tidegate_sandbox.services.pipelines.execution import RUNNING, Execution
from tidegate_sandbox.services.pipelines.steps import StepFailed, StepStopped, arguments, outcome, perform
from tidegate_sandbox.state import changing
from tidegate_sandbox.state.tasks import going_on

_log = logging.getLogger(__name__)

FAILED = "Step failure: One or multiple steps failed."

REASON_LENGTH = 1024  # FailureReason of a step in botocore's model


def run(execution: Execution) -> None:
    """Take the execution to its end. What is under way when a step fails ends by itself; nothing new begins.

    One that a sandbox before this one began goes on with the steps that had not ended.
    """
    if execution.status not in RUNNING:
        return
    if not going_on():
        execution.tell_start()
    try:
        session = credentials.session_of(execution.role, "sagemaker", execution.id)
        with credentials.acting_with(session):
            execution.scope = context.scope()
            _run_steps(execution)
    except Exception as error:
        _log.exception("%s failed", execution.arn)
        execution.enter("Failed", f"InternalServerError: {type(error).__name__}: {error}")
    else:
        if any(run.status == "Failed" for run in execution.begun()):
            execution.enter("Failed", FAILED)
        else:
            execution.enter("Stopped" if execution.stopping else "Succeeded")
    _log.info("%s: %s", execution.arn, execution.status)


def _run_steps(execution: Execution) -> None:
    steps = execution.first_steps()
    over: queue.SimpleQueue[Step] = queue.SimpleQueue()
    running = 0

    def start(step: Step) -> None:
        hooks.run_in_background(_run_step, step, execution, over, name=f"{execution.id}-{step.name}")

    for begun in execution.begun():
        if begun.status == "Executing":
            start(begun.step)
            running += 1
        else:
            steps += execution.branch(begun)
    while True:
        status = {run.step.name: run.status for run in execution.begun()}
        if not execution.stopping and "Failed" not in status.values():
            succeeded = [name for name, each in status.items() if each == "Succeeded"]
            free = (execution.most_parallel or len(steps)) - running
            for step in schedule.ready(steps, status, succeeded)[: max(0, free)]:
                execution.begin(step)
                start(step)
                running += 1
        if not running:
            return
        ended = over.get()
        running -= 1
        steps += execution.branch(execution.runs[ended.name])


def _run_step(step: Step, execution: Execution, over: "queue.SimpleQueue[Step]") -> None:
    try:
        _try(step, execution)
    except StepStopped:
        execution.change(step.name, status="Stopped")
    except StepFailed as failure:
        _log.info("%s: step %s failed: %s", execution.arn, step.name, failure)
        execution.change(step.name, status="Failed", failure_reason=str(failure)[:REASON_LENGTH])
    except Exception as error:
        _log.exception("%s: step %s failed", execution.arn, step.name)
        reason = f"InternalServerError: {type(error).__name__}: {error}"
        execution.change(step.name, status="Failed", failure_reason=reason[:REASON_LENGTH])
    finally:
        over.put(step)


def _try(step: Step, execution: Execution) -> None:
    """Do the step, again where its retry policies say so."""
    if step.type == "Condition":
        outcome(step, execution)
        execution.change(step.name, status="Succeeded")
        return
    given = arguments(step, execution)
    if _take_cached(step, execution, given):
        return
    clock, attempts = context.sandbox().clock, 1
    began = clock.now()
    while True:
        try:
            properties = perform(step, execution, given)
            break
        except StepFailed as failure:
            wait = schedule.retry_after(step.retry_policies, failure.fault, attempts, clock.now() - began)
            if wait is None:
                raise
            _log.info("%s: step %s is tried again in %g s: %s", execution.arn, step.name, wait, failure)
        _wait(execution, wait)
        attempts += 1
        execution.change(step.name, attempts=attempts)
    with changing():
        execution.change(step.name, status="Succeeded", properties=properties)
        _keep(step, execution, given)


def _wait(execution: Execution, seconds: float) -> None:
    clock = context.sandbox().clock
    while seconds > 0:
        if execution.stopping:
            raise StepStopped
        clock.sleep(min(1.0, seconds))
        seconds -= 1.0


def _take_cached(step: Step, execution: Execution, given: dict[str, object]) -> bool:
    """Take the result of an earlier run where the step's CacheConfig allows it and there is one."""
    config = step.cache_config
    if not config.enabled or config.expire_after is None or step.type not in CACHED:
        return False
    now, signature = context.sandbox().clock.now(), schedule.signature(step.type, given)
    result = schedule.find(list(execution.pipeline.results), step.name, signature, now, config.expire_after)
    if result is None:
        return False
    execution.change(
        step.name,
        status="Succeeded",
        properties=result.properties,
        metadata=result.metadata,
        cached_from=result.execution_arn,
    )
    return True


def _keep(step: Step, execution: Execution, given: dict[str, object]) -> None:
    """Keep what the step left for later executions of the same pipeline."""
    run = execution.runs[step.name]
    if step.type in CACHED and run.ended is not None:
        signature = schedule.signature(step.type, given)
        execution.pipeline.results.append(
            schedule.Result(step.name, signature, run.ended, execution.arn, run.properties, run.metadata)
        )
