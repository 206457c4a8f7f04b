"""What is said of a rule at length, to people at a terminal and as the page docs/rules.md: one text for both."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tidegate.stage.rules import ALL, Rule

EXAMPLES: Final = Path(__file__).with_name("examples")
WIDTH: Final = 100

_SUBJECTS: Final = {
    "0": "Files and values",
    "1": "Strategies",
    "2": "Time",
    "3": "Rollback",
    "4": "Tests before a release",
    "5": "Capture and monitoring",
    "6": "The fleet",
    "7": "Accounts, regions, networks",
    "8": "What is released",
    "9": "Against the endpoint that is live",
}


@dataclass(frozen=True, slots=True)
class Example:
    """What a rule refuses and what it accepts, as files of a repository say it.

    A comment such as `# TG014 at column 39` marks the place that is named. Where `endpoint` is empty, the one that
    stands beside all examples goes with them; `invalid_endpoint` takes its place for what is refused. `live` names the
    variants of the endpoint, for the rules that look at it.
    """

    valid: str
    invalid: str
    endpoint: str
    invalid_endpoint: str
    live: str


def example(rule: Rule) -> Example:
    """Read the example of a rule, which its test is made of."""
    (folder,) = EXAMPLES.glob(f"{rule.id}-*")

    def read(name: str) -> str:
        path = folder / name
        return path.read_text("utf-8", "replace") if path.exists() else ""

    return Example(*(read(f"{name}.yml") for name in ("valid", "invalid", "endpoint", "invalid.endpoint", "live")))


def in_words(rule: Rule) -> str:
    """Explain a rule to somebody at a terminal."""
    return "\n\n".join(
        [
            textwrap.fill(f"{rule.id}: {rule.title}", WIDTH),
            *(
                textwrap.fill(f"{heading}: {text}", WIDTH, break_on_hyphens=False)
                for heading, text in _paragraphs(rule)
            ),
            *(f"{heading}:\n{textwrap.indent(text.rstrip(), '    ')}" for heading, text in _listings(rule)),
        ]
    )


def in_a_line(rule: Rule) -> str:
    """Name a rule."""
    return f"{rule.id}  {rule.title}"


def page() -> str:
    """Write docs/rules.md: every rule, by subject."""
    parts = [
        "# The rules on a stage file\n"
        "`tidegate validate` holds each stage against these rules and ends each line with the one that is broken;\n"
        "`tidegate explain TG014` prints what is said of it here. An id is never given to another rule.\n"
        "This page is what `tidegate explain --markdown` prints."
    ]
    subject = ""
    for rule in ALL.values():
        if _SUBJECTS[rule.id[-2]] != subject:
            subject = _SUBJECTS[rule.id[-2]]
            parts.append(f"## {subject}")
        parts.append(f"### {rule.id}: {rule.title}")
        for heading, text in _paragraphs(rule):
            parts.append(textwrap.fill(f"**{heading}.** {text}", 120, break_on_hyphens=False))
        parts += [f"{heading}:\n```yaml\n{text.rstrip()}\n```" for heading, text in _listings(rule)]
    return "\n\n".join(parts) + "\n"


def _paragraphs(rule: Rule) -> Iterator[tuple[str, str]]:
    yield "Why", rule.why
    yield "What is right", rule.right
    if rule.reads:
        yield "It reads", ", ".join(f"`{name}`" for name in rule.reads)
    yield "Source", rule.source


def _listings(rule: Rule) -> Iterator[tuple[str, str]]:
    shown = example(rule)
    if shown.live:
        yield "On an endpoint with these variants", shown.live
    if shown.endpoint:
        yield "With this endpoint.yml", shown.endpoint
    yield "Right", shown.valid
    if shown.invalid_endpoint:
        yield "Wrong, in endpoint.yml", shown.invalid_endpoint
    else:
        yield "Wrong", shown.invalid
