"""What serves, read from answers that botocore's model accepts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.tidegate.answering import answering, refusal
from tests.tidegate.small_registry import package_arn
from tidegate.registry import LiveVariant, read_live

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ARN = "arn:aws:sagemaker:eu-west-1:111122223333"
NAME = "shop-p-1-prod"


def variant(name: str, model: str, count: int = 2, weight: float = 1.0, **more: Any) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": count,
        "InitialVariantWeight": weight,
        **more,
    }


def client(*, status: str = "InService", config: dict[str, Any], now: dict[str, Any] | None = None, **more: Any) -> Any:
    """Return a client of an account with one endpoint; the model `model-N` was made from version N."""
    endpoint = {
        "EndpointName": NAME,
        "EndpointArn": f"{ARN}:endpoint/{NAME}",
        "EndpointConfigName": "config-2",
        "EndpointStatus": status,
        "CreationTime": T0,
        "LastModifiedTime": T0,
        **(now or {}),
    }

    def describe_model(ModelName: str) -> dict[str, Any]:  # noqa: N803
        made = {"ModelName": ModelName, "ModelArn": f"{ARN}:model/{ModelName}", "CreationTime": T0}
        number = ModelName.rpartition("-")[2]
        container = {"ModelPackageName": package_arn(int(number))} if number.isdecimal() else {"Image": "an-image"}
        return {
            **made,
            "PrimaryContainer" if ModelName.startswith("single") else "Containers": _in(ModelName, container),
        }

    def _in(name: str, container: dict[str, Any]) -> Any:
        return container if name.startswith("single") else [container]

    described = {
        "EndpointConfigName": "config-2",
        "EndpointConfigArn": f"{ARN}:endpoint-config/config-2",
        "CreationTime": T0,
        **config,
    }
    return answering(
        "sagemaker",
        {
            "DescribeEndpoint": lambda EndpointName: endpoint,  # noqa: N803
            "DescribeEndpointConfig": lambda EndpointConfigName: described,  # noqa: N803
            "DescribeModel": describe_model,
            "ListTags": lambda ResourceArn, NextToken="": (  # noqa: N803
                {"Tags": [{"Key": "tidegate:release", "Value": "abc"}]}
                if NextToken
                else {"Tags": [{"Key": "team", "Value": "rides"}], "NextToken": "more"}
            ),
            **more,
        },
    )


def test_the_live_config_its_release_and_the_version_behind_it():
    live = read_live(client(config={"ProductionVariants": [variant("AllTraffic", "model-2")]}), NAME)
    assert live is not None
    assert (live.config_name, live.release_id, live.status, live.serves) == ("config-2", "abc", "InService", True)
    assert live.production("AllTraffic") == LiveVariant(
        "AllTraffic", "model-2", package_arn(2), "ml.m5.large", 2, 2, 1.0, shadow=False
    )
    assert live.variants[0].version == 2
    assert live.production("another") is None


def test_a_shadow_is_no_production_variant():
    config = {
        "ProductionVariants": [variant("AllTraffic", "model-2")],
        "ShadowProductionVariants": [variant("Shadow", "single-model-3", weight=0.5)],
    }
    live = read_live(client(config=config), NAME)
    assert live is not None
    assert [(each.name, each.shadow, each.version) for each in live.variants] == [
        ("AllTraffic", False, 2),
        ("Shadow", True, 3),
    ]
    assert live.production("Shadow") is None


def test_the_champion_and_the_challenger_of_a_test():
    config = {"ProductionVariants": [variant("Challenger", "model-3", weight=0.1), variant("AllTraffic", "model-2")]}
    live = read_live(client(config=config), NAME)
    assert live is not None
    assert live.production("AllTraffic").version == 2
    assert live.production("Challenger").weight == 0.1


def test_what_autoscaling_asks_for_is_not_what_the_config_says():
    now = {"ProductionVariants": [{"VariantName": "AllTraffic", "DesiredInstanceCount": 7}]}
    live = read_live(client(config={"ProductionVariants": [variant("AllTraffic", "model-2")]}, now=now), NAME)
    assert live is not None
    assert (live.variants[0].instance_count, live.variants[0].initial_instance_count) == (7, 2)


def test_a_model_that_came_from_no_package_and_a_serverless_variant():
    serverless = {
        "VariantName": "AllTraffic",
        "ModelName": "by-hand",
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
    }
    live = read_live(client(config={"ProductionVariants": [serverless]}), NAME)
    assert live is not None
    only = live.variants[0]
    assert (only.model_package_arn, only.version, only.instance_type, only.instance_count) == ("", None, "", 0)


SERVING = ("InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed")


@pytest.mark.parametrize(
    ("status", "serves"),
    [
        *((status, True) for status in SERVING),
        *((s, False) for s in ("Creating", "Failed", "OutOfService", "Deleting")),
    ],
)
def test_an_endpoint_serves_or_does_not(status, serves):
    live = read_live(client(status=status, config={"ProductionVariants": [variant("AllTraffic", "model-2")]}), NAME)
    assert live is not None
    assert live.serves is serves


def test_no_endpoint_is_none():
    def missing(**_: Any) -> dict[str, Any]:
        raise refusal("ValidationException", 'Could not find endpoint "shop-p-1-prod".')

    assert read_live(client(config={}, DescribeEndpoint=missing), NAME) is None


def test_a_refusal_is_not_taken_for_no_endpoint():
    def denied(**_: Any) -> dict[str, Any]:
        raise refusal("AccessDeniedException", "not allowed")

    with pytest.raises(Exception, match="not allowed"):
        read_live(client(config={}, DescribeEndpoint=denied), NAME)
