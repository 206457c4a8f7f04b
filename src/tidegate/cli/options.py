"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

RepoOption = Annotated[Path, typer.Option("--repo", metavar="DIR", help="The deploy repository.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]
RenderedOption = Annotated[Path, typer.Option("--rendered", metavar="DIR", help="Where `render` wrote the release.")]
StageArgument = Annotated[str, typer.Argument(help="The name of the stage.", show_default=False)]
