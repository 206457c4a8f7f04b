"""SageMaker's operations on monitoring schedules, and the loop that executes these on the sandbox's clock."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tidegate_sandbox import context, hooks
from tidegate_sandbox.context import scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import tags
from tidegate_sandbox.services.monitoring import cron
from tidegate_sandbox.services.monitoring.definitions import check_endpoint, definition
from tidegate_sandbox.services.monitoring.execution import execute, prepare
from tidegate_sandbox.services.monitoring.records import (
    KINDS,
    JobDefinition,
    Schedule,
    executions,
    schedules,
)
from tidegate_sandbox.services.paging import listed, page
from tidegate_sandbox.services.sagemaker import present, sagemaker
from tidegate_sandbox.state import Lock

_log = logging.getLogger(__name__)
_changing = Lock()


@sagemaker.operation("CreateMonitoringSchedule")
def create_monitoring_schedule(parameters: dict[str, Any]) -> dict[str, Any]:
    """Create a schedule; one that is to run once and now begins at once."""
    name, config = parameters["MonitoringScheduleName"], parameters["MonitoringScheduleConfig"]
    config, chosen, recurrence = _read(config)
    arn, now = scope().arn("sagemaker", f"monitoring-schedule/{name.lower()}"), context.sandbox().clock.now()
    made = Schedule(name, arn, config, chosen, now, now, due=recurrence.after(now) if recurrence else now)
    with _changing:
        if name.lower() in schedules.here():
            raise AwsError("ResourceInUse", f"Monitoring Schedule {arn} already exists.")
        tags.set_tags(arn, parameters.get("Tags", ()))
        schedules.here()[name.lower()] = made
    if recurrence is None:
        hooks.run_in_background(_run_if_due, made, name=f"monitoring {name}")
    return {"MonitoringScheduleArn": arn}


@sagemaker.operation("UpdateMonitoringSchedule")
def update_monitoring_schedule(parameters: dict[str, Any]) -> dict[str, Any]:
    """Change what a schedule runs and when."""
    found = _find(parameters["MonitoringScheduleName"])
    config, chosen, recurrence = _read(parameters["MonitoringScheduleConfig"])
    now = context.sandbox().clock.now()
    with _changing:
        found.config, found.definition, found.modified = config, chosen, now
        if found.status == "Scheduled":
            found.due = recurrence.after(now) if recurrence else now
    return {"MonitoringScheduleArn": found.arn}


@sagemaker.operation("DescribeMonitoringSchedule")
def describe_monitoring_schedule(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a schedule, with its last execution."""
    found = _find(parameters["MonitoringScheduleName"])
    last = found.executions[-1].summary() if found.executions else None
    return present(
        MonitoringScheduleArn=found.arn,
        MonitoringScheduleName=found.name,
        MonitoringScheduleStatus=found.status,
        MonitoringType=found.definition.kind,
        CreationTime=found.created,
        LastModifiedTime=found.modified,
        MonitoringScheduleConfig=found.config,
        EndpointName=found.definition.endpoint,
        LastMonitoringExecutionSummary=last,
    )


@sagemaker.operation("StartMonitoringSchedule")
def start_monitoring_schedule(parameters: dict[str, Any]) -> None:
    """Let a stopped schedule run again, from its next time on."""
    found = _find(parameters["MonitoringScheduleName"])
    recurrence, now = cron.parse(found.config["ScheduleConfig"]["ScheduleExpression"]), context.sandbox().clock.now()
    with _changing:
        found.status, found.modified = "Scheduled", now
        found.due = recurrence.after(now) if recurrence else now


@sagemaker.operation("StopMonitoringSchedule")
def stop_monitoring_schedule(parameters: dict[str, Any]) -> None:
    """Let a schedule run no more until it is started; what runs goes on."""
    found = _find(parameters["MonitoringScheduleName"])
    with _changing:
        found.status, found.due, found.modified = "Stopped", None, context.sandbox().clock.now()


@sagemaker.operation("DeleteMonitoringSchedule")
def delete_monitoring_schedule(parameters: dict[str, Any]) -> None:
    """Delete a schedule; what it executed stays listed."""
    found = _find(parameters["MonitoringScheduleName"])
    with _changing:
        tags.drop(found.arn)
        schedules.here().pop(found.name.lower(), None)
        found.due = None


@sagemaker.operation("ListMonitoringSchedules")
def list_monitoring_schedules(parameters: dict[str, Any]) -> dict[str, Any]:
    """List schedules, the newest first unless asked otherwise."""
    found = [
        {
            "MonitoringScheduleName": each.name,
            "MonitoringScheduleArn": each.arn,
            "CreationTime": each.created,
            "LastModifiedTime": each.modified,
            "MonitoringScheduleStatus": each.status,
            "EndpointName": each.definition.endpoint,
            "MonitoringJobDefinitionName": each.definition.name,
            "MonitoringType": each.definition.kind,
        }
        for each in list(schedules.here().values())
    ]
    wanted = {"MonitoringTypeEquals": "MonitoringType", "StatusEquals": "MonitoringScheduleStatus"}
    found = _wanted(found, parameters, wanted)
    parameters = {"SortOrder": "Descending", **parameters}
    return page(listed(found, parameters, "MonitoringScheduleName"), parameters, "MonitoringScheduleSummaries")


