"""The names of ministack that evaluate policies: whether whoever acts may do what it asks for, and if not, why not.

A part of `hooks`, whose `check` asserts these too; only `hooks` imports ministack.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from ministack.core import iam_actions as _actions
from ministack.core import iam_evaluator as _evaluator
from ministack.core import responses as _responses
from ministack.services import iam as _iam
from ministack.services import s3 as _s3
from ministack.services import sts as _sts
from ministack.services import tagging as _tagging

from tidegate_sandbox.checks import Check

RELIED_ON: list[tuple[Any, str]] = [
    (_actions, "access_denied_response"),
    (_evaluator, "_ALWAYS_ALLOWED_ACTIONS"),
    (_evaluator, "_account_from_arn"),
    (_evaluator, "_action_matches"),
    (_evaluator, "_resolve_managed_policy_document"),
    (_evaluator, "_resolve_condition_key"),
    (_evaluator, "_resource_policy"),
    (_evaluator, "EvalContext"),
    (_evaluator, "combine_resource_policy"),
    (_evaluator, "evaluate"),
    (_evaluator, "evaluate_resource_policy"),
    (_evaluator, "evaluate_trust_policy"),
    (_evaluator, "parse_policy_document"),
    (_iam, "_roles"),
    (_responses, "get_region"),
    (_responses, "request_scope"),
    (_s3, "_bucket_owner_account"),
    (_sts, "_caller_identity"),
    (_sts, "_sessions"),
    (_tagging, "resource_tags"),
]

Shared = tuple[str | Mapping[str, Any] | None, str | None]
"""A resource's own policy, if it has one, and the account that the resource is in, where that is known."""

OF_SESSIONS = ("sts:AssumeRole", "sts:TagSession")
"""Actions on a role that its trust policy has to allow, whoever asks."""

_ALLOW, _DENY = "Allow", "Deny"
_KEY_POLICIES = "kms"  # who owns a key may use it only as its policy says
_shared: dict[str, Callable[[str], Shared | None]] = {}


def register_resource_policies(service: str, find: Callable[[str], Shared | None]) -> None:
    """Let `find` tell the policy of a resource of `service` by its ARN; it is called in the resource's account."""
    _shared[service] = find


class _Case(NamedTuple):
    """All that a decision hangs on: who asks for what, and the text of every policy that has a say in it."""

    role_arn: str
    action: str
    resource: str
    keys: tuple[tuple[str, Any], ...]
    region: str
    identity: tuple[str, ...]
    limits: tuple[tuple[str, tuple[str, ...]], ...]
    """What narrows the role's policies, by IAM's word for it."""
    policy: str | None
    """The resource's own."""
    owner: str | None
    """The account that the resource is in, where that is known."""

    @property
    def lasts(self) -> bool:
        """Whether the same case is always decided alike: no policy looks at the clock or at the organisation."""
        documents = (*self.identity, *(each for _, layer in self.limits for each in layer), self.policy or "")
        return all(map(_lasts, documents))


def refusal(role_arn: str, access_key: str, check: Check) -> str | None:
    """Return why a session of a role may not do something, None where it may.

    Its policies are evaluated within its boundary and the session's own policy, with the policy of the resource, as IAM
    does (user guide, "Policy evaluation logic"). The words are IAM's ("Troubleshoot access denied error messages").
    """
    if check[0] in _evaluator._ALWAYS_ALLOWED_ACTIONS:
        return None
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    action, resource, keys = _of_what_is_there(check)
    role, session = _iam._roles.get_scoped(account, None, name) or {}, _sts._sessions.get(access_key) or {}
    keys = {**_of_who_asks(role, session), **keys}
    identity = _identity(role, account)
    limits = _limits(role, account, session)
    region = _responses.get_region()
    if action in OF_SESSIONS:
        context = asked(role_arn, (action, resource, keys), region)
        return _assuming(context, _layer(identity), {words: _layer(layer) for words, layer in limits.items()})
    policy, owner = _of_resource(action, resource)
    case = _Case(
        *(role_arn, action, resource, tuple(keys.items()), region, identity, tuple(limits.items())),
        *(None if policy is None else _text(policy), owner),
    )
    if not all(isinstance(value, str) for value in keys.values()):
        return _decide(case)  # lists, or 1 and True, which are equal and do not read alike
    try:
        return _remembered[case]
    except KeyError:
        why = _decide(case)
    if case.lasts:
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        _remembered[case] = why
    return why


