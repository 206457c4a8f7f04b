"""The journal of calls: what every session of a role asked AWS for, as IAM sees it, whether it was let or refused.

A line of `home/journal/calls.jsonl` is one check that AWS would make:

    {"role": ARN, "session": name, "service": "sagemaker", "action": "sagemaker:CreateModel", "resource": ARN or "*",
     "keys": {condition key: value}, "region": …, "refused": what AWS says to what policies do not allow}

One call may be several checks: who tags what is made needs `AddTags`, who hands a role over needs `iam:PassRole`, who
reads from an encrypted bucket needs its key. What a stack does to a resource is a line of its own: its `action` is
`cloudformation/create AWS::S3::Bucket`, say, for what that calls is told by the type's schema. Calls with an account's
own keys are people's, or services' seeing to their own business, and are not written, but for the roles and policies
that people's stacks make (`role` is then the account's root): what a role might do can be told once it is gone. Whoever
invokes an endpoint is written down once.
"""

import contextlib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from tidegate_sandbox import credentials, enforcement
from tidegate_sandbox.authorisation import stacks
from tidegate_sandbox.checks import Check
from tidegate_sandbox.credentials import Credentials
from tidegate_sandbox.state import keep

if TYPE_CHECKING:
    from tidegate_sandbox.hooks import iam as iam_hooks

_log = logging.getLogger(__name__)
_caller: ContextVar[Credentials | None] = ContextVar("caller", default=None)
_file: int | None = None
_invoked: set[tuple[str, str]] = set()
_beginning_anew = Lock()


LONGEST = 128 * 2**20
"""Bytes after which the journal begins anew; the one before it is kept beside it."""


def path(home: Path) -> Path:
    """Return where a sandbox of that home keeps its journal."""
    return home / "journal" / "calls.jsonl"


def caller() -> Credentials | None:
    """Return the session that the request being served is signed with, or None where it is none of a role."""
    return _caller.get()


def write(who: Credentials | None, checks: Iterable[Check], region: str) -> None:
    """Write down what `who` asked for; nothing where nobody, or no role, did.

    Raises AwsError(AccessDeniedException) for what their policies do not allow, where IAM is enforced.
    """
    if who is not None:
        asked = list(checks)
        refused = enforcement.refusal(who, asked)
        _write(who.role_arn, who.name, asked, region, refused)
        enforcement.enforce(refused)


def _write(
    role: str, session: str, checks: Iterable[Check], region: str, refused: enforcement.AccessDeniedError | None
) -> None:
    if _file is None:
        return
    lines = [
        json.dumps(
            {
                "role": role,
                "session": session,
                "service": action.partition(":")[0],
                "action": action,
                "resource": resource,
                "keys": dict(keys),
                "region": region,
                **({"refused": str(refused)} if refused else {}),
            },
            default=str,
        )
        for action, resource, keys in checks
    ]
    if lines:
        # One write to a file opened for appending: lines of several threads do not mix.
        os.write(_file, ("\n".join(lines) + "\n").encode())
        if os.fstat(_file).st_size > LONGEST:
            _begin_anew()


def acted(action: str, resource: str = "*", keys: Mapping[str, Any] | None = None) -> None:
    """Write down what whoever acts now does without a request, for the simulation does it in-process."""
    from tidegate_sandbox import hooks

    write(credentials.acting(), [(action, resource, keys or {})], hooks.current_account_and_region()[1])


def passes(role_arn: str, service: str) -> None:
    """Write down that whoever acts now hands a role to `service` (such as `sagemaker`)."""
    acted("iam:PassRole", role_arn, {"iam:PassedToService": f"{service}.amazonaws.com"})


def invoked(who: Credentials | None, endpoint_arn: str, region: str) -> None:
    """Write down, once, that `who` invokes an endpoint; raises as `write` does."""
    if who is None:
        return None
    check = ("sagemaker:InvokeEndpoint", endpoint_arn, dict[str, Any]())
    if (who.role_arn, endpoint_arn) in _invoked:
        return enforcement.hold(who, [check])
    _invoked.add((who.role_arn, endpoint_arn))
    return write(who, [check], region)


@contextlib.contextmanager
def serving(access_key: str) -> Iterator[Credentials | None]:
    """Find out who sent a request that is signed with `access_key`; it is `caller()` within the block.

    Raises UnknownKeyError as `credentials.of_request` does.
    """
    who = credentials.of_request(access_key)
    before = _caller.set(who)
    try:
        yield who
    finally:
        _caller.reset(before)


