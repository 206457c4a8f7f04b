"""The names of ministack that have to do with AWS's own managed policies, and with which policies can be attached.

A part of `hooks`, whose `check` asserts these too. ministack has some thirty of AWS's policies, each as its version v1
made at the start; it attaches an ARN that no policy has, lists all there are at once, and makes a stack's role without
the boundary that the template gives it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ministack.services import iam as _iam

from tidegate_sandbox.managed_policies import FOR_LINKED_ROLES, PREFIX, ManagedPolicy, all_policies

RELIED_ON: list[tuple[Any, str]] = [
    (_iam, "_IAM_HANDLERS"),
    (_iam, "_aws_managed_attachment_counts"),
    (_iam, "_aws_managed_policies"),
    (_iam, "_boundary_usage_counts"),
    (_iam, "_error"),
    (_iam, "_lookup_policy"),
    (_iam, "_managed_policy_xml"),
    (_iam, "_p"),
    (_iam, "_policies"),
    (_iam, "_roles"),
    (_iam, "_xml"),
]

LISTED = 100
"""How many policies a page of ListPolicies has unless MaxItems says otherwise."""

_stock_lookup = _iam._lookup_policy


def install() -> None:
    """Know AWS's managed policies as AWS has them, and let nothing be attached that no policy is."""
    _iam._aws_managed_policies.clear()
    _iam._lookup_policy = _lookup
    handlers = _iam._IAM_HANDLERS
    for kind in ("Role", "User", "Group"):
        handlers[f"Attach{kind}Policy"] = _attaching(handlers[f"Attach{kind}Policy"])
    for name in ("CreateRole", "CreateUser", "PutRolePermissionsBoundary", "PutUserPermissionsBoundary"):
        handlers[name] = _bounding(handlers[name])
    handlers["ListPolicies"] = _list_policies


def _lookup(arn: str) -> Any:
    known = _iam._aws_managed_policies
    if isinstance(arn, str) and arn.startswith(PREFIX) and arn not in known and arn in all_policies():
        known[arn] = _record(all_policies()[arn])
    return _stock_lookup(arn)


def _record(policy: ManagedPolicy) -> dict[str, Any]:
    version = {
        "Document": policy.document,
        "VersionId": policy.version,
        "IsDefaultVersion": True,
        "CreateDate": policy.updated,
    }
    return {
        "PolicyName": policy.name,
        "Arn": policy.arn,
        "PolicyId": policy.id,
        "CreateDate": policy.created,
        "UpdateDate": policy.updated,
        "DefaultVersionId": policy.version,
        "AttachmentCount": 0,
        "IsAttachable": True,
        "Path": policy.path,
        "Description": "",
        "Tags": [],
        "Versions": {policy.version: version},
    }


# ---------------------------------------------------------------- what can be attached
def missing(arns: Iterable[str]) -> str | None:
    """Return, in IAM's words, that the first of `arns` that no policy has is not there; None where all are."""
    for arn in arns:
        if _iam._lookup_policy(arn) is None:
            return f"Policy {arn} does not exist or is not attachable."
    return None


def hold_to_policies(kind: str, given: Mapping[str, Any]) -> None:
    """Raise ValueError, in CloudFormation's words, where a stack's role, user or group names a policy that is not."""
    if kind not in ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"):
        return
    boundary = given.get("PermissionsBoundary")
    if found := missing([*(given.get("ManagedPolicyArns") or []), *([boundary] if boundary else [])]):
        raise ValueError(f'Resource handler returned message: "{found}" (HandlerErrorCode: NotFound)')


def bound(kind: str, name: str, given: Mapping[str, Any]) -> None:
    """Give a stack's role the boundary that its template says, or none."""
    if kind == "AWS::IAM::Role" and (role := _iam._roles.get(name)) is not None:
        role["PermissionsBoundary"] = given.get("PermissionsBoundary")


def _attaching(handle: Any) -> Any:
    def attach(params: Mapping[str, Any]) -> Any:
        arn = _iam._p(params, "PolicyArn")
        if found := missing([arn]):
            return _iam._error(404, "NoSuchEntity", found, ns="iam")
        if arn.startswith(PREFIX.rstrip("/") + FOR_LINKED_ROLES):
            said = "Cannot attach a Service Role Policy to a Customer Role."
            return _iam._error(400, "PolicyNotAttachable", said, ns="iam")
        return handle(params)

    return attach


def _bounding(handle: Any) -> Any:
    def given(params: Mapping[str, Any]) -> Any:
        arn = _iam._p(params, "PermissionsBoundary")
        if arn and _iam._lookup_policy(arn) is None:
            said = f"Scope ARN: {arn} does not exist or is not attachable."
            return _iam._error(404, "NoSuchEntity", said, ns="iam")
        return handle(params)

    return given


# ---------------------------------------------------------------- the list
def _list_policies(params: Mapping[str, Any]) -> Any:
    scope, prefix = _iam._p(params, "Scope") or "All", _iam._p(params, "PathPrefix") or "/"
    attached, usage = _iam._p(params, "OnlyAttached") == "true", _iam._p(params, "PolicyUsageFilter")
    bounding = _iam._boundary_usage_counts()
    own = {} if scope == "AWS" else dict(_iam._policies.items())
    arns = [*own, *([] if scope == "Local" else all_policies())]
    chosen = []
    for arn in arns:
        path = own[arn]["Path"] if arn in own else all_policies()[arn].path
        used = own[arn]["AttachmentCount"] if arn in own else _iam._aws_managed_attachment_counts.get(arn, 0)
        wanted = bounding.get(arn) if usage == "PermissionsBoundary" else used
        if path.startswith(prefix) and (wanted or not (attached or usage)):
            chosen.append(arn)
    begin, most = int(_iam._p(params, "Marker") or 0), int(_iam._p(params, "MaxItems") or LISTED)
    page, left = chosen[begin : begin + most], len(chosen) > begin + most
    members = "".join(f"<member>{_iam._managed_policy_xml(arn, bounding)}</member>" for arn in page)
    marker = f"<Marker>{begin + most}</Marker>" if left else ""
    return _iam._xml(
        200,
        "ListPoliciesResponse",
        f"<ListPoliciesResult><Policies>{members}</Policies>"
        f"<IsTruncated>{str(left).lower()}</IsTruncated>{marker}</ListPoliciesResult>",
        ns="iam",
    )
