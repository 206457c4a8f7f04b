"""IAM is enforced: a session of a role is refused what its policies do not allow, in AWS's words.

Calls with an account's own keys are its root's, and are allowed whatever they are; so are those of services that see
to their own business.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from tidegate_sandbox.credentials import Credentials
from tidegate_sandbox.errors import AwsError

Iam: TypeAlias = Literal["enforce", "record"]
"""Whether calls that a role's policies do not allow are refused, or only written down like all others."""

Check = tuple[str, str | None, Mapping[str, Any]]
"""An action in IAM's spelling, the ARN it is checked on (`*` for none), and the condition keys that are known."""

_iam: Iam = "record"


class AccessDeniedError(AwsError):
    """A call that policies do not allow; `check` is what was asked for."""

    def __init__(self, who: Credentials, check: tuple[str, str, Mapping[str, Any]], why: str) -> None:
        action, resource, _ = check
        said = f"User: {who.arn} is not authorized to perform: {action} on resource: {resource} {why}"
        super().__init__("AccessDeniedException", said.strip(), 400)
        self.check = check


def start(iam: Iam) -> None:
    """Enforce IAM from now on, or do not."""
    global _iam
    _iam = iam


def refusals(who: Credentials | None, checks: Iterable[Check]) -> Iterator[AccessDeniedError]:
    """Yield what is to be said of each of `checks` that the policies of whoever acts do not allow.

    Where it is not known what something is checked on (None), the policies have to allow it on anything at all.
    """
    if who is None:
        return
    from tidegate_sandbox import policy_hooks

    for action, resource, keys in checks:
        known = (action, resource or "*", keys)
        why = (
            policy_hooks.refusal_of_action(who.role_arn, action)
            if resource is None
            else policy_hooks.refusal(who.role_arn, who.access_key_id, known)
        )
        if why is not None:
            yield AccessDeniedError(who, known, why)


def hold(who: Credentials | None, checks: Iterable[Check]) -> None:
    """Raise the first of `refusals`, where IAM is enforced."""
    if _iam == "enforce" and (refused := next(refusals(who, checks), None)):
        raise refused


def hold_to_actions(who: Credentials | None, checks: Iterable[Check]) -> None:
    """Do the same before it can be known what anything is checked on, but for what is handed over or called."""
    hold(who, ((action, resource if action in KNOWN_BEFORE else None, keys) for action, resource, keys in checks))


KNOWN_BEFORE = ("iam:PassRole", "lambda:InvokeFunction")
