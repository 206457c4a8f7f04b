"""Endpoint stacks, and what outlives them: endpoint configs and models by their tag, the rest by its name.

A stack retains its models and endpoint configs, because after a rollback that it does not know of they are what
serves. SageMaker makes an endpoint's log group by itself.
"""

from collections.abc import Callable, Iterator
from typing import Any

from .aws import ERRORS, Client, Watch, is_gone, pages, why
from .project import Ledger, Place, Project

PROJECT_TAG = "sagemaker:project-id"
ENDPOINT_LOGS = "/aws/sagemaker/Endpoints/"


def delete_stacks(client: Client, place: Place, ledger: Ledger, watch: Watch) -> bool:
    """Delete the place's stacks side by side and wait for the end; say whether all are gone.

    A stack that is being changed, by a release that has not ended, is deleted when that has ended.
    """
    cloudformation = client("cloudformation")
    waiting = {name: _Stack(cloudformation, name, place.account) for name in place.stacks}
    failed = False
    for _ in watch.looks():
        for name, stack in list(waiting.items()):
            try:
                ended = stack.advance()
            except ERRORS as error:
                ended = f"{stack} cannot be deleted: {why(error)}."
            if ended is None:
                continue
            del waiting[name]
            if ended:
                failed = True
                ledger.complain(ended)
            elif stack.asked:
                ledger.tell(f"{stack} is deleted.")
        if not waiting:
            return not failed
    for stack in waiting.values():
        what = "it is still being deleted" if stack.asked else "a release of it has not ended"
        ledger.complain(f"{stack} is {stack.status}: {what}.")
    return False


class _Stack:
    def __init__(self, cloudformation: Any, name: str, where: str) -> None:
        self._cloudformation, self._where, self._name, self._id = cloudformation, where, name, name
        self.asked, self.status = False, ""

    def __str__(self) -> str:
        return f"Stack {self._name}{self._where}"

    def advance(self) -> str | None:
        """Look at it and do what is due; return None while it goes on, "" once it is gone, or why it stays."""
        try:
            # By its id, a stack is told of even when it is deleted.
            found = self._cloudformation.describe_stacks(StackName=self._id)["Stacks"][0]
        except ERRORS as error:
            if is_gone(error):
                return ""
            raise
        self._id, self.status = found["StackId"], found["StackStatus"]
        if self.status == "DELETE_COMPLETE":
            return ""
        if self.status == "DELETE_FAILED" and self.asked:
            return f"{self} cannot be deleted: {self._why() or found.get('StackStatusReason', 'no reason is given')}."
        if not self.status.endswith("_IN_PROGRESS"):
            self._cloudformation.delete_stack(StackName=self._id)
            self.asked = True
        return None

    def _why(self) -> str:
        """Return the resource that failed last, and AWS's words on it."""
        # The newest first: those of an earlier try come later.
        for event in self._cloudformation.describe_stack_events(StackName=self._id)["StackEvents"]:
            if event["ResourceStatus"] == "DELETE_FAILED" and event["PhysicalResourceId"] != self._id:
                reason = event.get("ResourceStatusReason", "no reason is given").rstrip(".")
                return f"{event['PhysicalResourceId']} ({event['ResourceType']}): {reason}"
        return ""


def delete_leftovers(client: Client, place: Place, project: Project, ledger: Ledger, watch: Watch) -> None:
    """Delete what the project's endpoints left in a place whose stacks are gone, in the order in which it is used."""
    sagemaker, cloudwatch, logs = client("sagemaker"), client("cloudwatch"), client("logs")
    mine = f"{project.prefix}-"

    def named(operation: str, member: str, key: str) -> Callable[[], Iterator[str]]:
        return lambda: (
            each[key]
            for each in pages(sagemaker, operation, member, NameContains=mine)
            if each[key].lower().startswith(mine.lower())
        )

    def tagged(operation: str, member: str, kind: str) -> Callable[[], Iterator[str]]:
        return lambda: (
            each[f"{kind}Name"]
            for each in pages(sagemaker, operation, member)
            if _project_of(sagemaker, each[f"{kind}Arn"]) == project.id
        )

    def alarms() -> Iterator[str]:
        for page in cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=mine):
            yield from (each["AlarmName"] for each in page["MetricAlarms"])

    def dashboards() -> Iterator[str]:
        for each in pages(cloudwatch, "list_dashboards", "DashboardEntries", DashboardNamePrefix=mine):
            yield each["DashboardName"]

    def log_groups() -> Iterator[str]:
        for each in pages(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=f"{ENDPOINT_LOGS}{mine}"):
            yield each["logGroupName"]

    steps: tuple[tuple[str, Callable[[], Iterator[str]], Callable[[str], Any], bool], ...] = (
        (
            "Monitoring schedule",
            named("list_monitoring_schedules", "MonitoringScheduleSummaries", "MonitoringScheduleName"),
            lambda name: sagemaker.delete_monitoring_schedule(MonitoringScheduleName=name),
            True,
        ),
        (
            "Endpoint",
            named("list_endpoints", "Endpoints", "EndpointName"),
            lambda name: sagemaker.delete_endpoint(EndpointName=name),
            True,
        ),
        (
            "Endpoint config",
            tagged("list_endpoint_configs", "EndpointConfigs", "EndpointConfig"),
            lambda name: sagemaker.delete_endpoint_config(EndpointConfigName=name),
            False,
        ),
        (
            "Model",
            tagged("list_models", "Models", "Model"),
            lambda name: sagemaker.delete_model(ModelName=name),
            False,
        ),
        ("Alarm", alarms, lambda name: cloudwatch.delete_alarms(AlarmNames=[name]), False),
        ("Dashboard", dashboards, lambda name: cloudwatch.delete_dashboards(DashboardNames=[name]), False),
        ("Log group", log_groups, lambda name: logs.delete_log_group(logGroupName=name), False),
    )
    for kind, find, delete, takes_time in steps:
        whole = _delete(f"{kind} {{name}}{place.account}", find, delete, ledger, watch if takes_time else None)
        if takes_time and not whole:
            return  # what comes next is in use by it


def _delete(
    words: str,
    find: Callable[[], Iterator[str]],
    delete: Callable[[str], Any],
    ledger: Ledger,
    watch: Watch | None,
) -> bool:
    """Delete what `find` yields; with a `watch`, wait until it yields nothing. Say whether all is gone."""
    what, whole = words.format(name="").strip(), True
    try:
        found = list(find())
    except ERRORS as error:
        ledger.complain(f"{what}: what there is cannot be listed: {why(error)}.")
        return False
    for name in found:
        try:
            delete(name)
        except ERRORS as error:
            if not is_gone(error):
                whole = False
                ledger.complain(f"{words.format(name=name)} cannot be deleted: {why(error)}.")
                continue
        ledger.tell(f"{words.format(name=name)} is deleted.")
    if found and whole and watch:
        for _ in watch.looks():
            left = list(find())
            if not left:
                return True
        whole = False
        ledger.complain(f"{words.format(name=', '.join(left))} is still being deleted.")
    return whole


def _project_of(sagemaker: Any, arn: str) -> str | None:
    """Return the project that something is tagged with; None of what is gone meanwhile, or refused: another's."""
    try:
        tags = pages(sagemaker, "list_tags", "Tags", ResourceArn=arn)
        return next((tag["Value"] for tag in tags if tag["Key"] == PROJECT_TAG), None)
    except ERRORS as error:
        if is_gone(error) or getattr(error, "response", {}).get("Error", {}).get("Code", "").startswith("AccessDenied"):
            return None
        raise