def _decide(case: _Case) -> str | None:
    account, action = case.role_arn.split(":")[4], case.action
    context = asked(case.role_arn, (action, case.resource, dict(case.keys)), case.region)
    documents = {"identity-based policy": case.identity, **dict(case.limits)}
    layers = {words: _layer(_resolved(each, context) for each in layer) for words, layer in documents.items()}
    identity, *limits = layers.values()
    own = _evaluator.evaluate(context, identity, *limits)
    if own.decision == _DENY:
        words = next(words for words, layer in layers.items() if _evaluator.evaluate(context, layer).decision == _DENY)
        return f"with an explicit deny in {'an' if words[0] == 'i' else 'a'} {words}"
    if case.policy is None and case.owner in (None, account):
        decision = own
    else:
        required, within = action.startswith(f"{_KEY_POLICIES}:"), tuple(limits)
        policy = case.policy and _resolved(case.policy, context)
        decision = _evaluator.combine_resource_policy(
            own, context, policy, case.owner, required=required, limits=within
        )
    if decision.decision == _ALLOW:
        return None
    if decision.decision == _DENY:
        return "with an explicit deny in a resource-based policy"
    for words, layer in layers.items():
        if _evaluator.evaluate(context, layer).decision != _ALLOW:
            return f"because no {words} allows the {action} action"
    return f"because no resource-based policy allows the {action} action"


MOST_REMEMBERED = 1024
"""Decisions that are remembered; then it begins anew, for what is asked often is soon back."""

_remembered: dict[_Case, str | None] = {}


def refusal_of_action(role_arn: str, action: str) -> str | None:
    """Return why a role may do something to nothing at all, None where it may do it to something."""
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    role = _iam._roles.get_scoped(account, None, name) or {}
    for words, layer in {"identity-based policy": _identity(role, account), **_limits(role, account, {})}.items():
        statements = [each for policy in _layer(layer) for each in policy if each.effect == _ALLOW]
        if not any(_evaluator._action_matches(action, each.actions, each.not_actions) for each in statements):
            return f"because no {words} allows the {action} action"
    return None


def refusal_of_session(access_key: str, check: Check) -> str | None:
    """Return whom a role does not let have a session, None where it does: an account's own keys, or a user's.

    The account is asked for no policy of its own, for it may do everything. A role that trusts services alone does not
    trust the account that it is in.
    """
    caller = _sts._caller_identity({"authorization": f"AWS4-HMAC-SHA256 Credential={access_key}/"})
    context = asked(caller["userArn"], check, _responses.get_region())
    context.principal_account, context.principal_type = caller["accountId"], caller["principalType"]
    return None if _trusted(context) else str(caller["userArn"])


def _trusted(context: Any) -> bool:
    account, name = context.resource_arn.split(":")[4], context.resource_arn.rpartition("/")[2]
    role = _iam._roles.get_scoped(account, None, name)
    if role is None or role["Arn"] != context.resource_arn:
        return False
    trust = role["AssumeRolePolicyDocument"]
    document = json.loads(trust) if isinstance(trust, str) else trust
    # ministack takes the account's root for any service.
    return bool(_evaluator.evaluate_trust_policy(_without_services(document), context.principal_arn, context))


def _without_services(document: Mapping[str, Any]) -> dict[str, Any]:
    statements = document.get("Statement") or []
    statements = statements if isinstance(statements, list) else [statements]
    named = [each for each in statements if isinstance(each.get("Principal"), dict)]
    people = [{**each, "Principal": {**each["Principal"], "Service": []}} for each in named]
    return {**document, "Statement": [*people, *(each for each in statements if each not in named)]}


def _assuming(context: Any, identity: list[Any], limits: Mapping[str, list[Any]]) -> str | None:
    """Return why a role may not be assumed: its trust policy has a say always, and across accounts both sides have.

    IAM gives no reason here: who is not trusted is not told why.
    """
    if not _trusted(context):
        return ""
    return None if _evaluator.evaluate(context, identity, *limits.values()).decision == _ALLOW else ""


def asked(role_arn: str, check: Check, region: str) -> Any:
    """Return what ministack evaluates policies for: what a session of a role asks for, over TLS.

    A key that `check` does not carry is absent, as it is at AWS.
    """
    action, resource, keys = check
    return _evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=role_arn.split(":")[4],
        action=action,
        resource_arn=resource,
        region=region,
        secure_transport=True,
        # A request that names no tags has no aws:TagKeys.
        service_context={"aws:tagkeys": None} | {name.lower(): value for name, value in keys.items()},
    )


