"""The commands and their options."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.console import (
    aws_sentence,
    complain,
    complain_of_files,
    problem_document,
    release_in_words,
    say,
    say_json,
    say_verdict,
)
from tidegate.cli.extensions import ExtensibleGroup
from tidegate.errors import TidegateError
from tidegate.stage import StageFileError, load_repo

app = typer.Typer(
    cls=ExtensibleGroup,
    name="tidegate",
    help="Safe model releases on Amazon SageMaker.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

RepoOption = Annotated[Path, typer.Option("--repo", metavar="DIR", help="The deploy repository.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


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


@app.command()
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


@app.command()
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

    package = find_package(loaded, model_package)
    files = {name: text for each in chosen for name, text in render_stage(loaded, each, package).items()}
    write_files(files, out)
    say(f"version {package.version} of {loaded.model_package_group}: {package.arn}")
    for each in chosen:
        for line in release_in_words(each):
            say(line)
    say(f"written to {out}: {', '.join(files)}")


@app.command()
def verify(
    stage: Annotated[str, typer.Argument(help="The stage that was released.", show_default=False)],
    rendered: Annotated[Path, typer.Option(metavar="DIR", help="Where `render` wrote the release.")] = Path("rendered"),
    pipeline: Annotated[str | None, typer.Option(help="The CodePipeline whose action deploys the release.")] = None,
    execution: Annotated[str | None, typer.Option(help="Its execution.")] = None,
    action: Annotated[str, typer.Option(help="The action of it that deploys.")] = "Deploy",
    evidence: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the outcome with all its evidence here, as JSON.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a release to its end and say how it ended, by what serves.

    Exit code: 0 PROMOTED, 3 ROLLED_BACK, 4 MIXED_FLEET, 5 GUARDRAILS_IGNORED, 6 INCONCLUSIVE.
    """
    if (pipeline is None) != (execution is None):
        raise typer.BadParameter("--pipeline and --execution belong together", param_hint="--pipeline")

    from tidegate.clock import SystemClock
    from tidegate.render import read_release
    from tidegate.verify import Deployment, aws_clients, verify_release, write_evidence

    asked = read_release(rendered, stage)
    deployment = Deployment(pipeline, execution, action) if pipeline and execution else None
    verdict = verify_release(asked, aws_clients(asked.region), SystemClock(), deployment=deployment, progress=complain)
    if evidence:
        write_evidence(verdict, evidence)
    if as_json:
        say_json(verdict.to_json())
    else:
        say_verdict(verdict)
    raise typer.Exit(verdict.outcome.exit_code)
