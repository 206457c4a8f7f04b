"""Tell CloudFormation how a build went that a custom resource started: the last step of its buildspec.

Runs in the unpacked bundle, where it stands alone on the standard library, so that it can also answer for an
installation that failed. The resource's event comes in the variables CLOUDFORMATION_EVENT_00, _01 and so on; what the
build did it has written to OUTCOME: `{"done": {...}, "reason": sentence}` or `{"failure": sentence}`.
"""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

OUTCOME = Path("outcome.json")
# Each variable of that name and a number has a part of the event.
EVENT = "CLOUDFORMATION_EVENT_"
# CloudFormation takes an answer of at most 4,096 bytes; this is the reason's share, as the answer has it.
REASON_MAX = 1000
ANSWER_ATTEMPTS = 5


class AnswerError(Exception):
    """CloudFormation cannot be answered; the message is a sentence."""


def answer(event: Mapping[str, Any], outcome: Mapping[str, Any], sleep: Callable[[float], None]) -> None:
    """Send CloudFormation the outcome. Tries ANSWER_ATTEMPTS times.

    Raises OSError if it could not be sent, and AnswerError for an address of another kind than http.
    """
    failure = outcome.get("failure")
    body = {
        "Status": "FAILED" if failure else "SUCCESS",
        "Reason": _fitting(failure or outcome.get("reason", "Done.")),
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": dict(outcome.get("done", {})),
    }
    url = event["ResponseURL"]
    if not url.startswith(("https://", "http://")):
        raise AnswerError("CloudFormation's ResponseURL is not an http address.")
    for attempt in range(ANSWER_ATTEMPTS):
        # The URL is signed for an empty content type.
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            url, data=json.dumps(body).encode(), method="PUT", headers={"content-type": ""}
        )
        try:
            urllib.request.urlopen(request, timeout=30).close()  # noqa: S310
        except OSError:
            if attempt == ANSWER_ATTEMPTS - 1:
                raise
            sleep(2.0**attempt)
        else:
            return


def _fitting(reason: str) -> str:
    """Return as much of `reason` as fits; in the answer's JSON one character can have twelve bytes."""
    reason = reason[:REASON_MAX]
    while len(json.dumps(reason)) > REASON_MAX:
        reason = reason[:-1]
    return reason


def outcome_of(build: str) -> dict[str, Any]:
    """Return what the build wrote, or that it broke before it could."""
    if OUTCOME.exists():
        outcome: dict[str, Any] = json.loads(OUTCOME.read_text(encoding="utf-8"))
        return outcome
    return {"failure": f"The build {build} broke before it could do its work; its log says why."}


def main() -> int:
    """Answer the event; return the exit code."""
    event = json.loads("".join(os.environ[name] for name in sorted(os.environ) if name.startswith(EVENT)))
    answer(event, outcome_of(os.environ.get("CODEBUILD_BUILD_ID", "of this project")), time.sleep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
