"""The custom resource's function: starts the seed build, which answers CloudFormation itself.

Published inline (at most 4,096 characters), so it imports only what Lambda's runtime has.
"""

import json
import os
import urllib.request
from typing import Any

import boto3


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


def handler(event: dict[str, Any], _context: object) -> None:
    """On Create start the build; an Update or a Delete leaves the repositories to the people in them."""
    if event["RequestType"] != "Create":
        answer(event, "")
        return
    try:
        boto3.client("codebuild").start_build(
            projectName=os.environ["SEED_PROJECT"],
            idempotencyToken=event["RequestId"],
            environmentVariablesOverride=[
                {"name": "CLOUDFORMATION_EVENT", "value": json.dumps(event), "type": "PLAINTEXT"}
            ],
        )
    except Exception as error:
        answer(event, f"The seed build could not be started: {error}"[:1000])
