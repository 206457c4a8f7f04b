"""One release, or many, against a scenario on a virtual clock."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tidegate import guardrails
from tidegate.alarms import AlarmSpec, rollback_alarms
from tidegate.alarms.evaluation import State
from tidegate.errors import TidegateError
from tidegate.guardrails import Guardrails, Phase, ignored_because, of_release, waits
from tidegate.outcome import Outcome
from tidegate.simulate.course import MINUTE, Piece, Row, World, begin, first_request, follow, rows
from tidegate.simulate.draw import FAILED, REQUESTS, SLOW, ByChance, Counts, Draw, evenly, nothing
from tidegate.simulate.flow import behaviours_of, requests_of
from tidegate.simulate.result import AlarmChange, Answered, Change, Minute, Result, Runs, Spread
from tidegate.simulate.scenario import Published, Scenario, check
from tidegate.simulate.watch import Watched, history_of, needs_latency, thresholds_of
from tidegate.stage import Latency, Stage, limits

_OUTCOMES = {
    Phase.PROMOTED: Outcome.PROMOTED,
    Phase.ROLLED_BACK: Outcome.ROLLED_BACK,
    Phase.ROLLBACK_FAILED: Outcome.MIXED_FLEET,
}


def run(
    stage: Stage, scenario: Scenario, *, endpoint_name: str = "endpoint", variant: str = limits.DEFAULT_VARIANT
) -> Result:
    """Release a new version of the stage's model in the scenario; its seed decides what is chance.

    Raises TidegateError where nobody says how much traffic there is, and GuardrailsError as `shifts` does.
    """
    return Simulation(stage, scenario, endpoint_name=endpoint_name, variant=variant).run()


def run_many(
    stage: Stage,
    scenario: Scenario,
    runs: int,
    *,
    endpoint_name: str = "endpoint",
    variant: str = limits.DEFAULT_VARIANT,
) -> Runs:
    """Release `runs` times, each by the next seed, and return how that went.

    Raises as `run` does.
    """
    simulation = Simulation(stage, scenario, endpoint_name=endpoint_name, variant=variant)
    results = [simulation.run(seed=scenario.seed + number, minutes=False) for number in range(runs)]
    harmed = Spread.of([result.harmed for result in results])
    assert harmed is not None
    return Runs(
        runs=runs,
        outcomes=dict(Counter(result.outcome for result in results).most_common()),
        rolled_back_after=Spread.of([each for result in results if (each := result.rolled_back_after) is not None]),
        harmed=harmed,
    )


class Simulation:
    """A stage's release in a scenario, laid out as far as no chance is in it, to be run as often as one likes.

    `alarms` take the place of those that the stage's `rollback_on` asks for.
    """

    def __init__(
        self,
        stage: Stage,
        scenario: Scenario,
        *,
        endpoint_name: str = "endpoint",
        variant: str = limits.DEFAULT_VARIANT,
        alarms: Sequence[AlarmSpec] | None = None,
    ) -> None:
        for where, wrong, right in check(scenario):
            raise TidegateError(f"{'.'.join(map(str, where))}: {wrong}; {right}")
        specs = alarms
        if specs is None:
            specs = rollback_alarms(stage.release.rollback_on, endpoint_name=endpoint_name, variant=variant)
        asked = of_release(stage.release, [spec.name for spec in specs])
        self._ignored = ignored_because(asked, [variant], [variant], instance_types=[stage.instances.type])
        if scenario.guardrails_ignored:
            self._ignored = "the scenario says so"
        self._slow = _slow(stage, scenario)
        self._specs = specs
        old, new = behaviours_of(stage, scenario)
        self._world = World(
            scenario, requests_of(stage, scenario), old, new, thresholds_of(specs, self._slow), needs_latency(specs)
        )
        heeded = Guardrails(maximum_execution_timeout=asked.maximum_execution_timeout) if self._ignored else asked
        self._pieces = begin(self._world, heeded, stage.instances.count)
        delay = scenario.alarm_delay.total_seconds()
        self._delay = delay
        history = history_of(specs) * MINUTE
        # Unguarded, the new version goes on as long as it would have been watched.
        until = self._pieces[-1].at + (waits(asked, stage.instances.count) if self._ignored else 0)
        self._rows = list(rows(self._world, self._pieces, since=-history, until=until, delay=delay))
        self._gaps = [
            (gap.metrics, gap.after.total_seconds(), None if gap.lasts is None else gap.lasts.total_seconds())
            for gap in scenario.missing
        ]

    def run(self, *, seed: int | None = None, minutes: bool = True) -> Result:
        """Run it once; with `minutes` the result has every minute."""
        scenario = self._world.scenario
        draw: Draw = evenly if scenario.even else ByChance(scenario.seed if seed is None else seed)
        one = _Run(self._world, self._specs, draw, self._slow, self._gaps)
        pieces: Sequence[Piece] = self._pieces
        for row in self._rows:
            one.minute(row)
            if row.watch is not None and one.firing:
                pieces = self._disturbed(one, row)
                break
        return one.result(pieces, self._ignored, minutes)

    def _disturbed(self, one: "_Run", row: Row) -> list[Piece]:
        """Let the alarms be seen at `row.watch`, and the release go on from there."""
        at = row.watch
        assert at is not None
        # At the end of a bake the alarms are looked at before anything else happens.
        index = max(i for i, piece in enumerate(self._pieces) if piece.at < at or i == 0)
        if self._pieces[index].rollout.phase not in guardrails.WATCHED:
            index += 1
        seen = guardrails.advance(self._pieces[index].rollout, self._world.moment(at), one.firing)
        pieces = [*self._pieces[: index + 1], *follow(self._world, Piece(at, seen))]
        for later in rows(self._world, pieces, since=row.end, until=pieces[-1].at, delay=self._delay):
            if later.begin < pieces[-1].at:
                one.minute(later)
        return pieces


def _slow(stage: Stage, scenario: Scenario) -> float | None:
    if scenario.slow is not None:
        return float(scenario.slow.microseconds)
    rules = stage.release.rollback_on
    thresholds = [
        rule.above.microseconds for rule in rules if rule.metric == "ModelLatency" and isinstance(rule.above, Latency)
    ]
    return float(min(thresholds)) if thresholds else None


class _Run:
    """One run on its way: what was drawn, what the alarms make of it, and the sums."""

    def __init__(
        self,
        world: World,
        specs: Sequence[AlarmSpec],
        draw: Draw,
        slow: float | None,
        gaps: Sequence[tuple[Published, float, float | None]],
    ) -> None:
        self._world = world
        self._draw = draw
        self._watched = [Watched(spec, world.thresholds) for spec in specs]
        self._slow = None if slow is None else SLOW + world.thresholds.index(slow)
        self._nothing = nothing(len(world.thresholds))
        self._gaps = gaps
        self._rows: list[tuple[Row, Counts, Counts, tuple[str, ...]]] = []
        self.firing: tuple[str, ...] = ()

    def minute(self, row: Row) -> None:
        """Let a minute pass."""
        green = self._draw(row.green) if row.green is not None else self._nothing
        blue = self._draw(row.blue) if row.blue is not None else self._nothing
        firing: tuple[str, ...] = ()
        for watched in self._watched:
            published = not self._gaps or self._published(watched.spec, row)
            if watched.minute(green, blue, published) is State.ALARM:
                firing = (*firing, watched.spec.name)
        self.firing = firing
        if row.end > 0:
            self._rows.append((row, green, blue, firing))

    def _published(self, spec: AlarmSpec, row: Row) -> bool:
        mine = Published.NEW_FLEET if spec.new_fleet_only else Published.VARIANT
        return not any(
            which in (mine, Published.ALL) and after < row.end and (lasts is None or row.begin < after + lasts)
            for which, after, lasts in self._gaps
        )

    def result(self, pieces: Sequence[Piece], ignored: str | None, minutes: bool) -> Result:
        """Return what it came to."""
        world, (ended, last) = self._world, pieces[-1]
        outcome, reason = _OUTCOMES[last.phase], last.reason or self._why_promoted()
        if ignored and outcome is Outcome.PROMOTED:
            outcome, reason = Outcome.GUARDRAILS_IGNORED, f"SageMaker ignored the guardrails: {ignored}"
        begun = first_request(pieces)
        rolled_back = outcome is Outcome.ROLLED_BACK and begun is not None
        history = [Change(world.seconds(each.at), each.phase, each.green_share) for each in last.history]
        return Result(
            start=world.scenario.start,
            outcome=outcome,
            reason=reason,
            ended=ended,
            first_request=begun,
            rolled_back_after=ended - begun if rolled_back and begun is not None else None,
            alarms=tuple(watched.spec for watched in self._watched),
            old=self._answered([blue for _, _, blue, _ in self._rows]),
            new=self._answered([green for _, green, _, _ in self._rows]),
            changes=tuple(history),
            alarm_changes=tuple(self._alarm_changes()) if minutes else (),
            minutes=tuple(
                Minute(row.begin, row.green_share, blue, green, firing)
                for row, green, blue, firing in self._rows
                if minutes
            ),
        )

    def _why_promoted(self) -> str:
        if any(firing for *_, firing in self._rows):
            return "alarms fired, but none while the release was watched"
        return "nothing stood in its way"

    def _alarm_changes(self) -> Iterator[AlarmChange]:
        before: tuple[str, ...] = ()
        delay = self._world.scenario.alarm_delay.total_seconds()
        for row, _, _, firing in self._rows:
            for name in firing:
                if name not in before:
                    yield AlarmChange(row.end + delay, name, State.ALARM)
            for name in before:
                if name not in firing:
                    yield AlarmChange(row.end + delay, name, State.OK)
            before = firing

    def _answered(self, counts: Sequence[Counts]) -> Answered:
        requests = failed = slow = harmed = 0.0
        for counted in counts:
            if not counted[REQUESTS]:
                continue
            bad = counted[FAILED]
            late = counted[self._slow] if self._slow is not None else 0.0
            requests += counted[REQUESTS]
            failed += bad
            slow += late
            harmed += bad + late * (1 - bad / counted[REQUESTS])
        return Answered(requests, failed, slow, harmed)
