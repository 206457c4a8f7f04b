"""What became of the requests, by who answered."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tidegate_sandbox.load.latencies import Latencies

SHARES = (0.5, 0.9, 0.99, 0.999)
NAMES = ("p50", "p90", "p99", "p99.9")

LONGEST = 200
"""Characters that are shown of what was said of an error."""


class Answerer(NamedTuple):
    """Who answered: `version` and `config` are empty where the endpoint does not tell them, as AWS does not."""

    version: str
    config: str
    variant: str


class Outcome(NamedTuple):
    """What became of a request: `error` is empty where it was answered as it should be; times in seconds.

    `latency` is from when it was due, or was sent where it did not have to wait for a connection. `said` is what the
    endpoint said of the error.
    """

    answerer: Answerer | None
    error: str
    latency: float
    said: str = ""


@dataclass
class Tally:
    """Outcomes of one answerer; latencies are of those without an error."""

    requests: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    latencies: Latencies = field(default_factory=Latencies)

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.requests += 1
        if outcome.error:
            self.errors[outcome.error] += 1
        else:
            self.latencies.add(outcome.latency)

    @property
    def error_share(self) -> float:
        """The errors' share of the requests, in 0..1."""
        return self.errors.total() / self.requests if self.requests else 0.0

    def describe(self) -> dict[str, Any]:
        """Return it in JSON's types, latencies in milliseconds."""
        found = dict(zip(NAMES, self.latencies.quantiles(SHARES), strict=False))
        found |= {"max": self.latencies.longest} if len(self.latencies) else {}
        return {
            "requests": self.requests,
            "errors": dict(self.errors),
            "error_share": round(self.error_share, 6),
            "latency_ms": {name: round(value * 1e3, 3) for name, value in found.items()},
        }


@dataclass
class Report:
    """Outcomes of a load so far: of all, by who answered, and of those that nobody answered."""

    every: Tally = field(default_factory=Tally)
    by: dict[Answerer, Tally] = field(default_factory=dict)
    unanswered: Counter[str] = field(default_factory=Counter)
    """Requests that no model answered, by why: refused, throttled, no connection."""
    said: dict[str, str] = field(default_factory=dict)
    """What was said of the first error of each kind."""
    late: int = 0
    """Requests that had to wait for a connection."""
    unsent: int = 0
    """Requests that were due and could not be sent before the load was over."""
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.every.add(outcome)
        if outcome.error:
            self.said.setdefault(outcome.error, outcome.said)
        if outcome.answerer is None:
            self.unanswered[outcome.error] += 1
        else:
            self.by.setdefault(outcome.answerer, Tally()).add(outcome)

    def describe(self) -> dict[str, Any]:
        """Return it in JSON's types, latencies in milliseconds."""
        return {
            "seconds": round(self.seconds, 3),
            "rate": round(self.every.requests / self.seconds, 2) if self.seconds else 0.0,
            **self.every.describe(),
            "answered_by": [{**who._asdict(), **self.by[who].describe()} for who in sorted(self.by)],
            "unanswered": dict(self.unanswered),
            "late": self.late,
            "unsent": self.unsent,
        }

    def line(self, seconds: float) -> str:
        """Return it in a line, where these are the outcomes of so many seconds."""
        found = self.every.latencies.quantiles((0.5, 0.99))
        parts = [f"{self.every.requests / seconds:.1f} a second"]
        parts += [f"{name} {value * 1e3:.1f} ms" for name, value in zip(("p50", "p99"), found, strict=False)]
        parts.append(f"errors {self.every.error_share:.1%}")
        for who in sorted(self.by):
            share = self.by[who].requests / self.every.requests
            parts.append(f"{f'version {who.version}' if who.version else who.variant} {share:.0%}")
        return "  ".join(parts)

    def table(self) -> list[str]:
        """Return it as lines for a person."""
        told = self.describe()
        rows: list[tuple[str, ...]] = [("version", "configuration", "variant", "requests", "errors", *NAMES, "max")]
        for who in sorted(self.by):
            rows.append((who.version or "-", who.config or "-", who.variant, *_cells(self.by[who])))
        rows.append(("all", "", "", *_cells(self.every)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [f"{told['requests']} requests in {told['seconds']:.1f} s, {told['rate']:.1f} a second"]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
            cells += [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
            lines.append("  ".join(cells).rstrip())
        for who in sorted(self.by):
            for error, count in self.by[who].errors.most_common():
                lines.append(f"{who.version or who.variant}: {count} × {error}{self._said(error)}")
        for error, count in self.unanswered.most_common():
            lines.append(f"answered by no model: {count} × {error}{self._said(error)}")
        if self.late:
            lines.append(f"{self.late} waited for a connection, which is in their latency; --connections allows more")
        if self.unsent:
            lines.append(f"{self.unsent} were due and could not be sent: more is asked for than can be answered")
        return lines

    def _said(self, error: str) -> str:
        line = " ".join("".join(each if each.isprintable() else " " for each in self.said.get(error, "")).split())
        return f": {line[:LONGEST]}" if line else ""


def _cells(tally: Tally) -> list[str]:
    found = tally.latencies.quantiles(SHARES)
    times = [*found, tally.latencies.longest] if found else []
    shown = [f"{seconds * 1e3:.1f} ms" for seconds in times] or ["-"] * (len(SHARES) + 1)
    return [str(tally.requests), f"{tally.error_share:.2%}", *shown]
