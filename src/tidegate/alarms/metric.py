"""What an alarm's metric says of requests: what SageMaker publishes, in which unit, and when a statistic breaches.

Sources: SageMaker developer guide, "Amazon SageMaker AI metrics in Amazon CloudWatch" (names, units, dimensions);
botocore, in the text of InvokeEndpoint, for the longest answer.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from tidegate.alarms.evaluation import Missing
from tidegate.alarms.rollback import NAMESPACE, AlarmSpec
from tidegate.stage import Metric, limits

HOST_NAMESPACE: Final = "/aws/sagemaker/Endpoints"
LONGEST_ANSWER: Final = 60_000_000
"""Microseconds after which an answer is given up (botocore: containers "must respond ... within 60 seconds")."""

_LATENCIES: Final = {metric.value for metric in Metric if metric.is_latency}
_ERRORS: Final = {metric.value for metric in Metric} - _LATENCIES
_TRAFFIC: Final = {"Invocations", "InvocationsPerInstance"}
_PER_CENT: Final = {"MemoryUtilization", "DiskUtilization"}
_HOST: Final = {"CPUUtilization", "GPUUtilization", "GPUMemoryUtilization", *_PER_CENT}
_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_RISING: Final = {"GreaterThanThreshold": True, "GreaterThanOrEqualToThreshold": False}


class Kind(StrEnum):
    """What a metric measures."""

    ERRORS = "errors"
    """0 or 1 a request."""

    LATENCY = "latency"
    """Microseconds a request."""

    TRAFFIC = "traffic"
    HOST = "host"
    UNKNOWN = "unknown"


def kind_of(spec: AlarmSpec) -> Kind:
    """Return what the alarm's metric measures."""
    if spec.metric in _ERRORS:
        return Kind.ERRORS
    if spec.metric in _LATENCIES:
        return Kind.LATENCY
    if spec.metric in _TRAFFIC:
        return Kind.TRAFFIC
    return Kind.HOST if spec.metric in _HOST else Kind.UNKNOWN


def tail_of(statistic: str) -> float | None:
    """Return the share of values that a percentile leaves above it, 0.01 for `p99`; None for other statistics."""
    match = _PERCENTILE.fullmatch(statistic)
    return None if match is None else round(1 - float(match[1]) / 100, 9)


@dataclass(frozen=True, slots=True)
class Bar:
    """What a period's requests must do to breach: more than `share` of them are bad, or more than `count`.

    Bad is a request that failed, or for latencies one that is slower than the threshold. Without `strict` the share
    itself is enough. `slowness`: of a latency's Average, where `share` is of the longest answer that there can be.
    """

    share: float | None = None
    count: float | None = None
    strict: bool = True
    slowness: bool = False

    def needed(self, green: float, blue: float, old_bad: float) -> float | None:
        """Return the share of `green` requests (the new fleet's) that must be bad so that the period breaches.

        Of the `blue` ones, the old fleet's, the share `old_bad` is. Below 0 it breaches by those alone, above 1 it
        cannot. None where there is no request at all: the period has no data.
        """
        requests = green + blue
        if requests <= 0:
            return None
        bad = self.count if self.share is None else self.share * requests
        assert bad is not None
        missing = bad - old_bad * blue
        if green <= 0:
            return float("-inf") if self.met(-missing, 0) else float("inf")
        return missing / green

    def met(self, share: float, needed: float) -> bool:
        """Whether a share of bad requests is enough where `needed` is asked for."""
        return share > needed + ROUNDING if self.strict else share >= needed - ROUNDING


ROUNDING: Final = 1e-9
"""By how much sums of floats may be off."""


@dataclass(frozen=True, slots=True)
class NoBar:
    """Nothing that requests do decides it. `fires`: True always, False never, None if it cannot be told."""

    fires: bool | None
    reason: str


