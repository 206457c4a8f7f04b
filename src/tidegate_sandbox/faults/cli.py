"""The commands `tidegate sandbox inject …`: set faults, see them, clear them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidegate_sandbox.faults.client import Injector

T = TypeVar("T")

app = typer.Typer(
    name="inject",
    help="Set faults in the running sandbox: what goes wrong at AWS now and then goes wrong here on demand.",
    no_args_is_help=True,
)

_WHEN, _WHOM = "When", "Whom"

Home = Annotated[Path | None, typer.Option(help="The sandbox's home.", show_default="~/.local/state/tidegate/sandbox")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
After = Annotated[
    str | None, typer.Option(help="Begin so long from now by the sandbox's clock, such as 2m.", rich_help_panel=_WHEN)
]
For = Annotated[
    str | None,
    typer.Option(
        "--for", help="Last so long by the sandbox's clock, such as 10m; else until cleared.", rich_help_panel=_WHEN
    ),
]
Times = Annotated[int | None, typer.Option(help="Strike at most so many times, then end.", rich_help_panel=_WHEN)]
Share = Annotated[str | None, typer.Option(help="Strike so many of them, such as 5%; else all.", rich_help_panel=_WHEN)]
Account = Annotated[str | None, typer.Option(help="In this account only.", rich_help_panel=_WHOM)]
Endpoint = Annotated[
    str, typer.Option(help="The endpoint's name; * stands for anything.", rich_help_panel=_WHOM, metavar="NAME")
]
Variant = Annotated[
    str | None, typer.Option(help="Only this variant.", rich_help_panel=_WHOM, metavar="NAME", show_default=False)
]
Config = Annotated[
    str | None, typer.Option(help="Only fleets of this configuration.", rich_help_panel=_WHOM, metavar="NAME")
]
NewFleet = Annotated[
    bool, typer.Option("--new-fleet", help="Only the fleet of a release that is under way.", rich_help_panel=_WHOM)
]


@app.command()
def errors(
    endpoint: Endpoint,
    status: Annotated[int | None, typer.Option(help="The model's status, 400 to 599; 500 unless told.")] = None,
    variant: Variant = None,
    config: Config = None,
    new_fleet: NewFleet = False,
    share: Share = None,
    after: After = None,
    lasting: For = None,
    times: Times = None,
    account: Account = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let a model answer requests with errors."""
    _set(home, as_json, "errors", locals())


