"""`tidegate started`."""

from typing import Annotated

import typer

from tidegate.cli.console import complain, say


def started(
    pipeline: Annotated[str, typer.Option(help="The CodePipeline.")],
    execution: Annotated[str, typer.Option(help="Its execution.")],
) -> None:
    """Say what started a run of a pipeline: a push, a decision in the registry, or whose hand."""
    from tidegate.aws import client, expected_errors
    from tidegate.started import started_by

    try:
        say(started_by(client("codepipeline"), pipeline, execution))
    except expected_errors() as error:
        # No release hangs on it.
        complain(f"what started this run could not be found out: {error}")
        say("what could not be found out")
