"""Rules on what is released, and what `plan` reckons with."""

from collections.abc import Iterator

from tidegate.stage.model import Expect
from tidegate.stage.rules.rule import Finding, rule


@rule(
    "TG080",
    "What is noticed is worse than what is usual",
    why="`expect.notice` is the error rate of a new version that a release should not let through, and "
    "`error_rate` the one that the old version has. A regression is worse than that, or it is none.",
    source="this project: docs/plan.md",
    right="Write a `notice` above `error_rate`, such as twice of it.",
)
def nothing_to_notice(expect: Expect | None) -> Iterator[Finding]:
    """Find a regression that is none."""
    if expect and expect.notice and expect.notice.percent <= expect.error_rate.percent:
        yield Finding(
            ("expect", "notice"),
            f"{expect.notice} is not above the error rate that is usual, {expect.error_rate}",
            "write a share of requests above it",
        )


@rule(
    "TG081",
    "A stage releases something",
    why="`live` is the version that serves already: releasing it changes nothing, and later approvals would be "
    "passed over without a word.",
    source="this project: docs/stage-file.md",
    right="Leave `version` out, which means `approved`, or write the number of a version.",
)
def nothing_new(version: str) -> Iterator[Finding]:
    """Find a release of what serves already."""
    if version == "live":
        yield Finding(
            ("version",),
            "`live` is the version that serves already",
            "leave `version` out, or write approved or the number of a version",
        )


RULES = (nothing_to_notice, nothing_new)