def install(home: Path, own_services: Iterable[str]) -> None:
    """Begin a journal and write each request down, but for those of the sandbox's own services, which do it."""
    global _file
    from tidegate_sandbox.hooks import iam as iam_hooks

    file = path(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    _file = _opened(file)
    iam_hooks.observe_requests(list(own_services), _request)
    iam_hooks.observe_stack_resources(_stack_resource)


def _opened(file: Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _begin_anew() -> None:
    from tidegate_sandbox import context

    with _beginning_anew:
        file = path(context.sandbox().home)
        if _file is not None and file.stat().st_size > LONGEST:  # nobody else has, meanwhile
            file.replace(file.with_suffix(".before.jsonl"))
            # In place: whoever writes has the number of the file, and must not find it closed.
            made = _opened(file)
            os.dup2(made, _file)
            os.close(made)


@contextlib.contextmanager
def _request(request: "iam_hooks.Request") -> Iterator[None]:
    from tidegate_sandbox import hooks
    from tidegate_sandbox.hooks import iam as iam_hooks

    key = iam_hooks.access_key_of_request(request)
    with serving(key) as who:
        if who is not None or request.service == "sts":
            account, region = hooks.current_account_and_region()
            try:
                checks = iam_hooks.checks(request, account, region)
                checks += _implied(checks, request)
            except Exception:  # a call is served, whether or not it is known what it asks for
                _log.exception("what %s %s asks for is not known", request.method, request.path)
                checks = []
            if who is None:
                enforcement.enforce(enforcement.refusal_of_session(key, checks))
            write(who, checks, region)
        yield


def _implied(checks: Iterable[Check], request: "iam_hooks.Request") -> Iterator[Check]:
    """Return what the calls need besides: the key of an encrypted bucket, and the right to hand a role on."""
    from tidegate_sandbox import hooks
    from tidegate_sandbox.hooks import iam as iam_hooks

    for action, resource, _ in checks:
        if action in _WITH_KEY:
            bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
            asked = request.headers.get("x-amz-server-side-encryption-aws-kms-key-id")
            key = asked or _bucket_keys.get(bucket) or iam_hooks.default_key(bucket)
            if key:
                region = hooks.current_account_and_region()[1]
                via = {"kms:ViaService": f"s3.{region}.amazonaws.com"}
                for used in _WITH_KEY[action]:
                    yield used, key, via
        elif action in ("cloudformation:CreateStack", "cloudformation:UpdateStack"):
            role = request.params.get("RoleARN")
            if role:
                to = {"iam:PassedToService": "cloudformation.amazonaws.com"}
                yield "iam:PassRole", role[0] if isinstance(role, list) else role, to


_bucket_keys: dict[str, str] = keep("keys of buckets", {})
"""The keys of buckets that stacks made: ministack makes them without."""

_WITH_KEY = {
    "s3:GetObject": ("kms:Decrypt",),
    "s3:GetObjectVersion": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
}


def _stack_resource(resource: "iam_hooks.StackResource") -> None:
    from tidegate_sandbox import hooks

    if resource.type == "AWS::S3::Bucket":
        for rule in resource.properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", ()):
            if key := rule.get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID"):
                _bucket_keys[resource.physical_id] = key
    account, region = hooks.current_account_and_region()
    who = credentials.acting()
    if who is None and not resource.done:
        return
    if who is None and not resource.type.startswith("AWS::IAM::"):
        return
    keys = {
        "type": resource.type,
        "id": resource.physical_id,
        "properties": resource.properties,
        "attributes": resource.attributes,
    }
    arn = str(resource.attributes.get("Arn", resource.physical_id))
    role, session = (who.role_arn, who.name) if who else (f"arn:aws:iam::{account}:root", "")
    action = f"cloudformation/{resource.operation} {resource.type}"
    asked = {"role": role, "action": action, "resource": arn, "keys": keys, "region": region}
    if not resource.done:
        # What is not there yet has no ARN: whether it may be made at all is all that can be told.
        enforcement.hold_to_actions(who, stacks.needed(asked))
    else:
        refused = enforcement.refusal(who, stacks.needed(asked))
        _write(role, session, [(action, arn, keys)], region, refused)
        enforcement.enforce(refused)