def _of_who_asks(role: Mapping[str, Any], session: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys that a session of a role brings to each of its calls: its tags, its id and its age."""
    tags = [*(role.get("Tags") or ()), *(session.get("SessionTags") or ())]
    keys = {f"aws:PrincipalTag/{each['Key']}": str(each["Value"]) for each in tags}
    keys["aws:PrincipalIsAWSService"] = "false"
    if role and session:
        keys["aws:userid"] = f"{role.get('RoleId')}:{session['Arn'].rpartition('/')[2]}"
    if issued := session.get("IssuedAt"):
        keys["aws:TokenIssueTime"] = datetime.fromtimestamp(issued, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return keys


def _of_what_is_there(check: Check) -> Check:
    """Return a check with the tags that its resource bears, where it does not tell them itself."""
    action, resource, keys = check
    kinds = ("aws", action.partition(":")[0])
    tags = {f"{of}:ResourceTag/{name}": value for name, value in (_tags(resource) or {}).items() for of in kinds}
    told = {name.lower() for name in keys}
    return action, resource, {**{name: value for name, value in tags.items() if name.lower() not in told}, **keys}


def _tags(resource: str) -> Mapping[str, str] | None:
    owner = _evaluator._account_from_arn(resource)
    if owner is None:
        return None
    with _responses.request_scope(owner, resource.split(":")[3] or _responses.get_region()):
        found: Mapping[str, str] | None = _tagging.resource_tags(resource)
    return found


def _identity(role: Mapping[str, Any], account: str) -> tuple[str, ...]:
    documents = [*(role.get("InlinePolicies") or {}).values()]
    documents += [_managed(arn, account) for arn in role.get("AttachedPolicies", [])]
    return tuple(_text(document) for document in documents if document)


def _limits(role: Mapping[str, Any], account: str, session: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return what narrows a role's policies, by IAM's word for it. A limit of no documents allows nothing."""
    found: dict[str, tuple[str, ...]] = {}
    boundary = role.get("PermissionsBoundary")
    boundary = boundary.get("PermissionsBoundaryArn") if isinstance(boundary, Mapping) else boundary
    if boundary:
        document = _managed(boundary, account)
        found["permissions boundary"] = (_text(document),) if document else ()
    passed = session.get("SessionPolicies")
    if passed is not None:
        documents = [passed.get("Policy"), *(_managed(arn, account) for arn in passed.get("PolicyArns", []))]
        found["session policy"] = tuple(_text(document) for document in documents if document)
    return found


def _layer(documents: Iterable[str]) -> list[Any]:
    return [_parsed(document) for document in documents]


def _managed(arn: str, account: str) -> Any:
    return _evaluator._resolve_managed_policy_document(arn, account)


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


_VARIABLE = re.compile(r"\$\{\s*([^{},\s]+)\s*(?:,\s*'([^'{}]*)'\s*)?\}")


def _resolved(document: str, context: Any) -> str:
    """Return a document with the values of its policy variables; one without a value stays, and matches nothing."""
    if "${" not in document or "2012-10-17" not in document:
        return document

    def value(named: re.Match[str]) -> str:
        found = _evaluator._resolve_condition_key(named[1], context)
        given = named[2] if found is None else found
        return named[0] if given is None else json.dumps(str(given))[1:-1]

    return _VARIABLE.sub(value, document)


@lru_cache(maxsize=512)
def _parsed(document: str) -> Any:
    return _evaluator.parse_policy_document(document)


_CHANGING_KEYS = ("currenttime", "epochtime", "principalorgid", "\\u")
"""Condition keys whose values no case tells, and how JSON may hide one."""


@lru_cache(maxsize=512)
def _lasts(document: str) -> bool:
    return not any(key in document.lower() for key in _CHANGING_KEYS)


def _of_resource(action: str, resource: str) -> Shared:
    service, owner = action.partition(":")[0], _evaluator._account_from_arn(resource)
    if service == "s3" and resource.startswith("arn:"):
        owner = _s3._bucket_owner_account(resource.split(":", 5)[5].partition("/")[0])
    if owner is None:
        return None, None
    region = resource.split(":")[3] or _responses.get_region()
    with _responses.request_scope(owner, region):
        find = _shared.get(service)
        found = find(resource) if find else _evaluator._resource_policy(service, resource)
    return (found[0] or None, owner) if found else (None, owner)


def answer(service: str, check: Check, message: str, headers: Mapping[str, str], code: str = "") -> Any:
    """Return ministack's answer to a request that is refused, in the service's own form; `code` is AccessDenied's."""
    action, resource, _ = check
    status, sent, body = _actions.access_denied_response(
        service, action, "", "00000000-0000-0000-0000-000000000000", error_code=code, message=message,
        headers=dict(headers), resource_arn=resource,
    )  # fmt: skip
    if service in ("logs", "ssm") and not code:  # for which it has words of its own, and no other reason
        body = json.dumps({**json.loads(body), "Message": message}).encode()
    return status, sent, body
