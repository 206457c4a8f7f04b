"""`tidegate validate`."""

from pathlib import Path

import typer

from tidegate.cli.console import problem_document, release_in_words, say, say_json
from tidegate.cli.options import JsonOption, RepoOption
from tidegate.stage import StageFileError, load_repo


def validate(repo: RepoOption = Path(), as_json: JsonOption = False) -> None:
    """Check every file of the repository; exit 1 with file:line:column of all that is wrong."""
    try:
        loaded = load_repo(repo)
    except StageFileError as error:
        if not as_json:
            raise
        say_json({"ok": False, "problems": [problem_document(problem) for problem in error.problems]})
        raise typer.Exit(error.exit_code) from None
    if as_json:
        say_json({"ok": True, "stages": [stage.model_dump(mode="json") for stage in loaded.stages]})
        return
    for stage in loaded.stages:
        for line in release_in_words(stage):
            say(line)
    say(f"endpoint.yml and {len(loaded.stages)} stage files are right")
