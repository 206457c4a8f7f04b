"""The command line as a whole; each command is a module of its own."""

from typing import Annotated

import typer

from tidegate.cli.commands import CommandGroup
from tidegate.cli.complaints import complain_of_files
from tidegate.cli.console import aws_sentence, complain, say
from tidegate.errors import TidegateError
from tidegate.stage import StageFileError

app = typer.Typer(
    cls=CommandGroup,
    name="tidegate",
    help="Safe model releases on Amazon SageMaker.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line: 0 all is well, 1 a sentence on stderr, 2 wrong usage, 3 to 6 as `verify` says."""
    try:
        app()
    except StageFileError as error:
        complain_of_files(error)
        raise SystemExit(error.exit_code) from None
    except TidegateError as error:
        complain(str(error))
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if error.filename is None:
            raise
        complain(f"{error.filename}: {error.strerror}")
        raise SystemExit(1) from None
    except Exception as error:
        sentence = aws_sentence(error)
        if sentence is None:
            raise
        complain(sentence)
        raise SystemExit(1) from None


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"tidegate {version('tidegate')}")
        raise typer.Exit


@app.callback()
def tidegate(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave."),
    ] = False,
) -> None:
    """Safe model releases on Amazon SageMaker: planned before, guarded during, told truthfully after."""
