"""What Application Auto Scaling knows of an account and region: targets, policies, and what was done for them.

Endpoints ask here which of their variants are scaled; nothing here asks them.
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tidegate_sandbox.context import Scoped
from tidegate_sandbox.state import Lock

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"

MOST_ACTIVITIES = 500
"""Activities that are kept of an account and region, the last ones."""

_VARIANT = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")


@dataclass
class Target:
    """A variant whose instances are scaled between `minimum` and `maximum`; the cooldowns of what was done last.

    `scaled_out` is when the last scale-out was complete and the capacity before it; `scaled_in`, when a scale-in was.
    """

    resource_id: str
    minimum: int
    maximum: int
    arn: str
    role: str
    created: datetime
    suspended: dict[str, bool] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    scaled_out: tuple[datetime, int] | None = None
    scaled_in: datetime | None = None

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        return variant_of(self.resource_id)[0]

    @property
    def variant(self) -> str:
        """The variant's name."""
        return variant_of(self.resource_id)[1]

    def bounded(self, capacity: int) -> int:
        """Return the capacity within the target's bounds that is nearest to `capacity`."""
        return max(self.minimum, min(self.maximum, capacity))


@dataclass
class Policy:
    """A target tracking policy; `alarms` are CloudWatch's names by AlarmHigh and AlarmLow."""

    name: str
    arn: str
    resource_id: str
    configuration: Mapping[str, Any]
    created: datetime
    created_by: str
    alarms: dict[str, str] = field(default_factory=dict)


@dataclass
class Activity:
    """One change of a target's capacity, `before` and `wanted` in instances, or the failure of it."""

    id: str
    resource_id: str
    cause: str
    before: int
    wanted: int
    started: datetime
    status: str = "InProgress"
    message: str = ""
    ended: datetime | None = None


@dataclass
class Inventory:
    """Targets by resource id, policies by resource id and name, activities in their order."""

    targets: dict[str, Target] = field(default_factory=dict)
    policies: dict[tuple[str, str], Policy] = field(default_factory=dict)
    activities: deque[Activity] = field(default_factory=lambda: deque(maxlen=MOST_ACTIVITIES))

    def policies_of(self, resource_id: str) -> list[Policy]:
        """Return the policies of a target, in the order in which they were made."""
        return [policy for policy in list(self.policies.values()) if policy.resource_id == resource_id]

    def under_way(self, resource_id: str) -> Activity | None:
        """Return what is being done for a target, if anything is."""
        found = (each for each in reversed(list(self.activities)) if each.resource_id == resource_id)
        return next((each for each in found if each.status == "InProgress"), None)


inventory: Scoped[Inventory] = Scoped(Inventory)

lock = Lock()
"""Held while targets, policies and activities change, which a snapshot then sees whole."""


def variant_of(resource_id: str) -> tuple[str, str]:
    """Return the endpoint and the variant that a resource id names; ValueError where it is no variant's."""
    match = _VARIANT.fullmatch(resource_id)
    if match is None:
        raise ValueError(f"{resource_id!r} is not of the form endpoint/NAME/variant/NAME")
    return match[1], match[2]


def scaled_variants(endpoint: str) -> Iterable[str]:
    """Return the variants of `endpoint` that are scalable targets, in the scope that is being served."""
    return [target.variant for target in list(inventory.here().targets.values()) if target.endpoint == endpoint]
