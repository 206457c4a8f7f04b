"""A test in production before a release: a shadow that answers nobody, or a challenger that answers a share."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from tidegate.stage import limits
from tidegate.stage.frozen import Frozen
from tidegate.stage.quantities import WRITTEN_WHOLE_PERCENT, duration_between
from tidegate.stage.values import InstanceCount, ResourceName, VersionWord

TestDuration = Annotated[timedelta, duration_between(limits.TEST_DURATION_MIN, limits.TEST_DURATION_MAX)]
Share = Annotated[int, WRITTEN_WHOLE_PERCENT]


class Shadow(Frozen):
    """Copies of requests go to the challenger; its answers are kept, and go to nobody."""

    sampling: Share = Field(examples=["50%"])
    """In percent, 1 to 100: the shadow's weight over production's, which is 1.0."""
    duration: TestDuration = Field(examples=["2h"])
    instance_count: InstanceCount | None = None
    """Left out, production's count times `sampling`, rounded up."""
    variant: ResourceName = limits.DEFAULT_SHADOW_VARIANT


class ABTest(Frozen):
    """The challenger answers a share of the requests, the champion the others."""

    challenger_weight: Share = Field(examples=["10%"])
    """In percent of all requests, 1 to 99."""
    duration: TestDuration = Field(examples=["24h"])
    instance_count: InstanceCount | None = None
    """Left out, production's count times `challenger_weight`, rounded up."""
    variant: ResourceName = limits.DEFAULT_CHALLENGER_VARIANT


class Trial(Frozen):
    """`test`: one of `shadow` and `ab`, between a champion and a challenger of the registry."""

    shadow: Shadow | None = None
    ab: ABTest | None = None
    champion: VersionWord = "live"
    """`live` or a version number."""
    challenger: VersionWord = "approved"
    """`approved`, which is what the stage's `version` says, or a version number."""

    @property
    def kind(self) -> Shadow | ABTest:
        """The one that is given; a valid file gives exactly one."""
        chosen = self.shadow or self.ab
        assert chosen is not None
        return chosen
