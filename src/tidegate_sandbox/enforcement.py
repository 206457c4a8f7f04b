"""IAM is enforced: a session of a role is refused what its policies do not allow, in AWS's words.

Calls with an account's own keys are its root's, and are allowed whatever they are, but for sessions of roles that do
not trust the account; so are those of services that see to their own business.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from tidegate_sandbox.checks import Check, Unplaced
from tidegate_sandbox.credentials import Credentials
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.faults import standing

Iam: TypeAlias = Literal["enforce", "record"]
"""Whether calls that a role's policies do not allow are refused, or only written down like all others."""

_iam: Iam = "record"


class AccessDeniedError(AwsError):
    """A call that policies do not allow; `check` is what was asked for."""

    def __init__(self, who: str, check: Check, why: str, *, on_demand: bool = False) -> None:
        """`who` is the ARN of whoever asked."""
        action, resource, _ = check
        said = f"User: {who} is not authorized to perform: {action} on resource: {resource} {why}"
        super().__init__("AccessDeniedException", said.strip(), 400)
        self.check = check
        self.on_demand = on_demand
        """Whether a fault denies it, and no policy."""


def start(iam: Iam) -> None:
    """Enforce IAM from now on, or do not."""
    global _iam
    _iam = iam


def is_enforced() -> bool:
    """Whether IAM is enforced."""
    return _iam == "enforce"


def refusal(who: Credentials | None, checks: Iterable[Unplaced]) -> AccessDeniedError | None:
    """Return what is to be said of the first of `checks` that the policies of whoever acts do not allow, if one.

    Where that is only written down, it is no reason to pass over one that a fault denies.
    """
    if who is None:
        return None
    refused: AccessDeniedError | None = None
    from tidegate_sandbox.hooks import policies as policy_hooks

    for action, resource, keys in checks:
        known = (action, resource or "*", keys)
        if fault := standing.denies(who.account, action, who.role_arn):
            return AccessDeniedError(who.arn, known, fault, on_demand=True)
        why = (
            policy_hooks.refusal_of_action(who.role_arn, action)
            if resource is None
            else policy_hooks.refusal(who.role_arn, who.access_key_id, known)
        )
        if why is not None:
            refused = refused or AccessDeniedError(who.arn, known, why)
            if _iam == "enforce":
                break
    return refused


def refusal_of_session(access_key: str, checks: Iterable[Check]) -> AccessDeniedError | None:
    """Return what is to be said to an account's own keys, or a user's, that ask for a session which no role lets them.

    It is the one thing that an account may not do by itself: the role's account has a say in it.
    """
    from tidegate_sandbox.hooks import policies as policy_hooks

    for check in checks:
        if check[0] in policy_hooks.OF_SESSIONS and (who := policy_hooks.refusal_of_session(access_key, check)):
            return AccessDeniedError(who, check, "")
    return None


def enforce(refused: AccessDeniedError | None) -> None:
    """Raise a refusal, where IAM is enforced or somebody asked for it."""
    if refused is not None and (_iam == "enforce" or refused.on_demand):
        raise refused


def hold(who: Credentials | None, checks: Iterable[Unplaced]) -> None:
    """Raise the `refusal` of checks that nobody writes down: nothing is evaluated where IAM is not enforced."""
    if _iam == "enforce" or not standing.book.is_empty:
        enforce(refusal(who, checks))


def hold_to_actions(who: Credentials | None, checks: Iterable[Unplaced]) -> None:
    """Do the same before it can be known what anything is checked on, but for what is handed over or called."""
    hold(who, ((action, resource if action in KNOWN_BEFORE else None, keys) for action, resource, keys in checks))


KNOWN_BEFORE = ("iam:PassRole", "lambda:InvokeFunction")
