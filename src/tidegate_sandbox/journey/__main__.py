"""`./scripts/quickstart`: starts a sandbox, walks the journey in it, and tells what happened."""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from tidegate.clock import SystemClock
from tidegate_sandbox import context, enforcement, lifecycle, server
from tidegate_sandbox.journey.account import JourneyError
from tidegate_sandbox.journey.accounting import Account as Accounted
from tidegate_sandbox.journey.changes import MISREAD_WEEKDAYS, TRAIN_ON_LATER_MONTHS
from tidegate_sandbox.journey.hosts import Git, at_the_stand_in
from tidegate_sandbox.journey.journey import COMPARED_ROWS, Journey
from tidegate_sandbox.journey.narrator import Narrator

CHECKOUT = Path(__file__).parents[3]
OTHER_ACCOUNTS = {1: (), 2: (server.ACCOUNT, "333333333333"), 3: ("222222222222", "333333333333")}
"""The accounts of staging and production, by how many accounts the journey is to have; none: all in one."""

COMPARISON_TOLERANCE = 1e-4


def walk(journey: Journey, narrator: Narrator, url: str, rate: float) -> dict[str, Any]:
    """Walk the whole journey; return what is to be reported. Raises JourneyError with a sentence."""
    with narrator.step("Platform engineer: ask the doctor what would fail later") as step:
        step.look_at = journey.look_before()

    with narrator.step("Platform engineer: publish the product") as step:
        journey.publish()
        step.look_at = "Service Catalog: the portfolio, its product, its launch role"

    if journey.accounts:
        with narrator.step("Administrators of staging and production: let its projects have stages there") as step:
            journey.bootstrap()
            step.look_at = f"stack tidegate-stage-account in {' and '.join(journey.accounts)}"

    with narrator.step("Data scientist: launch a project") as step:
        project = journey.launch()
        step.look_at = f"project {project.name} ({project.id}), its two repositories and two pipelines"

    build_pipeline = project.outputs["BuildPipelineName"]
    with narrator.step("The first push builds: process, train, evaluate, condition, register") as step:
        first = journey.build(project, known=[], version=1)
        step.look_at = _registered(first)

    with narrator.step("ML engineer: approve version 1, release it to staging and production") as step:
        execution = journey.release(project, first)
        outcomes = {1: journey.verdict(execution, "Production")}
        _expect_outcome(outcomes[1], "PROMOTED", execution.failures())
        step.look_at = f"endpoint {project.production}: {outcomes[1]} (nothing to guard yet: it is new)"

    asked = journey.ask_for_review(project)
    with narrator.step("Compare what production serves with model.predict") as step:
        rows, difference = journey.compare(project, first)
        if difference > COMPARISON_TOLERANCE:
            raise JourneyError(f"production's predictions differ from model.predict by {difference}")
        step.look_at = f"{COMPARED_ROWS} rows, largest difference {difference:.1e} rentals an hour"

    def push_the_next() -> None:
        narrator.note("meanwhile, the data scientist pushes the next change")
        journey.push(project, MISREAD_WEEKDAYS)

    traffic = journey.traffic(project, rows, rate)
    try:
        with narrator.step("Data scientist: retrain on later months, by a push") as step:
            known = journey.executions(build_pipeline)
            journey.push(project, TRAIN_ON_LATER_MONTHS)
            second = journey.build(project, known, version=2)
            step.look_at = _registered(second)

        with narrator.step("ML engineer: read the review of a pull request that was opened meanwhile") as step:
            review = journey.reviewed(asked)
            step.look_at = review

        with narrator.step("ML engineer: release version 2 behind a canary, under traffic") as step:
            known = journey.executions(build_pipeline)
            execution = journey.release(project, second, meanwhile=push_the_next)
            outcomes[2] = journey.verdict(execution, "Production")
            _expect_outcome(outcomes[2], "PROMOTED", execution.failures())
            step.look_at = f"{outcomes[2]}: pipeline {execution.pipeline} {execution.status.lower()}"

        with narrator.step("The change that was pushed meanwhile builds; it breaks on a slice nobody tested") as step:
            third = journey.build(project, known, version=3)
            step.look_at = _registered(third)

        with narrator.step("ML engineer: release version 3: its alarm fires in the bake") as step:
            execution = journey.release(project, third)
            outcomes[3] = journey.verdict(execution, "Production")
            _expect_outcome(outcomes[3], "ROLLED_BACK", execution.failures())
            endpoint = journey.production(project)
            step.look_at = (
                f"{outcomes[3]}, although the endpoint is {endpoint['EndpointStatus']}: "
                f"pipeline {execution.pipeline} {execution.status.lower()}"
            )
    finally:
        answers = traffic.stop()

    with narrator.step("Account for every prediction") as step:
        ledger, others = journey.ledger(project, url)
        ledger[1, 200] -= 1  # the comparison above was one request
        accounted = journey.account_for(project, [first, second, third], answers, ledger)
        step.look_at = _account_in_words(accounted)
        narrator.note(f"{step.look_at}; the deploy repo's own tests made {others} more")
        _check_account(accounted)
    return {
        "project": asdict(project),
        "endpoint": project.production,
        "row": rows[0],
        "outcomes": outcomes,
        "review": review,
        "endpoint_status_after_rollback": endpoint["EndpointStatus"],
        "largest_difference": difference,
        "requests_of_the_repos_tests": others,
        "account": {**asdict(accounted), "balanced": accounted.balanced},
    }


def _registered(package: dict[str, Any]) -> str:
    name = f"{package['ModelPackageGroupName']}/{package['ModelPackageVersion']}"
    return f"model package {name}: {package['ModelApprovalStatus']}"


