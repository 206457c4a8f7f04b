"""A plan as a report: headings, sentences and tables, from which both the text and the HTML are made."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tidegate.alarms import rule_in
from tidegate.guardrails import AllAtOnce, Canary, Guardrails, Linear, Rolling, Step
from tidegate.plan import words
from tidegate.plan.cost import price_of
from tidegate.plan.detection import ALPHA, POWER
from tidegate.plan.model import Detection, Kind, Level, Plan, Remark, Rescue, TestPlan

ARROW: Final = "→"
_VALUE_MOST: Final = 120
"""Characters of a setting that are shown."""
_AS_SOON: Final = 10
"""Seconds by which two times may differ that are estimates both."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of as many cells as there are columns; those of `right` are set to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Drawing:
    """Where the course of the release is drawn."""


Block = str | Table | Drawing


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report under a heading; `name` stays the same from version to version."""

    name: str
    title: str
    blocks: tuple[Block, ...]


def first_of_all(plan: Plan) -> tuple[Remark, ...]:
    """Return the remarks that are read before everything else."""
    return plan.at(Level.IMPORTANT, Level.WARNING)


def last_of_all(plan: Plan) -> tuple[Remark, ...]:
    """Return the other remarks."""
    return plan.at(Level.NOTE)


def headline(plan: Plan) -> str:
    """Say in one line what the release does."""
    after = str(plan.after) if plan.after else "a version that is not known yet"
    match plan.kind:
        case Kind.FIRST:
            return f"{plan.stage}: first release, {after}"
        case Kind.SAME:
            return f"{plan.stage}: nothing new, {after} serves already"
        case Kind.UPDATE if plan.before and plan.after and plan.before.arn == plan.after.arn:
            return f"{plan.stage}: {after} again, with other settings"
        case Kind.UPDATE if plan.before:
            return f"{plan.stage}: {after} takes over from {plan.before}"
        case _:
            return f"{plan.stage}: {after}"


def place(plan: Plan) -> str:
    """Say where, when and by whose leave."""
    asked = {"manual": "a person is asked before", "automatic": "nobody is asked before"}.get(
        plan.approval, "nothing to ask anybody"
    )
    release = f", release {plan.release_id}" if plan.release_id else ""
    return (
        f"{plan.endpoint_name} in {plan.region}, account {plan.account}{release}; {asked}; "
        f"planned at {words.moment(plan.made_at)}{', offline' if plan.offline else ''}"
    )


def sections(plan: Plan) -> tuple[Section, ...]:
    """Return the parts of the report in the order in which they are read."""
    parts = (
        Section("changes", "What changes", tuple(_changes(plan))),
        Section("test", "Test before the release", tuple(_test(plan.test)) if plan.test else ()),
        Section("course", "How it goes", tuple(_course(plan))),
        Section("alarms", "Can the alarms fire?", tuple(_alarms(plan))),
        Section("detection", "What regression it can see", tuple(_detection(plan))),
        Section("cost", "Instances and cost", tuple(_cost(plan))),
        Section("time", "Time", tuple(_time(plan))),
    )
    return tuple(part for part in parts if part.blocks)


def strategy_in_words(guardrails: Guardrails) -> str:
    """Say what the guardrails do, in one sentence."""
    keep = guardrails.termination_wait
    stays = f" The old fleet stays for {words.duration(keep)} after that." if keep else ""
    match guardrails.strategy:
        case AllAtOnce():
            return f"All traffic moves to the new fleet at once.{stays or ' The old fleet goes at once.'}"
        case Canary(size, wait):
            return f"A canary of {size} bakes for {words.duration(wait)}, then all traffic moves.{stays}"
        case Linear(size, wait):
            return f"Traffic moves in steps of {size}, each of which bakes for {words.duration(wait)}.{stays}"
        case Rolling(size, wait):
            return (
                f"The fleet is replaced in batches of {size}, each of which bakes for {words.duration(wait)} before "
                "old instances go."
            )


def _changes(plan: Plan) -> Iterator[Block]:
    rows = []
    if plan.kind is not Kind.FIRST and plan.before and plan.after and plan.before.arn != plan.after.arn:
        rows.append(("model", str(plan.before), str(plan.after)))
    # A rule's two alarms say the same, unless somebody changed one of them by hand.
    rows += [
        (_setting(plan, change.setting), _value(change.before), _value(change.after)) for change in plan.changes or ()
    ]
    if rows:
        yield Table(("setting", "live", "release"), tuple(dict.fromkeys(rows)))
    elif plan.kind is Kind.FIRST:
        yield "There is no endpoint yet, so everything is new."
    elif plan.changes is None:
        yield "What is live is not known."
    else:
        yield "Nothing: what is live has these settings and this version."


def _value(text: str | None) -> str:
    if text is None:
        return "(none)"
    return text if len(text) <= _VALUE_MOST else f"{text[: _VALUE_MOST - 3]}..."


def _setting(plan: Plan, setting: str) -> str:
    alarm = setting.removeprefix("alarm ")
    return setting if alarm == setting else f"alarm rollback-{rule_in(alarm, plan.endpoint_name)}"


def _test(test: TestPlan) -> Iterator[Block]:
    champion, challenger = test.champion or "the version that serves", test.challenger or "the version to release"
    if not test.due:
        yield f"No test: {test.because}."
        return
    what = (
        f"{challenger} gets copies of {test.percent}% of the requests, and its answers go to nobody"
        if test.kind == "shadow"
        else f"{challenger} answers {test.percent}% of the requests"
    )
    cost = f", {words.money(test.cost)}" if test.cost else ""
    hours = words.instance_hours(test.instance_count * test.duration)
    yield (
        f"Beside {champion}, {what}, for {words.duration(test.duration)}, as variant {test.variant} on "
        f"{words.count(test.instance_count, 'instance')} of its own ({hours} instance-hours{cost})."
    )
    yield "Then a person decides: yes, and the test is taken away and the release below begins; no, and only the first."


def _course(plan: Plan) -> Iterator[Block]:
    yield strategy_in_words(plan.guardrails)
    watched = [step.until for step in plan.steps if step.watched]
    if plan.alarms and watched and watched[-1] > 0:
        yield f"The alarms are watched until {words.duration(watched[-1])}."
    yield Drawing()


def shown_steps(plan: Plan) -> tuple[Step, ...]:
    """Return the steps that take time, and the last, which is how it stays."""
    return tuple(step for step in plan.steps if step.until > step.at or step is plan.steps[-1])


def course_table(plan: Plan) -> Table:
    """Return the steps of the release as a table, times from the moment at which the first new instances are up."""
    rows = []
    for step in shown_steps(plan):
        last = step is plan.steps[-1]
        rows.append(
            (
                words.duration(step.at),
                "" if last else words.duration(step.until),
                words.shares(step.green_share_bounds),
                f"{step.blue_instances:,}",
                f"{step.green_instances:,}",
                "watched" if step.watched else "",
            )
        )
    columns = ("from", "until", "new version's traffic", "old instances", "new instances", "alarms")
    return Table(columns, tuple(rows), frozenset({3, 4}))


def _alarms(plan: Plan) -> Iterator[Block]:
    if not plan.alarms:
        return
    yield rescue_in_words(plan)
    rows = tuple(
        (
            each.rule,
            "new fleet" if each.spec.new_fleet_only else "whole variant",
            each.firing.sentence,
        )
        for each in plan.alarms
    )
    yield Table(("alarm", "watches", "verdict"), rows)


def rescue_in_words(plan: Plan) -> str:
    """Say what becomes of a version that fails every request, and of those requests."""
    best, fallback = plan.total_failure.by_new_fleet, plan.total_failure.by_variant
    if best.within is None:
        sentence = "No alarm is sure to roll back a version that fails every request."
        if fallback.within is not None:
            sentence += f" By the variant's own metric it is {_rescued(fallback)}."
        return sentence
    sentence = f"A version that fails every request is {_rescued(best)}{_traffic(plan)}."
    if fallback.within is None:
        return f"{sentence} Should SageMaker not publish the new fleet's own metric, that is not sure."
    if fallback.within > best.within + _AS_SOON:
        sentence += f" Should SageMaker not publish the new fleet's own metric, it is {_rescued(fallback)}."
    return sentence


def _rescued(rescue: Rescue) -> str:
    assert rescue.within is not None
    harmed = "" if rescue.harmed is None else f", and harms about {words.number(rescue.harmed)} requests"
    return f"rolled back within {words.duration(rescue.within)}{harmed}"


def _traffic(plan: Plan) -> str:
    if plan.detection is None:
        return ""
    return f" at the expected {words.number(plan.detection.requests_per_minute)} requests a minute"


def _detection(plan: Plan) -> Iterator[Block]:
    detection = plan.detection
    if detection is None:
        return
    yield (
        f"Expected: {words.number(detection.requests_per_minute)} requests a minute, of which "
        f"{words.share(detection.error_rate)} fail."
        + ("" if detection.notice is None else f" To be noticed: {words.share(detection.notice)}.")
    )
    yield Table(
        ("measure", "smallest error rate of the new version", "because"),
        (
            ("the alarms, on the new fleet's metric", _seen(detection.alarms_see), "the thresholds of rollback_on"),
            (
                "the alarms, on the whole variant's metric",
                _seen(detection.alarms_see_blended),
                "what counts if SageMaker does not publish the new fleet's",
            ),
            ("the requests themselves", _told(detection), _exposed(detection)),
        ),
    )
    yield (
        "The alarms look at one period after another and fire above a threshold, whether that is chance or not. The "
        f"requests tell more, to whoever compares both fleets over the whole bake: a rise to that rate is noticed with "
        f"{words.share(POWER)} probability, at {words.share(ALPHA)} risk of calling a healthy version worse."
    )
    for suggestion in detection.suggestions:
        yield f"An error rate of {words.share(suggestion.smallest_error_rate)} would be seen with `{suggestion}`."


def _seen(rate: float | None) -> str:
    return "none" if rate is None else f"above {words.share(rate)}"


def _told(detection: Detection) -> str:
    return "none" if detection.requests_tell is None else words.share(detection.requests_tell)


def _exposed(detection: Detection) -> str:
    exposure = detection.exposure
    new = f"{words.number(exposure.new)} at the new fleet"
    if exposure.old == float("inf"):
        return f"{new} in {words.duration(detection.bake)}, held against the error rate that is expected"
    return f"{new} and {words.number(exposure.old)} at the old one in {words.duration(detection.bake)}"


def _cost(plan: Plan) -> Iterator[Block]:
    fleet, cost = plan.fleet, plan.cost
    if plan.kind is Kind.FIRST:
        yield f"{words.count(fleet.after, 'instance')} of {fleet.instance_type}, and no second fleet."
    else:
        yield (
            f"Up to {words.spread(fleet.peak)} instances of {fleet.instance_type} exist at once, where "
            f"{fleet.before} serve now and {fleet.after} afterwards"
            + (f"; a rollback can take {fleet.rollback_peak}." if plan.guarded else ".")
        )
        rows = [
            ("old fleet alone in that time", cost.staying),
            ("both fleets while it waits", cost.both_fleets),
            ("so the release adds", cost.extra),
            ("and at most, until the timeout", cost.most_extra),
        ]
        money = [cost.money(seconds) for _, seconds in rows]
        if all(money):
            columns = ("instance-hours", "hours", "cost")
            table = tuple(
                (what, words.instance_hours(seconds), words.money(price))
                for (what, seconds), price in zip(rows, money, strict=True)
                if price is not None
            )
            yield Table(columns, table, frozenset({1, 2}))
        else:
            yield Table(
                ("instance-hours", "hours"),
                tuple((what, words.instance_hours(seconds)) for what, seconds in rows),
                frozenset({1}),
            )
        yield "Starting and stopping instances is billed as well, for as long as SageMaker takes."
    yield _price(plan)


def _price(plan: Plan) -> str:
    found = plan.cost.price
    if found.price is None:
        return f"In money: not known; {found.missing}."
    standing = price_of(found.price, plan.fleet.after * 3600)
    assert standing is not None
    return (
        f"One instance costs {found.price} an hour ({found.source}), so the fleet that stays costs "
        f"{words.money(standing)} an hour."
    )


def _time(plan: Plan) -> Iterator[Block]:
    if not plan.guarded:
        yield "It takes as long as SageMaker needs to start the instances."
        return
    time = plan.time
    longer = f", or {words.duration(time.waits)} at most" if time.waits > time.shortest else ""
    yield (
        f"The waits add up to {words.duration(time.shortest)}{longer}. SageMaker gives up after "
        f"{words.duration(time.timeout)}, so starting and stopping instances may take {words.duration(time.spare)}; a "
        "release that needs longer is rolled back."
    )
