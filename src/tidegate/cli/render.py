"""`tidegate render`."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.console import release_in_words, say
from tidegate.cli.options import RepoOption
from tidegate.stage import load_repo


def render(
    stage: Annotated[str | None, typer.Argument(help="The stage to render.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="Render every stage.")] = False,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")] = Path("rendered"),
    model_package: Annotated[
        str | None,
        typer.Option(
            metavar="ARN|VERSION",
            help="The approved version to release; left out, the one that the stage file names.",
        ),
    ] = None,
    allow_none: Annotated[
        bool,
        typer.Option(
            "--allow-none", help="With --all: where no version is approved and no stage has an endpoint, skip all."
        ),
    ] = False,
    repo: RepoOption = Path(),
) -> None:
    """Write the CloudFormation template and the release record of a stage, or of all: every file or none.

    Where a test is due or in place, also the files that put it in place and take it away. `pipeline.env` tells the
    pipeline what to ask and do.
    """
    if (stage is None) != every:
        raise typer.BadParameter("name one stage, or give --all", param_hint="STAGE")
    if allow_none and (not every or model_package):
        raise typer.BadParameter("it is of --all, and of no version that is named", param_hint="--allow-none")
    loaded = load_repo(repo)
    chosen = loaded.stages if stage is None else (loaded.stage(stage),)

    from tidegate.aws import client
    from tidegate.registry import NoApprovedVersionError
    from tidegate.render import (
        PIPELINE_FILE,
        Lookup,
        pipeline_file,
        pipeline_file_of_nothing,
        render_updates,
        templates_of,
        write_files,
    )

    lookup = Lookup(loaded, lambda region, role: client("sagemaker", region, role))
    try:
        situations = lookup.situations(chosen, model_package)
    except NoApprovedVersionError as error:
        if not allow_none or not lookup.nothing_is_live():
            raise
        write_files({PIPELINE_FILE: pipeline_file_of_nothing(each.name for each in chosen)}, out)
        say(f"{error}. No stage has an endpoint yet: there is nothing to release, and nobody is asked")
        return
    updates = [render_updates(loaded, each, found) for each, found in zip(chosen, situations, strict=True)]
    files = {name: text for update in updates for name, text in update.files.items()}
    write_files(files | {PIPELINE_FILE: pipeline_file(updates)}, out)

    for each, update in zip(chosen, updates, strict=True):
        record = update.release.record
        say(f"version {record.model_package_version} of {each.model_package_group}: {record.model_package_arn}")
        for line in release_in_words(each):
            say(line)
        for note in update.notes:
            say(f"  {note}")
    for line in templates_of(loaded.root).in_words():
        say(line)
    say(f"written to {out}: {', '.join([*files, PIPELINE_FILE])}")
