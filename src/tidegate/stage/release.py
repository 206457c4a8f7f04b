"""How a stage releases: the strategy with its sizes and waits, and the rules that roll a release back."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tidegate.stage import limits
from tidegate.stage.frozen import Frozen
from tidegate.stage.quantities import WRITTEN_PERIODS, WRITTEN_SIZE, Latency, Periods, Size, duration_between
from tidegate.stage.values import Statistic, Threshold, one_of

Wait = Annotated[timedelta, duration_between(timedelta(0), limits.WAIT_MAX)]
ExecutionTimeout = Annotated[timedelta, duration_between(limits.EXECUTION_TIMEOUT_MIN, limits.EXECUTION_TIMEOUT_MAX)]
MetricPeriod = Annotated[timedelta, duration_between(limits.METRIC_PERIOD, limits.METRIC_PERIOD_MAX)]
SizeOf = Annotated[Size, WRITTEN_SIZE]


class Strategy(StrEnum):
    """How traffic moves to the new fleet."""

    ALL_AT_ONCE = "all_at_once"
    CANARY = "canary"
    LINEAR = "linear"
    ROLLING = "rolling"


class Metric(StrEnum):
    """The metrics of `AWS/SageMaker` that endpoints publish and that get worse by growing."""

    INVOCATION_4XX_ERRORS = "Invocation4XXErrors"
    INVOCATION_5XX_ERRORS = "Invocation5XXErrors"
    INVOCATION_MODEL_ERRORS = "InvocationModelErrors"
    MODEL_LATENCY = "ModelLatency"
    OVERHEAD_LATENCY = "OverheadLatency"

    @property
    def is_latency(self) -> bool:
        """Whether the metric is in microseconds; the others are 0 or 1 a request."""
        return self in {Metric.MODEL_LATENCY, Metric.OVERHEAD_LATENCY}


class RollbackRule(Frozen):
    """One reason to roll back: the metric's statistic is above the threshold in so many of so many periods."""

    metric: Annotated[Metric, one_of(Metric, "a metric that endpoints publish")] = Field(
        examples=["Invocation5XXErrors"]
    )
    """What is watched; each of these gets worse by growing."""
    statistic: Statistic = Field(default_factory=lambda rule: "p99" if rule["metric"].is_latency else "Average")
    """For errors `Average`, for latencies a percentile such as `p99`, `Average` or `Maximum`."""
    above: Threshold = Field(examples=["1%", "250ms"])
    """The threshold: a share of requests for errors, a time for latencies."""
    periods: Annotated[Periods, WRITTEN_PERIODS] = Periods(1, 1)
    """In how many of how many periods in a row the metric has to be above the threshold."""
    period: MetricPeriod = limits.METRIC_PERIOD
    """How long one period is; whole minutes."""

    @property
    def threshold(self) -> float:
        """The threshold in the metric's own unit: 0..1 for errors, microseconds for latencies."""
        return float(self.above.microseconds) if isinstance(self.above, Latency) else self.above.fraction


class Release(Frozen):
    """How a new version takes over, and what makes it give way.

    A canary bakes for `wait_interval`, and so does each step of a linear and each batch of a rolling update; with all
    traffic on the new fleet it is `termination_wait` that bakes, where a strategy has one (developer guide, endpoint
    deployment state change: "Baking for X seconds (TerminationWaitInSeconds)").
    """

    strategy: Annotated[Strategy, one_of(Strategy, "a strategy")] = Field(examples=["canary"])
    """How traffic moves to the new fleet."""
    canary_size: SizeOf | None = Field(default=None, examples=["25%", 1])
    """`canary` only: the part of the fleet that takes traffic first, at most half of it."""
    linear_step_size: SizeOf | None = Field(default=None, examples=["25%", 1])
    """`linear` only: the part of the fleet that takes traffic with each step, from 10% to half of it."""
    maximum_batch_size: SizeOf | None = Field(default=None, examples=["25%", 1])
    """`rolling` only: the part of the fleet that is replaced at a time, from 5% to half of it."""
    rollback_maximum_batch_size: SizeOf | None = Field(default=None, examples=["100%"])
    """`rolling` only: the part of the fleet that a rollback replaces at a time; left out, all of it."""
    wait_interval: Wait = Field(default=limits.DEFAULT_WAIT_INTERVAL, examples=["10m"])
    """How long a canary, a step or a batch bakes before the next one."""
    termination_wait: Wait = Field(default=limits.DEFAULT_TERMINATION_WAIT, examples=["5m"])
    """How long all traffic bakes on the new fleet before the old one goes; `rolling` has no such time."""
    maximum_execution_timeout: ExecutionTimeout = Field(default=limits.DEFAULT_EXECUTION_TIMEOUT, examples=["1h"])
    """When SageMaker gives an update up; longer than all waits together."""
    rollback_on: tuple[RollbackRule, ...] = ()
    """What makes a release give way: an alarm on each rule, watched while it bakes."""
