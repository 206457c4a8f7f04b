"""The names of ministack that have to do with IAM's simulation of policies, and with service-linked roles.

A part of `hooks`, whose `check` asserts these too. ministack's own simulation does not find a role that has a path,
looks at one resource alone, and knows neither boundaries nor the condition keys that it is given; and it names each
service-linked role after the first word of its service.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator as _evaluator
from ministack.core import responses as _responses
from ministack.services import iam as _iam

from tidegate_sandbox.hooks import policies as policy_hooks

RELIED_ON: list[tuple[Any, str]] = [
    (_evaluator, "_gather_role_policies"),
    (_evaluator, "_resolve_managed_policy_document"),
    (_evaluator, "evaluate"),
    (_evaluator, "parse_policy_document"),
    (_iam, "_IAM_HANDLERS"),
    (_iam, "_error"),
    (_iam, "_p"),
    (_iam, "_roles"),
    (_iam, "_xml"),
    (_responses, "get_account_id"),
    (_responses, "get_region"),
]

DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}
# IAM user guide, "AWS services that work with IAM", and the user guides of the services themselves.
LINKED_ROLES = {
    "sagemaker.application-autoscaling.amazonaws.com": "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
}


def replace_simulation() -> None:
    """Let SimulatePrincipalPolicy take a role as AWS does, and CreateServiceLinkedRole name it as AWS does."""
    simulate, link = _iam._IAM_HANDLERS["SimulatePrincipalPolicy"], _iam._IAM_HANDLERS["CreateServiceLinkedRole"]

    def simulated(params: Mapping[str, Any]) -> Any:
        principal = _iam._p(params, "PolicySourceArn")
        return _simulated(principal, params) if ":role/" in principal else simulate(params)

    def linked(params: Mapping[str, Any]) -> Any:
        name = LINKED_ROLES.get(_iam._p(params, "AWSServiceName"))
        return _linked(name, link, params) if name else link(params)

    _iam._IAM_HANDLERS |= {"SimulatePrincipalPolicy": simulated, "CreateServiceLinkedRole": linked}


def _simulated(principal: str, params: Mapping[str, Any]) -> Any:
    account, name = _responses.get_account_id(), principal.rpartition("/")[2]
    role = _iam._roles.get_scoped(account, None, name)
    if role is None or role["Arn"] != principal:
        return _iam._error(404, "NoSuchEntity", f"ARN {principal} does not exist.", ns="iam")
    policies = _evaluator._gather_role_policies(name, account)
    limits = []
    boundary = role.get("PermissionsBoundary")
    boundary = boundary.get("PermissionsBoundaryArn") if isinstance(boundary, dict) else boundary
    if boundary:
        document = _evaluator._resolve_managed_policy_document(boundary, account) or {}
        limits = [[_evaluator.parse_policy_document(document)]]
    keys = dict(_context(params))
    results = ""
    for action in _members(params, "ActionNames"):
        for resource in list(_members(params, "ResourceArns")) or ["*"]:
            context = policy_hooks.asked(principal, (action, resource, keys), _responses.get_region())
            decision = DECISIONS[_evaluator.evaluate(context, policies, *limits).decision]
            results += (
                f"<member><EvalActionName>{escape(action)}</EvalActionName>"
                f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
                f"<EvalDecision>{decision}</EvalDecision><MatchedStatements/><MissingContextValues/></member>"
            )
    body = (
        f"<SimulatePrincipalPolicyResult><EvaluationResults>{results}</EvaluationResults>"
        "<IsTruncated>false</IsTruncated></SimulatePrincipalPolicyResult>"
    )
    return _iam._xml(200, "SimulatePrincipalPolicyResponse", body, ns="iam")


def _context(params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    at = 1
    while name := _iam._p(params, f"ContextEntries.member.{at}.ContextKeyName"):
        values = list(_members(params, f"ContextEntries.member.{at}.ContextKeyValues"))
        yield name.lower(), values[0] if len(values) == 1 else values
        at += 1


def _members(params: Mapping[str, Any], name: str) -> Iterator[str]:
    at = 1
    while value := _iam._p(params, f"{name}.member.{at}"):
        yield value
        at += 1


def _linked(name: str, link: Any, params: Mapping[str, Any]) -> Any:
    if name in _iam._roles:
        message = f"Service role name {name} has been taken in this account, please try a different suffix."
        return _iam._error(400, "InvalidInput", message, ns="iam")
    before = set(_iam._roles)
    status, headers, body = link(params)
    for made in set(_iam._roles) - before:
        role = _iam._roles.pop(made)
        _iam._roles[name] = role | {"RoleName": name, "Arn": role["Arn"].replace(made, name)}
        body = body.replace(made.encode(), name.encode())
    return status, headers, body
