"""The commands `tidegate sandbox …`: AWS on this machine, as a local simulation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tidegate_sandbox.faults.cli import app as inject
from tidegate_sandbox.load.cli import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidegate_sandbox.lifecycle import Before, Running

app = typer.Typer(
    name="sandbox",
    help="AWS on this machine, as a local simulation: nothing that happens in it proves what AWS does.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Home = Annotated[
    Path | None,
    typer.Option(help="The folder that holds all it writes.", show_default="~/.local/state/tidegate/sandbox"),
]


SHOWN_FROM = 2**20
"""Bytes from which on a folder of the home is shown by itself."""


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.0f} MB"


@app.command()
def up(
    home: Home = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on 127.0.0.1; 0 takes a free one.")] = 4650,
    speed: Annotated[
        float, typer.Option(min=0.1, max=3600, help="How many times the wall its clock runs: 60 makes 10 min 10 s.")
    ] = 1.0,
    after_rollback: Annotated[
        Literal["fail", "succeed"],
        typer.Option(help="What CloudFormation makes of an update whose endpoint was rolled back."),
    ] = "fail",
    iam: Annotated[
        Literal["enforce", "record"],
        typer.Option(help="Whether calls that a role's policies do not allow are refused, or only written down."),
    ] = "enforce",
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay in this terminal until Ctrl-C.")] = False,
) -> None:
    """Start a sandbox, and print what to export to use it."""
    from tidegate_sandbox import lifecycle, server
    from tidegate_sandbox.ministack_version import MinistackError

    settings = server.Settings((home or lifecycle.default_home()).resolve(), port, speed, after_rollback, iam)
    try:
        if foreground:
            lifecycle.run(settings, _say_ready)
        else:
            typer.echo(f"Starting the local simulation in {settings.home}")
            _say_ready(*lifecycle.start(settings, _Progress()))
    except (lifecycle.LifecycleError, MinistackError) as error:
        raise _refusal(error) from error


@app.command()
def down(home: Home = None) -> None:
    """End the sandbox and every process that it started; the next `up` goes on where it stopped."""
    from tidegate_sandbox import lifecycle

    home = (home or lifecycle.default_home()).resolve()
    try:
        running = lifecycle.find(home)
        if running is None:
            typer.echo(f"No sandbox runs in {home}")
            return
        lifecycle.end(running, home)
    except lifecycle.LifecycleError as error:
        raise _refusal(error) from error
    typer.echo(f"The local simulation at {running.url} has ended, with every process that it started")


@app.command()
def status(home: Home = None) -> None:
    """Show the sandbox's address, uptime, speed, memory, disk and child processes; exit 1 where none runs."""
    from tidegate_sandbox import lifecycle
    from tidegate_sandbox.faults.client import InjectError, Injector

    try:
        running = _running(home)
        state, faults = running.status(), Injector(running.port).every()["faults"]
    except (lifecycle.LifecycleError, InjectError) as error:
        raise _refusal(error) from error
    typer.echo(f"local simulation  {running.url}  (process {running.pid}; its page for a browser is there too)")
    typer.echo(f"home              {state['home']}")
    typer.echo(f"uptime            {state['uptime_seconds']:.0f} s, its clock at {state['speed']:g} times the wall")
    typer.echo(f"memory            {state['memory_bytes'] / 2**20:.0f} MB")
    typer.echo(f"disk              {_megabytes(sum(state['disk'].values()))}")
    for name, used in sorted(state["disk"].items(), key=lambda each: -each[1]):
        if used >= SHOWN_FROM:
            typer.echo(f"  {_megabytes(used):>10}  {name or 'beside the folders'}")
    if state["disk_told"]:
        typer.echo(f"  MUCH: {state['disk_told']}")
    records = state["snapshot"]
    typer.echo(f"records           {_megabytes(records['bytes'])} in a snapshot; {records['bounds']}")
    if failure := records["failure"]:
        typer.echo(f"state             NOT KEPT, and lost when it ends: {failure}; log/sandbox.log says more")
    typer.echo(f"after a rollback  the stack update is made to {state['after_rollback']}")
    typer.echo(f"IAM               {'enforced' if state['iam'] == 'enforce' else 'not enforced, calls are recorded'}")
    typer.echo(f"faults            {f'{len(faults)} set, see `tidegate sandbox inject list`' if faults else 'none'}")
    typer.echo(f"children          {len(state['children'])}")
    for child in state["children"]:
        typer.echo(f"  {child['pid']:>8}  {child['name']}")