def bar_of(spec: AlarmSpec) -> Bar | NoBar:
    """Return what the requests of a period must do so that the period breaches the alarm's threshold."""
    unseen = _unpublished(spec)
    if unseen:
        if spec.missing is Missing.BREACHING:
            return NoBar(True, f"{unseen}, and missing data counts as breaching")
        return NoBar(False, unseen)
    kind = kind_of(spec)
    match kind:
        case Kind.HOST:
            return _host(spec)
        case Kind.TRAFFIC:
            return NoBar(None, f"{spec.metric} counts requests, whether they fail or not")
        case Kind.UNKNOWN:
            return NoBar(None, f"what {spec.metric} in {spec.namespace} does when a version fails is not known here")
    if timedelta(seconds=spec.period) < limits.METRIC_PERIOD:
        return NoBar(None, f"SageMaker publishes once a minute, so most periods of {spec.period} s have no data")
    if spec.statistic == "SampleCount":
        return NoBar(None, f"the SampleCount of {spec.metric} counts requests, whether they fail or not")
    if spec.comparison not in _RISING:
        return NoBar(True, f"{spec.metric} is low while all is well, and the alarm fires when it is low")
    return _errors(spec) if kind is Kind.ERRORS else _latency(spec)


def _unpublished(spec: AlarmSpec) -> str | None:
    """Say why the metric has no data, None where it has."""
    host = spec.metric in _HOST
    known = host or spec.metric in _ERRORS | _LATENCIES | _TRAFFIC
    if known and spec.namespace != (HOST_NAMESPACE if host else NAMESPACE):
        right = HOST_NAMESPACE if host else NAMESPACE
        return f"SageMaker publishes {spec.metric} in the namespace {right}, not in {spec.namespace}"
    if known and not spec.variant:
        return (
            f"SageMaker publishes {spec.metric} by EndpointName and VariantName together, never by EndpointName alone"
        )
    if host and spec.new_fleet_only:
        return f"SageMaker publishes {spec.metric} by EndpointName and VariantName, not by EndpointConfigName"
    return None


def _errors(spec: AlarmSpec) -> Bar | NoBar:
    strict, threshold = _RISING[spec.comparison], spec.threshold
    if spec.statistic == "Sum":
        if threshold < 0 or (threshold == 0 and not strict):
            return NoBar(True, f"the Sum of {spec.metric} is never below 0")
        return Bar(count=threshold, strict=strict)
    tail = tail_of(spec.statistic)
    if tail is None and spec.statistic not in ("Average", "Maximum", "Minimum"):
        return NoBar(None, f"the statistic {spec.statistic} is not known here")
    if threshold > 1 or (threshold == 1 and strict):
        return NoBar(False, f"{spec.metric} is 0 or 1 a request, so its {spec.statistic} is never above 1")
    if threshold < 0 or (threshold == 0 and not strict):
        return NoBar(True, f"the {spec.statistic} of {spec.metric} is never below 0")
    if spec.statistic == "Average":
        return Bar(share=threshold, strict=strict)
    return _of_ranks(spec.statistic, tail)


def _latency(spec: AlarmSpec) -> Bar | NoBar:
    if spec.threshold >= LONGEST_ANSWER:
        return NoBar(
            False,
            f"{spec.metric} is in microseconds, and an answer is given up after "
            f"{LONGEST_ANSWER // 1_000_000} s, which is {LONGEST_ANSWER}",
        )
    if spec.threshold <= 0:
        return NoBar(True, f"{spec.metric} is always above 0")
    if spec.statistic == "Average":
        return Bar(share=spec.threshold / LONGEST_ANSWER, strict=_RISING[spec.comparison], slowness=True)
    tail = tail_of(spec.statistic)
    if tail is None and spec.statistic not in ("Maximum", "Minimum"):
        return NoBar(None, f"what the {spec.statistic} of {spec.metric} tells of a version is not known here")
    return _of_ranks(spec.statistic, tail)


def _of_ranks(statistic: str, tail: float | None) -> Bar:
    """Return the bar of a statistic that picks one value by its rank: so many values must be bad for it to be."""
    if statistic == "Minimum" or tail == 1:
        return Bar(share=1.0, strict=False)
    return Bar(share=tail or 0.0)


def _host(spec: AlarmSpec) -> NoBar:
    if spec.metric in _PER_CENT and spec.threshold >= 100 and spec.comparison in _RISING:
        return NoBar(False, f"{spec.metric} is never above 100")
    how = f"{spec.metric} tells how busy the instances are, not whether requests fail"
    if spec.metric == "CPUUtilization":
        how += (
            f"; it adds up cores, so {spec.threshold:g} is {spec.threshold / 100:g} of one core, however many there are"
        )
    return NoBar(None, how)
