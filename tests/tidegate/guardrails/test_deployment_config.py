from copy import deepcopy
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from guarded import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.guardrails import (
    AllAtOnce,
    Guardrails,
    GuardrailsError,
    Rolling,
    from_deployment_config,
    to_deployment_config,
)

SHAPE = ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker").shape_for("DeploymentConfig")

alarm_names = st.text("abcXYZ0189 -_/#é", min_size=1, max_size=255).filter(str.strip)


@st.composite
def guardrails(draw: st.DrawFn) -> Guardrails:
    strategy = draw(strategies)
    termination_wait = 0 if isinstance(strategy, Rolling) else draw(st.integers(0, 3600))
    timeout = draw(st.none() | st.integers(7201, 28800))
    return Guardrails(strategy, termination_wait, timeout, tuple(draw(st.lists(alarm_names, max_size=10, unique=True))))


@settings(deadline=None)  # the first look at botocore's model takes its time
@given(guardrails())
def test_what_is_written_is_valid_for_the_api_and_reads_back_equal(value):
    config = to_deployment_config(value)
    report = ParamValidator().validate(config, SHAPE)
    assert not report.has_errors(), report.generate_report()
    assert from_deployment_config(config) == value


def test_no_deployment_config_is_all_at_once_without_a_bake():
    assert from_deployment_config(None) == Guardrails(AllAtOnce(), 0, None, ())
    assert from_deployment_config({}) == Guardrails()


def test_alarms_without_a_policy_guard_an_all_at_once_update():
    config = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}}
    assert from_deployment_config(config) == Guardrails(alarms=("a",))


def test_all_at_once_needs_no_wait_interval():
    config = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE"}}}
    assert from_deployment_config(config) == Guardrails()


CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "WaitIntervalInSeconds": 600,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        },
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 1800,
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]},
}
LINEAR = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "LINEAR",
            "WaitIntervalInSeconds": 300,
            "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 20},
        },
    }
}
ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 2},
        "WaitIntervalInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 3600,
        "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 100},
    }
}
POLICY = "BlueGreenUpdatePolicy"
ROUTING = f"{POLICY}.TrafficRoutingConfiguration"
BATCHES = "RollingUpdatePolicy"
ALARMS = "AutoRollbackConfiguration.Alarms"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (f"{ROUTING}.CanarySize.Value", 80, r"CanarySize.Value is 80; it must be .* from 1 to 50"),
        (f"{ROUTING}.CanarySize.Value", True, "CanarySize.Value is True; it must be a whole number"),
        (f"{ROUTING}.CanarySize.Type", "PERCENT", "must be CAPACITY_PERCENT or INSTANCE_COUNT"),
        (f"{ROUTING}.CanarySize", ..., "CanarySize is required"),
        (f"{ROUTING}.WaitIntervalInSeconds", 3601, "WaitIntervalInSeconds is 3601; .* from 0 to 3600"),
        (f"{ROUTING}.WaitIntervalInSeconds", ..., "WaitIntervalInSeconds is required"),
        (f"{ROUTING}.LinearStepSize", {}, "cannot have LinearStepSize"),
        (f"{ROUTING}.Type", "SLOWLY", "Type is 'SLOWLY'; it must be ALL_AT_ONCE, CANARY or LINEAR"),
        (f"{ROUTING}.Type", "LINEAR", "cannot have CanarySize"),
        (f"{ROUTING}.Type", "ALL_AT_ONCE", "cannot have CanarySize"),
        (ROUTING, ..., "TrafficRoutingConfiguration is required"),
        (f"{POLICY}.TerminationWaitInSeconds", -1, "TerminationWaitInSeconds is -1; .* from 0 to 3600"),
        (f"{POLICY}.MaximumExecutionTimeoutInSeconds", 599, "is 599; .* from 600 to 28800"),
        (f"{POLICY}.MaximumExecutionTimeoutInSeconds", 900, "is 900, but the waits alone add up to 900 s"),
        ("RollingUpdatePolicy", {}, "two update policies"),
        ("UpdatePolicy", {}, "cannot have UpdatePolicy"),
        (ALARMS, [], r"Alarms has 0 alarms; SageMaker takes 1 to 10"),
        (ALARMS, [{"AlarmName": str(n)} for n in range(11)], "Alarms has 11 alarms"),
        (ALARMS, [{"AlarmName": " "}], r"Alarms\[0\].AlarmName is ' '"),
        (ALARMS, [{"AlarmName": "n" * 256}], "it must have 1 to 255 characters"),
    ],
)
def test_what_sagemaker_refuses_is_refused_with_the_place_and_what_would_be_right(path, value, sentence):
    with pytest.raises(GuardrailsError, match=sentence):
        from_deployment_config(changed(CANARY, path, value))


def changed(config: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return `config` with another value at `path`, or without it where the value is `...`."""
    config = deepcopy(config)
    *parents, key = path.split(".")
    holder = config
    for parent in parents:
        holder = holder[parent]
    if value is ...:
        del holder[key]
    else:
        holder[key] = value
    return config


@pytest.mark.parametrize(
    ("config", "path", "value", "sentence"),
    [
        (LINEAR, f"{ROUTING}.LinearStepSize", ..., "LinearStepSize is required"),
        (LINEAR, f"{ROUTING}.LinearStepSize.Value", 9, "LinearStepSize.Value is 9; .* from 10 to 50"),
        (LINEAR, f"{ROUTING}.LinearStepSize.Value", 51, "LinearStepSize.Value is 51; .* from 10 to 50"),
        (LINEAR, f"{ROUTING}.WaitIntervalInSeconds", ..., "WaitIntervalInSeconds is required"),
        (LINEAR, f"{ROUTING}.CanarySize", {}, "cannot have CanarySize"),
        (ROLLING, f"{BATCHES}.MaximumBatchSize", ..., "MaximumBatchSize is required"),
        (ROLLING, f"{BATCHES}.MaximumBatchSize", {"Type": "CAPACITY_PERCENT", "Value": 4}, "is 4; .* from 5 to 50"),
        (ROLLING, f"{BATCHES}.WaitIntervalInSeconds", ..., "WaitIntervalInSeconds is required"),
        (ROLLING, f"{BATCHES}.TerminationWaitInSeconds", 60, "cannot have TerminationWaitInSeconds"),
        (ROLLING, f"{BATCHES}.RollbackMaximumBatchSize.Value", 101, "Value is 101; .* from 1 to 100"),
        (ROLLING, f"{BATCHES}.MaximumExecutionTimeoutInSeconds", 28801, "is 28801; .* from 600 to 28800"),
    ],
)
def test_so_is_what_it_refuses_of_linear_and_rolling_updates(config, path, value, sentence):
    with pytest.raises(GuardrailsError, match=sentence):
        from_deployment_config(changed(config, path, value))
