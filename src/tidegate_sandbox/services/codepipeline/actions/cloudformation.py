"""The deploy action of CloudFormation, mode CREATE_UPDATE."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tidegate_sandbox import context
from tidegate_sandbox.services.codepipeline import artifacts
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError, Outcome, Task
from tidegate_sandbox.services.codepipeline.execution import Location

LARGEST_BODY = 51_200
_POLL = 0.2


def run(task: Task) -> Outcome:
    """Create or update the stack and wait for its end; the stack's outputs are the output variables."""
    client = context.scope().client("cloudformation")
    name = task.configuration["StackName"]
    existing = _stack(client, name)
    operation = client.create_stack if existing is None else client.update_stack
    try:
        task.run.external_id = operation(StackName=name, **_request(task))["StackId"]
    except ClientError as error:
        said = error.response["Error"]["Message"]
        if existing is None or "No updates are to be performed" not in said:
            raise ActionFailedError(f"Stack {name}: {said}") from None
        task.run.external_id, task.run.summary = existing["StackId"], f"Stack {name} is up to date: {said}"
        return Outcome(variables=_outputs(existing))
    while (stack := _stack(client, name)) and stack["StackStatus"].endswith("_IN_PROGRESS"):
        # A stack that is changing goes on where its execution is abandoned, as in AWS.
        if task.is_abandoned:
            raise ActionFailedError(f"Stack {name} goes on; the execution was abandoned")
        time.sleep(_POLL)
    if stack is None:
        raise ActionFailedError(f"Stack {name} was deleted while it was deployed")
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        reason = failure(client.describe_stack_events(StackName=stack["StackId"])["StackEvents"])
        raise ActionFailedError(f"Stack {name} is {stack['StackStatus']}. {reason}".strip())
    task.run.summary = f"Stack {name} is {stack['StackStatus']}"
    return Outcome(variables=_outputs(stack))


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
