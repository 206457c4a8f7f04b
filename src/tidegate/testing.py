"""Releases as tests: what a stage's guardrails do with a bad version, on a virtual clock, without AWS or waiting.

    from tidegate.stage import load_repo
    from tidegate.testing import given, new_version

    def test_a_version_that_fails_after_a_while_is_taken_back():
        prod = load_repo(Path(".")).stage("prod")
        release = given(prod).with_traffic(600).when(new_version.fails("5%").after("3m")).release()
        release.then.rolled_back().within("10m").harmed_at_most(200)

What is not said is as it should be: the new version is as good as the old one, instances start, metrics come in. A
claim that does not hold is an AssertionError that shows the release minute by minute.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn, Self

from tidegate.alarms.words import in_words, percent
from tidegate.outcome import Outcome
from tidegate.simulate import Result, Runs, Scenario, read_scenario, run, run_many
from tidegate.simulate.drawing import draw, draw_runs
from tidegate.simulate.scenario import Change, Gap, Hour, Quantiles, RollBack, StartUp, Traffic, Version
from tidegate.stage import Latency, Rate, Stage
from tidegate.stage.quantities import parse_duration, parse_latency, parse_rate

__all__ = [
    "Event",
    "Given",
    "Release",
    "Releases",
    "Then",
    "given",
    "instances",
    "metrics",
    "new_version",
    "old_version",
    "sagemaker",
]

_SURE: Final = Rate(Decimal(100))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that befalls a release; make one by `new_version.fails("5%")` and the like."""

    update: Mapping[str, Any]

    def apply(self, scenario: Scenario) -> Scenario:
        """Return the scenario with the event in it."""
        return scenario.model_copy(update=dict(self.update))


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a version behaves, from the beginning or from a time on."""

    version: str
    behaviour: Mapping[str, Any]
    since: timedelta = timedelta(0)
    lasts: timedelta | None = None

    def after(self, time: str | timedelta) -> "Behaviour":
        """Let it begin later: the new version's time counts from its first request, the old one's from the release."""
        return replace(self, since=parse_duration(time))

    def for_(self, time: str | timedelta) -> "Behaviour":
        """Let it pass: after so long the version is as it was before."""
        return replace(self, lasts=parse_duration(time))

    def apply(self, scenario: Scenario) -> Scenario:
        """Return the scenario with the behaviour in it."""
        version: Version = getattr(scenario, self.version)
        if self.since or self.lasts is not None:
            changes = [*version.changes, Change(after=self.since, **self.behaviour)]
            if self.lasts is not None:
                changes.append(Change(after=self.since + self.lasts, **self._before(scenario, version)))
            version = version.model_copy(update={"changes": tuple(sorted(changes, key=lambda change: change.after))})
        else:
            version = version.model_copy(update=dict(self.behaviour))
        return scenario.model_copy(update={self.version: version})

    def _before(self, scenario: Scenario, version: Version) -> dict[str, Any]:
        """Return what the version did before, of what it does otherwise now."""
        calm: dict[str, Any] = {"error_rate": Rate(Decimal(0)), "client_error_rate": Rate(Decimal(0))}
        found = {}
        for key in self.behaviour:
            values = [getattr(scenario.old, key), getattr(version, key)]
            values += [getattr(change, key) for change in version.changes if change.after < self.since]
            given_values = [value for value in values if value is not None]
            found[key] = given_values[-1] if given_values else calm.get(key)
        if found.get("latency", ...) is None:
            raise TypeError("say first how fast the version is otherwise: answers_in(p50=..., p99=...)")
        return found


@dataclass(frozen=True, slots=True)
class _Versioned:
    """Makes behaviours of one of the two versions."""

    version: str

    def fails(self, share: str | Rate) -> Behaviour:
        """Answer a share of the requests with 5xx."""
        return Behaviour(self.version, {"error_rate": parse_rate(share)})

    def fails_always(self) -> Behaviour:
        """Answer every request with 5xx."""
        return self.fails(_SURE)

    def rejects(self, share: str | Rate) -> Behaviour:
        """Answer a share of the requests with 4xx."""
        return Behaviour(self.version, {"client_error_rate": parse_rate(share)})

    def answers_in(self, *, p50: str | Latency, p99: str | Latency) -> Behaviour:
        """Take so long for an answer: the median, and what 99 of 100 stay below."""
        return Behaviour(self.version, {"latency": Quantiles(p50=parse_latency(p50), p99=parse_latency(p99))})


new_version: Final = _Versioned("new")
old_version: Final = _Versioned("old")


class _Instances:
    """Makes events of the new instances."""

    def start_within(self, time: str | timedelta) -> Event:
        """Let each batch of new instances be healthy after so long."""
        return Event({"start_up": StartUp(takes=parse_duration(time))})

    def never_start(self, *, batch: int = 1) -> Event:
        """Let a batch of new instances never be healthy; only a rolling update has more than one."""
        return Event({"start_up": StartUp(fails_at=batch)})

    def never_come_back(self) -> Event:
        """Let the old instances that a rolling update brings back never be healthy."""
        return Event({"roll_back": RollBack(fails=True)})


class _Metrics:
    """Makes events of what CloudWatch gets to see."""

    def missing(self, of: str = "all", *, after: str = "0s", lasts: str | None = None) -> Event:
        """Let metrics not come in: `new_fleet`, `variant` (of both fleets), or `all`."""
        gap: dict[str, Any] = {"metrics": of, "after": after}
        return Event({"missing": (Gap.model_validate(gap if lasts is None else {**gap, "lasts": lasts}),)})

    def late(self, time: str | timedelta) -> Event:
        """Let alarms be seen so long after the end of a period."""
        return Event({"alarm_delay": parse_duration(time)})


class _SageMaker:
    """Makes events of the platform."""

    def ignores_the_guardrails(self) -> Event:
        """Let all traffic move at once, unwatched, as it silently does with some containers."""
        return Event({"guardrails_ignored": True})


instances: Final = _Instances()
metrics: Final = _Metrics()
sagemaker: Final = _SageMaker()


@dataclass(frozen=True, slots=True)
class Given:
    """A stage, and what happens around its release. Each method returns another one."""

    stage: Stage
    scenario: Scenario = field(default_factory=Scenario)

    def in_scenario(self, scenario: Scenario | Path | str) -> "Given":
        """Begin with a scenario, or a scenario file."""
        found = scenario if isinstance(scenario, Scenario) else read_scenario(Path(scenario))
        return replace(self, scenario=found)

    def with_traffic(self, requests_per_minute: float | Mapping[str, float]) -> "Given":
        """Let so many requests come a minute: always, or by the time of day: `{"08:00": 900, "22:00": 60}`."""
        if isinstance(requests_per_minute, Mapping):
            hours = [{"at": at, "requests_per_minute": number} for at, number in requests_per_minute.items()]
            traffic = Traffic(over_day=tuple(Hour.model_validate(hour) for hour in hours))
        else:
            traffic = Traffic.model_validate({"requests_per_minute": requests_per_minute})
        return self._with(traffic=traffic)

    def when(self, *events: Event | Behaviour) -> "Given":
        """Let these happen."""
        scenario = self.scenario
        for event in events:
            scenario = event.apply(scenario)
        return replace(self, scenario=scenario)

    def starting_at(self, moment: str | datetime) -> "Given":
        """Begin the release then: `2026-01-05T03:00:00Z`."""
        return self._with(start=Scenario.model_validate({"start": moment}).start)

    def with_seed(self, seed: int) -> "Given":
        """Draw what is chance from another seed; the same seed gives the same release."""
        return self._with(seed=seed)

    def by_the_average(self) -> "Given":
        """Leave nothing to chance: every count is what it is on average."""
        return self._with(even=True)

    def release(self) -> "Release":
        """Release once."""
        return Release(run(self.stage, self.scenario))

    def release_often(self, times: int) -> "Releases":
        """Release so many times, each by another seed."""
        return Releases(run_many(self.stage, self.scenario, times))

    def _with(self, **update: Any) -> "Given":
        return replace(self, scenario=self.scenario.model_copy(update=update))


def given(stage: Stage) -> Given:
    """Begin with a stage as its file is: `load_repo(root).stage("prod")`."""
    return Given(stage)


@dataclass(frozen=True, slots=True)
class Then:
    """Claims about one release; each returns the same, so that one follows the other."""

    result: Result

    def promoted(self) -> Self:
        """Claim that the new version has all traffic, and was watched as asked."""
        return self.ended_as(Outcome.PROMOTED)

    def rolled_back(self) -> Self:
        """Claim that the old version has all traffic again."""
        return self.ended_as(Outcome.ROLLED_BACK)

    def ended_as(self, outcome: Outcome | str) -> Self:
        """Claim that the release ended so, in the words of `tidegate verify`."""
        __tracebackhide__ = True
        if self.result.outcome is not Outcome(outcome):
            self._fail(f"the release was to end {Outcome(outcome)}, and ended {self.result.outcome}")
        return self

    def within(self, time: str | timedelta) -> Self:
        """Claim that it took no longer: from the new version's first request until the release had ended."""
        __tracebackhide__ = True
        most = parse_duration(time).total_seconds()
        took = self.result.ended - (self.result.first_request or 0.0)
        if took > most:
            self._fail(f"the release was to end within {in_words(most)}, and took {in_words(took)}")
        return self

    def before_all_traffic(self) -> Self:
        """Claim that the old version had a part of the traffic all the time."""
        __tracebackhide__ = True
        moved = next((change for change in self.result.changes if change.green_share >= 1.0), None)
        if moved is not None:
            self._fail(f"not all traffic was to move, and all of it had after {in_words(moved.at)}")
        return self

    def because_of(self, metric: str) -> Self:
        """Claim that an alarm on this metric fired."""
        __tracebackhide__ = True
        named = {alarm.name: alarm.metric for alarm in self.result.alarms}
        fired = sorted({named[change.alarm] for change in self.result.fired})
        if metric not in fired:
            self._fail(f"an alarm on {metric} was to fire, and what fired is {', '.join(fired) or 'nothing'}")
        return self

    def harmed_at_most(self, requests: float | str | Rate) -> Self:
        """Claim that the new version harmed no more requests: a number, or a share of all that the endpoint got."""
        __tracebackhide__ = True
        if isinstance(requests, str | Rate):
            share = parse_rate(requests).fraction
            harmed, most = percent(self.result.harmed / max(1.0, self.result.sent)), percent(share)
            too_many = self.result.harmed > share * self.result.sent
        else:
            harmed, most = f"{self.result.harmed:,.0f}", f"{requests:,.0f}"
            too_many = self.result.harmed > requests
        if too_many:
            self._fail(f"at most {most} of the requests were to be harmed, and {harmed} were")
        return self

    def _fail(self, sentence: str) -> NoReturn:
        __tracebackhide__ = True
        raise AssertionError("\n".join((sentence, "", *draw(self.result))))


