"""Who acts: sessions of roles, which the sandbox's services assume for what they run, as AWS's do.

A build, a pipeline's action, a job, a model server, a stack's operation, a function, an event on its way: each acts
with a session of its own role. Within `acting_as`, and in whatever is started in the background there,
`context.scope()` carries that session, and so do its clients and the environment that it gives to child processes.
Where nobody acts, a service of the sandbox sees to its own business, with the account's own keys.
"""

import contextlib
import secrets
import string
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field

from tidegate_sandbox.errors import AwsError, UnknownKeyError

_ALPHABET = string.ascii_uppercase + "234567"
_LONGEST_NAME = 64  # RoleSessionName in botocore's model


@dataclass(frozen=True)
class Credentials:
    """The keys of a session of the role `role_arn`; `name` is the session's."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    role_arn: str
    name: str

    @property
    def arn(self) -> str:
        """The session's own ARN, by which AWS names who asked."""
        return f"arn:aws:sts::{self.account}:assumed-role/{self.role_arn.rpartition('/')[2]}/{self.name}"

    @property
    def account(self) -> str:
        """The account that the session acts in: its role's."""
        return self.role_arn.split(":")[4]

    def environment(self) -> dict[str, str]:
        """Return the variables from which AWS clients take these keys."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }


_acting: ContextVar[Credentials | None] = ContextVar("acting", default=None)
_sessions: dict[str, Credentials] = {}
_used: dict[str, float] = {}
"""When each session was last seen, in seconds since the epoch."""


def acting() -> Credentials | None:
    """Return the session that is acted with, or None where a service sees to its own business."""
    return _acting.get()


def session_of(role_arn: str, service: str, name: str, source: str | None = None) -> Credentials:
    """Return a session of the role `role_arn`, assumed by `service` (such as `codebuild`).

    `source` is the ARN of what the service does it for, where it says so (aws:SourceArn).

    Raise AwsError(AccessDenied) where the role is there and does not trust the service, or trusts it on a condition
    that is not met. A role that is not there is taken at its word: it may do nothing that its ARN does not say.
    """
    from tidegate_sandbox.hooks import iam as iam_hooks

    account = role_arn.split(":")[4]
    role = iam_hooks.role_named(account, role_arn.rpartition("/")[2])
    said = _said_of(account, source)
    if role is not None and not iam_hooks.trusts(role, f"{service}.amazonaws.com", said):
        raise AwsError("AccessDenied", f"{service}.amazonaws.com is not authorized to assume the role {role_arn}.", 403)
    return _register(role_arn, name)


def _said_of(account: str, source: str | None = None) -> dict[str, str]:
    return {"aws:sourceaccount": account} | ({"aws:sourcearn": source} if source else {})


def may_assume(role_arn: str, service: str) -> bool:
    """Whether `service` may assume the role: it is there and trusts it, or is not there and IAM is not enforced."""
    from tidegate_sandbox import enforcement
    from tidegate_sandbox.hooks import iam as iam_hooks

    account = role_arn.split(":")[4]
    role = iam_hooks.role_named(account, role_arn.rpartition("/")[2])
    if role is None or role["Arn"] != role_arn:
        return not enforcement.is_enforced()
    return iam_hooks.trusts(role, f"{service}.amazonaws.com", _said_of(account))


def _register(role_arn: str, name: str) -> Credentials:
    from tidegate_sandbox.hooks import iam as iam_hooks

    session = "".join(each if each.isalnum() or each in "+=,.@-_" else "-" for each in name)[:_LONGEST_NAME]
    made = Credentials(
        "ASIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16)),
        secrets.token_hex(20),
        secrets.token_hex(32),
        role_arn,
        session,
    )
    iam_hooks.register_session(made.access_key_id, made.secret_access_key, made.session_token, made.arn)
    _sessions[made.access_key_id] = made
    _used[made.access_key_id] = time.time()
    return made


def of_access_key(access_key: str) -> Credentials | None:
    """Return the session that a request is signed with, one that a caller assumed by itself included, or None."""
    if not access_key.startswith("ASIA"):
        return None
    if access_key not in _sessions:
        from tidegate_sandbox.hooks import iam as iam_hooks

        session = iam_hooks.session_of(access_key)
        if session is None or ":assumed-role/" not in session[0]:
            return None
        _, _, _, _, account, resource = session[0].split(":", 5)
        _, role_name, name = resource.split("/", 2)
        role = iam_hooks.role_named(account, role_name)
        arn = str(role["Arn"]) if role else f"arn:aws:iam::{account}:role/{role_name}"
        _sessions[access_key] = Credentials(access_key, "", "", arn, name)
    _used[access_key] = time.time()
    return _sessions[access_key]


def of_request(access_key: str) -> Credentials | None:
    """Return the session of a role that a request is signed with, None where an account itself, or a user, asks.

    Raise UnknownKeyError where the key is of a session that nobody has, or that has expired.
    """
    from tidegate_sandbox.hooks import iam as iam_hooks

    if access_key.startswith("ASIA"):
        session = iam_hooks.session_of(access_key)
        if session is None and access_key not in _sessions:
            raise UnknownKeyError(
                "UnrecognizedClientException", "The security token included in the request is invalid."
            )
        if session is None or session[1]:
            raise UnknownKeyError("ExpiredTokenException", "The security token included in the request is expired")
    return of_access_key(access_key)


def forget_unused(unused_for: float, in_use: Collection[str]) -> int:
    """Forget sessions that are in nobody's hands and were not used for so many seconds of the wall; return how many.

    `in_use` are the access keys that something has that runs. Those that expire are forgotten when they have.
    """
    from tidegate_sandbox.hooks import history

    now, lasting = time.time(), set(history.sessions())
    gone = {key for key in lasting if now - _used.setdefault(key, now) > unused_for} - set(in_use)
    history.forget_sessions(gone)
    for mine in (_sessions, _used):
        for key in [key for key in mine if key in gone or not history.has_session(key)]:
            del mine[key]
    return len(gone)


def account_of(access_key: str) -> str:
    """Return the account that a caller with this key acts in: its session's, else the key is an account itself."""
    session = of_access_key(access_key)
    return session.account if session else access_key


