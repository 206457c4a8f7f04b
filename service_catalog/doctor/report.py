"""The findings, as a person or a program reads them."""

import json
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from service_catalog.doctor.check import Check, Verdict

COLOURS = {Verdict.OK: "32", Verdict.WARNING: "33", Verdict.FAILED: "31", Verdict.UNKNOWN: "35"}
GAP = "  "


def as_json(checks: Sequence[Check]) -> str:
    """Return the findings as a JSON list of objects, one a finding."""
    return json.dumps([asdict(each) for each in checks], indent=2, ensure_ascii=False)


def as_table(checks: Sequence[Check], width: int, *, colour: bool = False) -> str:
    """Return the findings as a table of `width` characters: verdict, title, sentence, and below it the remedy."""
    verdicts = max(len(each.value) for each in Verdict)
    titles = max((len(each.title) for each in checks), default=0)
    indent = " " * (verdicts + len(GAP) + titles + len(GAP))
    # A command is to be copied whole: words are never broken.
    wrap = textwrap.TextWrapper(max(width - len(indent), 30), break_long_words=False, break_on_hyphens=False)
    lines = []
    for each in checks:
        verdict = each.verdict.value.ljust(verdicts)
        first = (
            f"{_coloured(verdict, COLOURS[each.verdict]) if colour else verdict}{GAP}{each.title.ljust(titles)}{GAP}"
        )
        told = wrap.wrap(each.sentence) + [
            f"→ {line}" if not at else f"  {line}" for at, line in enumerate(wrap.wrap(each.remedy))
        ]
        lines += [first + told[0], *(indent + line for line in told[1:])]
    return "\n".join(lines)


def summary(checks: Sequence[Check]) -> str:
    """Return one sentence that counts the verdicts."""
    counts = Counter(each.verdict for each in checks)
    words = {
        Verdict.FAILED: "would fail", Verdict.WARNING: "to think of", Verdict.UNKNOWN: "not known", Verdict.OK: "well",
    }  # fmt: skip
    return ", ".join(f"{counts[verdict]} {word}" for verdict, word in words.items() if counts[verdict]) + "."


def _coloured(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"
