"""`tidegate verify`."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.console import complain, say_json, say_verdict
from tidegate.cli.options import JsonOption, RenderedOption, StageArgument


def verify(
    stage: StageArgument,
    rendered: RenderedOption = Path("rendered"),
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