@sagemaker.operation("ListMonitoringExecutions")
def list_monitoring_executions(parameters: dict[str, Any]) -> dict[str, Any]:
    """List what schedules executed, deleted ones too, the newest first unless asked otherwise."""
    found = [each.summary() for each in list(executions.here())]
    wanted = {
        "MonitoringScheduleName": "MonitoringScheduleName",
        "MonitoringTypeEquals": "MonitoringType",
        "StatusEquals": "MonitoringExecutionStatus",
    }
    found = [
        each
        for each in _wanted(found, parameters, wanted)
        if each["ScheduledTime"] >= parameters.get("ScheduledTimeAfter", each["ScheduledTime"])
        and each["ScheduledTime"] <= parameters.get("ScheduledTimeBefore", each["ScheduledTime"])
    ]
    parameters = {"SortOrder": "Descending", **parameters}
    found = listed(found, {**parameters, "SortBy": "CreationTime"}, "MonitoringScheduleName")
    by = {"ScheduledTime": "ScheduledTime", "Status": "MonitoringExecutionStatus"}.get(parameters.get("SortBy", ""))
    if by:
        found.sort(key=lambda each: each[by], reverse=parameters["SortOrder"] == "Descending")
    return page(found, parameters, "MonitoringExecutionSummaries")


def _wanted(
    found: list[dict[str, Any]], parameters: Mapping[str, Any], members: Mapping[str, str]
) -> list[dict[str, Any]]:
    both = {**members, "EndpointName": "EndpointName", "MonitoringJobDefinitionName": "MonitoringJobDefinitionName"}
    asked = {member: parameters[name] for name, member in both.items() if name in parameters}
    return [
        each
        for each in found
        if all(each[member] == value for member, value in asked.items())
        and each["LastModifiedTime"] >= parameters.get("LastModifiedTimeAfter", each["LastModifiedTime"])
        and each["LastModifiedTime"] <= parameters.get("LastModifiedTimeBefore", each["LastModifiedTime"])
    ]


def _read(config: Mapping[str, Any]) -> tuple[dict[str, Any], JobDefinition, cron.Recurrence | None]:
    """Return what a schedule is made of; AwsError where it cannot be one."""
    if "MonitoringJobDefinition" in config:
        raise AwsError(
            "NotImplemented",
            "MonitoringScheduleConfig.MonitoringJobDefinition is not in the local simulation: make a job definition "
            "and name it in MonitoringJobDefinitionName",
            501,
        )
    for member in ("MonitoringJobDefinitionName", "MonitoringType", "ScheduleConfig"):
        if member not in config:
            raise AwsError("ValidationException", f"MonitoringScheduleConfig has no {member}")
    kind = next((each for each in KINDS if each == config["MonitoringType"]), None)
    if kind is None:
        raise AwsError("NotImplemented", f"MonitoringType={config['MonitoringType']} is not in the simulation", 501)
    try:
        chosen = definition(kind, config["MonitoringJobDefinitionName"])
    except AwsError as error:
        raise AwsError("ValidationException", error.message) from error
    check_endpoint(chosen.endpoint)
    timing = config["ScheduleConfig"]
    try:
        recurrence = cron.parse(timing["ScheduleExpression"])
        for member in ("DataAnalysisStartTime", "DataAnalysisEndTime"):
            if member in timing:
                cron.offset(timing[member])
    except ValueError as error:
        raise AwsError("ValidationException", str(error)) from error
    return dict(config), chosen, recurrence


def _find(name: str) -> Schedule:
    found = schedules.here().get(name.lower())
    if found is None:
        arn = scope().arn("sagemaker", f"monitoring-schedule/{name.lower()}")
        raise AwsError("ResourceNotFound", f"Monitoring Schedule {arn} not found")
    return found


# ---------------------------------------------------------------- running them
def run_for_ever() -> None:
    """Execute each schedule of any account and region when it is due, looking once a minute of the sandbox's time."""
    clock = context.sandbox().clock
    while True:
        now = clock.now()
        clock.sleep((now.replace(second=0, microsecond=0) + timedelta(minutes=1) - now).total_seconds())
        for where, here in schedules.everywhere():
            for schedule in list(here.values()):
                if schedule.due is not None and schedule.due <= clock.now():
                    with hooks.acting_in(where.account, where.region):
                        _run_if_due(schedule)


def _run_if_due(schedule: Schedule) -> None:
    """Run `schedule` for the newest of its times that have come: those that a sandbox was not up for are left out."""
    try:
        due = schedule.due
        if due is None or due > context.sandbox().clock.now():
            return
        scheduled, following = _times(schedule, due)
        prepared = prepare(schedule, scheduled)
        # At once: a sandbox that is killed has either run it and knows so, or the next one will.
        with _changing:
            if schedule.due != due:
                return  # it was stopped or changed meanwhile
            schedule.due = following
            made = execute(schedule, scheduled, prepared)
            schedule.executions.append(made)
            schedule.modified = made.created
            executions.here().append(made)
        _log.info("%s at %s: %s", schedule.arn, scheduled, made.job.arn if made.job else made.why_none)
    except Exception:  # one schedule must not end the others
        _log.exception("%s could not be executed", schedule.arn)


def _times(schedule: Schedule, due: datetime) -> tuple[datetime, datetime | None]:
    """Return the newest time from `due` on that has come, and the one after it."""
    recurrence = cron.parse(schedule.config["ScheduleConfig"]["ScheduleExpression"])
    if recurrence is None:
        return due, None
    now = context.sandbox().clock.now()
    while (following := recurrence.after(due)) <= now:
        due = following
    return due, following
