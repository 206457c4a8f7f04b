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
    """The share of requests that are copied, in whole percent: the shadow's weight over production's, which is 1.0."""
    duration: TestDuration = Field(examples=["2h"])
    """How long the shadow is to see traffic before somebody decides."""
    instance_count: InstanceCount | None = None
    """How many instances the shadow has; left out, production's count times `sampling`, rounded up."""
    variant: ResourceName = limits.DEFAULT_SHADOW_VARIANT
    """The shadow variant's name."""


class ABTest(Frozen):
    """The challenger answers a share of the requests, the champion the others."""

    challenger_weight: Share = Field(examples=["10%"])
    """The share of all requests that the challenger answers, in whole percent."""
    duration: TestDuration = Field(examples=["24h"])
    """How long the challenger is to answer before somebody decides."""
    instance_count: InstanceCount | None = None
    """How many instances the challenger has; left out, production's count times `challenger_weight`, rounded up."""
    variant: ResourceName = limits.DEFAULT_CHALLENGER_VARIANT
    """The challenger variant's name."""


class Trial(Frozen):
    """`test`: one of `shadow` and `ab`, between a champion and a challenger of the registry."""

    shadow: Shadow | None = None
    """Copies of requests go to the challenger; its answers are kept, and go to nobody."""
    ab: ABTest | None = None
    """The challenger answers a share of the requests, the champion the others."""
    champion: VersionWord = limits.DEFAULT_CHAMPION
    """The version that is held against: `live`, or a version number."""
    challenger: VersionWord = limits.DEFAULT_VERSION
    """The version that is tried: `approved`, which is what the stage's `version` says, or a version number."""

    @property
    def kind(self) -> Shadow | ABTest:
        """The one that is given; a valid file gives exactly one."""
        chosen = self.shadow or self.ab
        assert chosen is not None
        return chosen