def _expect_outcome(outcome: str, expected: str, failures: str) -> None:
    if outcome != expected:
        raise JourneyError(f"the release was expected to end as {expected}; it ended as {outcome or failures}")


def _account_in_words(account: Accounted) -> str:
    answered = ", ".join(f"version {version} answered {count}" for version, count in account.answered.items())
    failed = (
        ", ".join(f"version {version} failed {count}" for version, count in account.failed.items()) or "none failed"
    )
    return f"{account.sent} requests: {answered}; {failed}"


def _check_account(account: Accounted) -> None:
    if not account.balanced:
        raise JourneyError(
            "the predictions do not add up: " + "; ".join(account.disagreements or ("unexplained answers",))
        )
    if outside := {version: count for version, count in account.failed.items() if version != 3}:
        raise JourneyError(f"requests failed outside the canary's share: {outside}")


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the sandbox up at the end.")] = False,
    speed: Annotated[
        float, typer.Option(min=1, max=600, help="How many times faster than the wall its time runs.")
    ] = 60,
    rate: Annotated[float, typer.Option(min=1, max=200, help="Requests a second to production.")] = 25,
    home: Annotated[Path, typer.Option(help="Where the sandbox keeps its files.")] = CHECKOUT / ".sandbox",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    git: Annotated[
        Git,
        typer.Option(help="Where the repositories are: in CodeCommit, or at a git host behind a connection."),
    ] = "codecommit",
    after_rollback: Annotated[
        context.AfterRollback,
        typer.Option(help="What CloudFormation makes of an automatic rollback: which one AWS does is not verified."),
    ] = "fail",
    iam: Annotated[
        enforcement.Iam,
        typer.Option(help="Whether calls that a role's policies do not allow are refused, or only written down."),
    ] = "enforce",
    accounts: Annotated[
        int, typer.Option(min=1, max=3, help="In how many accounts: 2 has production in one of its own, 3 both stages.")
    ] = 1,
    report: Annotated[Path | None, typer.Option(help="Also write what happened, as JSON, to this file.")] = None,
) -> None:
    """Walk the whole journey on this machine, with no AWS account and no docker."""
    narrator = Narrator(Console())
    begun = time.monotonic()
    narrator.say("Tidegate quickstart, a local simulation: nothing here proves what AWS does.")
    settings = server.Settings(home.resolve(), port, speed, after_rollback, iam)
    try:
        with narrator.step("Start AWS on this machine") as step:
            lifecycle.reset(settings.home)
            running, _ = lifecycle.start(settings, lambda _: None)
            step.look_at = f"{running.url}, process {running.pid}"
    except lifecycle.LifecycleError as refused:
        narrator.say(str(refused))
        sys.exit(1)
    result: dict[str, Any] = {}
    try:
        others = OTHER_ACCOUNTS[accounts]
        told = walk(_journey(narrator, settings, running, git, others), narrator, running.url, rate)
        result = told | {"sandbox": running.status()}
        narrator.table()
    except (JourneyError, lifecycle.LifecycleError) as stopped:
        narrator.say(str(stopped))
    except (BotoCoreError, ClientError, OSError) as error:
        narrator.say(f"The sandbox no longer answers as it should ({error}). Run this again: it starts afresh.")
    except KeyboardInterrupt:
        narrator.say("Stopped.")
    finally:
        if not keep:
            lifecycle.end(running, settings.home)
    if keep:
        _say_what_next(narrator, running, settings.home, result)
    if not result:
        sys.exit(1)
    if report:
        result |= {"seconds": time.monotonic() - begun, "steps": [asdict(step) for step in narrator.steps]}
        report.write_text(json.dumps(result, indent=2, default=str) + "\n")


def _journey(
    narrator: Narrator, settings: server.Settings, running: lifecycle.Running, git: Git, accounts: tuple[str, ...]
) -> Journey:
    work = settings.home / "journey"
    work.mkdir()
    context.start(context.Sandbox(settings.home, running.port, SystemClock()))
    # A person's own profile or endpoints must not come between the journey and the sandbox.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(context.Scope(server.ACCOUNT, lifecycle.REGION).environment())
    return Journey(narrator, CHECKOUT, work, git, accounts)


def _say_what_next(narrator: Narrator, running: lifecycle.Running, home: Path, result: dict[str, Any]) -> None:
    lines = [
        f"The sandbox is still up. Look around in it with a browser: {running.url}/",
        "To go on with it in a shell at the checkout:",
    ]
    lines += [f"  export {name}={value}" for name, value in running.environment().items()]
    if result:
        outputs, endpoint = result["project"]["outputs"], result["endpoint"]
        ask = "import boto3; print(boto3.client('sagemaker-runtime').invoke_endpoint("
        ask += f"EndpointName='{endpoint}', ContentType='text/csv', Body='{result['row']}')['Body'].read())"
        lines += [
            "Ask production for a prediction:",
            f'  .venv/bin/python -c "{ask}"',
            "Change how the model is released, or how it is built: clone, edit, push, and a pipeline starts:",
            *(
                f"  git clone {at_the_stand_in(running.url, outputs[f'{part}RepositoryUrl'])}"
                for part in ("Deploy", "Build")
            ),
        ]
    lines += [
        "See what runs, and end it:",
        f"  .venv/bin/tidegate sandbox status --home {home}",
        f"  .venv/bin/tidegate sandbox down --home {home}",
    ]
    narrator.say("\n".join(lines))


if __name__ == "__main__":
    app()
