"""Calls that are throttled, as each service spells it."""

from fnmatch import fnmatchcase
from typing import ClassVar, Literal

from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.faults.fault import Fault, Pattern
from tidegate_sandbox.faults.subjects import Call, Subject

_QUERY = ("autoscaling", "cloudformation", "cloudwatch", "iam", "sns", "sts")
_RATE = "Rate exceeded"
_SPELT = {
    **dict.fromkeys(_QUERY, ("Throttling", _RATE, 400)),
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "lambda": ("TooManyRequestsException", "Rate Exceeded.", 429),
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
    "sqs": ("RequestThrottled", _RATE, 400),
}
"""Code, message and status by service; every code is one that botocore takes for throttling and tries again after."""


class Throttling(Fault):
    """Calls are refused for their rate. `call` is `service:Operation` in IAM's spelling, or `service` for all."""

    WHAT: ClassVar[str] = "calls of a service or an operation are refused for their rate"

    kind: Literal["throttling"] = "throttling"
    call: Pattern

    @property
    def effect(self) -> str:
        """What it does."""
        of = "" if self.call == "*" else f" of {self.call}" if ":" in self.call else f" to {self.call}"
        return f"{self.some('call', 'calls')}{of} {self.verb('is refused for its', 'are refused for their')} rate"

    def fits(self, subject: Subject) -> bool:
        """Whether `subject` is a call of what is named."""
        if not isinstance(subject, Call):
            return False
        service, _, operation = self.call.partition(":")
        return fnmatchcase(subject.service, service) and fnmatchcase(subject.operation, operation or "*")

    @staticmethod
    def error(service: str) -> AwsError:
        """Return what `service` says to calls that come too fast."""
        return AwsError(*_SPELT.get(service, ("ThrottlingException", _RATE, 400)))
