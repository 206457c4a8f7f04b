"""The deploy action of CloudFormation."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tidegate_sandbox import context
from tidegate_sandbox.services.codepipeline import artifacts
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError, Outcome, Task
from tidegate_sandbox.services.codepipeline.execution import Location
from tidegate_sandbox.state import changing

LARGEST_BODY = 51_200
FAILED = {"CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED"}
"""The states of a stack that REPLACE_ON_FAILURE makes anew."""
_POLL = 0.2


def run(task: Task) -> Outcome:
    """Do to the stack what the action's mode says and wait for its end; its outputs are the output variables.

    CodePipeline user guide, "AWS CloudFormation deploy action reference", says what each mode does.
    """
    client = context.scope().client("cloudformation")
    return _MODES[task.configuration["ActionMode"]](task, client, task.configuration["StackName"])


def _create_or_update(task: Task, client: Any, name: str) -> Outcome:
    existing = _stack(client, name)
    if task.run.external_id:  # by a sandbox before this one
        return _done(task, client, name)
    operation = client.create_stack if existing is None else client.update_stack
    try:
        request = _request(task)
        with changing():
            task.run.external_id = operation(StackName=name, **request)["StackId"]
    except ClientError as error:
        said = error.response["Error"]["Message"]
        if existing is None or "No updates are to be performed" not in said:
            raise ActionFailedError(f"Stack {name}: {said}") from None
        return _nothing_to_do(task, existing, said)
    return _done(task, client, name)


def _replace_on_failure(task: Task, client: Any, name: str) -> Outcome:
    existing = _stack(client, name)
    going = {"DELETE_IN_PROGRESS"} if task.run.external_id else FAILED  # what a sandbox before this one had come to
    if existing is None or existing["StackStatus"] in going:
        _delete(task, client, name)
        task.run.external_id = ""
    return _create_or_update(task, client, name)


def _delete(task: Task, client: Any, name: str) -> Outcome:
    existing = _stack(client, name)
    if existing is None:
        task.run.summary = f"Stack {name} does not exist"
        return Outcome()
    # By its id it can still be described once it is gone.
    with changing():
        task.run.external_id = existing["StackId"]
        if existing["StackStatus"] != "DELETE_IN_PROGRESS":
            client.delete_stack(StackName=name, RoleARN=task.configuration["RoleArn"])
    stack = _settled(task, client, existing["StackId"], name)
    if stack is not None and stack["StackStatus"] != "DELETE_COMPLETE":
        raise failed(client, stack)
    task.run.summary = f"Stack {name} is deleted"
    return Outcome()


def _replace_change_set(task: Task, client: Any, name: str) -> Outcome:
    change = {"StackName": name, "ChangeSetName": task.configuration["ChangeSetName"]}
    existing = _stack(client, name)
    is_new = existing is None or existing["StackStatus"] == "REVIEW_IN_PROGRESS"
    try:
        if existing is not None:
            client.delete_change_set(**change)
        kind = "CREATE" if is_new else "UPDATE"
        made = client.create_change_set(**change, ChangeSetType=kind, **_request(task))
    except ClientError as error:
        raise ActionFailedError(f"Change set of stack {name}: {error.response['Error']['Message']}") from None
    task.run.external_id = made["Id"]
    while (found := client.describe_change_set(**change))["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
        if task.is_abandoned:
            raise ActionFailedError("The execution was abandoned")
        time.sleep(_POLL)
    if found["Status"] == "FAILED" and not _is_empty(found):
        raise ActionFailedError(f"Change set {change['ChangeSetName']}: {found['StatusReason']}")
    task.run.summary = f"Change set {change['ChangeSetName']}: {found.get('StatusReason') or found['Status']}"
    return Outcome()


def _execute_change_set(task: Task, client: Any, name: str) -> Outcome:
    change = {"StackName": name, "ChangeSetName": task.configuration["ChangeSetName"]}
    if task.run.external_id:  # by a sandbox before this one
        return _done(task, client, name)
    try:
        found = client.describe_change_set(**change)
        if found["Status"] == "FAILED" and _is_empty(found):
            existing = _stack(client, name)
            return _nothing_to_do(task, existing or {}, found["StatusReason"])
        with changing():
            client.execute_change_set(**change)
            task.run.external_id = found["StackId"]
    except ClientError as error:
        raise ActionFailedError(f"Change set of stack {name}: {error.response['Error']['Message']}") from None
    return _done(task, client, name)


_MODES: Mapping[str, Callable[[Task, Any, str], Outcome]] = {
    "CREATE_UPDATE": _create_or_update,
    "REPLACE_ON_FAILURE": _replace_on_failure,
    "DELETE_ONLY": _delete,
    "CHANGE_SET_REPLACE": _replace_change_set,
    "CHANGE_SET_EXECUTE": _execute_change_set,
}


def _is_empty(change_set: Mapping[str, Any]) -> bool:
    reason = change_set.get("StatusReason", "")
    return "didn't contain changes" in reason or "No updates are to be performed" in reason


def _nothing_to_do(task: Task, stack: Mapping[str, Any], said: str) -> Outcome:
    task.run.external_id = stack.get("StackId", "")
    task.run.summary = f"Stack {task.configuration['StackName']} is up to date: {said}"
    return Outcome(variables=_outputs(stack))


def _done(task: Task, client: Any, name: str) -> Outcome:
    stack = _settled(task, client, name, name)
    if stack is None:
        raise ActionFailedError(f"Stack {name} was deleted while it was deployed")
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise failed(client, stack)
    task.run.summary = f"Stack {name} is {stack['StackStatus']}"
    return Outcome(variables=_outputs(stack))


def _settled(task: Task, client: Any, which: str, name: str) -> dict[str, Any] | None:
    while (stack := _stack(client, which)) and stack["StackStatus"].endswith("_IN_PROGRESS"):
        # A stack that is changing goes on where its execution is abandoned, as in AWS.
        if task.is_abandoned:
            raise ActionFailedError(f"Stack {name} goes on; the execution was abandoned")
        time.sleep(_POLL)
    return stack


def failed(client: Any, stack: Mapping[str, Any]) -> ActionFailedError:
    """Return what an action says of a stack that failed, as far as its role may ask."""
    try:
        reason = failure(client.describe_stack_events(StackName=stack["StackId"])["StackEvents"])
    except ClientError as error:  # AWS's own policy for such roles does not let them ask
        if "AccessDenied" not in error.response["Error"]["Code"]:
            raise
        reason = str(stack.get("StackStatusReason", ""))
    return ActionFailedError(f"Stack {stack['StackName']} is {stack['StackStatus']}. {reason}".strip())


def failure(events: list[Mapping[str, Any]]) -> str:
    """Return what failed first in the latest operation of a stack, from its events, newest first."""
    reason = ""
    for event in events:
        is_stack = event["ResourceType"] == "AWS::CloudFormation::Stack"
        if is_stack and event["ResourceStatus"] in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
            break
        said = event.get("ResourceStatusReason", "")
        if not is_stack and event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in said:
            reason = f"{event['LogicalResourceId']} ({event['ResourceType']}): {said}"
    return reason


def _stack(client: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return found


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _request(task: Task) -> dict[str, Any]:
    given = task.configuration
    with artifacts.workspace() as folder:
        template = _read(task, given["TemplatePath"], folder)
        where = given.get("TemplateConfiguration")
        settings = _settings(_read(task, where, folder), where) if where else {}
    overrides = _texts(_json(given.get("ParameterOverrides", "{}"), "ParameterOverrides"), "ParameterOverrides")
    parameters = settings.get("Parameters", {}) | overrides
    request: dict[str, Any] = {
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": [one.strip() for one in given.get("Capabilities", "").split(",") if one.strip()],
        "RoleARN": given["RoleArn"],
    }
    if settings.get("Tags"):
        request["Tags"] = [{"Key": key, "Value": value} for key, value in settings["Tags"].items()]
    if len(template.encode()) <= LARGEST_BODY:
        return request | {"TemplateBody": template}
    location = Location(task.execution.pipeline.bucket, f"{artifacts.prefix(task.execution.pipeline)}/{task.run.id}")
    context.scope().client("s3").put_object(Bucket=location.bucket, Key=location.key, Body=template.encode())
    return request | {"TemplateURL": f"{context.sandbox().url}/{location.bucket}/{location.key}"}


def _read(task: Task, path: str, folder: Path) -> str:
    artifact, _, file = path.partition("::")
    content = artifacts.fetch(task.run.inputs[artifact], folder / artifact)
    found = (content / file).resolve()
    if not found.is_relative_to(content.resolve()) or not found.is_file():
        raise ActionFailedError(f"File [{file}] does not exist in artifact [{artifact}]", "ConfigurationError")
    return found.read_text()


def _settings(text: str, where: str) -> dict[str, dict[str, str]]:
    read = _json(text, where)
    unknown = set(read) - {"Parameters", "Tags"}
    if unknown:
        names = ", ".join(sorted(unknown))
        raise ActionFailedError(f"{where}: {names} is not in the local simulation", "ConfigurationError")
    return {key: _texts(value, f"{where}: {key}") for key, value in read.items()}


def _json(text: str, where: str) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except ValueError as error:
        raise ActionFailedError(f"{where} is no JSON: {error}", "ConfigurationError") from None
    if not isinstance(read, dict):
        raise ActionFailedError(f"{where} must be a JSON object", "ConfigurationError")
    return read


def _texts(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ActionFailedError(f"{where} must be a JSON object whose values are texts", "ConfigurationError")
    return value