@dataclass(frozen=True, slots=True)
class Release:
    """A release that has come to its end on the virtual clock."""

    result: Result

    @property
    def then(self) -> Then:
        """What to claim of it."""
        return Then(self.result)


@dataclass(frozen=True, slots=True)
class ThenOften:
    """Claims about many releases."""

    runs: Runs

    def promoted_in(self, share: str | Rate) -> Self:
        """Claim that at least this share of the releases was promoted."""
        return self._in(Outcome.PROMOTED, share)

    def rolled_back_in(self, share: str | Rate) -> Self:
        """Claim that at least this share of the releases was rolled back."""
        return self._in(Outcome.ROLLED_BACK, share)

    def _in(self, outcome: Outcome, share: str | Rate) -> Self:
        __tracebackhide__ = True
        least = parse_rate(share).fraction
        found = self.runs.outcomes.get(outcome, 0) / self.runs.runs
        if found < least:
            sentence = f"at least {percent(least)} of the releases were to end {outcome}, and {percent(found)} did"
            raise AssertionError("\n".join((sentence, "", *draw_runs(self.runs))))
        return self


@dataclass(frozen=True, slots=True)
class Releases:
    """Many releases that have come to their ends."""

    runs: Runs

    @property
    def then(self) -> ThenOften:
        """What to claim of them."""
        return ThenOften(self.runs)
