"""What is said of an alarm, as sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from tidegate.alarms.course import Stretch
from tidegate.alarms.metric import LONGEST_ANSWER, Bar, Kind, kind_of
from tidegate.alarms.rollback import AlarmSpec
from tidegate.stage import Latency, format_duration

Said = tuple[str, str]
"""The verdict, and why."""


def percent(share: float) -> str:
    """Write a share as people do: `4%`, `33.3%`, `0.05%`."""
    value = share * 100
    digits = 0 if abs(value - round(value)) < 5e-5 else 1 if value >= 10 else 2 if value >= 0.1 else 4
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") + "%" if digits else f"{value:.0f}%"


def in_words(seconds: float) -> str:
    """Write a time in whole seconds, rounded up: `45s`, `2m`, `2m 5s`, `1h 5m`."""
    whole = ceil(seconds - 1e-6)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m"), (left, "s")) if number]
    return " ".join(parts) or "0s"


def by_chance(chance: float, requests: float, error_rate: float) -> str:
    """Say how often a good version would be rolled back."""
    one = f"; one failed request of about {requests:.0f} a period is {percent(1 / requests)}" if requests >= 1 else ""
    return (
        f"a version that fails {percent(error_rate)}, as the one before does, is rolled back by chance in up to "
        f"{percent(chance)} of its releases{one}"
    )


@dataclass(frozen=True, slots=True)
class Words:
    """Says verdicts on one alarm in one release."""

    spec: AlarmSpec
    bar: Bar
    roundings: Sequence[tuple[Stretch, ...]]

    def within(self, within: float, above: float) -> Said:
        """Say that it fires as its threshold says."""
        return f"fires within {in_words(within)} {self._total}", f"{self._periods}, {self._bad(above)} {self._watched}"

    def above(self, within: float, above: float, first: float) -> Said:
        """Say that it takes more than the threshold seems to say: `above` before all traffic, at `first` even more."""
        if self.bar.slowness:
            verdict = f"fires only if the new version takes more than {_latency(above)} on average"
        else:
            verdict = f"fires only above {percent(above)} of the new fleet's requests"
            if len(self.roundings[0]) > 2 and first > above + 1e-6:
                verdict += f", at first above {percent(first)}" if self.bar.met(1.0, first) else ", at first not at all"
        why = self._dilution
        if len(self.roundings[0]) == 1:
            watched = min(stretches[-1].until for stretches in self.roundings)
            part = f"of the {in_words(watched)} that are watched, only a part of a minute may count"
            why = f"{self._bad(None)} {self._watched}, and {part}"
        return f"{verdict}, and within {in_words(within)} {self._total}", f"{self._periods}, {why}"

    def late(self, within: float, needed: float) -> Said:
        """Say that all traffic has moved by then."""
        why = f"{self._periods} may not end before that" if self.bar.met(1.0, needed) else self._dilution
        return f"fires only once all traffic has moved, within {in_words(within)} {self._total}", why

    def always(self, error_rate: float, needed: float) -> Said:
        """Say that no release gets through, though `needed` must be bad once the new fleet has requests."""
        if not self.bar.met(error_rate, needed):
            return "fires on every release", (
                "before the new fleet has requests its metric has no data, and missing data counts as breaching"
            )
        bad = f"the version that serves fails {percent(error_rate)}" if error_rate else "it needs no failure at all"
        return "fires on every release", f"{bad}, and {self._periods} {self._bad(None)} is enough"

    def cannot(self, needed: float) -> Said:
        """Say why not even a total failure fires it, for which `needed` would be enough if time did not press."""
        watched = max(stretches[-1].until for stretches in self.roundings)
        if watched <= 0:
            why = "nothing is watched: the release has no bake"
        elif not self.bar.met(1.0, needed):
            why = self._dilution
            if self.roundings[0][-1].until <= self.roundings[0][-1].at:
                why += ", and nothing is watched once it has all of it"
        else:
            why = f"{self._periods} cannot end in the {in_words(watched)} that are watched"
            if len(self.roundings[0]) > 1:
                why += " with enough of the traffic moved"
        return "cannot fire", why

    def clock(self, delay: float) -> Said:
        """Say that the time is too short to be sure."""
        watched = min(stretches[-1].until for stretches in self.roundings)
        return (
            "may fire, but not surely",
            f"{self._periods}, up to a minute until they begin and up to {in_words(delay)} until the alarm is "
            f"seen, and {in_words(watched)} are watched",
        )

    def luck(self, chance: float) -> Said:
        """Say that it takes a period in which the new fleet happens to have more of the few requests."""
        return (
            "may fire, but not surely",
            f"{self._dilution}: requests are so few that a total failure fires it by chance, in up to "
            f"{percent(chance)} of releases",
        )

    def few_requests(self, chance: float) -> Said:
        """Say that the new fleet has too few requests."""
        return (
            "may fire, but not surely",
            f"the new fleet has so few requests that a period has enough of them in {percent(chance)} of cases only",
        )

    def traffic_unknown(self, requests: float) -> Said:
        """Say which traffic a count needs."""
        return (
            f"fires {self._total} only above {ceil(requests)} requests a minute",
            f"its {self.spec.statistic} counts failures, and the traffic is not known (`expect.requests_per_minute`)",
        )

    @property
    def _total(self) -> str:
        if self.bar.slowness:
            return "if its answers are slow enough"
        if kind_of(self.spec) is Kind.LATENCY:
            return f"if every answer of the new version is slower than {Latency(round(self.spec.threshold))}"
        return "on a total failure"

    @property
    def _periods(self) -> str:
        spec = self.spec
        length = format_duration(timedelta(seconds=spec.period))
        if spec.evaluation_periods == 1:
            return f"1 period of {length}"
        return f"{spec.datapoints_to_alarm} of {spec.evaluation_periods} periods of {length}"

    @property
    def _watched(self) -> str:
        return "on the new fleet alone" if self.spec.new_fleet_only else "on both fleets together"

    def _bad(self, above: float | None) -> str:
        spec = self.spec
        if self.bar.slowness:
            return f"slower than {Latency(round(spec.threshold))} on average"
        if self.bar.count is not None:
            return f"with {'more than' if self.bar.strict else 'at least'} {self.bar.count:g} failures"
        share = self.bar.share if above is None else above
        assert share is not None
        how = "failing" if kind_of(spec) is Kind.ERRORS else f"slower than {Latency(round(spec.threshold))}"
        which = "any request" if share <= 0 else f"{'above' if self.bar.strict else 'at least'} {percent(share)}"
        return f"{which} {how}"

    @property
    def _dilution(self) -> str:
        shares = sorted({stretches[0].share for stretches in self.roundings})
        part = " to ".join(map(percent, shares))
        first = "" if len(self.roundings[0]) <= 2 else " at first"
        return f"{self._bad(None)} {self._watched}, and the new one has {part} of the traffic{first}"


def _latency(share: float) -> str:
    return str(Latency(round(share * LONGEST_ANSWER)))