@app.command()
def reset(
    home: Home = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget what a sandbox that has ended left: the next `up` starts afresh. Environments that took long stay."""
    from tidegate_sandbox import lifecycle

    home = (home or lifecycle.default_home()).resolve()
    try:
        if running := lifecycle.find(home):
            raise lifecycle.LifecycleError(f"a sandbox runs in {home}, at {running.url}: end it with `down` first")
        if lifecycle.holds(home) and not yes:
            typer.confirm(f"Forget all that the sandbox in {home} holds, its repositories and models too?", abort=True)
        lifecycle.reset(home)
    except lifecycle.LifecycleError as error:
        raise _refusal(error) from error
    typer.echo(f"The next sandbox in {home} starts afresh")


git_host = typer.Typer(
    name="git-host",
    help="What people do at a git host's web pages: the stand-ins that a connection in the simulation reaches.",
    no_args_is_help=True,
)
app.add_typer(git_host)

app.add_typer(inject)
app.command()(load)

Provider = Annotated[str, typer.Argument(help="GitHub, GitLab, Bitbucket, ...: the provider of the connection.")]
Repository = Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository's full name.")]


@git_host.command("create")
def create_repository(
    provider: Provider,
    repository: Repository,
    readme: Annotated[bool, typer.Option("--readme", help="Begin it with a README, as hosts offer.")] = False,
    home: Home = None,
) -> None:
    """Make a repository at the stand-in for a git host."""
    from tidegate_sandbox import git_host

    def ask(url: str) -> str:
        git_host.create(url, provider, repository, readme=readme)
        return f"{provider} has {repository}: git clone {git_host.address(url, provider, repository)}"

    _at_host(home, ask)


@git_host.command("pull-request")
def open_pull_request(
    provider: Provider,
    repository: Repository,
    head: Annotated[str, typer.Argument(help="The branch to merge.")],
    base: Annotated[str, typer.Argument(help="The branch to merge it into.")] = "main",
    home: Home = None,
) -> None:
    """Open a pull request; pushing to its branch updates it, pushing it to its base merges it."""
    from tidegate_sandbox import git_host

    def ask(url: str) -> str:
        return f"Pull request {git_host.open_pull_request(url, provider, repository, head, base)} is open"

    _at_host(home, ask)


@git_host.command("show")
def show_repository(provider: Provider, repository: Repository, home: Home = None) -> None:
    """Show a repository's branches, pull requests and checks, as JSON."""
    import json

    from tidegate_sandbox import git_host

    _at_host(home, lambda url: json.dumps(git_host.show(url, provider, repository), indent=2))


def _at_host(home: Path | None, ask: "Callable[[str], str]") -> None:
    from tidegate_sandbox import git_host, lifecycle

    try:
        typer.echo(ask(_running(home).url))
    except (lifecycle.LifecycleError, git_host.GitHostError) as error:
        raise _refusal(error) from error


def _running(home: Path | None) -> "Running":
    """Return the sandbox that runs in `home`; end with exit code 1 if none does."""
    from tidegate_sandbox import lifecycle

    home = (home or lifecycle.default_home()).resolve()
    running = lifecycle.find(home)
    if running is None:
        typer.echo(f"No sandbox runs in {home}")
        raise typer.Exit(1)
    return running


class _Progress:
    """Says every few seconds that the start goes on."""

    def __init__(self) -> None:
        self._next = 3.0

    def __call__(self, elapsed: float) -> None:
        if elapsed >= self._next:
            typer.echo(f"  still starting, {elapsed:.0f} s")
            self._next += 3.0


def _say_ready(running: "Running", before: "Before") -> None:
    if before.clock is not None:
        ended = "was killed" if before.crashed else "ended"
        typer.echo(f"It goes on where the one before it {ended}: at {before.clock:%Y-%m-%d %H:%M:%S} UTC by its clock.")
        if before.under_way:
            typer.echo(f"{before.under_way} that were under way then go on.")
    elif before.crashed:
        typer.echo("The sandbox before this one was killed before it had anything to keep.")
    typer.echo(f"The local simulation is ready at {running.url}. To use it:\n")
    for name, value in running.environment().items():
        typer.echo(f"  export {name}={value}")
    typer.echo(f"\nA browser shows what is in it, and does the whole journey: {running.url}/\n")


def _refusal(error: Exception) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(1)


if __name__ == "__main__":
    app()
