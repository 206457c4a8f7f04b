"""What every floor raises when a person has to be told something."""

from typing import ClassVar


class TidegateError(Exception):
    """A sentence for a person: what is wrong, where, and what would be right.

    The command line prints it to stderr without a traceback and exits with `exit_code`.
    """

    exit_code: ClassVar[int] = 1
