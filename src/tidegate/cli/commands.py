"""The commands: Tidegate's own, a module each, and those that other packages add, each imported when asked for.

Importing all of them for one would take longer than checking a repository.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperGroup

from tidegate.errors import TidegateError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

GROUP: Final = "tidegate.commands"
_WHOLE: Final = 1000  # characters of a sentence on a command, so that it is not cut off


OWN: Final = (
    "validate",
    "explain",
    "plan",
    "simulate",
    "render",
    "verify",
    "rollback",
    "decline",
    "recover",
    "history",
    "prune",
    "started",
)
"""Tidegate's own commands in the order of a release: `NAME` is the function `NAME` of `tidegate.cli.NAME`."""


class CommandGroup(TyperGroup):
    """Tidegate's own commands first, then entry points of the group `tidegate.commands`."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Name every command there is."""
        return [*OWN, *sorted({extension.name for extension in _extensions()} - set(OWN))]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Return the command of that name, None where there is none."""
        if cmd_name in OWN:
            return _own(cmd_name)
        found = next(iter(_extensions().select(name=cmd_name)), None)
        return found and _load(found)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands with all of what each is for; what is inherited cuts it off where the line ends."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(_WHOLE)) for name, command in found])


def _extensions() -> "EntryPoints":
    # Imported where it is needed: looking through what is installed takes as long as checking a repository.
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


def _own(name: str) -> Any:
    app = typer.Typer(add_completion=False)
    app.command(name)(getattr(import_module(f"tidegate.cli.{name}"), name))
    return typer.main.get_command(app)


def _load(extension: "EntryPoint") -> Any:
    try:
        command = typer.main.get_command(extension.load())
    except ImportError as error:
        return _missing(extension.name, str(error))
    command.name = extension.name
    return command


def _missing(name: str, reason: str) -> Any:
    app = typer.Typer(add_completion=False)

    @app.command(
        name,
        help="Not installed completely: an extra of tidegate is missing.",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    )
    def missing() -> None:
        raise TidegateError(
            f"`tidegate {name}` cannot run: {reason}; install the extra that brings it: tidegate[{name}]"
        )

    return typer.main.get_command(app)
