"""What the doctor found of one thing: a verdict, a sentence, and what to do if it is not well."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

ALL_WELL, NOT_WELL, NOT_LOOKED = 0, 1, 2


class Verdict(StrEnum):
    """How something stands. UNKNOWN is not OK: it could not be looked at, and the sentence says why."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """One finding. `remedy` is empty if, and only if, there is nothing to do."""

    id: str
    title: str
    verdict: Verdict
    sentence: str
    remedy: str = ""


@dataclass(frozen=True)
class Subject:
    """What findings are about: makes them, each verdict in its own word."""

    id: str
    title: str

    def ok(self, sentence: str) -> Check:
        """Find all well."""
        return Check(self.id, self.title, Verdict.OK, sentence)

    def warning(self, sentence: str, remedy: str) -> Check:
        """Find that something works, but not as well, or not for everybody."""
        return Check(self.id, self.title, Verdict.WARNING, sentence, remedy)

    def failed(self, sentence: str, remedy: str) -> Check:
        """Find that publishing or launching would fail."""
        return Check(self.id, self.title, Verdict.FAILED, sentence, remedy)

    def unknown(self, sentence: str, remedy: str) -> Check:
        """Find that it could not be looked at; the remedy says how else to find out."""
        return Check(self.id, self.title, Verdict.UNKNOWN, sentence, remedy)


def exit_code(checks: Iterable[Check], *, strict: bool = False) -> int:
    """Return 0 if nothing would fail, else 1; if `strict`, a warning and what is not known count as well."""
    bad = {Verdict.FAILED} | ({Verdict.WARNING, Verdict.UNKNOWN} if strict else set())
    return NOT_WELL if any(each.verdict in bad for each in checks) else ALL_WELL
