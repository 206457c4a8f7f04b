"""`tidegate verify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidegate.cli.console import complain, say_json, say_verdict
from tidegate.cli.options import JsonOption, RenderedOption, RepoOption, StageArgument

if TYPE_CHECKING:
    from tidegate.render import ReleaseRecord
    from tidegate.verify import Deployment, Verdict

_INTERRUPTED: Final = 130
"""What shells give a command that Ctrl-C ended."""


def verify(
    stage: StageArgument,
    rendered: RenderedOption = Path("rendered"),
    phase: Annotated[
        str, typer.Option(metavar="release|test|live", help="Whether a release, or a test put in place or taken away.")
    ] = "release",
    pipeline: Annotated[str | None, typer.Option(help="The CodePipeline whose action deploys the release.")] = None,
    execution: Annotated[str | None, typer.Option(help="Its execution.")] = None,
    action: Annotated[str, typer.Option(help="The action of it that deploys.")] = "Deploy",
    evidence: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep what is seen here as it is seen, and in the end the outcome, as JSON."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from what an interrupted verify left in the evidence.")
    ] = False,
    publishes: Annotated[
        bool, typer.Option("--publish", help="Put the evidence into the project's bucket, whatever the outcome.")
    ] = False,
    repo: RepoOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Follow a release to its end and say how it ended, by what serves.

    Exit code: 0 PROMOTED, 3 ROLLED_BACK, 4 MIXED_FLEET, 5 GUARDRAILS_IGNORED, 6 INCONCLUSIVE.
    """
    if (pipeline is None) != (execution is None):
        raise typer.BadParameter("--pipeline and --execution belong together", param_hint="--pipeline")
    if resume and evidence is None:
        raise typer.BadParameter("--resume needs the --evidence to go on from", param_hint="--resume")

    from tidegate.clock import SystemClock
    from tidegate.render import Phase, read_release
    from tidegate.verify import Deployment, aws_clients, verdict_document, verify_release

    if phase not in set(Phase):
        raise typer.BadParameter(f"`{phase}` is none of {', '.join(Phase)}", param_hint="--phase")
    asked = read_release(rendered, stage, Phase(phase))
    deployment = Deployment(pipeline, execution, action) if pipeline and execution else None
    try:
        verdict = verify_release(
            asked,
            aws_clients(asked),
            SystemClock(),
            deployment=deployment,
            progress=complain,
            evidence=evidence,
            resume=resume,
        )
    except KeyboardInterrupt:
        complain("interrupted: the release goes on by itself, and nobody has judged it yet; verify it again")
        if evidence:
            complain(f"what was seen is in {evidence}; give --resume to go on from it")
        raise SystemExit(_INTERRUPTED) from None
    if publishes:
        complain(_publish(repo, asked, deployment, verdict))
    if as_json:
        say_json(verdict_document(verdict, deployment))
    else:
        say_verdict(verdict)
    raise typer.Exit(verdict.outcome.exit_code)


def _publish(repo: Path, asked: "ReleaseRecord", deployment: "Deployment | None", verdict: "Verdict") -> str:
    """Publish the evidence, and say where it is. That it cannot be published changes no verdict."""
    from tidegate.aws import client, expected_errors
    from tidegate.stage import load_repo
    from tidegate.verify import evidence_key, publish_evidence, verdict_document

    try:
        stage = load_repo(repo).stage(asked.stage)
        s3, key = client("s3", stage.region), evidence_key(asked, deployment)
        return f"the evidence: {publish_evidence(s3, stage, key, verdict_document(verdict, deployment))}"
    except expected_errors() as error:
        return f"the evidence could not be published: {error}"
