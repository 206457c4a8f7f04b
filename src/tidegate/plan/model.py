"""A plan as a value: everything that is said of a release before it starts, once, for text, HTML and JSON alike."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tidegate.alarms import AlarmSpec, rule_in
from tidegate.alarms.firing import Firing
from tidegate.guardrails import Guardrails, Step
from tidegate.plan.advice import Suggestion
from tidegate.plan.changes import Change
from tidegate.plan.cost import Cost
from tidegate.plan.detection import Exposure
from tidegate.stage import Price


class Kind(StrEnum):
    """What a release means to the endpoint as it is."""

    FIRST = "first_release"
    """There is no endpoint yet, or none that serves: the release makes it, and guardrails act on updates only."""
    UPDATE = "update"
    SAME = "nothing_new"
    """The release that is asked for is the one that serves."""
    UNKNOWN = "unknown"
    """The endpoint was not looked at, or could not be; the plan reckons with an update."""


class Level(StrEnum):
    """How much a remark matters."""

    WARNING = "warning"
    """Something that whoever approves the release should know before."""
    IMPORTANT = "important"
    """Something without which the rest of the plan would be misread."""
    NOTE = "note"
    """Something that the plan rests on, or could not find out."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence about the release; `name` stays the same from version to version."""

    name: str
    level: Level
    sentence: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the model."""

    number: int | None
    arn: str

    def __str__(self) -> str:
        return f"version {self.number}" if self.number is not None else self.arn or "a model of no package"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Instances of a release.

    `before` and `after` serve; `peak` is the fewest and the most at the height of an update that goes well, by how
    SageMaker may round, and `rollback_peak` the most while one rolls back.
    """

    instance_type: str
    before: int
    after: int
    peak: tuple[int, int]
    rollback_peak: int


@dataclass(frozen=True, slots=True)
class TimeBudget:
    """Seconds of a release.

    `shortest` is the sum of the bakes, `waits` the most that the bakes can add up to, and `timeout` when SageMaker
    gives up. What the bakes leave of the timeout is there for starting and stopping instances.
    """

    shortest: int
    waits: int
    timeout: int

    @property
    def spare(self) -> int:
        """What the longest waits leave of the timeout."""
        return self.timeout - self.waits


@dataclass(frozen=True, slots=True)
class AlarmVerdict:
    """An alarm, and what it can see of a bad release."""

    spec: AlarmSpec
    firing: Firing

    @property
    def rule(self) -> str:
        """The rule of `rollback_on` that it comes from: its number and its metric."""
        return rule_in(self.spec.name, self.spec.endpoint_name).replace("-", " ", 1)


@dataclass(frozen=True, slots=True)
class Rescue:
    """How a total failure of the new version ends.

    `within` is the seconds until it is rolled back, None where it never is. `harmed` is the requests that fail by then
    at the expected traffic, None where no traffic is expected, or they all do.
    """

    within: float | None
    harmed: float | None


@dataclass(frozen=True, slots=True)
class TotalFailure:
    """What becomes of a version that fails every request.

    `by_new_fleet` rests on the new fleet's own metric, `by_variant` on the variant's as a whole alone, should
    SageMaker not publish the first.
    """

    by_new_fleet: Rescue
    by_variant: Rescue


@dataclass(frozen=True, slots=True)
class Detection:
    """The smallest regression in error rate that a release can see, by two measures that are not the same.

    `alarms_see` and `alarms_see_blended` are the error rates of the new version above which an alarm fires, on the new
    fleet's own metric and on the variant's. `requests_tell` is the smallest that the requests of the bake could tell
    from `error_rate`, whatever the alarms are set to. All are shares in 0..1, and None where nothing is seen.
    """

    requests_per_minute: float
    error_rate: float
    notice: float | None
    alarms_see: float | None
    alarms_see_blended: float | None
    exposure: Exposure
    bake: int
    requests_tell: float | None
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class TestPlan:
    """A test in production before the release. `duration` is in seconds, `percent` of the requests.

    `due` says whether this release is tested first; if not, `because` says why.
    """

    kind: str
    variant: str
    champion: Version | None
    challenger: Version | None
    percent: int
    duration: int
    instance_count: int
    due: bool
    because: str
    cost: Price | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a release of a stage will do, as far as it can be known at `made_at`."""

    stage: str
    endpoint_name: str
    account: str
    region: str
    made_at: datetime
    offline: bool
    kind: Kind
    release_id: str | None
    before: Version | None
    after: Version | None
    changes: tuple[Change, ...] | None
    guardrails: Guardrails
    guarded: bool
    fleet: Fleet
    steps: tuple[Step, ...]
    cost: Cost
    time: TimeBudget
    alarms: tuple[AlarmVerdict, ...]
    total_failure: TotalFailure
    detection: Detection | None
    test: TestPlan | None
    approval: str
    remarks: tuple[Remark, ...]

    @property
    def warnings(self) -> tuple[Remark, ...]:
        """The remarks that somebody should act on."""
        return self.at(Level.WARNING)

    def at(self, *levels: Level) -> tuple[Remark, ...]:
        """Return the remarks of these levels, level by level."""
        return tuple(remark for level in levels for remark in self.remarks if remark.level is level)
