"""The report in a terminal: as wide as it is, in blocks or in ASCII, and in colour only where somebody looks."""

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tidegate.guardrails import Step
from tidegate.plan import words
from tidegate.plan.model import Level, Plan, Remark
from tidegate.plan.report import (
    ARROW,
    Drawing,
    Table,
    first_of_all,
    headline,
    last_of_all,
    place,
    sections,
    shown_steps,
)

NARROWEST: Final = 40
WIDEST: Final = 120
_GAP: Final = "  "
_BAR_LEAST: Final = 10
_BAR_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Ink:
    """What a terminal can show: block characters or ASCII only, colour or none."""

    blocks: bool = True
    colour: bool = False

    @property
    def full(self) -> str:
        """A part of the traffic that the new fleet has."""
        return "█" if self.blocks else "#"

    @property
    def maybe(self) -> str:
        """A part that it has by one rounding and not by the other."""
        return "▒" if self.blocks else "+"

    @property
    def empty(self) -> str:
        """A part that the old fleet has."""
        return "░" if self.blocks else "."

    def bold(self, text: str) -> str:
        """Make a heading stand out."""
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text

    def warning(self, text: str) -> str:
        """Make a warning stand out."""
        return f"\x1b[33m{text}\x1b[0m" if self.colour else text

    def readable(self, text: str) -> str:
        """Return the text as it can be shown: no control characters, and ASCII where nothing else goes."""
        shown = words.printable(text)
        if self.blocks:
            return shown
        return shown.replace(ARROW, "->").encode("ascii", "backslashreplace").decode()


def ink_for(encoding: str | None, *, colour: bool) -> Ink:
    """Return what a stream of that encoding can show."""
    try:
        f"█▒░{ARROW}".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return Ink(blocks=False, colour=colour)
    return Ink(blocks=True, colour=colour)


def as_text(plan: Plan, width: int, ink: Ink) -> str:
    """Return the report, no line of it longer than `width` characters, which is taken between 40 and 120."""
    width = max(NARROWEST, min(width, WIDEST))
    return "\n".join(_lines(plan, width, ink)) + "\n"


def _lines(plan: Plan, width: int, ink: Ink) -> Iterator[str]:
    yield from (ink.bold(line) for line in _wrapped(ink.readable(headline(plan)), width))
    yield from _wrapped(ink.readable(place(plan)), width)
    if remarks := first_of_all(plan):
        yield ""
        yield from _remarks(remarks, width, ink)
    for section in sections(plan):
        yield ""
        yield ink.bold(section.title)
        for block in section.blocks:
            match block:
                case Table():
                    yield from _table(block, width, ink)
                case Drawing():
                    yield from _course(plan, width, ink)
                case str():
                    yield from _wrapped(ink.readable(block), width, _GAP)
    if remarks := last_of_all(plan):
        yield ""
        yield ink.bold("Notes")
        yield from _remarks(remarks, width, ink)


def _remarks(remarks: tuple[Remark, ...], width: int, ink: Ink) -> Iterator[str]:
    for remark in remarks:
        paint: Callable[[str], str] = ink.warning if remark.level is Level.WARNING else str
        first = "- " if remark.level is Level.NOTE else "! "
        yield from (paint(line) for line in _wrapped(ink.readable(remark.sentence), width, "  ", first))


def _wrapped(text: str, width: int, indent: str = "", first: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_on_hyphens=False,
    ) or [""]


def _table(table: Table, width: int, ink: Ink) -> Iterator[str]:
    """Set the columns as wide as their cells while they fit, and give the last what is left; else stack the cells."""
    cells = [[ink.readable(cell) for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    room = width - len(_GAP) * len(widths)
    if sum(widths) > room:
        widths = _narrowed(widths, room)
    if not widths:
        yield from _stacked(table, width, ink)
        return
    for number, row in enumerate(cells):
        columns = [textwrap.wrap(cell, column) or [""] for cell, column in zip(row, widths, strict=True)]
        for line in range(max(map(len, columns))):
            texts = [column[line] if line < len(column) else "" for column in columns]
            set_in = [
                text.rjust(column) if place in table.right else text.ljust(column)
                for place, (text, column) in enumerate(zip(texts, widths, strict=True))
            ]
            text = (_GAP + _GAP.join(set_in)).rstrip()
            yield ink.bold(text) if number == 0 else text


def _narrowed(widths: list[int], room: int) -> list[int]:
    """Take from the widest columns until all fit, but leave each something to be read in; empty if that cannot be."""
    least = [min(each, 14) for each in widths]
    if sum(least) > room:
        return []
    narrowed = list(widths)
    while sum(narrowed) > room:
        widest = max(range(len(narrowed)), key=lambda place: narrowed[place] - least[place])
        narrowed[widest] -= 1
    return narrowed


def _stacked(table: Table, width: int, ink: Ink) -> Iterator[str]:
    for row in table.rows:
        first = f"{_GAP}- "
        for name, cell in zip(table.columns, row, strict=True):
            yield from _wrapped(ink.readable(f"{name}: {cell}"), width, _GAP * 2, first)
            first = _GAP * 2


def _course(plan: Plan, width: int, ink: Ink) -> Iterator[str]:
    yield from _wrapped("Times count from the moment at which the first new instances are up.", width, _GAP)
    steps = shown_steps(plan)
    labels = [(_at(step), words.shares(step.green_share_bounds), _instances(step)) for step in steps]
    at, traffic, instances = (max(map(len, column)) for column in zip(*labels, strict=True))
    bar = max(_BAR_LEAST, min(_BAR_MOST, width - 2 * len(_GAP) - at - traffic - instances - 2))
    for step, (when, moved, exist) in zip(steps, labels, strict=True):
        yield f"{_GAP}{when.rjust(at)} {_bar(step, bar, ink)} {moved.ljust(traffic)}{_GAP}{exist}"


def _at(step: Step) -> str:
    if step.at == step.until:
        return words.duration(step.at)
    return f"{words.duration(step.at)}-{words.duration(step.until)}"


def _bar(step: Step, width: int, ink: Ink) -> str:
    least, most = (_cells(bound, width) for bound in step.green_share_bounds)
    return ink.full * least + ink.maybe * (most - least) + ink.empty * (width - most)


def _cells(share: float, width: int) -> int:
    """Return how many cells a share fills: none only for nothing, and all only for all of it."""
    if share in {0.0, 1.0}:
        return int(share) * width
    return min(width - 1, max(1, round(share * width)))


def _instances(step: Step) -> str:
    return f"{step.blue_instances} old + {step.green_instances} new"
