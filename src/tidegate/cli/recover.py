"""`tidegate recover`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.console import say
from tidegate.cli.options import RepoOption, StageArgument
from tidegate.stage import load_repo


def recover(
    stage: StageArgument,
    to: Annotated[
        str | None,
        typer.Option(metavar="CONFIG", help="The endpoint config to go back to; left out, the one verified last."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take the first step, if it can be taken from here.")] = False,
    repo: RepoOption = Path(),
) -> None:
    """Say how to get out of a rollback that failed, of the endpoint or of its stack; with --yes take the next step.

    Exit code: 0 nothing is to be done, or the step was taken; 4 there is something to do.
    """
    loaded = load_repo(repo)
    chosen = loaded.stage(stage)

    from tidegate.aws import client
    from tidegate.outcome import Outcome
    from tidegate.rollback import perform, recovery_steps, see

    role = loaded.look_role(chosen)
    sagemaker, cloudformation = client("sagemaker", chosen.region, role), client("cloudformation", chosen.region, role)
    seen = see(sagemaker, cloudformation, loaded.endpoint_name(chosen), loaded.stack_name(chosen), to)
    config = f" on {seen.config_name}" if seen.config_name else ""
    why = f": {seen.failure_reason}" if seen.failure_reason else ""
    say(f"endpoint {seen.endpoint_name}: {seen.endpoint_status or 'not there'}{config}{why}")
    said = f": {seen.stack_reason}" if seen.stack_reason else ""
    say(f"stack {seen.stack_name}: {seen.stack_status or 'not there'}{said}")
    for each in seen.candidates:
        became = f"{each.outcome} at {each.outcome_at}" if each.outcome else "nothing tells what became of it"
        say(f"config {each.name}, release {each.release_id}, of {each.created_at:%Y-%m-%d %H:%M:%S}Z: {became}")
    steps = recovery_steps(seen)
    if not steps:
        say("there is nothing to recover")
        return
    for number, step in enumerate(steps, 1):
        say(f"{number}. {step.what}")
        say(f"   because {step.why}")
        if step.action:
            say(f"   {step.action} {json.dumps(step.parameters)}")
    first = steps[0]
    if not yes or first.action is None:
        say("nothing was done" + ("; give --yes to take step 1" if first.action else ": step 1 is for a person"))
        raise typer.Exit(Outcome.MIXED_FLEET.exit_code)
    perform(sagemaker, cloudformation, first)
    say(f"step 1 has begun; once it has ended, look again: tidegate recover {stage}")
