"""IAM's own simulation of a principal's policies: what is allowed, without doing it.

It knows identity policies, boundaries and the organisation's service control policies, not those of resources
(IAM API reference, SimulatePrincipalPolicy).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service_catalog.doctor.looking import Missing, Rim, Unread, look, read

SIMULATE = "iam:SimulatePrincipalPolicy"


@dataclass(frozen=True)
class Denied:
    """An action that is not allowed on a resource; `organisation` if a policy of the organisation forbids it."""

    action: str
    resource: str
    organisation: bool = False


def principal(rim: Rim, arn: str) -> str | Unread:
    """Return the ARN that IAM can simulate: of a session, its role's, which has a path that the session's lacks."""
    if ":assumed-role/" not in arn:
        return arn
    name = arn.split("/")[1]
    found = look(lambda: str(rim.client("iam").get_role(RoleName=name)["Role"]["Arn"]), missing=["NoSuchEntity"])
    return Unread(f"there is no role {name} in this account") if isinstance(found, Missing) else found


def simulate(
    rim: Rim, who: str, asked: Mapping[str, Sequence[str]], context: Mapping[str, str] | None = None
) -> tuple[Denied, ...] | Unread:
    """Return what `who` may not do of `asked`, which is actions by resource; `context` is condition keys."""
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in (context or {}).items()
    ]

    def ask() -> tuple[Denied, ...]:
        pager = rim.client("iam").get_paginator("simulate_principal_policy")
        found: list[Denied] = []
        for resource, actions in asked.items():
            request: dict[str, Any] = {"PolicySourceArn": who, "ActionNames": list(actions), "ResourceArns": [resource]}
            for page in pager.paginate(**request, **({"ContextEntries": entries} if entries else {})):
                found += [
                    _denied(each, resource) for each in page["EvaluationResults"] if each["EvalDecision"] != "allowed"
                ]
        return tuple(found)

    return read(ask)


def _denied(result: Mapping[str, Any], resource: str) -> Denied:
    organisation = result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True) is False
    return Denied(str(result["EvalActionName"]), resource, organisation)
