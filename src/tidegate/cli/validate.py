"""`tidegate validate`."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.complaints import Format, complain_of_files, default_format, problems_document
from tidegate.cli.console import release_in_words, say, say_json
from tidegate.cli.options import JsonOption, RepoOption
from tidegate.stage import Repo, StageFileError, instance_types
from tidegate.stage.load import read_files, type_repo


class Kind(StrEnum):
    """What a file of a deploy repository is."""

    STAGE = "stage"
    ENDPOINT = "endpoint"


def validate(
    repo: RepoOption = Path(),
    show: Annotated[
        str | None,
        typer.Option(
            metavar="STAGE",
            help="Print the stage as it is after the merge, each value with where it came from.",
            show_default=False,
        ),
    ] = None,
    schema: Annotated[
        Kind | None,
        typer.Option(help="Print the JSON Schema of a kind of file, for editors; no repository is read."),
    ] = None,
    wanted: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="How to answer: lines for people, one JSON document, or annotations for GitHub; "
            "left out, text, or github where GITHUB_ACTIONS is true.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every file of the repository; exit 1 with file:line:column of all that is wrong."""
    if as_json and wanted not in {None, Format.JSON}:
        raise typer.BadParameter("--json is --format json; give one of them", param_hint="--format")
    if show is not None and schema is not None:
        raise typer.BadParameter("give one of --show and --schema", param_hint="--schema")
    answer = Format.JSON if as_json else wanted or default_format()
    if schema is not None:
        from tidegate.stage.schema import endpoint_schema, stage_schema

        say_json(stage_schema() if schema is Kind.STAGE else endpoint_schema())
        return
    files = read_files(repo)
    try:
        loaded = type_repo(repo, files)
    except StageFileError as error:
        if answer is Format.JSON:
            say_json(problems_document(error))
        else:
            complain_of_files(error, answer)
        raise typer.Exit(error.exit_code) from None
    if show is not None:
        from tidegate.stage.origin import shown_json, shown_yaml, values_of

        values = values_of(loaded, loaded.stage(show), files)
        say(
            json.dumps(shown_json(values), indent=2, ensure_ascii=False)
            if answer is Format.JSON
            else shown_yaml(values)
        )
    elif answer is Format.JSON:
        from tidegate.stage.origin import merged_json, values_of

        say_json({"ok": True, "stages": [merged_json(values_of(loaded, stage, files)) for stage in loaded.stages]})
    else:
        _say_what_releases_do(loaded)


def _say_what_releases_do(repo: Repo) -> None:
    for stage in repo.stages:
        for line in release_in_words(stage):
            say(line)
    for stage in repo.stages:
        if stage.instances.type not in instance_types.HOSTING:
            newer = f"{stage.instances.type} is newer than the instance types that Tidegate knows"
            say(f"note: {stage.name}: {newer}; SageMaker decides when it is deployed")
    say(f"endpoint.yml and {len(repo.stages)} stage files are right")
