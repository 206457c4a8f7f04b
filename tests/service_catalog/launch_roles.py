"""The launch roles of the admin stack, each with all that it may do."""

from typing import Any

Template = dict[str, Any]


def with_policies(template: Template, name: str) -> Template:
    """Return a role with the managed policies of the same template among its own."""
    resources: Template = template["Resources"]
    role: Template = resources[name]
    attached = [resources[each["Ref"]] for each in role["Properties"].get("ManagedPolicyArns", [])]
    documents = [{"PolicyDocument": each["Properties"]["PolicyDocument"]} for each in attached]
    own = role["Properties"].get("Policies", [])
    reasons: Template = {}
    for each in (*attached, role):
        reasons |= each.get("Metadata", {})
    return {**role, "Properties": {**role["Properties"], "Policies": [*own, *documents]}, "Metadata": reasons}
