"""`tidegate decline`."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.console import say
from tidegate.cli.options import RepoOption, StageArgument
from tidegate.stage import load_repo


def decline(
    stage: StageArgument,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the model registry.")] = "a person decided so",
    repo: RepoOption = Path(),
) -> None:
    """Reject the version under test, so that the pipeline takes the test away; without a test, do nothing."""
    loaded = load_repo(repo)
    chosen = loaded.stage(stage)

    from tidegate.aws import client
    from tidegate.registry import group_region, read_live
    from tidegate.rollback import decline as declining

    name = loaded.endpoint_name(chosen)
    registry = client("sagemaker", group_region(chosen.model_package_group, chosen.region))
    say(
        declining(
            registry,
            read_live(client("sagemaker", chosen.region, loaded.look_role(chosen)), name),
            name,
            loaded.variant,
            reason,
        ).sentence
    )
