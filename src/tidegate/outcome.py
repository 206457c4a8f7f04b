"""How a release can end, in one word."""

from enum import StrEnum

_EXIT_CODES = {
    "PROMOTED": 0,
    "ROLLED_BACK": 3,
    "MIXED_FLEET": 4,
    "GUARDRAILS_IGNORED": 5,
    "INCONCLUSIVE": 6,
}


class Outcome(StrEnum):
    """What became of a release."""

    PROMOTED = "PROMOTED"
    """The release that was asked for serves."""

    ROLLED_BACK = "ROLLED_BACK"
    """The release was tried, and what served before serves again."""

    MIXED_FLEET = "MIXED_FLEET"
    """The rollback failed too: old and new instances serve side by side (`UpdateRollbackFailed`)."""

    GUARDRAILS_IGNORED = "GUARDRAILS_IGNORED"
    """The release serves, but it was not guarded as it was asked to be."""

    INCONCLUSIVE = "INCONCLUSIVE"
    """What can be seen does not tell; the sentence says what is missing."""

    @property
    def served(self) -> bool:
        """Whether the release came to serve."""
        return self in {Outcome.PROMOTED, Outcome.GUARDRAILS_IGNORED}

    @property
    def exit_code(self) -> int:
        """The exit code of the commands that end in an outcome."""
        return _EXIT_CODES[self]
