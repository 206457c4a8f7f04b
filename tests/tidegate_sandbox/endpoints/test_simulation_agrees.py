"""One release, played twice: on a running endpoint with real alarms, and on the virtual clock. They agree.

They may differ by one evaluation period: when in a minute an alarm is looked at is nobody's to choose.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from workshop import BUCKET, Workshop, model_data, prepare

from tidegate.alarms import rollback_alarms
from tidegate.guardrails import WATCHED, of_release, to_deployment_config
from tidegate.outcome import Outcome
from tidegate.simulate import Scenario, Simulation
from tidegate.stage import Stage

PERIOD = 60.0

# Fails every so many requests, so that the share is known to the request.
PROGRAM = """
import itertools, os

numbers = itertools.count(1)

def model_fn(folder):
    return int(os.environ["FAILS_EVERY"])

def transform_fn(every, body, content_type, accept):
    if every and next(numbers) % every == 0:
        raise RuntimeError("bad model")
    return body, accept
"""

STRATEGIES = {
    "canary": {"strategy": "canary", "canary_size": "25%", "wait_interval": "4m", "termination_wait": "2m"},
    "all_at_once": {"strategy": "all_at_once", "termination_wait": "4m"},
    "linear": {"strategy": "linear", "linear_step_size": "25%", "wait_interval": "3m", "termination_wait": "1m"},
    "rolling": {"strategy": "rolling", "maximum_batch_size": "50%", "wait_interval": "4m"},
}


@dataclass(frozen=True)
class Played:
    """How a release went: the shares that were watched with the seconds since the first, the end, the outcome."""

    outcome: Outcome
    steps: list[tuple[float, float]]
    ended: float


def stage_of(release: dict[str, Any]) -> Stage:
    return Stage.model_validate(
        {
            "name": "prod",
            "account": "111122223333",
            "region": "eu-west-1",
            "model_package_group": "group",
            "execution_role": "arn:aws:iam::111122223333:role/name",
            "bucket": "bucket",
            "kms_key": "arn:aws:kms:eu-west-1:111122223333:key/id",
            "instances": {"type": "ml.m5.large", "count": 4},
            "release": {"rollback_on": [{"metric": "Invocation5XXErrors", "above": "10%"}], **release},
        }
    )


@pytest.fixture(scope="module")
def slower_sandbox(another_sandbox: Callable[..., Any]) -> Iterator[Any]:
    """A sandbox on whose clock a second of the wall is half a minute: what the machine does beside matters less."""
    with another_sandbox(speed=30) as running:
        prepare(running)
        archive = model_data(PROGRAM)
        running.client("s3").put_object(Bucket=BUCKET, Key="fails.tar.gz", Body=archive)
        yield running


@pytest.fixture
def workshop(slower_sandbox: Any, eventually: Callable[..., Any]) -> Iterator[Workshop]:
    made = Workshop(slower_sandbox, f"s-{uuid.uuid4().hex[:8]}", eventually)
    yield made
    made.tidy()


@contextmanager
def traffic(workshop: Workshop) -> Iterator[None]:
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            with suppress(workshop.runtime.exceptions.ModelError):
                workshop.invoke()
            time.sleep(0.01)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        stop.set()
        sender.join()


def play_on_an_endpoint(workshop: Workshop, stage: Stage, fails_every: int) -> tuple[Played, dict[str, Any]]:
    """Release for real; return how it went, and what the virtual clock has to know to play the same."""
    old = workshop.config("v1", archive="fails.tar.gz", environment={"FAILS_EVERY": "0"})
    new = workshop.config("v2", archive="fails.tar.gz", environment={"FAILS_EVERY": str(fails_every)})
    workshop.endpoint(old)
    specs = rollback_alarms(stage.release.rollback_on, endpoint_name=workshop.name, variant="AllTraffic")
    for spec in specs:
        dimensions = workshop.dimensions(new if spec.new_fleet_only else None)
        workshop.cloudwatch.put_metric_alarm(**spec.properties, Dimensions=dimensions)
    guardrails = of_release(stage.release, [spec.name for spec in specs])
    seen: dict[datetime, float] = {}
    begun: list[datetime] = []
    with traffic(workshop):
        workshop.update(new, to_deployment_config(guardrails))
        while (described := workshop.describe())["EndpointStatus"] == "Updating":
            pending = described.get("PendingDeploymentSummary")
            if pending:
                begun.append(pending["StartTime"])
                (variant,) = pending["ProductionVariants"]
                (status,) = variant["VariantStatus"]
                if status["Status"] == "Baking":
                    seen[status["StartTime"]] = variant["CurrentInstanceCount"] / stage.instances.count
            time.sleep(0.05)
    first = min(seen)
    outcome = Outcome.PROMOTED if described["EndpointConfigName"] == new else Outcome.ROLLED_BACK
    steps = [(share, (at - first).total_seconds()) for at, share in sorted(seen.items())]
    answered = sum(entry["count"] for entry in workshop.ledger()["requests"])
    minutes = (described["LastModifiedTime"] - begun[0]).total_seconds() / 60
    world = {
        "start": begun[0],
        "start_up": {"takes": first - begun[0]},
        "traffic": {"requests_per_minute": answered / minutes},
    }
    return Played(outcome, steps, (described["LastModifiedTime"] - first).total_seconds()), world


def play_on_the_virtual_clock(stage: Stage, fails_every: int, world: dict[str, Any]) -> Played:
    failing = {"error_rate": f"{100 / fails_every:.4f}%"} if fails_every else {}
    scenario = Scenario.model_validate({"even": True, "new": failing, "alarm_delay": timedelta(seconds=8), **world})
    result = Simulation(stage, scenario).run()
    first = result.first_request
    assert first is not None
    steps = [(change.green_share, change.at - first) for change in result.changes if change.phase in WATCHED]
    return Played(result.outcome, steps, result.ended - first)


@pytest.mark.parametrize(
    ("strategy", "fails_every", "outcome"),
    [
        ("canary", 0, "PROMOTED"),
        ("canary", 4, "ROLLED_BACK"),  # a quarter of a quarter: only the new fleet's own alarm sees it
        ("all_at_once", 1, "ROLLED_BACK"),
        ("linear", 0, "PROMOTED"),
        ("rolling", 0, "PROMOTED"),
        ("rolling", 1, "ROLLED_BACK"),
    ],
)
def test_an_endpoint_and_the_virtual_clock_play_the_same_release(
    workshop: Workshop, strategy: str, fails_every: int, outcome: str
) -> None:
    stage = stage_of(STRATEGIES[strategy])

    real, world = play_on_an_endpoint(workshop, stage, fails_every)
    simulated = play_on_the_virtual_clock(stage, fails_every, world)

    assert (real.outcome, simulated.outcome) == (outcome, outcome)
    assert [share for share, _ in simulated.steps] == [share for share, _ in real.steps]
    if strategy == "rolling":
        return  # how long its later batches and its old instances take to be healthy is the machine's
    for (_, expected), (_, at) in zip(simulated.steps, real.steps, strict=True):
        assert at == pytest.approx(expected, abs=PERIOD)
    # A first period of few seconds may hold no failure here and one there; and a busy machine looks late.
    assert real.ended == pytest.approx(simulated.ended, abs=2 * PERIOD)
