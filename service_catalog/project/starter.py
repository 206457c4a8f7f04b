"""The custom resources' function: starts the build that a resource names, which answers CloudFormation itself.

A resource's properties say which build, and for which request (`Create` or `Delete`); any other is answered at once.
A build that is killed cannot answer, so a rule on how the build ended calls this function too, and it answers for it.
Published inline (at most 4,096 characters), so it imports only what Lambda's runtime has.
"""

import json
import time
import urllib.request
from typing import Any

import boto3
from botocore.exceptions import ClientError

EVENT = "CLOUDFORMATION_EVENT_"
# CodeBuild refuses a longer value of a variable (InvalidInputException), so an event comes in parts.
VALUE_MAX = 4096


def answer(event: dict[str, Any], reason: str) -> None:
    """Tell CloudFormation how it went; with no reason, that it went well."""
    body = {
        "Status": "FAILED" if reason else "SUCCESS",
        "Reason": reason or f"On {event['RequestType']} there is nothing to do.",
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    data, headers = json.dumps(body).encode(), {"content-type": ""}
    request = urllib.request.Request(event["ResponseURL"], data=data, method="PUT", headers=headers)  # noqa: S310
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310


def answer_for(build_arn: str) -> None:
    """Answer for a build that ended badly, unless it got as far as its last phase and answered there."""
    (build,) = boto3.client("codebuild").batch_get_builds(ids=[build_arn])["builds"]
    if ("POST_BUILD", "SUCCEEDED") in {(each["phaseType"], each.get("phaseStatus")) for each in build["phases"]}:
        return
    given = {each["name"]: each["value"] for each in build["environment"]["environmentVariables"]}
    log = build.get("logs", {}).get("deepLink", "in CloudWatch Logs")
    event = json.loads("".join(given[name] for name in sorted(given) if name.startswith(EVENT)))
    again = "Delete" if event["RequestType"] == "Delete" else "Launch"
    answer(
        event,
        f"The build {build['id']} ended as {build['buildStatus']} before it could say how far it came. "
        f"What it printed is at {log}. {again} the project again once the cause is mended.",
    )


def handler(event: dict[str, Any], _context: object) -> None:
    """Start the build `Build` if the request is the one of `BuildOn`; answer what it is not."""
    if event.get("source") == "aws.codebuild":
        answer_for(event["detail"]["build-id"])
        return
    properties = event["ResourceProperties"]
    if event["RequestType"] != properties["BuildOn"]:
        answer(event, "")
        return
    try:
        start(event)
    except Exception as error:
        answer(event, f"The build {event['ResourceProperties']['Build']} could not be started: {error}"[:1000])


def start(event: dict[str, Any]) -> None:
    """Start the build; where a role that was made a moment ago may not do it yet, a few times."""
    text = json.dumps(event)
    parts = [text[first : first + VALUE_MAX] for first in range(0, len(text), VALUE_MAX)]
    given = [{"name": f"{EVENT}{number:02}", "value": part, "type": "PLAINTEXT"} for number, part in enumerate(parts)]
    for wait in (2, 4, 8, 16, 0):
        try:
            boto3.client("codebuild").start_build(
                projectName=event["ResourceProperties"]["Build"],
                idempotencyToken=event["RequestId"],
                environmentVariablesOverride=given,
            )
        except ClientError as error:
            if not wait or error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
                raise
            time.sleep(wait)
        else:
            return
