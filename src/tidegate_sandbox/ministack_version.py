"""Which ministack the sandbox's hooks were made for: looked at before anything of it is imported."""

from importlib.metadata import version

MINISTACK = "1.5.33"


class MinistackError(RuntimeError):
    """The ministack that is installed is not the one that the sandbox hooks into; a sentence says how it differs."""


def check_version() -> None:
    """Raise MinistackError where another version is installed."""
    found = version("ministack")
    if found != MINISTACK:
        raise MinistackError(f"the sandbox hooks into ministack {MINISTACK}, and {found} is installed; reinstall it")


def lacks(names: str) -> MinistackError:
    """Return what to raise where the right version lacks `names`."""
    return MinistackError(
        f"the sandbox hooks into ministack {MINISTACK}, and the one that is installed lacks {names}; reinstall it"
    )
