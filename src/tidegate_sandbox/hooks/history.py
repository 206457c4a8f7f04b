"""The names of ministack that hold what was, and for ever: log events, stacks that are gone, messages that nobody took.

A part of `hooks`, whose `check` asserts these too. ministack forgets none of it. What is here is to be called on the
server's event loop, on which ministack reads and writes it, where it does not say otherwise.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ministack.services import cloudformation as _cloudformation
from ministack.services import cloudwatch as _cloudwatch
from ministack.services import cloudwatch_logs as _logs
from ministack.services import eventbridge as _eventbridge
from ministack.services import sqs as _sqs
from ministack.services import sts as _sts

RELIED_ON: list[tuple[Any, str]] = [
    (_cloudformation, "_stack_events"),
    (_cloudformation, "_stacks"),
    (_cloudwatch, "_alarm_history"),
    (_eventbridge, "_events_log_list"),
    (_logs, "_log_events_lock"),
    (_logs, "_log_groups"),
    (_logs, "_log_records"),
    (_sqs, "_expire_retained"),
    (_sqs, "_queues"),
    (_sts, "_sessions"),
]

OnLoop = Callable[[Callable[[], Any]], Any]
"""Calls a function on the server's event loop, and returns what it returns."""

_DAY = 24 * 60 * 60 * 1000
_BESIDE_MESSAGE = 26
"""Bytes that an event counts beside its message (CloudWatch Logs user guide, "Quotas": PutLogEvents)."""


class _EventLog:
    """ministack's log of all events, which nobody reads: each comes into it before it is sent, by the wall's time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def append(self, event: dict[str, Any]) -> None:
        event["Time"] = int(self._now().timestamp())


def time_events_by(now: Callable[[], datetime]) -> None:
    """Let events bear the time of `now`, and let none be kept."""
    _eventbridge._events_log_list = lambda: _EventLog(now)


time_events_by(lambda: datetime.now(UTC))


# ---------------------------------------------------------------- CloudWatch Logs
@dataclass(frozen=True)
class Stream:
    """A log stream, by the account and region that have its group."""

    account: str
    region: str
    group: str
    name: str


@dataclass(frozen=True)
class LogLimits:
    """What is kept of logs: of a group so many `streams`, and of its events the newest up to `group` bytes.

    Of all groups' events the newest up to `every` bytes.
    """

    streams: int
    group: int
    every: int


def forget_log_events(now: float, limits: LogLimits, in_use: Callable[[Stream], bool], on_loop: OnLoop) -> None:
    """Forget what is older than its group's retention or beyond `limits`, oldest first.

    `now` is in milliseconds since the epoch. A stream that is `in_use` stays, with no more than its newest events.
    There may be very many, so this is for a thread: what others may be reading meanwhile is changed by `on_loop`.
    """
    # Made again by the query that asks for them.
    on_loop(_logs._log_records._data.clear)
    every: list[dict[str, Any]] = []
    for (account, region, name), group in list(_logs._log_groups._data.items()):
        streams: dict[str, dict[str, Any]] = group["streams"]
        by_age = sorted(streams.copy().items(), key=lambda each: _last(each[1]), reverse=True)
        old = [stream for stream, _ in by_age[limits.streams :] if not in_use(Stream(account, region, name, stream))]
        on_loop(partial(_remove, streams, old))
        if days := group.get("retentionInDays"):
            for stream in list(streams.values()):
                _forget_first(stream, bisect_left(stream["events"], now - days * _DAY, key=_time))
        _trim(list(streams.values()), limits.group)
        every += streams.values()
    _trim(every, limits.every)


def _remove(streams: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        streams.pop(name, None)


def _trim(streams: list[dict[str, Any]], size: int) -> None:
    """Forget the oldest events of `streams` beyond `size` bytes."""
    total = sum(_size(event) for stream in streams for event in stream["events"])
    if total <= size:
        return
    # Those of one stream are in their order, and sorting leaves them so.
    by_age = sorted(
        ((_time(event), _size(event), number) for number, each in enumerate(streams) for event in each["events"]),
        key=lambda each: each[0],
    )
    removed: Counter[int] = Counter()
    for _, taken, number in by_age:
        if total <= size:
            break
        total -= taken
        removed[number] += 1
    for number, first in removed.items():
        _forget_first(streams[number], first)


def _time(event: dict[str, Any]) -> int:
    return int(event["timestamp"])


def _size(event: dict[str, Any]) -> int:
    return len(event["message"]) + _BESIDE_MESSAGE


def _last(stream: dict[str, Any]) -> int:
    return int(stream.get("lastEventTimestamp") or stream["creationTime"])


def _forget_first(stream: dict[str, Any], number: int) -> None:
    if number:
        # Another list: who pages through the one before goes on in it.
        with _logs._log_events_lock:
            stream["events"] = events = stream["events"][number:]
            stream["firstEventTimestamp"] = _time(events[0]) if events else None


# ---------------------------------------------------------------- CloudFormation
def forget_stacks(before: str, newest: int, events: int) -> int:
    """Forget stacks that were deleted `before` (ISO 8601, UTC), or before the `newest` of an account and region.

    Of every other that no operation runs on the newest `events` are kept. Return how many stacks are forgotten.
    """
    deleted = defaultdict(list)
    told = _cloudformation._stack_events._data
    for (account, region, name), stack in list(_cloudformation._stacks._data.items()):
        key = (account, region, stack["StackId"])
        if stack.get("StackStatus") == "DELETE_COMPLETE":
            since = told[key][-1]["Timestamp"] if told.get(key) else ""
            deleted[account, region].append((since, name, stack["StackId"]))
        elif not stack.get("StackStatus", "").endswith("_IN_PROGRESS") and key in told:
            del told[key][:-events]
    forgotten = 0
    for (account, region), stacks in deleted.items():
        by_age = sorted(stacks, reverse=True)
        for number, (since, name, identifier) in enumerate(by_age):
            if number >= newest or since < before:
                del _cloudformation._stacks._data[account, region, name]
                told.pop((account, region, identifier), None)
                forgotten += 1
    # A name that was taken again leads to its new stack, and nothing leads to the one before.
    known = {(*key[:2], stack["StackId"]) for key, stack in _cloudformation._stacks._data.items()}
    for key in [key for key in told if key not in known]:
        del told[key]
    return forgotten


# ---------------------------------------------------------------- CloudWatch, SQS, STS
def forget_alarm_history(newest: int) -> None:
    """Forget all but the `newest` entries of each alarm's history, and of alarms that are there no more."""
    for entries in list(_cloudwatch._alarm_history._data.values()):
        number: dict[str, int] = defaultdict(int)
        kept = []
        for entry in reversed(entries):
            number[entry["AlarmName"]] += 1
            if number[entry["AlarmName"]] <= newest:
                kept.append(entry)
        entries[:] = kept[::-1]


def forget_messages() -> None:
    """Forget messages that are older than their queue keeps them, which SQS otherwise does when somebody asks."""
    for queue in list(_sqs._queues._data.values()):
        _sqs._expire_retained(queue)


def sessions() -> list[str]:
    """Return the access keys of the sessions that do not expire."""
    return [key for key, session in list(_sts._sessions.items()) if "Expiration" not in session]


def has_session(key: str) -> bool:
    """Whether the access key belongs to a session."""
    return key in _sts._sessions


def forget_sessions(keys: Collection[str]) -> None:
    """Forget sessions: their keys are nobody's from now on."""
    for key in keys:
        _sts._sessions.pop(key, None)
