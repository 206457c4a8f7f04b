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
            help="The approved version to release; left out, the newest one that was not rolled back.",
        ),
    ] = None,
    repo: RepoOption = Path(),
) -> None:
    """Write the CloudFormation template and the release record of a stage, or of all: every file or none."""
    if (stage is None) != every:
        raise typer.BadParameter("name one stage, or give --all", param_hint="STAGE")
    loaded = load_repo(repo)
    chosen = loaded.stages if stage is None else (loaded.stage(stage),)

    from tidegate.cli.packages import find_package
    from tidegate.render import render_stage, write_files

    packages = {each.name: find_package(each, model_package) for each in chosen}
    files = {
        name: text for each in chosen for name, text in render_stage(loaded, each, packages[each.name]).files.items()
    }
    write_files(files, out)
    for each in chosen:
        package = packages[each.name]
        say(f"version {package.version} of {each.model_package_group}: {package.arn}")
        for line in release_in_words(each):
            say(line)
    say(f"written to {out}: {', '.join(files)}")
