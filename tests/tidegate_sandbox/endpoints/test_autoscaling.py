"""Application Auto Scaling in a sandbox: alarms that it makes, and instance counts that follow them."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from workshop import Workshop, client

NAMED = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


class Scaled:
    """An endpoint whose variant AllTraffic is scaled."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.resource = f"endpoint/{workshop.name}/variant/AllTraffic"
        self.named: dict[str, Any] = {**NAMED, "ResourceId": self.resource}
        self.api = client(workshop.sandbox, "application-autoscaling")
        self.namespace = f"Tests/{workshop.name}"

    def register(self, minimum: int = 1, maximum: int = 10, **more: Any) -> None:
        self.api.register_scalable_target(**self.named, MinCapacity=minimum, MaxCapacity=maximum, **more)

    def track(self, value: float = 10.0, name: str = "p", **options: Any) -> dict[str, Any]:
        metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}}
        if not options.pop("predefined", True):
            load = {"Metric": {"MetricName": "Load", "Namespace": self.namespace}, "Stat": "Average"}
            half = {"Id": "half", "Expression": "load / 2"}
            own = {"Metrics": [half, {"Id": "load", "MetricStat": load, "ReturnData": False}]}
            metric = {"CustomizedMetricSpecification": own}
        answer: dict[str, Any] = self.api.put_scaling_policy(
            **self.named,
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={"TargetValue": value, **metric, **options},
        )
        return answer

    def load(self, *values: float) -> None:
        """Let a metric of the account's own have had these values in the last minutes, the last one first."""
        (just_now,) = self.workshop.cloudwatch.describe_alarms(AlarmNames=[self.workshop.alarm()])["MetricAlarms"]
        now = just_now["AlarmConfigurationUpdatedTimestamp"]
        data = [
            {"MetricName": "Load", "Value": value, "Timestamp": now - timedelta(minutes=age)}
            for age, value in enumerate(values)
        ]
        self.workshop.cloudwatch.put_metric_data(Namespace=self.namespace, MetricData=data)

    def alarms(self) -> dict[str, dict[str, Any]]:
        found = self.workshop.cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-{self.resource}-")
        return {alarm["AlarmName"].split("-Alarm")[1].partition("-")[0]: alarm for alarm in found["MetricAlarms"]}

    def activities(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.describe_scaling_activities(
            ServiceNamespace="sagemaker", ResourceId=self.resource
        )["ScalingActivities"]
        return found

    def targets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[self.resource]
        )["ScalableTargets"]
        return found

    def set(self, instances: int) -> None:
        wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": instances}]
        self.workshop.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=self.workshop.name, DesiredWeightsAndCapacities=wanted
        )
        self.workshop.settled()

    def count(self) -> int:
        (variant,) = self.workshop.settled()["ProductionVariants"]
        assert variant["CurrentInstanceCount"] == variant["DesiredInstanceCount"]
        return int(variant["CurrentInstanceCount"])


@pytest.fixture(scope="module")
def endpoint(endpoint_sandbox: Any, eventually: Callable[..., Any]) -> Iterator[Scaled]:
    """One endpoint of two instances for the tests of this file that leave it in service."""
    workshop = Workshop(endpoint_sandbox, f"e-{uuid.uuid4().hex[:8]}", eventually)
    workshop.endpoint(workshop.config("v1", instances=2))
    yield Scaled(workshop)
    workshop.tidy()


@pytest.fixture
def scaled(endpoint: Scaled) -> Iterator[Scaled]:
    yield endpoint
    if endpoint.targets():
        endpoint.api.deregister_scalable_target(**endpoint.named)


@pytest.fixture
def own(workshop: Workshop) -> Scaled:
    workshop.endpoint(workshop.config("v1", instances=2))
    return Scaled(workshop)


