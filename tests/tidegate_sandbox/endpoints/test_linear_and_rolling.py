"""Linear and rolling updates, with real model servers and a clock that runs sixty times the wall."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from test_guarded_updates import traffic
from workshop import BUCKET, Workshop, model_data


def updating(workshop: Workshop) -> Iterator[tuple[str, int, int]]:
    """Give each state of an update once: the new variant's status, and the instances of the old and the new fleet."""
    seen: list[tuple[str, int, int]] = []
    while (described := workshop.describe())["EndpointStatus"] == "Updating":
        pending = described.get("PendingDeploymentSummary")
        if pending is not None:
            (old,), (new,) = described["ProductionVariants"], pending["ProductionVariants"]
            state = (new["VariantStatus"][0]["Status"], old["CurrentInstanceCount"], new["CurrentInstanceCount"])
            if state not in seen:
                seen.append(state)
                yield state
        time.sleep(0.1)


def test_a_linear_update_moves_the_traffic_step_by_step(workshop: Workshop) -> None:
    old, new = workshop.config("v1"), workshop.config("v2")
    workshop.endpoint(old)

    with traffic(workshop) as seen:
        workshop.update(new, workshop.linear(workshop.alarm(), step=25, wait=120, termination=120))
        states = list(updating(workshop))
        after = workshop.describe()

    assert [state for state in states if state[0] == "Baking"] == [("Baking", 4, new) for new in (1, 2, 3, 4)]
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", new)
    assert set(seen) == {"v1:x", "v2:x"}


def test_a_rolling_update_replaces_the_fleet_batch_by_batch(workshop: Workshop) -> None:
    old, new = workshop.config("v1"), workshop.config("v2")
    workshop.endpoint(old)

    with traffic(workshop) as seen:
        workshop.update(new, workshop.rolling(workshop.alarm(), wait=120))
        states = list(updating(workshop))
        after = workshop.describe()

    assert [state for state in states if state[0] != "Deleting"] == [
        ("Creating", 4, 0),
        ("Baking", 4, 2),
        ("Creating", 2, 2),
        ("Baking", 2, 4),
    ]
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", new)
    assert after["LastDeploymentConfig"]["RollingUpdatePolicy"]["MaximumBatchSize"]["Value"] == 2
    assert set(seen) == {"v1:x", "v2:x"}


def baking_last_batch(workshop: Workshop, archive: str = "model.tar.gz", **deployment: Any) -> str:
    """Bring a rolling update into the bake of its second and last batch; return the alarm that would take it back."""
    workshop.endpoint(workshop.config("v1", archive=archive))
    alarm = workshop.alarm(Dimensions=workshop.dimensions("never-deployed"))
    workshop.update(workshop.config("v2"), workshop.rolling(alarm, **deployment))
    assert any(state == ("Baking", 2, 4) for state in updating(workshop))
    return alarm


def fire(workshop: Workshop, alarm: str) -> None:
    """Let an alarm fire at its next evaluation: what is missing, and it all is, breaches."""
    (found,) = workshop.cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    workshop.alarm(AlarmName=alarm, Dimensions=found["Dimensions"], TreatMissingData="breaching")


def test_an_alarm_in_a_later_batch_brings_the_old_fleet_back(workshop: Workshop) -> None:
    alarm = baking_last_batch(workshop, wait=600, back=1)

    fire(workshop, alarm)
    with traffic(workshop) as seen:
        after = workshop.settled()
        time.sleep(0.2)

    assert after["EndpointStatus"] == "InService"
    assert after["FailureReason"] == f"alarm {alarm} was in ALARM during the bake of batch 2 of 2"
    assert "v1" in after["EndpointConfigName"]
    assert set(seen) <= {"v1:x", "v2:x"}
    assert workshop.invoke() == "v1:x"


def left_a_mix(workshop: Workshop) -> dict[str, Any]:
    """Let a rolling update be taken back when no old instance can be made again; return what is left."""
    archive = f"{uuid.uuid4().hex}.tar.gz"
    workshop.s3.put_object(Bucket=BUCKET, Key=archive, Body=model_data())
    alarm = baking_last_batch(workshop, archive, wait=600, back=1)
    workshop.s3.delete_object(Bucket=BUCKET, Key=archive)
    fire(workshop, alarm)
    return workshop.settled()


