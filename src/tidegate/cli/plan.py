"""`tidegate plan`."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tidegate.cli.console import complain, say, say_json
from tidegate.cli.options import JsonOption, RepoOption
from tidegate.stage import Repo, Stage, load_repo

if TYPE_CHECKING:
    from tidegate.plan import Asked, ClientMaker, Plan, PriceFound, Situation

    Look = Callable[[Repo, Stage], tuple[Asked, Situation]]

WIDTH_OF_A_LOG = 100


def plan(
    stage: Annotated[str | None, typer.Argument(help="The stage to plan.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="Plan every stage.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask AWS nothing.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the plan of a stage here as a page.")] = None,
    publishes: Annotated[
        bool, typer.Option("--publish", help="Put the plans of what `render` wrote into the project's bucket.")
    ] = False,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="With --publish: where `render` wrote.")] = Path(
        "rendered"
    ),
    model_package: Annotated[
        str | None,
        typer.Option(metavar="ARN|VERSION", help="The version to release; left out, what the stage file says."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if there is anything to warn of.")] = False,
    repo: RepoOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Say what a release of a stage, or of all, will do: what changes, how it goes, what it can see, what it costs."""
    if (stage is None) != every:
        raise typer.BadParameter("name one stage, or give --all", param_hint="STAGE")
    if html and every:
        raise typer.BadParameter("it is the page of one stage; name one instead of --all", param_hint="--html")
    if offline and model_package:
        raise typer.BadParameter("only the registry tells whether that version is there", param_hint="--offline")
    if publishes and (offline or model_package):
        raise typer.BadParameter("it plans what was rendered, and asks AWS", param_hint="--publish")
    loaded = load_repo(repo)
    chosen = loaded.stages if stage is None else (loaded.stage(stage),)
    if publishes and every and _rendered_nothing(out, chosen):
        say(f"{out} holds no release of any stage, so there is nothing to plan")
        return

    from tidegate.clock import SystemClock
    from tidegate.plan import as_html, document, plan_release

    make = cache(_client)
    look = _look_nowhere if offline else _look_at(out, make) if publishes else _look_up(loaded, model_package, make)
    ask_price = cache(partial(_ask_price, make, offline))
    plans = [
        plan_release(
            loaded, each, *look(loaded, each), _price(each, ask_price), now=SystemClock().now(), offline=offline
        )
        for each in chosen
    ]
    if html:
        _write(html, as_html(plans[0]))
    if publishes:
        _publish(chosen, plans, out, make)
    if as_json:
        say_json({"plans": [document(each) for each in plans]} if every else document(plans[0]))
    else:
        _say(plans)
    warnings = sum(len(each.warnings) for each in plans)
    if strict and warnings:
        complain(f"there is something to warn of, {warnings} in all, and --strict takes that for an error")
        raise typer.Exit(1)


def _rendered_nothing(folder: Path, stages: Iterable[Stage]) -> bool:
    """Whether `render --allow-none` left only word for the pipeline that there is nothing to do."""
    from tidegate.render import PIPELINE_FILE, release_file

    return (folder / PIPELINE_FILE).exists() and not any((folder / release_file(each.name)).exists() for each in stages)


def _look_nowhere(_: Repo, stage: Stage) -> "tuple[Asked, Situation]":
    from tidegate.plan import OFFLINE, Asked, Version

    if stage.version.isdecimal():
        return Asked(Version(int(stage.version), "")), OFFLINE
    return Asked(unread="the registry was not asked (--offline)"), OFFLINE


def _look_at(folder: Path, make: "ClientMaker") -> "Look":
    """Make what takes the release that was rendered, and looks at the endpoint."""
    from tidegate.plan import Asked, Version, read_situation
    from tidegate.render import read_release

    def look(repo: Repo, stage: Stage) -> "tuple[Asked, Situation]":
        record = read_release(folder, stage.name)
        version = Version(record.model_package_version, record.model_package_arn)
        return Asked(version, record.release_id), read_situation(make, repo, stage)

    return look


def _look_up(repo: Repo, wanted: str | None, make: "ClientMaker") -> "Look":
    """Make what asks the registry for the release, as `render` does, and looks at the endpoint."""
    from tidegate.aws import expected_errors
    from tidegate.plan import Asked, Version, read_situation, with_settings
    from tidegate.render import Lookup, render_stage

    lookup = Lookup(repo, partial(make, "sagemaker"))

    def look(repo: Repo, stage: Stage) -> "tuple[Asked, Situation]":
        try:
            found = lookup.situation(stage, wanted)
        except expected_errors() as error:
            if wanted:
                raise
            return Asked(unread=str(error)), read_situation(make, repo, stage)
        version = Version(found.release.version, found.release.arn)
        asked = Asked(version, render_stage(repo, stage, found.release).record.release_id)
        return asked, with_settings(make, repo, stage, found.live)

    return look


def _price(stage: Stage, ask: "Callable[[str, str], PriceFound]") -> "PriceFound":
    from tidegate.plan import PriceFound

    given = stage.instances.price_per_hour
    return PriceFound(given, source="instances.price_per_hour") if given else ask(stage.region, stage.instances.type)


def _ask_price(make: "ClientMaker", offline: bool, region: str, instance_type: str) -> "PriceFound":
    from tidegate.plan import PriceFound, ask_price

    if offline:
        return PriceFound(None, missing="AWS was not asked (--offline), and the file has no instances.price_per_hour")
    return ask_price(make, region, instance_type)


def _client(service: str, region: str, role: str | None = None) -> Any:
    from tidegate.aws import client

    return client(service, region, role)


def _publish(stages: Iterable[Stage], plans: Iterable["Plan"], out: Path, make: "ClientMaker") -> None:
    from tidegate.plan import as_html, publish, tell_pipeline

    addresses = {}
    for stage, each in zip(stages, plans, strict=True):
        _write(out / f"{stage.name}.plan.html", as_html(each))
        assert each.release_id is not None
        addresses[stage.name] = publish(make("s3", stage.region), stage, each, each.release_id)
        complain(f"the plan of {stage.name}: {addresses[stage.name]}")
    tell_pipeline(out, addresses)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _say(plans: Iterable["Plan"]) -> None:
    from tidegate.plan import as_text, ink_for

    watched = sys.stdout.isatty()
    width = shutil.get_terminal_size((WIDTH_OF_A_LOG, 24)).columns if watched else WIDTH_OF_A_LOG
    colour = watched and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    ink = ink_for(sys.stdout.encoding, colour=colour)
    say("\n\n".join(as_text(each, width, ink).rstrip("\n") for each in plans))