def test_a_policy_makes_its_two_alarms_and_they_go_with_it(scaled: Scaled) -> None:
    scaled.register()
    made = scaled.track(70)

    high, low = (scaled.alarms()[kind] for kind in ("High", "Low"))
    (policy,) = scaled.api.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=scaled.resource)[
        "ScalingPolicies"
    ]

    assert (high["EvaluationPeriods"], high["Threshold"], high["ComparisonOperator"]) == (3, 70, "GreaterThanThreshold")
    assert (low["EvaluationPeriods"], low["Threshold"], low["ComparisonOperator"]) == (15, 63, "LessThanThreshold")
    assert (high["MetricName"], high["Statistic"], high["Period"]) == ("InvocationsPerInstance", "Sum", 60)
    assert made["PolicyARN"].endswith(f":resource/sagemaker/{scaled.resource}:policyName/p")
    assert high["AlarmActions"][0].startswith(made["PolicyARN"])
    assert policy["Alarms"] == made["Alarms"]
    assert {alarm["AlarmARN"] for alarm in policy["Alarms"]} == {high["AlarmArn"], low["AlarmArn"]}

    scaled.track(80)
    assert scaled.alarms()["High"]["Threshold"] == 80
    assert scaled.alarms()["High"]["AlarmName"] != high["AlarmName"]
    scaled.track(80, DisableScaleIn=True)
    assert scaled.alarms().keys() == {"High"}
    scaled.api.delete_scaling_policy(**scaled.named, PolicyName="p")
    assert scaled.alarms() == {}


def test_instances_follow_the_requests_that_each_of_them_gets(scaled: Scaled, eventually: Callable[..., Any]) -> None:
    scaled.set(2)
    scaled.register(maximum=5)
    scaled.track(0.1)

    def grown() -> bool:
        scaled.workshop.invoke()
        return scaled.count() == 5

    eventually(grown, 30)
    done = eventually(lambda: (last := scaled.activities()[0])["StatusCode"] == "Successful" and last)

    assert done["Description"] == "Setting desired instance count to 5."
    assert "-AlarmHigh-" in done["Cause"]
    assert done["Cause"].endswith(" in state ALARM triggered policy p")
    assert done["StatusMessage"].startswith("Successfully set desired instance count to 5.")
    assert scaled.workshop.invoke() == "v1:x"


def test_instances_go_when_a_metric_was_low_for_a_quarter_of_an_hour_and_come_again(
    scaled: Scaled, eventually: Callable[..., Any]
) -> None:
    scaled.set(2)
    before = len(scaled.activities())
    scaled.register(maximum=8)
    scaled.track(50, predefined=False, ScaleInCooldown=60, ScaleOutCooldown=60)
    scaled.load(*[1.0] * 18)
    eventually(lambda: scaled.count() == 1, 30)
    scaled.load(*[400.0] * 5)

    eventually(lambda: scaled.count() >= 4, 30)

    done = scaled.activities()[: len(scaled.activities()) - before]
    assert ["Low" if "AlarmLow" in each["Cause"] else "High" for each in reversed(done)][:2] == ["Low", "High"]


def test_registering_brings_the_capacity_into_the_range(scaled: Scaled, eventually: Callable[..., Any]) -> None:
    scaled.set(2)
    scaled.register(3, 4)
    eventually(lambda: scaled.count() == 3)
    eventually(lambda: scaled.activities()[0]["StatusCode"] == "Successful")

    assert scaled.activities()[0]["Cause"] == "minimum capacity was set to 3"
    (target,) = scaled.targets()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 4)
    assert target["RoleARN"].endswith("/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")


def test_scaling_fails_while_the_endpoint_is_updated_and_leaves_it_as_it_is(
    own: Scaled, eventually: Callable[..., Any]
) -> None:
    workshop = own.workshop
    own.register()
    own.track(50, predefined=False)
    workshop.update(workshop.config("v2", instances=2), workshop.canary())
    own.load(*[400.0] * 5)

    failed = eventually(lambda: next(iter(own.activities()), None), 30)

    assert failed["StatusCode"] == "Failed"
    assert "Cannot update in-progress endpoint" in failed["StatusMessage"]
    described = workshop.describe()
    assert described["EndpointStatus"] == "Updating"
    assert described["ProductionVariants"][0]["DesiredInstanceCount"] == 2
    assert described["PendingDeploymentSummary"]["ProductionVariants"][0]["DesiredInstanceCount"] == 2


def test_a_scaled_variant_keeps_its_instance_type_and_its_place(own: Scaled) -> None:
    workshop = own.workshop
    own.register()
    model = workshop.config("v2")
    other_type = workshop.config("t", variants=[workshop.variant(model, InstanceType="ml.c5.large")])
    other_name = workshop.config("n", variants=[workshop.variant(model, "Other")])

    for config in (other_type, other_name):
        with pytest.raises(ClientError, match="must be deregistered as scalable targets") as refused:
            workshop.update(config)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert workshop.describe()["EndpointStatus"] == "InService"

    own.api.deregister_scalable_target(**own.named)
    workshop.update(other_type)
    assert workshop.settled()["EndpointConfigName"] == other_type