@app.command()
def latency(
    endpoint: Endpoint,
    add: Annotated[str, typer.Option(help="How much longer the model takes, on the wall's clock, such as 300ms.")],
    variant: Variant = None,
    config: Config = None,
    new_fleet: NewFleet = False,
    share: Share = None,
    after: After = None,
    lasting: For = None,
    times: Times = None,
    account: Account = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let a model take longer to answer."""
    _set(home, as_json, "latency", locals())


@app.command()
def crash(
    endpoint: Endpoint,
    variant: Variant = None,
    config: Config = None,
    new_fleet: NewFleet = False,
    share: Share = None,
    after: After = None,
    lasting: For = None,
    times: Times = None,
    account: Account = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let a model server die of a request: of one, unless --times says of how many. It is started again."""
    _set(home, as_json, "crash", locals())


@app.command()
def wrong(
    endpoint: Endpoint,
    where: Annotated[
        str,
        typer.Option(
            help="The slice: '1 >= 17', by a row's column from 1 or a member's name; several are joined by 'and'."
        ),
    ],
    answer: Annotated[
        str, typer.Option(help="What becomes of each number of an answer: =0, +50, -50, *1.5, or flip for 1 minus it.")
    ],
    variant: Variant = None,
    config: Config = None,
    new_fleet: NewFleet = False,
    share: Share = None,
    after: After = None,
    lasting: For = None,
    times: Times = None,
    account: Account = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let a model answer wrongly on a slice of the rows: nothing fails, and no alarm on errors or latency sees it."""
    _set(home, as_json, "wrong", locals())


@app.command()
def throttling(
    call: Annotated[str, typer.Argument(help="sagemaker:DescribeEndpoint, sagemaker:Describe*, or s3 for all of it.")],
    share: Share = None,
    after: After = None,
    lasting: For = None,
    times: Times = None,
    account: Account = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let a service refuse calls for their rate, in its own words."""
    _set(home, as_json, "throttling", locals())


@app.command()
def denied(
    action: Annotated[str, typer.Argument(help="The action as IAM spells it, such as sagemaker:UpdateEndpoint.")],
    role: Annotated[
        str | None, typer.Option(help="Only to this role, by name or ARN; else to everybody.", rich_help_panel=_WHOM)
    ] = None,
    share: Share = None,
    after: After = None,
    lasting: For = None,
    times: Times = None,
    account: Account = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Deny an action, as though no policy allowed it, whether or not the sandbox enforces IAM."""
    _set(home, as_json, "denied", locals())


@app.command()
def capacity(
    instance_type: Annotated[str, typer.Argument(help="Such as ml.m5.large, or 'ml.g5.*'.")],
    name: Annotated[
        str | None, typer.Option(help="Only for the endpoint or job of this name.", rich_help_panel=_WHOM)
    ] = None,
    share: Share = None,
    after: After = None,
    lasting: For = None,
    times: Times = None,
    account: Account = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let there be no capacity for an instance type, for endpoints and jobs."""
    _set(home, as_json, "capacity", locals())


Source = Annotated[str | None, typer.Option(help="Only events from here: aws.sagemaker.", rich_help_panel=_WHOM)]
DetailType = Annotated[str | None, typer.Option(help="Only events of this detail-type.", rich_help_panel=_WHOM)]
Rule = Annotated[str | None, typer.Option(help="Only on the way to this rule's targets.", rich_help_panel=_WHOM)]


@app.command("lost-events")
def lost_events(
    source: Source = None,
    detail_type: DetailType = None,
    rule: Rule = None,
    share: Share = None,
    after: After = None,
    lasting: For = None,
    times: Times = None,
    account: Account = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let events get lost on the way to their targets."""
    _set(home, as_json, "lost-events", locals())


@app.command("doubled-events")
def doubled_events(
    source: Source = None,
    detail_type: DetailType = None,
    rule: Rule = None,
    share: Share = None,
    after: After = None,
    lasting: For = None,
    times: Times = None,
    account: Account = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let events reach their targets twice."""
    _set(home, as_json, "doubled-events", locals())


@app.command("after-rollback")
def after_rollback(
    outcome: Annotated[str, typer.Argument(help="fail or succeed: which one AWS does is not verified.")],
    endpoint: Annotated[
        str | None, typer.Option(help="Only stacks of this endpoint.", rich_help_panel=_WHOM, metavar="NAME")
    ] = None,
    after: After = None,
    lasting: For = None,
    times: Times = None,
    account: Account = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let stacks whose endpoint is rolled back fail, or succeed, whatever `up --after-rollback` said."""
    _set(home, as_json, "after-rollback", locals())


@app.command("clock-jump")
def clock_jump(
    how_far: Annotated[str, typer.Argument(help="+1h or, after --, -90s.")], home: Home = None, as_json: Json = False
) -> None:
    """Let the sandbox's clock jump, once. It is no fault that stands: to undo it, let it jump back."""
    jumped = _ask(home, lambda injector: injector.jump(how_far))
    if as_json:
        typer.echo(json.dumps(jumped))
        return
    typer.echo(f"The sandbox's clock jumped from {_moment(jumped['before'])} to {_moment(jumped['clock'])}")


@app.command("list")
def show(home: Home = None, as_json: Json = False) -> None:
    """Show the faults that are set, and how often each has struck."""
    told = _ask(home, lambda injector: injector.every())
    if as_json:
        typer.echo(json.dumps(told))
        return
    for fault in told["faults"]:
        typer.echo(_line(fault))
    if not told["faults"]:
        typer.echo("No fault is set")


@app.command()
def clear(
    which: Annotated[str | None, typer.Argument(metavar="[ID]", help="As `list` shows it; else all.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Clear a fault, or all."""
    cleared = _ask(home, lambda injector: injector.clear(which))
    if as_json:
        typer.echo(json.dumps({"faults": cleared}))
        return
    for fault in cleared:
        typer.echo(f"cleared {fault['id']}: {fault['what']}; it struck {_times(fault['struck'])}")
    if not cleared:
        typer.echo("No fault was set")


def _line(fault: dict[str, Any]) -> str:
    parts = [f"{fault['id']:>3}  {fault['what']}"]
    if not fault["stands"]:
        parts.append(f"from {_moment(fault['since'])}")
    if fault["until"]:
        parts.append(f"until {_moment(fault['until'])}")
    if fault["left"] is not None:
        parts.append(f"{_times(fault['left'])} more at most")
    return "; ".join((*parts, f"has struck {_times(fault['struck'])}"))


def _moment(iso: str) -> str:
    return f"{iso[:10]} {iso[11:19]} UTC"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


_OPTIONS = {"lasting": "for"}
_NOT_OF_THE_FAULT = ("home", "as_json")


def _set(home: Path | None, as_json: bool, kind: str, given: dict[str, Any]) -> None:
    asked = {
        _OPTIONS.get(name, name): value
        for name, value in given.items()
        if name not in _NOT_OF_THE_FAULT and value is not None and value is not False
    }
    fault = _ask(home, lambda injector: injector.set({"kind": kind, **asked}))
    if as_json:
        typer.echo(json.dumps(fault))
        return
    typer.echo(_line(fault))
    if fault["note"]:
        typer.echo(fault["note"], err=True)


def _ask(home: Path | None, ask: "Callable[[Injector], T]") -> T:
    from tidegate_sandbox import lifecycle
    from tidegate_sandbox.faults.client import InjectError, Injector

    home = (home or lifecycle.default_home()).resolve()
    try:
        running = lifecycle.find(home)
        if running is None:
            typer.echo(f"No sandbox runs in {home}", err=True)
            raise typer.Exit(1)
        return ask(Injector(running.port))
    except (lifecycle.LifecycleError, InjectError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
