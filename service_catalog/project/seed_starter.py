"""The custom resource's function: starts the seed build, which answers CloudFormation itself.

A build that is killed cannot answer, so a rule on how the build ended calls this function too, and it answers for it.
Published inline (at most 4,096 characters), so it imports only what Lambda's runtime has.
"""

import json
import os
import time
import urllib.request
from typing import Any

import boto3
from botocore.exceptions import ClientError

EVENT = "CLOUDFORMATION_EVENT"


def answer(event: dict[str, Any], reason: str) -> None:
    """Tell CloudFormation how it went; with no reason, that it went well."""
    body = {
        "Status": "FAILED" if reason else "SUCCESS",
        "Reason": reason or "The seeds are planted once, at launch.",
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
    answer(
        json.loads(given[EVENT]),
        f"The seed build {build['id']} ended as {build['buildStatus']} before it could say how far it came. "
        f"What it printed is at {log}. Launch the project again once the cause is mended.",
    )


def handler(event: dict[str, Any], _context: object) -> None:
    """On Create start the build; an Update or a Delete leaves the repositories to the people in them."""
    if event.get("source") == "aws.codebuild":
        answer_for(event["detail"]["build-id"])
        return
    if event["RequestType"] != "Create":
        answer(event, "")
        return
    try:
        start(event)
    except Exception as error:
        answer(event, f"The seed build could not be started: {error}"[:1000])


def start(event: dict[str, Any]) -> None:
    """Start the build; where a role that was made a moment ago may not do it yet, a few times."""
    for wait in (2, 4, 8, 16, 0):
        try:
            boto3.client("codebuild").start_build(
                projectName=os.environ["SEED_PROJECT"],
                idempotencyToken=event["RequestId"],
                environmentVariablesOverride=[{"name": EVENT, "value": json.dumps(event), "type": "PLAINTEXT"}],
            )
        except ClientError as error:
            if not wait or error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
                raise
            time.sleep(wait)
        else:
            return