def test_old_instances_that_cannot_be_made_again_leave_a_mix_that_another_update_mends(workshop: Workshop) -> None:
    mixed = left_a_mix(workshop)

    assert mixed["EndpointStatus"] == "UpdateRollbackFailed"
    assert "the rollback failed: The model data at" in mixed["FailureReason"]
    shares = [entry["share"] for entry in workshop.ledger()["traffic"]]
    assert shares == [0.5, 0.5]
    assert {workshop.invoke() for _ in range(40)} == {"v1:x", "v2:x"}

    mended = workshop.config("v3")
    workshop.update(mended)
    after = workshop.settled()

    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", mended)
    assert {workshop.invoke() for _ in range(10)} == {"v3:x"}


def test_an_update_of_a_mix_that_fails_leaves_the_mix(workshop: Workshop) -> None:
    left_a_mix(workshop)

    workshop.update(workshop.config("v3", environment={"BROKEN_AT": "start"}))

    assert workshop.settled()["EndpointStatus"] == "UpdateRollbackFailed"
    assert {workshop.invoke() for _ in range(40)} == {"v1:x", "v2:x"}


@pytest.mark.parametrize("excluded", ["several variants", "Inf1"])
def test_what_sagemaker_excludes_is_switched_at_once_without_a_bake(workshop: Workshop, excluded: str) -> None:
    model = workshop.config("v1")
    options = {"InstanceType": "ml.inf1.xlarge"} if excluded == "Inf1" else {}
    names = ["A", "B"] if excluded == "several variants" else ["A"]
    variants = [workshop.variant(model, name, InitialInstanceCount=4, **options) for name in names]
    workshop.endpoint(workshop.config("v2", variants=variants))
    alarm = workshop.alarm(TreatMissingData="breaching", Dimensions=workshop.dimensions("never-deployed"))
    again = workshop.config("v3", variants=variants)

    workshop.update(again, workshop.rolling(alarm, wait=3600))

    assert workshop.settled()["EndpointConfigName"] == again


@pytest.mark.parametrize(
    ("deployment", "sentence"),
    [("linear", "a linear step of 10% is 1 of 1 instances"), ("rolling", "a rolling batch of 2 is 2 of 1 instances")],
)
def test_a_part_that_does_not_fit_the_fleet_is_refused(workshop: Workshop, deployment: str, sentence: str) -> None:
    workshop.endpoint(workshop.config("v1", instances=1))
    asked = workshop.linear(step=10) if deployment == "linear" else workshop.rolling(batch=2)

    with pytest.raises(ClientError, match=sentence):
        workshop.update(workshop.config("v2", instances=1), asked)


def test_weights_and_capacities_change_without_guardrails(workshop: Workshop, eventually: Callable[..., Any]) -> None:
    one, other = workshop.config("v1"), workshop.config("v2")
    workshop.endpoint(workshop.config("v3", variants=[workshop.variant(one, "A"), workshop.variant(other, "B")]))

    workshop.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=workshop.name,
        DesiredWeightsAndCapacities=[
            {"VariantName": "A", "DesiredWeight": 0.0},
            {"VariantName": "B", "DesiredWeight": 3.0, "DesiredInstanceCount": 5},
        ],
    )
    variants = {variant["VariantName"]: variant for variant in workshop.settled()["ProductionVariants"]}

    assert (variants["A"]["CurrentWeight"], variants["B"]["CurrentWeight"]) == (0.0, 3.0)
    assert (variants["A"]["CurrentInstanceCount"], variants["B"]["CurrentInstanceCount"]) == (1, 5)
    assert {workshop.invoke() for _ in range(20)} == {"v2:x"}
    assert workshop.invoke(TargetVariant="A") == "v1:x"
    with pytest.raises(ClientError, match="has no variant C"):
        workshop.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=workshop.name, DesiredWeightsAndCapacities=[{"VariantName": "C", "DesiredWeight": 1.0}]
        )


def test_instances_that_cannot_be_had_take_a_change_of_capacities_back(workshop: Workshop) -> None:
    archive = f"{workshop.name}.tar.gz"
    workshop.s3.put_object(Bucket=BUCKET, Key=archive, Body=model_data())
    workshop.endpoint(workshop.config("v1", instances=2, archive=archive))
    workshop.s3.delete_object(Bucket=BUCKET, Key=archive)

    workshop.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=workshop.name,
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
    )
    described = workshop.settled()

    assert described["EndpointStatus"] == "InService"
    assert "could not be downloaded" in described["FailureReason"]
    (variant,) = described["ProductionVariants"]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (2, 2)
    assert workshop.invoke() == "v1:x"
