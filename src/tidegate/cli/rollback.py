"""`tidegate rollback`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.console import say
from tidegate.cli.options import RepoOption, StageArgument
from tidegate.errors import TidegateError
from tidegate.stage import load_repo


def rollback(
    stage: StageArgument,
    to: Annotated[
        int | None, typer.Option(metavar="VERSION", help="The version to go back to; left out, the last good one.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the model registry.")] = "a person decided so",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    repo: RepoOption = Path(),
) -> None:
    """Reject the version that serves, so that the pipeline releases the newest one that is still approved."""
    loaded = load_repo(repo)
    chosen = loaded.stage(stage)

    from tidegate.aws import client
    from tidegate.registry import group_region, read_live
    from tidegate.rollback import plan_rollback, roll_back

    registry = client("sagemaker", group_region(chosen.model_package_group, chosen.region))
    live = read_live(client("sagemaker", chosen.region, loaded.look_role(chosen)), loaded.endpoint_name(chosen))
    serving = live.production(loaded.variant) if live and live.serves else None
    plan = plan_rollback(registry, loaded, chosen, serving, to)
    say(f"serving: version {plan.live.version}, {plan.live.standing}")
    say(f"then: version {plan.target.version}, by a release of the pipeline like any other")
    for package in plan.rejected:
        say(f"to reject: version {package.version}, {package.standing}")
    if not plan.rejected:
        say(f"version {plan.live.version} is rejected already; the pipeline releases version {plan.target.version}")
        return
    say(
        f"concerned: every stage that takes approved versions of {chosen.model_package_group}: {', '.join(plan.stages)}"
    )
    if dry_run:
        return
    if not yes:
        if not sys.stdin.isatty():
            raise TidegateError("nothing was rejected: nobody is here to ask; give --yes, or --dry-run to only look")
        typer.confirm("Go on?", abort=True)
    for line in roll_back(registry, plan, stage, reason):
        say(line)
    say(f"the pipeline releases version {plan.target.version} now; follow it there, or with tidegate verify {stage}")
