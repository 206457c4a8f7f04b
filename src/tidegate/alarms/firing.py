"""Whether an alarm can fire while a release is watched, and how bad the new version must be for it.

What is reckoned with: the traffic comes evenly, the new fleet fails the same share of its requests all the time, and a
period's statistic is what it is on average. Everything that nobody can choose is taken at its worst: where in a minute
the first request comes to the new fleet, how SageMaker rounds a size to instances, and how late an alarm is evaluated.
Where the traffic is so small that chance decides, the verdict says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from tidegate.alarms.chance import chance_of_alarm, chance_of_breach, chance_of_success
from tidegate.alarms.course import Evaluation, Stretch, evaluations, roundings
from tidegate.alarms.metric import Bar, Kind, NoBar, bar_of, kind_of
from tidegate.alarms.rollback import AlarmSpec
from tidegate.alarms.words import Words, by_chance
from tidegate.guardrails import Guardrails

ALARM_DELAY: Final = 60.0
"""Seconds from a period's end until its alarm has changed and SageMaker has seen it, at most. Ours: CloudWatch
evaluates each minute (user guide, "Alarm evaluation") and says neither when in it nor how soon the data is there."""

CERTAINTY: Final = 0.99
"""Ours: how sure it must be, by the chance of the traffic, that an alarm fires for `fires within` to be said."""

NOTABLE: Final = 0.01
"""Ours: from which chance on, in a release, it is noted that an alarm fires by chance."""

_MINUTE = 60
_SECOND = 1.0  # the step in which positions of the clock are tried


class Verdict(StrEnum):
    """What is to be expected of an alarm."""

    FIRES_WITHIN = "FIRES_WITHIN"
    """On a total failure of the new version, and on every failure that its threshold means."""

    FIRES_ABOVE = "FIRES_ABOVE"
    """It fires, but only if the new version fails more than the threshold seems to say."""

    FIRES_LATE = "FIRES_LATE"
    """It fires, but is not sure to before all traffic has moved: the steps before protect nobody."""

    MAY_FIRE = "MAY_FIRE"
    """What decides is chance, or not known here: the clock, the traffic, what the metric does."""

    ALWAYS_FIRES = "ALWAYS_FIRES"
    """Also for a version that is as good as the one before: no release gets through."""

    CANNOT_FIRE = "CANNOT_FIRE"
    """No failure of the new version makes it fire while the release is watched, nor does chance, but for `NOTABLE`."""


@dataclass(frozen=True, slots=True)
class Firing:
    """The verdict on one alarm in one release.

    `within`: seconds from the new fleet's first request until a total failure is rolled back, at most; None where it is
    not sure to be. A total failure: every request of the new version fails, or for latencies is slower than the
    threshold by as much as it takes.
    `above`: the share (0..1) of the new fleet's requests above which the alarm is sure to fire, before all traffic has
    moved if it can by then; None for latencies and where no share is enough.
    `below`: the share up to which it is sure not to fire by then; 1 where none is enough.
    `before_all_traffic`: whether a total failure is sure to be rolled back while the old fleet still has traffic.
    `reason` is why, `sentence` the verdict with the reason, `notes` what else to know.
    """

    verdict: Verdict
    within: float | None
    above: float | None
    below: float
    before_all_traffic: bool
    sentence: str
    reason: str
    notes: tuple[str, ...] = ()


def firing(
    spec: AlarmSpec,
    guardrails: Guardrails,
    instance_count: int,
    *,
    requests_per_minute: float | None,
    error_rate: float = 0.0,
) -> Firing:
    """Say whether `spec` can fire during a guarded release, and on what.

    `error_rate` (0..1) is what the version that serves fails; `requests_per_minute` is the whole endpoint's, None where
    it is not known but enough that every period has requests. The time that later batches of a rolling update take to
    be healthy is not reckoned with.

    Raises GuardrailsError as `timeline` does.
    """
    bar = bar_of(spec)
    if isinstance(bar, NoBar):
        return _by_nature(bar)
    old_bad = error_rate if kind_of(spec) is Kind.ERRORS else 0.0
    return _Case(spec, bar, roundings(guardrails, instance_count), requests_per_minute, old_bad).judge()


def _by_nature(bar: NoBar) -> Firing:
    verdict, words, below = {
        True: (Verdict.ALWAYS_FIRES, "fires on every release", 0.0),
        False: (Verdict.CANNOT_FIRE, "cannot fire", 1.0),
        None: (Verdict.MAY_FIRE, "may fire", 0.0),
    }[bar.fires]
    return Firing(verdict, None, None, below, False, f"{words}: {bar.reason}", bar.reason)


@dataclass(frozen=True, slots=True)
class _Course:
    """An alarm under one rounding of the sizes and one position of the clock.

    `needed`: the share of the new fleet's requests that must be bad, if the alarm is as late as it can be, and if it is
    not late at all; `early` the same before all traffic has moved. `fires_at`: on a total failure, late as can be.
    """

    fires_at: float | None
    needed: tuple[float, float]
    early: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Case:
    spec: AlarmSpec
    bar: Bar
    roundings: Sequence[tuple[Stretch, ...]]
    requests: float | None
    old_bad: float

    def judge(self) -> Firing:
        bar, spec = self.bar, self.spec
        words = Words(spec, bar, self.roundings)
        by_rounding = [[self._course(stretches, phase) for phase in range(_MINUTE)] for stretches in self.roundings]
        courses = [course for of_rounding in by_rounding for course in of_rounding]
        if any(bar.met(self.old_bad, course.needed[1]) for course in courses):
            return self._said(Verdict.ALWAYS_FIRES, words.always(self.old_bad, self._steadily(self._first_share)))
        if bar.count is not None and self.requests is None:
            return self._said(Verdict.MAY_FIRE, words.traffic_unknown(self._steadily(self._first_share)))
        if not any(bar.met(1.0, course.needed[1]) for course in courses):
            luck = max(self._chance_in_a_release(stretches, 1.0) for stretches in self.roundings)
            if luck >= NOTABLE:
                return self._said(Verdict.MAY_FIRE, words.luck(luck))
            return self._said(Verdict.CANNOT_FIRE, words.cannot(self._at_best), below=1.0)
        if any(course.fires_at is None for course in courses):
            return self._said(Verdict.MAY_FIRE, words.clock(ALARM_DELAY))
        extra = self._extra_periods()
        within = max(map(_latest, by_rounding)) + (extra or 0) * spec.period
        if extra is None or within > min(stretches[-1].until for stretches in self.roundings):
            return self._said(Verdict.MAY_FIRE, words.few_requests(self._chance_of_total_failure))
        partial = any(len(stretches) > 1 for stretches in self.roundings)
        early = partial and within <= self._all_moved and all(bar.met(1.0, course.early[0]) for course in courses)
        shares = [course.early if early else course.needed for course in courses]
        above, below = max(late for late, _ in shares), max(0.0, min(soon for _, soon in shares))
        more_than_said = bar.share is None or above > bar.share + 1e-6
        if partial and not early:
            verdict, said = Verdict.FIRES_LATE, words.late(within, self._steadily(self._last_partial_share))
        elif more_than_said:
            verdict, said = Verdict.FIRES_ABOVE, words.above(within, above, self._steadily(self._first_share))
        else:
            verdict, said = Verdict.FIRES_WITHIN, words.within(within, above)
        return self._said(verdict, said, within, None if kind_of(spec) is Kind.LATENCY else above, below, early)

    def _said(
        self,
        verdict: Verdict,
        said: tuple[str, str],
        within: float | None = None,
        above: float | None = None,
        below: float = 0.0,
        early: bool = False,
    ) -> Firing:
        sentence, reason = said
        return Firing(verdict, within, above, below, early, f"{sentence}: {reason}", reason, self._notes(verdict))

    def _course(self, stretches: tuple[Stretch, ...], phase: float) -> _Course:
        seen = list(self._evaluations(stretches, phase))
        until = stretches[-1].until
        all_moved = next(stretch.at for stretch in stretches if stretch.share >= 1)
        fires_at = next((each.at + ALARM_DELAY for each in seen if self.bar.met(1.0, each.needed)), None)

        def least(by: float, delay: float) -> float:
            return min((each.needed for each in seen if each.at + delay <= by), default=float("inf"))

        return _Course(
            fires_at=fires_at if fires_at is not None and fires_at <= until else None,
            needed=(least(until, ALARM_DELAY), least(until, 0.0)),
            early=(least(all_moved, ALARM_DELAY), least(all_moved, 0.0)),
        )

    def _evaluations(self, stretches: tuple[Stretch, ...], phase: float) -> Iterator[Evaluation]:
        requests = 1.0 if self.requests is None else self.requests
        return evaluations(self.spec, self.bar, stretches, phase=phase, requests=requests, old_bad=self.old_bad)

    @property
    def _first_share(self) -> float:
        return min(stretches[0].share for stretches in self.roundings)

    @property
    def _last_partial_share(self) -> float:
        return min(max(stretch.share for stretch in stretches[:-1]) for stretches in self.roundings)

    @property
    def _all_moved(self) -> float:
        """Return when the new fleet has all traffic, at the earliest."""
        return min(stretches[-1].at for stretches in self.roundings)

    @property
    def _at_best(self) -> float:
        """Return the share that must be bad if time did not press."""
        bakes = [stretch.share for stretches in self.roundings for stretch in stretches if stretch.until > stretch.at]
        return min(map(self._steadily, bakes), default=float("inf"))

    def _steadily(self, share: float) -> float:
        green, blue = self._requests(share)
        needed = self.bar.needed(green, blue, self.old_bad)
        return float("inf") if needed is None else needed

    def _requests(self, share: float) -> tuple[float, float]:
        """Return how many requests the new and the old fleet have in a period of this alarm."""
        requests = (1.0 if self.requests is None else self.requests) * self.spec.period / _MINUTE
        return requests * share, 0.0 if self.spec.new_fleet_only else requests * (1 - share)

    def _chance(self, bad: float, share: float) -> float:
        """Return how likely a period breaches in which the new version has `share` of the traffic, and fails `bad`."""
        green, blue = self._requests(share)
        failing = green * bad + blue * self.old_bad
        return chance_of_breach(self.bar, failing, green + blue - failing)

    @property
    def _chance_of_total_failure(self) -> float:
        return self._chance(1.0, self._share_that_fires)

    @property
    def _share_that_fires(self) -> float:
        """Return the new fleet's share of the traffic in the first step in which a total failure is enough."""
        shares = sorted({stretch.share for stretches in self.roundings for stretch in stretches})
        return next((share for share in shares if self.bar.met(1.0, self._steadily(share))), 1.0)

    def _extra_periods(self) -> int | None:
        """Return how many periods more than usual it takes until enough have requests; None: not surely ever."""
        if self.requests is None:
            return 0
        chance, needed = self._chance_of_total_failure, self.spec.datapoints_to_alarm
        if needed == 1:
            missed, tries = 1 - chance, 1
            while missed**tries > 1 - CERTAINTY and tries < _MINUTE:
                tries += 1
            return tries - 1 if missed**tries <= 1 - CERTAINTY else None
        for tries in range(needed, self.spec.rule.range + 1):
            if chance_of_success(chance, needed, tries) >= CERTAINTY:
                return tries - needed
        return None

    def _notes(self, verdict: Verdict) -> tuple[str, ...]:
        if self.requests is None or verdict in (Verdict.ALWAYS_FIRES, Verdict.CANNOT_FIRE) or not self.old_bad:
            return ()
        chance = max(self._chance_in_a_release(stretches, self.old_bad) for stretches in self.roundings)
        if chance < NOTABLE:
            return ()
        green, blue = self._requests(self._first_share)
        return (by_chance(chance, green + blue, self.old_bad),)

    def _chance_in_a_release(self, stretches: tuple[Stretch, ...], bad: float) -> float:
        """Return how likely it fires in a release whose version fails the share `bad` of its requests."""
        spec, until = self.spec, stretches[-1].until
        periods = max(1, int(until // spec.period))
        if self.requests is None or until <= 0 or periods < spec.datapoints_to_alarm:
            return 0.0
        of_share = {each.share: self._chance(bad, each.share) for each in stretches}
        begins = range(0, periods * spec.period, spec.period)
        chances = [of_share[next(each.share for each in reversed(stretches) if each.at <= begin)] for begin in begins]
        return chance_of_alarm(chances, spec.datapoints_to_alarm, spec.evaluation_periods)


def _latest(courses: Sequence[_Course]) -> float:
    """Return the latest time at which a total failure is rolled back, for any position of the clock.

    Between two positions that were tried, a period more can be needed; then the next one's time is too early by less
    than the step between them.
    """
    times = [course.fires_at for course in courses if course.fires_at is not None]
    jumps = (after + _SECOND for before, after in pairwise(times) if after > before)
    return max((*times, *jumps))