@contextlib.contextmanager
def acting_with(credentials: Credentials | None) -> Iterator[None]:
    """Act with a session, in its role's account, or with none: a service seeing to its own business."""
    from tidegate_sandbox import hooks

    account, region = hooks.current_account_and_region()
    with hooks.acting_in(credentials.account if credentials else account, region):
        before = _acting.set(credentials)
        try:
            yield
        finally:
            _acting.reset(before)


@contextlib.contextmanager
def acting_as(role_arn: str | None, service: str, name: str) -> Iterator[None]:
    """Act with a new session of `role_arn`, assumed by `service`; with none where there is no role."""
    with acting_with(session_of(role_arn, service, name) if role_arn else None):
        yield


def handed_to(role_arn: str, name: str) -> AbstractContextManager[None]:
    """Let whoever acts now ask STS for a session of `role_arn`, as an action with a role of its own does; act with it.

    AwsError(AccessDenied), at once, where the role is in another account and is not there, or does not let them.
    """
    from tidegate_sandbox import context
    from tidegate_sandbox.hooks import iam as iam_hooks

    account, asking = role_arn.split(":")[4], acting()
    if asking is not None and asking.account != account:
        role = iam_hooks.role_named(account, role_arn.rpartition("/")[2])
        if role is None or role["Arn"] != role_arn or not iam_hooks.lets_assume(role, asking.role_arn):
            said = f"User: {asking.role_arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
            raise AwsError("AccessDenied", said, 403)
    given = context.scope().client("sts").assume_role(RoleArn=role_arn, RoleSessionName=name[:_LONGEST_NAME])
    keys: Mapping[str, str] = given["Credentials"]
    made = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], role_arn, name)
    _sessions[made.access_key_id] = made
    return acting_with(made)


def install() -> None:
    """Let Lambda functions and stacks act with sessions of their roles, and buckets know the roles that call."""
    from tidegate_sandbox.hooks import iam as iam_hooks
    from tidegate_sandbox.state import keep

    keep("roles of stacks", _stack_roles)
    iam_hooks.hold_buckets_to_roles(lambda key: session.role_arn if (session := of_access_key(key)) else None)
    iam_hooks.lend_functions(lambda role, name: session_of(role, "lambda", name).environment())
    iam_hooks.hold_function_logs_to_roles()
    iam_hooks.replace_stack_operations(_operating_on)


_stack_roles: dict[tuple[str, str, str], str] = {}
"""The role that each stack was last given, by account, region and name: it stays the stack's."""


@contextlib.contextmanager
def _operating_on(stack: str, role_arn: str | None) -> Iterator[None]:
    """Act as CloudFormation does for a stack: with its role, else on the authority of who asked."""
    from tidegate_sandbox import hooks, journal

    name = stack.rpartition(":stack/")[2].partition("/")[0] or stack
    key = (*hooks.current_account_and_region(), name)
    if role_arn:
        _stack_roles[key] = role_arn
    role_arn = _stack_roles.get(key)
    with acting_with(session_of(role_arn, "cloudformation", name) if role_arn else journal.caller()):
        yield
