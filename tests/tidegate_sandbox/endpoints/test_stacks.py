"""Endpoints as CloudFormation resources: replacement, tags, alarms, and both ways to take an automatic rollback."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from workshop import BUCKET, IMAGE, ROLE, Workshop

from tidegate_sandbox.faults.client import Injector

RETAINED = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def template(workshop: Workshop, version: str, *, release: str = "r1", broken: bool = False, **endpoint: Any) -> str:
    """A stack of a model, its configuration, an alarm on the new fleet alone, and the endpoint."""
    environment = {"VERSION": version} | ({"BROKEN_AT": "invocation"} if broken else {})
    alarm = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "ModelLatency",
        "ExtendedStatistic": "p99",
        "Dimensions": [
            {"Name": "EndpointName", "Value": workshop.name},
            {"Name": "VariantName", "Value": "AllTraffic"},
            {"Name": "EndpointConfigName", "Value": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
        ],
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 5_000_000,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    config_name = {"Fn::GetAtt": ["Config", "EndpointConfigName"]}
    resources: dict[str, Any] = {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            **RETAINED,
            "Properties": {
                "ExecutionRoleArn": ROLE,
                "PrimaryContainer": {
                    "Image": IMAGE,
                    "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz",
                    "Environment": environment,
                },
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            **RETAINED,
            "Properties": {
                "ProductionVariants": [
                    {
                        "VariantName": "AllTraffic",
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "InstanceType": "ml.m5.large",
                        "InitialInstanceCount": "4",  # CloudFormation hands parameters over as text
                        "InitialVariantWeight": "1.0",
                    }
                ],
                "Tags": [{"Key": "tidegate:release", "Value": release}],
            },
        },
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {"EndpointName": workshop.name, "EndpointConfigName": config_name, **endpoint},
        },
    }
    outputs = {
        "Config": {"Value": config_name},
        "Alarm": {"Value": {"Ref": "Alarm"}},
        "ModelArn": {"Value": {"Ref": "Model"}},
        "EndpointArn": {"Value": {"Ref": "Endpoint"}},
        "EndpointName": {"Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}},
    }
    return json.dumps({"Resources": resources, "Outputs": outputs})


class Stack:
    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.status = ""
        self.outputs: dict[str, str] = {}

    def create(self, body: str) -> None:
        self.workshop.cloudformation.create_stack(StackName=self.workshop.name, TemplateBody=body)
        self._wait()

    def update(self, body: str) -> None:
        self.workshop.cloudformation.update_stack(StackName=self.workshop.name, TemplateBody=body)
        self._wait()

    def delete(self) -> None:
        self.workshop.cloudformation.delete_stack(StackName=self.workshop.name)
        self.workshop.eventually(
            lambda: all(
                stack["StackStatus"] == "DELETE_COMPLETE"
                for stack in self.workshop.cloudformation.list_stacks()["StackSummaries"]
                if stack["StackName"] == self.workshop.name
            )
        )

    def reason(self) -> str:
        events = self.workshop.cloudformation.describe_stack_events(StackName=self.workshop.name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        return " ".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed)

    def _wait(self) -> None:
        def stack() -> Any:
            (found,) = self.workshop.cloudformation.describe_stacks(StackName=self.workshop.name)["Stacks"]
            return not found["StackStatus"].endswith("IN_PROGRESS") and found

        found = self.workshop.eventually(stack)
        self.status = found["StackStatus"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def test_a_stack_makes_an_endpoint_that_answers(workshop: Workshop) -> None:
    stack = Stack(workshop)

    stack.create(template(workshop, "v1"))

    assert stack.status == "CREATE_COMPLETE"
    assert workshop.invoke() == "v1:x"
    assert stack.outputs["EndpointName"] == workshop.name
    assert stack.outputs["EndpointArn"].endswith(f":endpoint/{workshop.name}")
    assert ":model/" in stack.outputs["ModelArn"]


def test_a_new_model_replaces_model_and_configuration_and_the_old_ones_are_retained(workshop: Workshop) -> None:
    stack = Stack(workshop)
    stack.create(template(workshop, "v1"))
    old = stack.outputs

    stack.update(template(workshop, "v2", DeploymentConfig=workshop.canary(wait=30, termination=0)))

    assert stack.status == "UPDATE_COMPLETE", stack.reason()
    assert stack.outputs["Config"] != old["Config"]
    assert workshop.describe()["EndpointConfigName"] == stack.outputs["Config"]
    assert workshop.sagemaker.describe_endpoint_config(EndpointConfigName=old["Config"])
    assert workshop.invoke() == "v2:x"


def test_tags_alone_replace_nothing_and_can_be_listed(workshop: Workshop) -> None:
    stack = Stack(workshop)
    stack.create(template(workshop, "v1", release="r1"))
    before = stack.outputs

    stack.update(template(workshop, "v1", release="r2"))

    config = workshop.sagemaker.describe_endpoint_config(EndpointConfigName=before["Config"])
    tags = workshop.sagemaker.list_tags(ResourceArn=config["EndpointConfigArn"])["Tags"]
    assert stack.outputs == before
    assert tags == [{"Key": "tidegate:release", "Value": "r2"}]


def test_an_alarm_keeps_every_property_when_it_is_created_and_when_it_is_updated(workshop: Workshop) -> None:
    stack = Stack(workshop)

    def described() -> dict[str, Any]:
        (alarm,) = workshop.cloudwatch.describe_alarms(AlarmNames=[stack.outputs["Alarm"]])["MetricAlarms"]
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
        kept = ("ExtendedStatistic", "Period", "EvaluationPeriods", "DatapointsToAlarm", "TreatMissingData")
        return {name: alarm.get(name) for name in (*kept, "Statistic")} | dimensions

    stack.create(template(workshop, "v1"))
    first, first_config = described(), stack.outputs["Config"]
    stack.update(template(workshop, "v2"))
    second, second_config = described(), stack.outputs["Config"]

    expected = {
        "ExtendedStatistic": "p99",
        "Statistic": None,
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "TreatMissingData": "notBreaching",
        "EndpointName": workshop.name,
        "VariantName": "AllTraffic",
    }
    assert first == expected | {"EndpointConfigName": first_config}
    assert second == expected | {"EndpointConfigName": second_config}


def test_an_endpoint_that_cannot_start_fails_its_stack_and_is_not_left_behind(workshop: Workshop) -> None:
    stack = Stack(workshop)
    body = template(workshop, "v1").replace('"VERSION": "v1"', '"VERSION": "v1", "BROKEN_AT": "start"')

    stack.create(body)

    assert stack.status == "ROLLBACK_COMPLETE"
    assert "did not pass the ping health check" in stack.reason()
    assert not workshop.sagemaker.list_endpoints(NameContains=workshop.name)["Endpoints"]


def test_a_shadow_variant_is_a_property_of_the_configuration(workshop: Workshop) -> None:
    stack = Stack(workshop)
    body = json.loads(template(workshop, "v1"))
    config = body["Resources"]["Config"]["Properties"]
    (variant,) = config["ProductionVariants"]
    config["ShadowProductionVariants"] = [{**variant, "VariantName": "Shadow", "InitialInstanceCount": "1"}]

    stack.create(json.dumps(body))

    assert stack.status == "CREATE_COMPLETE"
    (shadow,) = workshop.describe()["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["CurrentInstanceCount"]) == ("Shadow", 1)
    assert workshop.invoke() == "v1:x"


def test_a_rolling_update_keeps_what_it_is_told_to_retain(workshop: Workshop) -> None:
    stack = Stack(workshop)
    stack.create(template(workshop, "v1", RetainAllVariantProperties=True))
    capacity = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 6}]
    workshop.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=workshop.name, DesiredWeightsAndCapacities=capacity
    )
    workshop.settled()
    policy = {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": "50"}, "WaitIntervalInSeconds": "30"}
    excluded = [{"VariantPropertyType": "DataCaptureConfig"}]

    stack.update(
        template(
            workshop,
            "v2",
            DeploymentConfig={"RollingUpdatePolicy": policy},
            RetainAllVariantProperties=True,
            ExcludeRetainedVariantProperties=excluded,
        )
    )
    described = workshop.describe()

    assert stack.status == "UPDATE_COMPLETE"
    assert workshop.invoke() == "v2:x"
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 6
    assert described["LastDeploymentConfig"]["RollingUpdatePolicy"]["MaximumBatchSize"]["Value"] == 50

    stack.update(template(workshop, "v3", RetainDeploymentConfig=True))

    assert workshop.describe()["LastDeploymentConfig"] == described["LastDeploymentConfig"]


def test_deleting_a_stack_deletes_the_endpoint_and_retains_what_says_so(workshop: Workshop) -> None:
    stack = Stack(workshop)
    stack.create(template(workshop, "v1"))

    stack.delete()

    assert not workshop.sagemaker.list_endpoints(NameContains=workshop.name)["Endpoints"]
    assert workshop.sagemaker.describe_endpoint_config(EndpointConfigName=stack.outputs["Config"])


def _release_that_is_rolled_back(workshop: Workshop) -> tuple[Stack, str]:
    stack = Stack(workshop)
    stack.create(template(workshop, "v1"))
    old = stack.outputs["Config"]
    alarm = workshop.alarm(TreatMissingData="breaching", Dimensions=workshop.dimensions("never-deployed"))
    stack.update(template(workshop, "v2", DeploymentConfig=workshop.canary(alarm, wait=600)))
    return stack, old


def test_an_automatic_rollback_fails_the_stack_where_the_sandbox_is_told_so(workshop: Workshop) -> None:
    stack, old = _release_that_is_rolled_back(workshop)

    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "in ALARM during the canary's bake" in stack.reason()
    assert workshop.describe()["EndpointConfigName"] == old
    assert workshop.invoke() == "v1:x"


@pytest.fixture
def lenient(workshop: Workshop) -> Iterator[Workshop]:
    injector = Injector(urlsplit(workshop.sandbox.url).port or 0)
    fault = injector.set({"kind": "after-rollback", "outcome": "succeed", "endpoint": workshop.name})
    yield workshop
    injector.clear(fault["id"])


def test_an_automatic_rollback_passes_silently_where_the_sandbox_is_told_so(lenient: Workshop) -> None:
    stack, old = _release_that_is_rolled_back(lenient)

    assert stack.status == "UPDATE_COMPLETE", stack.reason()
    assert stack.outputs["Config"] != old
    assert lenient.describe()["EndpointConfigName"] == old

    stack.update(template(lenient, "v3"))

    assert lenient.describe()["EndpointConfigName"] == stack.outputs["Config"]
    assert lenient.invoke() == "v3:x"
