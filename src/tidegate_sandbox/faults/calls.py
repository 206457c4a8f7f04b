"""Calls that are refused before they are served."""

from collections.abc import Mapping

from tidegate_sandbox import hooks
from tidegate_sandbox.context import OWN_CALLS
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.faults import standing


def refused(service: str, operation: str, headers: Mapping[str, str]) -> AwsError | None:
    """Return how a call that came with `headers` (lower case) is refused, None where it is not.

    `service` and `operation` are as IAM spells them. The account is the one that is being served.
    """
    if standing.book.is_empty:
        return None
    return standing.refusal(
        hooks.current_account_and_region()[0],
        service,
        operation,
        of_a_role="ASIA" in headers.get("authorization", ""),
        of_a_service=OWN_CALLS in headers.get("user-agent", ""),
    )


def hold(service: str, operation: str, headers: Mapping[str, str]) -> None:
    """Raise what `refused` returns."""
    if error := refused(service, operation, headers):
        raise error
