"""`tidegate prune`."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.console import say
from tidegate.cli.options import RepoOption, StageArgument
from tidegate.stage import load_repo


def prune(
    stage: StageArgument,
    keep: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many good configs to keep beside the one that serves.")
    ] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    repo: RepoOption = Path(),
) -> None:
    """Remove endpoint configs and models of earlier releases that neither serve nor are the last good ones."""
    loaded = load_repo(repo)
    chosen = loaded.stage(stage)

    from tidegate.aws import client
    from tidegate.retained import find_retained, plan_pruning
    from tidegate.retained import prune as removing

    role = loaded.look_role(chosen)
    sagemaker, cloudformation = client("sagemaker", chosen.region, role), client("cloudformation", chosen.region, role)
    retained = find_retained(sagemaker, cloudformation, loaded.endpoint_name(chosen), loaded.stack_name(chosen))
    plan = plan_pruning(retained, keep=keep)
    for each in plan.kept:
        say(f"keep {each.config.name} of release {each.config.release_id}: {each.why}")
    if not plan.removed:
        say("there is nothing to remove")
    elif dry_run:
        for config in plan.removed:
            say(f"would remove {config.name} of release {config.release_id}, and the models that only it uses")
    else:
        for line in removing(sagemaker, retained, keep=keep):
            say(line)
