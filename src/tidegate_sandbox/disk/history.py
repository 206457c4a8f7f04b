"""Forgets records of what is over, beyond the limits, now and then while a sandbox runs.

In use, and never forgotten, is what has not ended, and what something refers to that stays: a model's version, a
pipeline's execution, a run of a schedule, a result that a step may take again.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from tidegate_sandbox import context, credentials, processes
from tidegate_sandbox.disk import limits
from tidegate_sandbox.hooks import history
from tidegate_sandbox.hooks import stacks as stack_hooks
from tidegate_sandbox.services import registry
from tidegate_sandbox.services.codebuild import records as builds
from tidegate_sandbox.services.codebuild import reports
from tidegate_sandbox.services.codepipeline import pipelines as codepipelines
from tidegate_sandbox.services.codepipeline.execution import Execution
from tidegate_sandbox.services.jobs import inventory
from tidegate_sandbox.services.monitoring import records as monitoring
from tidegate_sandbox.services.pipelines import execution as pipelines
from tidegate_sandbox.services.pipelines import operations as pipeline_operations
from tidegate_sandbox.state import changing, tasks

R = TypeVar("R")

_ARN = re.compile(r"""arn:aws:[^'"\s,}\]]+""")


def rules(on_loop: history.OnLoop) -> dict[str, Callable[[], Any]]:
    """Return what forgets records, by name, in an order in which none keeps what a later one lets go."""
    own = (_codepipelines, _builds, _reports, _pipelines, _monitoring, _jobs, _sessions)
    ministacks = (_stacks, _alarms, _messages)
    of_ministack = {rule.__name__: partial(on_loop, rule) for rule in ministacks}
    return {rule.__name__: rule for rule in own} | of_ministack | {"_log_events": partial(_log_events, on_loop)}


# ---------------------------------------------------------------- pipelines
def _codepipelines() -> None:
    before = context.sandbox().clock.now() - limits.EXECUTIONS_FOR
    for _, kept in codepipelines.everywhere():
        with kept.line.changed:
            _forget_executions(kept, before)


def _forget_executions(kept: codepipelines.Kept, before: datetime) -> None:
    executions = kept.line.executions
    under_way = [one for one in executions.values() if not one.is_over]
    in_use = {one.id for one in under_way} | {one.rolls_back_to for one in under_way} | _latest(executions.values())
    for execution in limits.older(
        list(executions.values()), lambda one: one.id in in_use, lambda one: one.started < before
    ):
        del executions[execution.id]
        for token in [token for token, started in kept.tokens.items() if started == execution.id]:
            del kept.tokens[token]


def _latest(executions: Iterable[Execution]) -> set[str]:
    """Return the ids of those that were in each stage last, and that succeeded there last: what it is told by."""
    entered, succeeded = dict[str, str](), dict[str, str]()
    for execution in executions:
        entered |= dict.fromkeys(execution.stages, execution.id)
        succeeded |= {stage: execution.id for stage, status in execution.stages.items() if status == "Succeeded"}
    return {*entered.values(), *succeeded.values()}


def _pipelines() -> None:
    referred = _referred(registry.every_version())
    for _, here in pipelines.pipelines.everywhere():
        for pipeline in list(here.values()):
            with pipeline_operations.changing_pipelines, changing():
                _forget(pipeline.executions, lambda one: one.status in pipelines.RUNNING or one.arn in referred)
                of_step = defaultdict(list)
                for result in list(pipeline.results):
                    of_step[result.step].append(result)
                for results in of_step.values():
                    # Of equal arguments the newest alone is taken again.
                    newest = sorted({each.signature: each for each in results}.values(), key=lambda each: each.ended)
                    stays = {id(result) for result in newest[-limits.RECORDS :]}
                    for result in results:
                        if id(result) not in stays:
                            pipeline.results.remove(result)


def _monitoring() -> None:
    for _, every in monitoring.executions.everywhere():
        of_schedule = defaultdict(list)
        for execution in list(every):
            of_schedule[execution.schedule].append(execution)
        for executions in of_schedule.values():
            for execution in limits.older(executions, _is_monitoring):
                with changing():
                    every.remove(execution)
    for _, schedules in monitoring.schedules.everywhere():
        for schedule in list(schedules.values()):
            with changing():
                _forget(schedule.executions, _is_monitoring)


def _is_monitoring(execution: monitoring.Execution) -> bool:
    return execution.job is not None and execution.job.ended is None


# ---------------------------------------------------------------- builds and jobs
def _builds() -> None:
    before = context.sandbox().clock.now() - limits.BUILDS_FOR
    told = str(registry.every_version())
    ran = {
        run.external_id
        for _, kept in codepipelines.everywhere()
        for execution in list(kept.line.executions.values())
        for run in list(execution.actions)
    }

    def in_use(build: builds.Build) -> bool:
        return not build.finished.is_set() or build.id in ran or build.id in told

    for _, here in builds.state.everywhere():
        of_project = defaultdict(list)
        for build in list(here.builds.values()):
            of_project[build.project["name"]].append(build)
        for every in of_project.values():
            gone = {build.id for build in limits.older(every, in_use, lambda build: build.started < before)}
            with builds.lock, changing():
                for identifier in gone:
                    here.builds.pop(identifier, None)
                for token in [token for token, identifier in here.tokens.items() if identifier in gone]:
                    del here.tokens[token]


def _reports() -> None:
    now = context.sandbox().clock.now()
    for _, here in reports.state.everywhere():
        of_group = defaultdict(list)
        for arn, report in list(here.reports.items()):
            of_group[report.told["reportGroupArn"]].append((arn, report.told["expired"]))
        for every in of_group.values():
            with reports.lock, changing():
                for arn, _ in limits.older(every, lambda _: False, lambda each: each[1] < now):
                    here.reports.pop(arn, None)


def _jobs() -> None:
    referred = _referred(registry.every_version())
    for _, here in pipelines.pipelines.everywhere():
        for pipeline in list(here.values()):
            referred |= _referred(run.metadata for one in list(pipeline.executions) for run in one.begun())
            referred |= _referred(result.metadata for result in list(pipeline.results))
    for _, every in monitoring.executions.everywhere():
        referred |= {execution.job.arn for execution in list(every) if execution.job}
    for scope, jobs in inventory.everywhere():
        of_kind = defaultdict(list)
        for key, job in jobs.items():
            of_kind[key[0]].append((key, job))
        for every_job in of_kind.values():
            gone = limits.older(every_job, lambda each: each[1].ended is None or each[1].arn in referred)
            inventory.forget(scope, [key for key, _ in gone])


# ---------------------------------------------------------------- sessions
def _sessions() -> None:
    acting = [*(task.acting for task in tasks.under_way()), *(each.acting for each in stack_hooks.under_way())]
    keys = {each.access_key_id for each in acting if each is not None}
    credentials.forget_unused(limits.SESSIONS_FOR, keys | processes.access_keys())


# ---------------------------------------------------------------- what ministack knows
def _log_events(on_loop: history.OnLoop) -> None:
    running = {(build.scope.account, build.scope.region, build.group, build.stream) for build in builds.under_way()}
    jobs = {
        (job.scope.account, job.scope.region, f"/aws/sagemaker/{job.kind}Jobs", job.name)
        for job in inventory.under_way()
    }

    def in_use(stream: history.Stream) -> bool:
        place = (stream.account, stream.region, stream.group)
        return (*place, stream.name) in running or (*place, stream.name.rpartition("/")[0]) in jobs

    history.forget_log_events(
        context.sandbox().clock.now().timestamp() * 1000,
        history.LogLimits(limits.LOG_STREAMS, limits.LOG_EVENTS_OF_GROUP, limits.LOG_EVENTS),
        in_use,
        on_loop,
    )


def _stacks() -> None:
    before = context.sandbox().clock.now() - limits.DELETED_STACKS_FOR
    history.forget_stacks(f"{before:%Y-%m-%dT%H:%M:%S}", limits.RECORDS, limits.STACK_EVENTS)


def _alarms() -> None:
    history.forget_alarm_history(limits.RECORDS)


def _messages() -> None:
    history.forget_messages()


# ---------------------------------------------------------------- what refers to what
def _referred(records: Iterable[Any]) -> set[str]:
    """Return the ARNs that are in `records`."""
    return {arn for record in records for arn in _ARN.findall(str(record))}


def _forget(records: list[R], in_use: Callable[[R], bool]) -> None:
    for record in limits.older(records, in_use):
        records.remove(record)