def test_deleting_an_endpoint_deregisters_its_variants(own: Scaled, eventually: Callable[..., Any]) -> None:
    own.register()
    own.track()

    own.workshop.sagemaker.delete_endpoint(EndpointName=own.workshop.name)

    assert own.alarms() == {}
    assert own.targets() == []
    with pytest.raises(own.api.exceptions.ObjectNotFoundException, match="No scalable target registered"):
        own.track()
    eventually(lambda: not own.workshop.sagemaker.list_endpoints(NameContains=own.workshop.name)["Endpoints"])


def test_a_target_that_cannot_be_is_refused(scaled: Scaled) -> None:
    for asked, why in [
        ({"ResourceId": "endpoint/e/variant/v", "MinCapacity": 1, "MaxCapacity": 2}, "Could not find endpoint"),
        ({"ResourceId": f"endpoint/{scaled.workshop.name}/variant/v", "MaxCapacity": 2}, "are required"),
        ({"ResourceId": scaled.resource + "s", "MinCapacity": 1, "MaxCapacity": 2}, "no production variant"),
        ({"ResourceId": "table/t", "MinCapacity": 1, "MaxCapacity": 2}, "is not of the form"),
        ({"MinCapacity": 3, "MaxCapacity": 2}, "less than minimum"),
        ({"MinCapacity": 0, "MaxCapacity": 2}, "at least 1 instance"),
        ({"ScalableDimension": "ecs:service:DesiredCount"}, "not in the local simulation"),
    ]:
        with pytest.raises(ClientError, match=why):
            scaled.api.register_scalable_target(**{**scaled.named, **asked})


def test_a_policy_that_cannot_be_is_refused(scaled: Scaled) -> None:
    scaled.register()
    scaled.track(name="one")

    for options, why in [
        ({"name": "two"}, "Only one TargetTrackingScaling policy for a given metric"),
        ({"value": 0}, "must be above 0"),
        ({"PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}, "which has"),
    ]:
        with pytest.raises(ClientError, match=why):
            scaled.track(**options)
    with pytest.raises(ClientError, match="StepScaling is not in the local simulation"):
        scaled.api.put_scaling_policy(**scaled.named, PolicyName="steps", PolicyType="StepScaling")
    with pytest.raises(ClientError, match="PutScheduledAction is not in the local simulation"):
        scaled.api.put_scheduled_action(**scaled.named, ScheduledActionName="night", Schedule="cron(0 22 * * ? *)")


def test_templates_register_variants_and_put_policies(scaled: Scaled, eventually: Callable[..., Any]) -> None:
    target = {"MinCapacity": "1", "MaxCapacity": "3", "Tags": [{"Key": "sagemaker:project-id", "Value": "p"}]}
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}

    def template(value: int, **more: Any) -> str:
        tracked = {"TargetValue": value, "ScaleInCooldown": "300", "PredefinedMetricSpecification": metric}
        properties = {
            "PolicyName": "stack",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": "Target"},
            "TargetTrackingScalingPolicyConfiguration": tracked,
        }
        kinds = {"Target": {**scaled.named, **target, **more}, "Policy": properties}
        names = {"Target": "ScalableTarget", "Policy": "ScalingPolicy"}
        resources = {
            key: {"Type": f"AWS::ApplicationAutoScaling::{names[key]}", "Properties": each}
            for key, each in kinds.items()
        }
        outputs = {"Target": {"Value": {"Ref": "Target"}}, "Policy": {"Value": {"Fn::GetAtt": ["Policy", "Arn"]}}}
        return json.dumps({"Resources": resources, "Outputs": outputs})

    cloudformation, stack = scaled.workshop.cloudformation, f"{scaled.workshop.name}-scaling"
    cloudformation.create_stack(StackName=stack, TemplateBody=template(7))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.2})
    (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
    (registered,) = scaled.targets()
    tags = scaled.api.list_tags_for_resource(ResourceARN=registered["ScalableTargetARN"])["Tags"]

    assert outputs["Target"] == f"{scaled.resource}|sagemaker:variant:DesiredInstanceCount|sagemaker"
    assert outputs["Policy"].endswith(":policyName/stack")
    assert tags == {"sagemaker:project-id": "p"}
    assert scaled.alarms()["High"]["Threshold"] == 7

    cloudformation.update_stack(StackName=stack, TemplateBody=template(9, MaxCapacity="4"))
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.2})
    assert scaled.alarms()["High"]["Threshold"] == 9
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.2})
    assert scaled.alarms() == {}
