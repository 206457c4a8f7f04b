"""`python -m goodbye`: say goodbye to the project of the event in CLOUDFORMATION_EVENT_00, _01 and so on.

What it came to is written to outcome.json, for answer.py to tell CloudFormation.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from .aws import ERRORS, Client, Watch, why
from .farewell import say_goodbye
from .project import Ledger, Project

OUTCOME = Path("outcome.json")
# Each variable of that name and a number has a part of the event.
EVENT = "CLOUDFORMATION_EVENT_"
# CloudFormation gives up after an hour, and the build has to start and to answer.
WAIT_SECONDS = 45 * 60
# An answer to CloudFormation has 4,096 bytes; a person reads the first sentences.
TOLD = 800
PATIENT = Config(retries={"mode": "standard", "max_attempts": 8})


def clients(session: boto3.Session) -> Client:
    """Return the maker of a session's clients, which are made once."""
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            made[service] = session.client(service, config=PATIENT)  # type: ignore[call-overload]
        return made[service]

    return client


def assume(role: str) -> Client:
    """Return the clients of a role."""
    answer = boto3.client("sts", config=PATIENT).assume_role(RoleArn=role, RoleSessionName="goodbye")
    given = answer["Credentials"]
    return clients(
        boto3.Session(
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
    )


def outcome(ledger: Ledger) -> dict[str, Any]:
    """Return what CloudFormation is told."""
    if not ledger.problems:
        return {"done": {}, "reason": "What the project made is removed, or kept as asked for."}
    told = " ".join(ledger.problems)
    more = f"{told[:TOLD]}…" if len(told) > TOLD else told
    build = os.environ.get("CODEBUILD_BUILD_ID", "")
    return {
        "failure": f"{more} Mend this and delete the project again: it goes on from here. "
        f"All that was done is in the log of build {build}."
    }


def main() -> int:
    """Say goodbye; return the exit code."""
    event = json.loads("".join(os.environ[name] for name in sorted(os.environ) if name.startswith(EVENT)))
    project, ledger = Project.of(event["ResourceProperties"]), Ledger()
    client = clients(boto3.Session())
    try:
        stack = client("cloudformation").describe_stacks(StackName=event["StackId"])["Stacks"][0]
        say_goodbye(client, assume, project, stack["StackStatus"], ledger, Watch(WAIT_SECONDS))
    except ERRORS as error:
        ledger.complain(f"{why(error)}.")
    OUTCOME.write_text(json.dumps(outcome(ledger)), encoding="utf-8")
    return 1 if ledger.problems else 0


if __name__ == "__main__":
    sys.exit(main())
