"""A stage's endpoint with the configs and models that its releases left, its stack, and others' beside them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.tidegate.answering import Handler, answering, refusal
from tests.tidegate.small_registry import SmallRegistry, package_arn

ARN = "arn:aws:sagemaker:eu-west-1:111122223333"
ENDPOINT = "shop-p-1-prod"
STACK = "sagemaker-p-1-prod"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG, MODEL, ENDPOINT_TYPE = (
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Model",
    "AWS::SageMaker::Endpoint",
)


def day(number: float) -> datetime:
    return BEGAN + timedelta(days=number)


class SmallFleet:
    """Config `Config-N` was made on day N, of release `rN`, and serves version N by `Model-N`; tests change what is.

    CloudFormation's names have capitals, and SageMaker's ARNs have none.
    """

    def __init__(self, *numbers: int, live: int, page: int = 2) -> None:
        self.page = page
        self.tags: dict[str, dict[str, str]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.models: dict[str, str] = {}
        self.registry = SmallRegistry(*["Approved"] * max(numbers, default=0))
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.failing: dict[str, Exception] = {}
        for number in numbers:
            self.release(number)
        self.endpoint: dict[str, Any] | None = {
            "EndpointName": ENDPOINT,
            "EndpointArn": f"{ARN}:endpoint/{ENDPOINT}",
            "EndpointConfigName": f"Config-{live}",
            "EndpointStatus": "InService",
            "CreationTime": day(0),
            "LastModifiedTime": day(live),
        }
        self.stack: dict[str, Any] | None = {
            "StackName": STACK,
            "CreationTime": day(0),
            "StackStatus": "UPDATE_COMPLETE",
        }
        self.resources: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.hold(live)

    # What tests say

    def release(self, number: int, **tags: str) -> None:
        """Make the config and the model of a release; `tags` replace their own, "" takes one away."""
        own = {"sagemaker:project-id": "p-1", "sagemaker:deployment-stage": "prod", "tidegate:release": f"r{number}"}
        name, model = f"Config-{number}", f"Model-{number}"
        changed = {key.replace("__", ":").replace("_", "-"): value for key, value in tags.items()}
        self.tags[f"endpoint-config/{name.lower()}"] = {k: v for k, v in {**own, **changed}.items() if v}
        self.tags[f"model/{model.lower()}"] = {"sagemaker:project-id": "p-1"}
        self.models[model] = package_arn(number)
        self.configs[name] = {
            "EndpointConfigName": name,
            "EndpointConfigArn": f"{ARN}:endpoint-config/{name.lower()}",
            "CreationTime": day(number),
            "ProductionVariants": [self.variant(model)],
        }

    def variant(self, model: str, name: str = "AllTraffic", count: int = 4) -> dict[str, Any]:
        return {
            "VariantName": name,
            "ModelName": model,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": count,
            "InitialVariantWeight": 1.0,
        }

    def outcome(self, number: int, word: str, *before: int) -> None:
        """Let verify have kept what became of a release, at noon of its day, and what had served before."""
        served = [f"{each}@{day(each + 0.5):%Y%m%dT%H%M%SZ}/{f'config-{each}'[-6:]}" for each in before]
        value = " ".join([word, f"{day(number + 0.5):%Y%m%dT%H%M%SZ}", *(["after", *served] if served else [])])
        self.tags[f"endpoint-config/config-{number}"]["tidegate:outcome"] = value

    def hold(self, number: int) -> None:
        """Let the stack's resources be those of a release."""
        self.resources = [
            self.resource("EndpointConfig", CONFIG, f"{ARN}:endpoint-config/config-{number}"),
            self.resource("Model", MODEL, f"{ARN}:model/model-{number}"),
            self.resource("Endpoint", ENDPOINT_TYPE, f"{ARN}:endpoint/{ENDPOINT}"),
        ]

    def resource(self, logical: str, kind: str, physical: str, status: str = "UPDATE_COMPLETE") -> dict[str, Any]:
        return {
            "LogicalResourceId": logical,
            "PhysicalResourceId": physical,
            "ResourceType": kind,
            "ResourceStatus": status,
            "Timestamp": day(0),
        }

    def deployed(
        self, number: int, status: str = "UPDATE_COMPLETE", reason: str = "", *, properties: bool = True
    ) -> None:
        """Add the events of a stack update that releases a version, as CloudFormation believes it went."""
        made_of = {
            MODEL: {"Containers": [{"ModelPackageName": package_arn(number)}]},
            CONFIG: {
                "ProductionVariants": [{"ModelName": f"Model-{number}"}],
                "Tags": [{"Key": "tidegate:release", "Value": f"r{number}"}],
            },
        }
        self._event(number, STACK, "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS", STACK)
        for logical, kind, physical in (
            ("Model", MODEL, f"{ARN}:model/model-{number}"),
            ("EndpointConfig", CONFIG, f"{ARN}:endpoint-config/config-{number}"),
        ):
            given = {"ResourceProperties": json.dumps(made_of[kind])} if properties else {}
            self._event(number, logical, kind, "UPDATE_COMPLETE", physical, **given)
        told = {"ResourceStatusReason": reason} if reason else {}
        self._event(number + 0.1, "Endpoint", ENDPOINT_TYPE, status, f"{ARN}:endpoint/{ENDPOINT}", **told)
        self._event(number + 0.1, STACK, "AWS::CloudFormation::Stack", "UPDATE_COMPLETE", STACK)

    def undeleted(self, number: int) -> None:
        """Add the events of a deletion of the stack that fails at the endpoint."""
        self._event(number, STACK, "AWS::CloudFormation::Stack", "DELETE_IN_PROGRESS", STACK)
        self._event(number, "Endpoint", ENDPOINT_TYPE, "DELETE_FAILED", f"{ARN}:endpoint/{ENDPOINT}")

    def _event(self, when: float, logical: str, kind: str, status: str, physical: str, **more: Any) -> None:
        self.events.insert(
            0,
            {
                "StackId": "arn:stack",
                "EventId": str(len(self.events)),
                "StackName": STACK,
                "LogicalResourceId": logical,
                "PhysicalResourceId": physical,
                "ResourceType": kind,
                "ResourceStatus": status,
                "Timestamp": day(when),
                **more,
            },
        )

    @property
    def writes(self) -> list[tuple[str, Any]]:
        """What was changed: the operation, and the name it was about."""
        reading = ("Describe", "List")
        return [(name, next(iter(given.values()))) for name, given in self.calls if not name.startswith(reading)]

    # What answers

    @property
    def sagemaker(self) -> Any:
        handlers: dict[str, Handler] = {
            "DescribeEndpoint": self._describe_endpoint,
            "DescribeEndpointConfig": self._describe_config,
            "DescribeModel": self._describe_model,
            "ListTags": self._list_tags,
            "ListEndpointConfigs": self._list_configs,
            "DeleteEndpointConfig": self._delete_config,
            "DeleteModel": self._delete_model,
            "UpdateEndpoint": lambda **_: {"EndpointArn": f"{ARN}:endpoint/{ENDPOINT}"},
            **self.registry.handlers,
        }
        return answering("sagemaker", self._noted(handlers))

    @property
    def cloudformation(self) -> Any:
        handlers: dict[str, Handler] = {
            "DescribeStacks": self._describe_stacks,
            "DescribeStackResources": self._describe_resources,
            "DescribeStackEvents": self._describe_events,
            "ContinueUpdateRollback": lambda **_: {},
        }
        return answering("cloudformation", self._noted(handlers))

    def _noted(self, handlers: dict[str, Handler]) -> dict[str, Handler]:
        def noted(name: str, handler: Handler) -> Handler:
            def call(**given: Any) -> dict[str, Any]:
                self.calls.append((name, given))
                if name in self.failing:
                    raise self.failing[name]
                return handler(**given)

            return call

        return {name: noted(name, handler) for name, handler in handlers.items()}

    def _describe_endpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N803
        if self.endpoint is None:
            raise refusal("ValidationException", f'Could not find endpoint "{EndpointName}".')
        return dict(self.endpoint)

    def _describe_config(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N803
        if EndpointConfigName not in self.configs:
            raise refusal("ValidationException", f'Could not find endpoint configuration "{EndpointConfigName}".')
        return dict(self.configs[EndpointConfigName])

    def _describe_model(self, ModelName: str) -> dict[str, Any]:  # noqa: N803
        if ModelName not in self.models:
            raise refusal("ValidationException", f'Could not find model "{ModelName}".')
        package = self.models[ModelName]
        return {
            "ModelName": ModelName,
            "ModelArn": f"{ARN}:model/{ModelName.lower()}",
            "CreationTime": day(0),
            "Containers": [{"ModelPackageName": package} if package else {"Image": "an-image"}],
        }

    def _list_tags(self, ResourceArn: str, NextToken: str = "") -> dict[str, Any]:  # noqa: N803
        tags = self.tags[ResourceArn.partition("111122223333:")[2]]
        if tags.get("sagemaker:project-id") == "refused":
            raise refusal("AccessDeniedException", "another project's")
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _list_configs(self, **asked: Any) -> dict[str, Any]:
        members = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
        found = [{member: each[member] for member in members} for each in reversed(list(self.configs.values()))]
        begin = int(asked.get("NextToken", 0))
        more = {"NextToken": str(begin + self.page)} if begin + self.page < len(found) else {}
        return {"EndpointConfigs": found[begin : begin + self.page], **more}

    def _delete_config(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N803
        self._describe_config(EndpointConfigName)
        del self.configs[EndpointConfigName]
        return {}

    def _delete_model(self, ModelName: str) -> dict[str, Any]:  # noqa: N803
        self._describe_model(ModelName)
        del self.models[ModelName]
        return {}

    def _describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if self.stack is None:
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [self.stack]}

    def _describe_resources(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if self.stack is None:
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        return {"StackResources": self.resources}

    def _describe_events(self, StackName: str, NextToken: str = "") -> dict[str, Any]:  # noqa: N803
        if self.stack is None:
            raise refusal("ValidationError", f"Stack [{StackName}] does not exist")
        begin = int(NextToken or 0)
        more = {"NextToken": str(begin + 3)} if begin + 3 < len(self.events) else {}
        return {"StackEvents": self.events[begin : begin + 3], **more}
