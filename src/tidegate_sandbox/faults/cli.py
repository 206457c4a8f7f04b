"""The commands `tidegate sandbox inject …`: set faults, see them, clear them."""

import json
from inspect import Parameter, Signature, signature
from keyword import iskeyword
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


def _option(annotation: Any, default: Any = None, *names: str, **told: Any) -> tuple[Any, Any]:
    return Annotated[annotation, typer.Option(*names, **told)], default


_NAMED = {"rich_help_panel": _WHOM, "metavar": "NAME"}
_REQUESTS = {
    "endpoint": _option(str, Parameter.empty, help="The endpoint's name; * stands for anything.", **_NAMED),
    "variant": _option(str | None, help="Only this variant.", **_NAMED),
    "config": _option(str | None, help="Only fleets of this configuration.", **_NAMED),
    "new_fleet": _option(
        bool, False, "--new-fleet", help="Only the fleet of a release that is under way.", rich_help_panel=_WHOM
    ),
}
_EVENTS = {
    "source": _option(str | None, help="Only events from here: aws.sagemaker.", rich_help_panel=_WHOM),
    "detail_type": _option(str | None, help="Only events of this detail-type.", rich_help_panel=_WHOM),
    "rule": _option(str | None, help="Only on the way to this rule's targets.", rich_help_panel=_WHOM),
}
_EVERY = {
    "share": _option(str | None, help="Strike so many of them, such as 5%; else all.", rich_help_panel=_WHEN),
    "after": _option(
        str | None, help="Begin so long from now by the sandbox's clock, such as 2m.", rich_help_panel=_WHEN
    ),
    "for": _option(
        str | None,
        None,
        "--for",
        help="Last so long by the sandbox's clock, such as 10m; else until cleared.",
        rich_help_panel=_WHEN,
    ),
    "times": _option(int | None, help="Strike at most so many times, then end.", rich_help_panel=_WHEN),
    "account": _option(str | None, help="In this account only.", rich_help_panel=_WHOM),
    "home": (Home, None),
    "as_json": (Json, False),
}
"""Options that several kinds of faults have, by the member of the fault: what each is, and its default."""


def _fault(kind: str, **shared: tuple[Any, Any]) -> "Callable[[Callable[..., None]], None]":
    """Make a command of a function that has a kind's own parameters and no body, with `shared` and _EVERY beside."""

    def register(own: "Callable[..., None]") -> None:
        def command(**given: Any) -> None:
            home, as_json = given.pop("home"), given.pop("as_json")
            _set(home, as_json, {"kind": kind, **{name.removesuffix("_"): value for name, value in given.items()}})

        parameters = list(signature(own).parameters.values())
        for name, (annotation, default) in {**shared, **_EVERY}.items():
            # A keyword cannot name a parameter.
            spelt = f"{name}_" if iskeyword(name) else name
            parameters.append(Parameter(spelt, Parameter.KEYWORD_ONLY, default=default, annotation=annotation))
        command.__doc__ = own.__doc__
        command.__signature__ = Signature(parameters)  # type: ignore[attr-defined] # what Typer reads
        app.command(kind)(command)

    return register


@_fault("errors", **_REQUESTS)
def _errors(
    *, status: Annotated[int | None, typer.Option(help="The model's status, 400 to 599; 500 unless told.")] = None
) -> None:
    """Let a model answer requests with errors."""


@_fault("latency", **_REQUESTS)
def _latency(
    *, add: Annotated[str, typer.Option(help="How much longer the model takes, on the wall's clock, such as 300ms.")]
) -> None:
    """Let a model take longer to answer."""


@_fault("crash", **_REQUESTS)
def _crash() -> None:
    """Let a model server die of a request: of one, unless --times says of how many. It is started again."""


@_fault("wrong", **_REQUESTS)
def _wrong(
    *,
    where: Annotated[
        str,
        typer.Option(
            help="The slice: '1 >= 17', by a row's column from 1 or a member's name; several are joined by 'and'."
        ),
    ],
    answer: Annotated[
        str, typer.Option(help="What becomes of each number of an answer: =0, +50, -50, *1.5, or flip for 1 minus it.")
    ],
) -> None:
    """Let a model answer wrongly on a slice of the rows: nothing fails, and no alarm on errors or latency sees it."""


@_fault("throttling")
def _throttling(
    call: Annotated[str, typer.Argument(help="sagemaker:DescribeEndpoint, sagemaker:Describe*, or s3 for all of it.")],
) -> None:
    """Let a service refuse calls for their rate, in its own words."""


@_fault("denied")
def _denied(
    action: Annotated[str, typer.Argument(help="The action as IAM spells it, such as sagemaker:UpdateEndpoint.")],
    role: Annotated[
        str | None, typer.Option(help="Only to this role, by name or ARN; else to everybody.", rich_help_panel=_WHOM)
    ] = None,
) -> None:
    """Deny an action, as though no policy allowed it, whether or not the sandbox enforces IAM."""


@_fault("capacity")
def _capacity(
    instance_type: Annotated[str, typer.Argument(help="Such as ml.m5.large, or 'ml.g5.*'.")],
    name: Annotated[
        str | None, typer.Option(help="Only for the endpoint or job of this name.", rich_help_panel=_WHOM)
    ] = None,
) -> None:
    """Let there be no capacity for an instance type, for endpoints and jobs."""


@_fault("lost-events", **_EVENTS)
def _lost_events() -> None:
    """Let events get lost on the way to their targets."""


@_fault("doubled-events", **_EVENTS)
def _doubled_events() -> None:
    """Let events reach their targets twice."""


@_fault("after-rollback")
def _after_rollback(
    outcome: Annotated[str, typer.Argument(help="fail or succeed: which one AWS does is not verified.")],
    endpoint: Annotated[
        str | None, typer.Option(help="Only stacks of this endpoint.", rich_help_panel=_WHOM, metavar="NAME")
    ] = None,
) -> None:
    """Let stacks whose endpoint is rolled back fail, or succeed, whatever `up --after-rollback` said."""


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
        struck = f"it struck {_times(fault['struck'])}" if fault["struck"] else "it never struck"
        typer.echo(f"cleared {fault['id']}: {fault['what']}; {struck}")
    if not cleared:
        typer.echo("No fault was set")


def _line(fault: dict[str, Any]) -> str:
    parts = [f"{fault['id']:>3}  {fault['what']}"]
    if not fault["stands"]:
        parts.append(f"from {_moment(fault['since'])}")
    if fault["until"]:
        parts.append(f"until {_moment(fault['until'])}")
    if fault["left"] is not None:
        more = " more" if fault["struck"] else ""
        parts.append(f"{_times(fault['left'])}{more} at most")
    parts.append(f"has struck {_times(fault['struck'])}" if fault["struck"] else "has not struck yet")
    return "; ".join(parts)


def _moment(iso: str) -> str:
    return f"{iso[:10]} {iso[11:19]} UTC"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _set(home: Path | None, as_json: bool, given: dict[str, Any]) -> None:
    asked = {name: value for name, value in given.items() if value is not None and value is not False}
    fault = _ask(home, lambda injector: injector.set(asked))
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
