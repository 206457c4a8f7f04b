"""Properties of a stack's resource that its type has in CloudFormation's schema and that ministack never looks at.

properties.json has their paths by type, derived from ministack's provisioners and the services behind them
(tests/tidegate_sandbox/unheeded/property_derivation.py says how and writes it). Such a property is told in the
resource's event, or fails the resource where a stack that went on without it would seem to be what it is not.
"""

import json
import logging
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from tidegate_sandbox.unheeded import members
from tidegate_sandbox.unheeded.decisions import FAILING_TYPES, property_decision

_log = logging.getLogger(__name__)
_said: set[tuple[str, str]] = set()


def of_resource(kind: str, properties: Mapping[str, Any]) -> str:
    """Return what a resource's event says of properties that have no effect, empty where there is none.

    ValueError where one fails the resource.
    """
    if why := FAILING_TYPES.get(kind):
        raise ValueError(f"{kind} is not in the local simulation: {why}.")
    tree = _trees().get(kind)
    found = list(dict.fromkeys(members.given(_tree(kind), dict(properties)))) if tree else []
    for member in found:
        if member.decision.does == "refuse":
            raise ValueError(f"{member.path} of {kind} is not in the local simulation: {member.decision.why}.")
    for member in found:
        if (kind, member.path) not in _said:
            _said.add((kind, member.path))
            _log.warning("%s of %s has no effect in the local simulation", member.path, kind)
    if not found:
        return ""
    return f"Without effect in the local simulation: {', '.join(member.path for member in found)}."


@cache
def _trees() -> Mapping[str, list[str]]:
    derived: dict[str, list[str]] = json.loads((files(__package__) / "properties.json").read_text("utf-8"))
    return derived


@cache
def _tree(kind: str) -> members.Tree:
    tree = members.Tree()
    for path in _trees()[kind]:
        at = path.replace("[]", "").split(".")
        members.put(tree, at, members.Member(path, property_decision(kind, path)))
    return tree
