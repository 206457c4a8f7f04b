"""What changes against what is live, in the words of the stage file."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tidegate.answering import Handler, answering, refusal
from tests.tidegate.plan.situations import CANARY, ENDPOINT, PACKAGE, guardrails_of, live, repo, variant
from tidegate.alarms import rollback_alarms
from tidegate.guardrails import of_release, to_deployment_config
from tidegate.plan.changes import LEFT_TO_SAGEMAKER, Change, asked_settings, compare, guardrail_settings, live_settings
from tidegate.plan.situation import read_situation
from tidegate.stage import Repo

ROLE = "arn:aws:iam::111122223333:role/tidegate/sagemaker-p-abc123def456-execution"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/0ab1c2d3-1111-2222-3333-444455556666"
WHEN = {"CreationTime": "2026-11-01T00:00:00Z"}


class Endpoint:
    """An endpoint of version 5 that serves as the stage file says, as AWS describes it."""

    def __init__(self, made: Repo) -> None:
        self.alarms = rollback_alarms(made.stages[0].release.rollback_on, endpoint_name=ENDPOINT, variant="AllTraffic")
        guardrails = of_release(made.stages[0].release, (alarm.name for alarm in self.alarms))
        stage = made.stages[0]
        self.endpoint: dict[str, Any] = {
            "EndpointName": ENDPOINT,
            "EndpointArn": f"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/{ENDPOINT}",
            "EndpointConfigName": "config-5",
            "EndpointStatus": "InService",
            "LastModifiedTime": WHEN["CreationTime"],
            "LastDeploymentConfig": to_deployment_config(guardrails),
            "ProductionVariants": [{"VariantName": "AllTraffic", "DesiredInstanceCount": stage.instances.count}],
            **WHEN,
        }
        self.config: dict[str, Any] = {
            "EndpointConfigName": "config-5",
            "EndpointConfigArn": "arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/config-5",
            "KmsKeyId": KEY,
            "ProductionVariants": [
                {
                    "VariantName": "AllTraffic",
                    "ModelName": "model-5",
                    "InstanceType": stage.instances.type,
                    "InitialInstanceCount": stage.instances.count,
                    # SageMaker tells its own defaults here, whether anybody asked for them or not.
                    "VolumeSizeInGB": 30,
                    "ModelDataDownloadTimeoutInSeconds": 600,
                }
            ],
            **WHEN,
        }
        self.model: dict[str, Any] = {
            "ModelName": "model-5",
            "ModelArn": "arn:aws:sagemaker:eu-west-1:111122223333:model/model-5",
            "ExecutionRoleArn": ROLE,
            "Containers": [{"ModelPackageName": f"{PACKAGE}/5", "Environment": dict(stage.environment)}],
            **WHEN,
        }
        self.tags = [{"Key": "tidegate:release", "Value": "1" * 16}]
        self.metric_alarms = [{**alarm.properties, "Dimensions": []} for alarm in self.alarms]

    def handlers(self) -> dict[str, Handler]:
        return {
            "DescribeEndpoint": lambda **_: self.endpoint,
            "DescribeEndpointConfig": lambda **_: self.config,
            "DescribeModel": lambda **_: self.model,
            "ListTags": lambda **_: {"Tags": self.tags},
            "DescribeAlarms": lambda **_: {"MetricAlarms": self.metric_alarms},
        }

    def client(self, service: str, region: str, role: str | None = None) -> Any:
        return answering(service, self.handlers(), region)


@pytest.fixture
def made() -> Repo:
    return repo(environment={"LOG_LEVEL": "info"})


@pytest.fixture
def endpoint(made) -> Endpoint:
    return Endpoint(made)


def changes(endpoint: Endpoint, made: Repo) -> dict[str, tuple[str, str]]:
    situation = read_situation(endpoint.client, made, made.stages[0])
    guardrails = guardrails_of(made)
    asked = asked_settings(made.stages[0], guardrails, endpoint.alarms, made.variant)
    found = compare(situation.settings or {}, asked, only_given=LEFT_TO_SAGEMAKER)
    return {change.setting: (change.before, change.after) for change in found}


def test_nothing_changes_where_what_serves_came_from_the_same_file(endpoint, made):
    assert changes(endpoint, made) == {}


def test_each_setting_that_differs_is_told_with_both_values(endpoint, made):
    endpoint.endpoint["ProductionVariants"][0]["DesiredInstanceCount"] = 2
    endpoint.config["ProductionVariants"][0]["InstanceType"] = "ml.c5.large"
    endpoint.config["KmsKeyId"] = KEY.replace("0ab1", "ffff")
    endpoint.config["DataCaptureConfig"] = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "s3://b/c",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    endpoint.model["EnableNetworkIsolation"] = True
    endpoint.model["Containers"][0]["Environment"] = {"LOG_LEVEL": "debug", "OLD": "1"}
    endpoint.model["VpcConfig"] = {
        "Subnets": ["subnet-22222222", "subnet-11111111"],
        "SecurityGroupIds": ["sg-11111111"],
    }
    endpoint.metric_alarms[0]["Threshold"] = 0.05
    assert changes(endpoint, made) == {
        "instances.count": ("2", "4"),
        "instances.type": ("ml.c5.large", "ml.m5.large"),
        "kms_key": (KEY.replace("0ab1", "ffff"), KEY),
        "capture.sampling": ("20%", None),
        "network.isolation": ("true", None),
        "network.subnets": ("subnet-11111111, subnet-22222222", None),
        "network.security_groups": ("sg-11111111", None),
        "environment.LOG_LEVEL": ("debug", "info"),
        "environment.OLD": ("1", None),
        f"alarm {endpoint.alarms[0].name}": (
            "Average of Invocation5XXErrors above 5% in 1 of 1 minutes",
            "Average of Invocation5XXErrors above 1% in 1 of 1 minutes",
        ),
    }


def test_capture_that_is_switched_off_is_no_capture(endpoint, made):
    endpoint.config["DataCaptureConfig"] = {
        "EnableCapture": False,
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "s3://b/c",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    assert changes(endpoint, made) == {}


def test_guardrails_are_compared_with_those_of_the_last_update(endpoint, made):
    linear = {
        "strategy": "linear",
        "linear_step_size": "50%",
        "wait_interval": "5m",
        "rollback_on": CANARY["rollback_on"],
    }
    made = repo(environment={"LOG_LEVEL": "info"}, release=linear)
    assert changes(endpoint, made) == {
        "release.strategy": ("canary", "linear"),
        "release.canary_size": ("25%", None),
        "release.linear_step_size": (None, "50%"),
        "release.wait_interval": ("10m", "5m"),
        "release.termination_wait": ("5m", "0s"),
    }


def test_what_a_file_leaves_to_sagemaker_is_compared_only_where_it_is_given(made):
    given = repo(instances={"type": "ml.m5.large", "count": 4, "volume_size": 50}, timeouts={"model_download": "10m"})
    assert changes(Endpoint(given), given) == {"instances.volume_size": ("30", "50")}


def test_values_that_no_stage_file_gave_are_not_shown(endpoint, made):
    endpoint.tags = []
    endpoint.model["Containers"][0]["Environment"] = {"TOKEN": "hush"}
    told = changes(endpoint, made)
    assert "hush" not in str(told)
    assert told["environment.TOKEN"] == ("a value that no stage file gave", None)


def test_what_may_not_be_read_is_said_and_the_rest_is_known(endpoint, made):
    def denied(**_: Any) -> dict[str, Any]:
        raise refusal("AccessDenied", "not authorized to perform: cloudwatch:DescribeAlarms")

    handlers = endpoint.handlers() | {"DescribeAlarms": denied}
    situation = read_situation(
        lambda service, region, role=None: answering(service, handlers, region), made, made.stages[0]
    )
    assert situation.live is not None
    assert situation.settings is None
    assert "cloudwatch:DescribeAlarms" in situation.settings_unread


def test_an_endpoint_that_may_not_be_read_is_not_taken_for_none(made):
    def denied(**_: Any) -> dict[str, Any]:
        raise refusal("AccessDeniedException", "not authorized to perform: sagemaker:DescribeEndpoint")

    situation = read_situation(
        lambda service, region, role=None: answering(service, {"DescribeEndpoint": denied}, region),
        made,
        made.stages[0],
    )
    assert "sagemaker:DescribeEndpoint" in situation.unread


def test_an_endpoint_that_is_not_there_is_a_situation_of_its_own(made):
    def missing(**_: Any) -> dict[str, Any]:
        raise refusal("ValidationException", f'Could not find endpoint "{ENDPOINT}".')

    situation = read_situation(
        lambda service, region, role=None: answering(service, {"DescribeEndpoint": missing}, region),
        made,
        made.stages[0],
    )
    assert (situation.live, situation.unread) == (None, "")


def test_the_endpoint_of_another_account_is_looked_at_with_the_role_there(endpoint):
    look = "arn:aws:iam::222222222222:role/look"
    place = {"stage": "prod", "account": "222222222222", "region": "eu-west-1", "look_role": look}
    own = repo()
    project = own.project.model_dump() | {"places": [place | {"execution_role": look}]}
    made = own.model_copy(update={"project": type(own.project).model_validate(project)})
    roles: list[str | None] = []

    def client(service: str, region: str, role: str | None = None) -> Any:
        roles.append(role)
        return endpoint.client(service, region)

    assert read_situation(client, made, made.stages[0]).live is not None
    assert set(roles) == {look}


def test_guardrails_that_nobody_understands_are_left_out():
    strange = live(update={"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "SPIRAL"}}})
    settings = live_settings(strange, variant(), {}, {}, ())
    assert not any(name.startswith("release.") for name in settings)


@given(
    st.sampled_from(["canary_size", "linear_step_size", "maximum_batch_size"]),
    st.integers(10, 50),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_guardrails_read_the_same_from_the_file_as_from_the_api(key, percent, wait, keep):
    strategy = {"canary_size": "canary", "linear_step_size": "linear", "maximum_batch_size": "rolling"}[key]
    release: dict[str, Any] = {"strategy": strategy, key: f"{percent}%", "wait_interval": timedelta(minutes=wait)}
    release["maximum_execution_timeout"] = "8h"
    if strategy != "rolling":
        release["termination_wait"] = timedelta(minutes=keep)
    guardrails = guardrails_of(repo(release=release))
    update = to_deployment_config(guardrails)
    read = live_settings(live(update=update), variant(), {}, {}, ())
    asked = guardrail_settings(guardrails)
    assert {name: text for name, text in read.items() if name.startswith("release.")} == asked


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=5)), st.dictionaries(st.text(max_size=5), st.text(max_size=5))
)
def test_comparing_tells_just_what_differs(before, after):
    found = {change.setting: change for change in compare(before, after)}
    for name in before.keys() | after.keys():
        told = found.get(name)
        pair = (before.get(name), after.get(name))
        assert (told is None) == (pair[0] == pair[1])
        assert told in (None, Change(name, *pair))
