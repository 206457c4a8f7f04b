"""The book of the faults that are set: who asks it gets those that strike now."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from tidegate_sandbox.faults.fault import Fault
from tidegate_sandbox.faults.subjects import Subject
from tidegate_sandbox.state import Lock

F = TypeVar("F")

MOST = 100
"""Faults that may be set at a time: each is looked at for each request."""


@dataclass(eq=False)
class Entry:
    """A fault that is set. It stands from `since` to `until`, by the sandbox's clock; `left` is how often it may."""

    id: str
    fault: Fault
    since: datetime
    until: datetime | None
    left: int | None
    struck: int = field(default=0)

    def is_over(self, now: datetime) -> bool:
        """Whether it will strike no more."""
        return self.left == 0 or (self.until is not None and now >= self.until)

    def stands(self, now: datetime) -> bool:
        """Whether it strikes now."""
        return now >= self.since and not self.is_over(now)

    def describe(self, now: datetime) -> dict[str, Any]:
        """Return what is told of it, in JSON's types."""
        return {
            "id": self.id,
            "fault": self.fault.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            | {"kind": self.fault.model_dump()["kind"]},
            "what": self.fault.sentence,
            "since": self.since.isoformat(),
            "until": self.until.isoformat() if self.until else None,
            "stands": self.stands(now),
            "struck": self.struck,
            "left": self.left,
        }


class TooManyError(ValueError):
    """More faults than a book holds."""


class UnknownFaultError(LookupError):
    """No fault of that id is set."""


class Book:
    """Faults that are set, by the clock that `now` reads. Safe to use from any thread.

    `entries` is where they are kept.
    """

    def __init__(
        self, now: Callable[[], datetime], entries: list[Entry] | None = None, chance: random.Random | None = None
    ) -> None:
        self._now = now
        self._entries = entries if entries is not None else []
        self._chance = chance or random.Random()  # noqa: S311 - no secret
        self._changing = Lock()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is set: the one thing that is asked where nothing is."""
        return not self._entries

    def set(self, fault: Fault) -> Entry:
        """Set `fault`, from now or when its `after` has passed; TooManyError where MOST are set already."""
        now = self._now()
        since = now + fault.after
        with self._changing:
            self._forget(now)
            if len(self._entries) >= MOST:
                raise TooManyError(f"{MOST} faults are set already; clear some")
            number = 1 + max((int(entry.id) for entry in self._entries), default=0)
            until = since + fault.lasting if fault.lasting else None
            entry = Entry(str(number), fault, since, until, fault.times)
            self._entries.append(entry)
        return entry

    def clear(self, which: str | None = None) -> Sequence[Entry]:
        """Take away the fault of that id, or all; return what was taken away. UnknownFaultError where there is none."""
        with self._changing:
            taken = [entry for entry in self._entries if which in (None, entry.id)]
            if which is not None and not taken:
                raise UnknownFaultError(f"there is no fault {which}")
            for entry in taken:
                self._entries.remove(entry)
        return taken

    def every(self) -> Sequence[Entry]:
        """Return what is set, and not over."""
        now = self._now()
        with self._changing:
            self._forget(now)
            return list(self._entries)

    def striking(self, kind: type[F], subject: Subject) -> Sequence[F]:
        """Return the faults of `kind` that strike `subject`, in the order in which they were set.

        Each is counted, and ends where it has struck as often as it may.
        """
        if not self._entries:
            return ()
        now = self._now()
        fitting = [entry for entry in list(self._entries) if _fits(entry, kind, subject)]
        found: list[F] = []
        if fitting:
            with self._changing:
                for entry in fitting:
                    fault, share = entry.fault, entry.fault.share
                    if entry.stands(now) and (share.percent == 100 or self._chance.random() < share.fraction):
                        entry.struck += 1
                        entry.left = entry.left and entry.left - 1
                        found.append(fault)  # type: ignore[arg-type] # it is of that kind, or would not fit
        return found

    def _forget(self, now: datetime) -> None:
        self._entries[:] = [entry for entry in self._entries if not entry.is_over(now)]


def _fits(entry: Entry, kind: type[object], subject: Subject) -> bool:
    fault = entry.fault
    return isinstance(fault, kind) and fault.account in (None, subject.account) and fault.fits(subject)
