"""The command `tidegate sandbox load`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidegate_sandbox.load.sender import Sender

_WHEN, _WHAT, _WHERE = "When", "What", "Where"

QUIETLY_EVERY = 10.0
"""Seconds between two lines of progress where nobody sits at a terminal."""


def load(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    rows: Annotated[
        Path,
        typer.Option(
            help="A file of rows: CSV, JSON lines, or JSON for one whole body. They are sent round and round.",
            rich_help_panel=_WHAT,
        ),
    ],
    rate: Annotated[
        str,
        typer.Option(
            help="Requests a second of the wall: 50, 10..100 for a ramp, or '10..100 daily'.", rich_help_panel=_WHEN
        ),
    ] = "10",
    lasting: Annotated[
        str | None,
        typer.Option(
            "--for", help="How long, by the sandbox's clock, such as 10m; else until Ctrl-C.", rich_help_panel=_WHEN
        ),
    ] = None,
    peak: Annotated[
        str, typer.Option(help="When a day is busiest, HH:MM by the sandbox's clock, in UTC.", rich_help_panel=_WHEN)
    ] = "17:00",
    independent: Annotated[
        bool,
        typer.Option(
            "--independent", help="At random, as independent users do, and not evenly.", rich_help_panel=_WHEN
        ),
    ] = False,
    connections: Annotated[
        int, typer.Option(min=1, max=1000, help="Requests at most at a time.", rich_help_panel=_WHEN)
    ] = 64,
    content_type: Annotated[
        str | None, typer.Option(help="What the rows are; by the file's name unless told.", rich_help_panel=_WHAT)
    ] = None,
    accept: Annotated[str | None, typer.Option(help="What the answers shall be.", rich_help_panel=_WHAT)] = None,
    header: Annotated[
        bool, typer.Option("--header", help="The first line names the columns and is not sent.", rich_help_panel=_WHAT)
    ] = False,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Rows in a request.", rich_help_panel=_WHAT)] = 1,
    home: Annotated[
        Path | None,
        typer.Option(
            help="The sandbox's home. Without it, AWS_ENDPOINT_URL and AWS's settings say where the endpoint is.",
            show_default="~/.local/state/tidegate/sandbox",
            rich_help_panel=_WHERE,
        ),
    ] = None,
    region: Annotated[str | None, typer.Option(help="The endpoint's region.", rich_help_panel=_WHERE)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Send real requests to an endpoint, and report latency and errors by the version that answered.

    Requests are sent when they are due, whether or not others have been answered.
    """
    import json
    import random
    import secrets

    from tidegate.stage.quantities import parse_duration
    from tidegate_sandbox import lifecycle
    from tidegate_sandbox.load import rates
    from tidegate_sandbox.load import rows as rows_of_files
    from tidegate_sandbox.load.sender import Sender
    from tidegate_sandbox.load.target import TargetError, find

    try:
        found = rows_of_files.read(rows, content_type, header=header, at_a_time=batch)
        target = find(endpoint, home, region)
        seconds = parse_duration(lasting).total_seconds() / target.speed if lasting else None
        now = target.clock.hour * 3600 + target.clock.minute * 60 + target.clock.second
        asked = rates.read(rate, seconds, peak, now, target.speed)
    except (rates.RateError, rows_of_files.RowsError, TargetError, lifecycle.LifecycleError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    chance = random.Random()  # noqa: S311 - traffic, no secret
    steps = (rates.independent(chance),) if independent else ()
    app = f"load-{secrets.token_hex(4)}"
    sender = Sender(target, found, rates.arrivals(asked, seconds, *steps), connections, app)
    _run(sender, found.bodies(batch), accept, seconds)
    report = sender.report
    typer.echo(json.dumps({"app": app, **report.describe()}) if as_json else "\n".join(report.table()))
    if report.unanswered.total() == report.every.requests:
        raise typer.Exit(1)


def _run(sender: "Sender", bodies: "Iterator[bytes]", accept: str | None, lasting: float | None) -> None:
    import asyncio
    import signal

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, sender.stop)
        telling = asyncio.create_task(_tell(sender))
        try:
            await sender.run(bodies, accept, lasting)
        finally:
            telling.cancel()

    asyncio.run(run())


async def _tell(sender: "Sender") -> None:
    """Tell how it goes: on one line of a terminal, or a line now and then in a log."""
    import asyncio
    import sys

    live = sys.stderr.isatty()
    told = 0.0
    try:
        while True:
            await asyncio.sleep(1.0 if live else QUIETLY_EVERY)
            recent, now = sender.take_recent(), sender.seconds
            line = f"{now:6.0f} s  {recent.line(now - told)}"
            told = now
            sys.stderr.write(f"\r{line}\x1b[K" if live else f"{line}\n")
            sys.stderr.flush()
    finally:
        if live:
            sys.stderr.write("\r\x1b[K")
