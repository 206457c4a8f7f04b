"""The course of a release as a drawing: where each rectangle, line and label goes. The template only writes it down.

Two panels over one axis of time: the share of the requests that each fleet answers, and the instances that exist.
"""

from dataclasses import dataclass
from typing import Final

from tidegate.guardrails import Step
from tidegate.plan import words
from tidegate.plan.model import Plan

WIDTH: Final = 760
HEIGHT: Final = 388
_LEFT: Final = 56.0
_RIGHT: Final = WIDTH - 16.0
_AFTERWARDS: Final = 64.0
_WATCH_TOP: Final = 24.0
_WATCH_HEIGHT: Final = 10.0
_SHARE_TOP: Final = 64.0
_SHARE_HEIGHT: Final = 160.0
_FLEET_TOP: Final = 256.0
_FLEET_HEIGHT: Final = 90.0
_AXIS: Final = _FLEET_TOP + _FLEET_HEIGHT
_LABEL_LEAST: Final = 52.0
_LETTER: Final = 7.2


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; `kind` is its class in the template."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Label:
    """A text; `anchor` is `start`, `middle` or `end`."""

    kind: str
    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, from the back to the front, with what is said of it to those who do not see it."""

    width: int
    height: int
    title: str
    description: str
    grid: tuple[Line, ...]
    boxes: tuple[Box, ...]
    steps: tuple[Line, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    step: Step
    x: float
    width: float
    afterwards: bool


def chart_of(plan: Plan) -> Chart:
    """Return the drawing of a plan's course."""
    spans = _spans(plan.steps)
    boxes: list[Box] = []
    labels: list[Label] = []
    steps: list[Line] = []
    most = max(step.blue_instances + step.green_instances for step in plan.steps)
    grid = _axes(most, labels)
    for span in spans:
        _shares(span, boxes, labels)
        _fleets(span, most, boxes, labels)
        if span.step.watched and span.width > 0:
            boxes.append(Box("watch", span.x, _WATCH_TOP, span.width, _WATCH_HEIGHT))
        steps.append(Line(span.x, _SHARE_TOP, span.x, _AXIS))
    if any(step.watched for step in plan.steps):
        labels.append(Label("small", _LEFT, _WATCH_TOP - 6, "alarms are watched", "start"))
    labels += _ticks(spans)
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        title=f"How the release of {plan.stage} goes",
        description=_description(plan),
        grid=tuple(grid),
        boxes=tuple(boxes),
        steps=tuple(steps),
        labels=tuple(labels),
    )


def _spans(steps: tuple[Step, ...]) -> list[_Span]:
    """Lay the steps along the axis of time; what comes after the last has room of its own, though no end."""
    room, lasts = _RIGHT - _LEFT - _AFTERWARDS, steps[-1].until
    spans, x = [], _LEFT
    for step in steps[:-1]:
        width = room * (step.until - step.at) / lasts if lasts else 0.0
        spans.append(_Span(step, _round(x), _round(width), afterwards=False))
        x += width
    return [*spans, _Span(steps[-1], _round(x), _round(_RIGHT - x), afterwards=True)]


def _axes(most: int, labels: list[Label]) -> list[Line]:
    lines = []
    labels.append(Label("heading", _LEFT, _SHARE_TOP - 4, "share of the requests", "start"))
    labels.append(Label("heading", _LEFT, _FLEET_TOP - 8, "instances", "start"))
    for share in (0.0, 0.5, 1.0):
        y = _round(_SHARE_TOP + _SHARE_HEIGHT * (1 - share))
        lines.append(Line(_LEFT, y, _RIGHT, y))
        labels.append(Label("small", _LEFT - 6, y + 4, words.share(share), "end"))
    for count in sorted({0, most}):
        y = _round(_FLEET_TOP + _FLEET_HEIGHT * (1 - count / most))
        lines.append(Line(_LEFT, y, _RIGHT, y))
        labels.append(Label("small", _LEFT - 6, y + 4, str(count), "end"))
    return lines


def _shares(span: _Span, boxes: list[Box], labels: list[Label]) -> None:
    least, most = span.step.green_share_bounds
    bottom = _SHARE_TOP + _SHARE_HEIGHT
    parts = (("old", most, 1.0), ("maybe", least, most), ("new", 0.0, least))
    for kind, low, high in parts:
        height = _round(_SHARE_HEIGHT * (high - low))
        if height > 0 and span.width > 0:
            y = _round(bottom - _SHARE_HEIGHT * high)
            boxes.append(Box(kind, span.x, y, span.width, height))
    text = words.shares((least, most))
    if _fits(text, span.width):
        middle = bottom - _SHARE_HEIGHT * least / 2 if least >= 0.15 else bottom - _SHARE_HEIGHT * most - 8
        kind = "on-new" if least >= 0.15 else "on-old"
        labels.append(Label(kind, _round(span.x + span.width / 2), _round(middle + 4), text))


def _fleets(span: _Span, most: int, boxes: list[Box], labels: list[Label]) -> None:
    step, y = span.step, _FLEET_TOP + _FLEET_HEIGHT
    for kind, count in (("new", step.green_instances), ("old", step.blue_instances)):
        height = _FLEET_HEIGHT * count / most
        y -= height
        if count == 0 or span.width <= 0:
            continue
        boxes.append(Box(kind, span.x, _round(y), span.width, _round(height)))
        text = f"{count} {kind}"
        if _fits(text, span.width) and height >= 16:
            labels.append(Label(f"on-{kind}", _round(span.x + span.width / 2), _round(y + height / 2 + 4), text))


def _ticks(spans: list[_Span]) -> list[Label]:
    """Return the times below the axis, as many as there is room for; the last, when the release ends, is always there.

    A span's own time is at its beginning.
    """
    ticks = [(span.x, words.duration(span.step.at)) for span in spans]
    end = ticks[-1]
    shown, free = [], float("-inf")
    for x, text in ticks[:-1]:
        half = len(text) * _LETTER / 2
        if x - half >= free and x + half + 8 <= end[0] - len(end[1]) * _LETTER / 2:
            shown.append((x, text))
            free = x + half + 8
    labels = [Label("small", x, _AXIS + 18, text) for x, text in (*shown, end)]
    return [*labels, Label("small", _RIGHT, _AXIS + 36, "time since the first new instances are up", "end")]


def _fits(text: str, width: float) -> bool:
    return width >= max(_LABEL_LEAST if len(text) > 6 else 0.0, len(text) * _LETTER + 6)


def _description(plan: Plan) -> str:
    parts = []
    for step in plan.steps:
        when = f"From {words.duration(step.at)}"
        moved = f"the new version has {words.shares(step.green_share_bounds)} of the requests"
        exist = f"{step.blue_instances} old and {step.green_instances} new instances exist"
        parts.append(f"{when} on {moved}; {exist}{'; alarms are watched' if step.watched else ''}.")
    return " ".join(parts)


def _round(value: float) -> float:
    return round(value, 2)
