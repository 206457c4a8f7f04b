"""`tidegate simulate`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.console import say, say_json
from tidegate.cli.options import JsonOption, RepoOption, StageArgument
from tidegate.stage import load_repo


def simulate(
    stage: StageArgument,
    scenario: Annotated[Path, typer.Argument(help="A scenario file.", show_default=False)],
    repo: RepoOption = Path(),
    runs: Annotated[int, typer.Option(min=1, max=100_000, help="Release so many times, and say how that went.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Release a new version on a virtual clock, against a scenario: what becomes of it, and whom it harms."""
    loaded = load_repo(repo)
    chosen = loaded.stage(stage)

    from tidegate.simulate import read_scenario, run, run_many
    from tidegate.simulate.drawing import draw, draw_runs, ink_for

    read = read_scenario(scenario)
    ink = ink_for(sys.stdout.encoding)
    names = {"endpoint_name": loaded.endpoint_name(chosen), "variant": loaded.variant}
    if runs > 1:
        many = run_many(chosen, read, runs, **names)
        lines, document = draw_runs(many, ink), many.to_json()
    else:
        one = run(chosen, read, **names)
        lines, document = draw(one, ink), one.to_json()
    if as_json:
        say_json({"stage": stage, "scenario": scenario.as_posix(), **document})
        return
    say(f"{stage}, {scenario.as_posix()}, seed {read.seed}{f': {read.description}' if read.description else ''}")
    say()
    for line in lines:
        say(line)
