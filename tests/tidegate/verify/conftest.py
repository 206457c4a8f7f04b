"""Evidence to judge, and a small AWS to gather it from."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.tidegate.answering import Handler, answering, refusal
from tests.tidegate.verify.cases import Case
from tests.tidegate.verify.following import ALARM, DEPLOYMENT, ENDPOINT, PACKAGE, STACK, T0, ScriptedClock, at
from tidegate.render import ReleaseRecord
from tidegate.verify import Clients, judge, verify_release

DEPLOYMENT_CONFIG: dict[str, Any] = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "WaitIntervalInSeconds": 600,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        },
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 3600,
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": ALARM}]},
}


@pytest.fixture
def asked() -> ReleaseRecord:
    """Return the release of version 3 to prod, after version 2."""
    return ReleaseRecord(
        release_id="new",
        stage="prod",
        account="111122223333",
        region="eu-west-1",
        endpoint_name="shop-p-1-prod",
        stack_name="sagemaker-p-1-prod",
        variant="AllTraffic",
        model_package_group="shop-p-1",
        model_package_arn=f"{PACKAGE}/3",
        model_package_version=3,
        alarms=(ALARM,),
        deployment_config=DEPLOYMENT_CONFIG,
        waits=900,
        maximum_execution_timeout=3600,
    )


@pytest.fixture(name="refusal")
def _refusal() -> Callable[..., ClientError]:
    """Make an answer with which a service refuses."""
    return refusal


@pytest.fixture
def hold(asked):
    """Hold the verdict on a case to what the case says."""

    def held(case: Case) -> None:
        verdict = judge(case.evidence(asked))
        assert verdict.outcome is case.outcome
        assert case.says in verdict.sentence
        assert verdict.notes == case.notes
        assert verdict.version_failed is case.marked

    return held


class SmallAws:
    """One endpoint, its stack, its alarm and its pipeline, as they stand; tests change them as time passes."""

    began = T0

    def __init__(self, asked: ReleaseRecord) -> None:
        self.asked = asked
        self.configs = {"config-2": ("old", f"{PACKAGE}/2"), "config-3": ("new", f"{PACKAGE}/3")}
        self.endpoint: dict[str, Any] | None = {
            "EndpointName": asked.endpoint_name,
            "EndpointArn": f"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/{asked.endpoint_name}",
            "EndpointConfigName": "config-2",
            "EndpointStatus": "InService",
            "CreationTime": at(-9000),
            "LastModifiedTime": at(-8000),
        }
        self.stack: str | None = "UPDATE_IN_PROGRESS"
        self.events: list[dict[str, Any]] = []
        self.actions: list[dict[str, Any]] = []
        self.alarm_history: list[dict[str, Any]] = []
        self.alarm_state = "OK"
        self.package: dict[str, Any] = {"ModelApprovalStatus": "Approved"}
        self.stamps: list[dict[str, Any]] = []
        self.tagged: dict[str, str] = {}
        self.removed: list[str] = []
        self.failing: dict[str, Exception] = {}
        self.asked_for: Counter[str] = Counter()

    # What tests say

    def deploy_action(self, status: str, **more: Any) -> None:
        """Put the Deploy action of this release beside one of another stage."""
        other = self._action("Succeeded", "sagemaker-p-1-staging", at(-60))
        self.actions = [other, {**self._action(status, self.asked.stack_name, at(0)), **more}]

    def _action(self, status: str, stack: str, started: datetime) -> dict[str, Any]:
        return {
            "actionName": "Deploy",
            "stageName": "Production",
            "status": status,
            "startTime": started,
            "input": {"configuration": {"StackName": stack}},
        }

    def updating(self, status: str = "Baking", message: str = "") -> None:
        """Let the endpoint be on its way from version 2 to version 3."""
        variant = {"VariantName": "AllTraffic", "VariantStatus": [{"Status": status, "StatusMessage": message}]}
        self.change(
            EndpointStatus="Updating",
            PendingDeploymentSummary={
                "EndpointConfigName": "config-3",
                "StartTime": at(60),
                "ProductionVariants": [variant],
            },
        )

    def in_service(self, config: str, seconds: float, **more: Any) -> None:
        """Let the endpoint come to rest on a config."""
        assert self.endpoint is not None
        self.endpoint.pop("PendingDeploymentSummary", None)
        self.change(
            EndpointStatus="InService",
            EndpointConfigName=config,
            LastModifiedTime=at(seconds),
            LastDeploymentConfig=DEPLOYMENT_CONFIG,
            **more,
        )

    def change(self, **values: Any) -> None:
        assert self.endpoint is not None
        self.endpoint.update(values)

    def event(self, logical_id: str, kind: str, status: str, seconds: float, reason: str = "") -> None:
        """Add an event of the stack; the newest comes first."""
        event = {
            "StackId": "arn:stack",
            "EventId": str(len(self.events)),
            "StackName": self.asked.stack_name,
            "LogicalResourceId": logical_id,
            "ResourceType": kind,
            "ResourceStatus": status,
            "Timestamp": at(seconds),
        }
        self.events.insert(0, event | ({"ResourceStatusReason": reason} if reason else {}))

    def alarm_fires(self, seconds: float, reason: str = "above the threshold", old: str = "OK") -> None:
        """Add a fall into ALARM to the alarm's history, as CloudWatch writes it."""
        states = {"oldState": {"stateValue": old}, "newState": {"stateValue": "ALARM", "stateReason": reason}}
        self.alarm_history.append(
            {
                "AlarmName": ALARM,
                "Timestamp": at(seconds),
                "HistoryItemType": "StateUpdate",
                "HistorySummary": f"Alarm updated from {old} to ALARM",
                "HistoryData": json.dumps(states),
            }
        )

    def alarm_ends(self, seconds: float, *, data: bool = True) -> None:
        """Add the alarm's way back to the history, which may tell it by its summary only."""
        states = {"oldState": {"stateValue": "ALARM"}, "newState": {"stateValue": "OK", "stateReason": "fine"}}
        self.alarm_history.append(
            {
                "AlarmName": ALARM,
                "Timestamp": at(seconds),
                "HistoryItemType": "StateUpdate",
                "HistorySummary": "Alarm updated from ALARM to OK",
                **({"HistoryData": json.dumps(states)} if data else {}),
            }
        )

    # What verify asks

    def clients(self) -> Clients:
        by_service = {
            "sagemaker": {
                "DescribeEndpoint": self._describe_endpoint,
                "DescribeEndpointConfig": self._describe_endpoint_config,
                "DescribeModel": self._describe_model,
                "ListTags": self._list_tags,
                "DescribeModelPackage": self._describe_model_package,
                "UpdateModelPackage": self._update_model_package,
                "AddTags": self._add_tags,
                "ListEndpointConfigs": self._list_endpoint_configs,
                "DeleteEndpointConfig": lambda EndpointConfigName: self._remove(EndpointConfigName),  # noqa: N803
                "DeleteModel": lambda ModelName: self._remove(ModelName),  # noqa: N803
            },
            "cloudformation": {
                "DescribeStacks": self._describe_stacks,
                "DescribeStackEvents": self._stack_events,
                "DescribeStackResources": self._stack_resources,
            },
            "cloudwatch": {"DescribeAlarms": self._describe_alarms, "DescribeAlarmHistory": self._alarm_history},
            "codepipeline": {"ListActionExecutions": self._list_action_executions},
        }
        made = {
            service: answering(service, {name: self._failing(name, call) for name, call in handlers.items()})
            for service, handlers in by_service.items()
        }
        return Clients(**made, registry=made["sagemaker"])

    def _failing(self, name: str, call: Handler) -> Handler:
        def answer(**parameters: Any) -> dict[str, Any]:
            self.asked_for[name] += 1
            if name in self.failing:
                raise self.failing[name]
            return call(**parameters)

        return answer

    def _describe_endpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N803
        if self.endpoint is None:
            raise refusal("ValidationException", f'Could not find endpoint "{EndpointName}".')
        return dict(self.endpoint)

    def _describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N803
        return {
            "EndpointConfigName": EndpointConfigName,
            "EndpointConfigArn": f"arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/{EndpointConfigName}",
            "ProductionVariants": [
                {
                    "VariantName": "AllTraffic",
                    "ModelName": f"model-of-{EndpointConfigName}",
                    "InstanceType": "ml.m5.large",
                    "InitialInstanceCount": 4,
                }
            ],
            "CreationTime": self._made_at(EndpointConfigName),
        }

    def _describe_model(self, ModelName: str) -> dict[str, Any]:  # noqa: N803
        package = self.configs[ModelName.removeprefix("model-of-")][1]
        return {
            "ModelName": ModelName,
            "ModelArn": f"arn:aws:sagemaker:eu-west-1:111122223333:model/{ModelName}",
            "CreationTime": at(0),
            "Containers": [{"ModelPackageName": package}],
        }

    def _made_at(self, config: str) -> datetime:
        return at(-100_000 + 1000 * int(config.rpartition("-")[2]))

    def _list_endpoint_configs(self, **_: Any) -> dict[str, Any]:
        summaries = [
            {
                "EndpointConfigName": name,
                "EndpointConfigArn": f"arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/{name}",
                "CreationTime": self._made_at(name),
            }
            for name in self.configs
        ]
        return {"EndpointConfigs": summaries}

    def _remove(self, name: str) -> dict[str, Any]:
        self.removed.append(name)
        return {}

    def _add_tags(self, ResourceArn: str, Tags: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        self.tagged.update({ResourceArn.rpartition("/")[2]: tag["Value"] for tag in Tags})
        assert [tag["Key"] for tag in Tags] == ["tidegate:outcome"]
        return {"Tags": Tags}

    def _list_tags(self, ResourceArn: str, NextToken: str = "") -> dict[str, Any]:  # noqa: N803
        name = ResourceArn.rpartition("/")[2].removeprefix("model-of-")
        if not NextToken:
            project = {"sagemaker:project-id": "p-1", "sagemaker:deployment-stage": "prod"}
            return {"Tags": [{"Key": key, "Value": value} for key, value in project.items()], "NextToken": "more"}
        known = {"tidegate:release": self.configs[name][0], "tidegate:outcome": self.tagged.get(name, "")}
        return {"Tags": [{"Key": key, "Value": value} for key, value in known.items() if value]}

    def _describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        return {
            "ModelPackageName": "shop-p-1",
            "ModelPackageArn": ModelPackageName,
            "ModelPackageVersion": 3,
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "CreationTime": at(0),
            **self.package,
        }

    def _update_model_package(self, **parameters: Any) -> dict[str, Any]:
        self.stamps.append(parameters)
        return {"ModelPackageArn": parameters["ModelPackageArn"]}

    def _stack_resources(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"StackResources": []}

    def _describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if self.stack is None:
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        updates = [event["Timestamp"] for event in self.events if event["ResourceStatus"] == "UPDATE_IN_PROGRESS"]
        updated = {"LastUpdatedTime": max(updates)} if updates else {}
        return {"Stacks": [{"StackName": StackName, "CreationTime": at(-9000), "StackStatus": self.stack, **updated}]}

    def _stack_events(self, StackName: str, NextToken: str = "") -> dict[str, Any]:  # noqa: N803
        # One event a page.
        index = int(NextToken or 0)
        more = {"NextToken": str(index + 1)} if index + 1 < len(self.events) else {}
        return {"StackEvents": self.events[index : index + 1], **more}

    def _describe_alarms(self, AlarmNames: list[str]) -> dict[str, Any]:  # noqa: N803
        return {
            "MetricAlarms": [
                {"AlarmName": name, "StateValue": self.alarm_state} for name in AlarmNames if name == ALARM
            ]
        }

    def _alarm_history(self, **parameters: Any) -> dict[str, Any]:
        since = parameters.get("StartDate", at(-(10**9)))
        return {"AlarmHistoryItems": [item for item in self.alarm_history if item["Timestamp"] >= since]}

    def _list_action_executions(self, **parameters: Any) -> dict[str, Any]:
        assert parameters["filter"] == {"pipelineExecutionId": "execution-1"}
        index = int(parameters.get("nextToken", 0))
        more = {"nextToken": str(index + 1)} if index + 1 < len(self.actions) else {}
        return {"actionExecutionDetails": self.actions[index : index + 1], **more}


@pytest.fixture
def aws(asked: ReleaseRecord) -> SmallAws:
    """Make a small AWS in which version 2 serves."""
    return SmallAws(asked)


@pytest.fixture
def run(aws, asked):
    """Verify the release while the steps are taken; return the verdict, what was reported, and the clock."""

    def verify(steps=None, deployment=DEPLOYMENT, asked=asked, **more):
        clock, said = ScriptedClock(aws.began, steps or {}), []
        verdict = verify_release(
            asked, aws.clients(), clock, deployment=deployment, progress=said.append, spread=float, **more
        )
        return verdict, said, clock

    return verify


@pytest.fixture
def stack_update(aws):
    """Let the stack's own events and the endpoint's be those of an update that began at 5 s."""

    def begin() -> None:
        aws.event("Endpoint", ENDPOINT, "UPDATE_FAILED", -5000, "an older failure")
        aws.event("sagemaker-p-1-prod", STACK, "UPDATE_IN_PROGRESS", 5)
        aws.event("Endpoint", ENDPOINT, "UPDATE_IN_PROGRESS", 50)

    return begin
