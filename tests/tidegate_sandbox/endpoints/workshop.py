"""A small model that can be told to fail, and short words for what endpoints are made of."""

import io
import json
import tarfile
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/endpoint-tests:1"
ROLE = "arn:aws:iam::111122223333:role/tests"
BUCKET = "endpoint-tests"

PROGRAM = """
import os, time

def model_fn(folder):
    if os.environ.get("BROKEN_AT") == "start":
        raise OSError("no such model")
    return os.environ["VERSION"]

def transform_fn(model, body, content_type, accept):
    if os.environ.get("BROKEN_AT") == "invocation":
        raise RuntimeError("bad model")
    if os.environ.get("BROKEN_AT") == "death" and body == "die":
        os._exit(1)
    time.sleep(float(os.environ.get("SECONDS", "0")))
    return f"{model}:{body}", accept
"""


def model_data(program: str = PROGRAM) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(program)
        tar.addfile(entry, io.BytesIO(program.encode()))
    return archive.getvalue()


@cache
def client(sandbox: Any, service: str) -> Any:
    return sandbox.client(service)


@dataclass
class Workshop:
    """Makes models, configurations and endpoints whose names begin with `name`, and deletes the endpoints again."""

    sandbox: Any
    name: str
    eventually: Callable[..., Any]

    def __post_init__(self) -> None:
        self.sagemaker = client(self.sandbox, "sagemaker")
        self.runtime = client(self.sandbox, "sagemaker-runtime")
        self.cloudwatch = client(self.sandbox, "cloudwatch")
        self.cloudformation = client(self.sandbox, "cloudformation")
        self.s3 = client(self.sandbox, "s3")

    def container(self, version: str = "v1", archive: str = "model.tar.gz", **environment: str) -> dict[str, Any]:
        return {
            "Image": IMAGE,
            "ModelDataUrl": f"s3://{BUCKET}/{archive}",
            "Environment": {"VERSION": version, **environment},
        }

    def config(self, version: str = "v1", instances: int = 4, **options: Any) -> str:
        """Make a model and a configuration of it.

        `environment` goes to the container, `archive` is the key of its model data, `variants` replaces the variants.
        """
        name = f"{self.name}-{version}-{uuid.uuid4().hex[:6]}"
        environment = options.pop("environment", {})
        archive = options.pop("archive", "model.tar.gz")
        container = self.container(version, archive, **environment)
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        variants = options.pop("variants", None) or [self.variant(name, InitialInstanceCount=instances)]
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **options)
        return name

    def variant(self, model: str, name: str = "AllTraffic", **options: Any) -> dict[str, Any]:
        return {
            "VariantName": name,
            "ModelName": model,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            **options,
        }

    def endpoint(self, config: str, *, wait: bool = True) -> str:
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=config)
        return self.settled()["EndpointStatus"] if wait else "Creating"

    def update(self, config: str, deployment: dict[str, Any] | None = None, **options: Any) -> None:
        if deployment is not None:
            options["DeploymentConfig"] = deployment
        self.sagemaker.update_endpoint(EndpointName=self.name, EndpointConfigName=config, **options)

    def describe(self) -> dict[str, Any]:
        described: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=self.name)
        return described

    def settled(self) -> dict[str, Any]:
        """Wait until no change is in progress; describe the endpoint then."""
        busy = ("Creating", "Updating", "RollingBack", "Deleting")
        described: dict[str, Any] = self.eventually(
            lambda: (now := self.describe())["EndpointStatus"] not in busy and now, within=60
        )
        return described

    def ledger(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.sandbox.url}/_tidegate/endpoints/{self.name}/ledger") as answer:
            page: dict[str, Any] = json.load(answer)
        return page

    def tidy(self) -> None:
        """Delete the endpoint if there is one, so that its model server ends."""
        if self.sagemaker.list_endpoints(NameContains=self.name)["Endpoints"]:
            self.settled()
            self.sagemaker.delete_endpoint(EndpointName=self.name)

    def invoke(self, body: str = "x", **options: Any) -> str:
        answer = self.runtime.invoke_endpoint(
            EndpointName=self.name, Body=body.encode(), ContentType="text/csv", Accept="text/csv", **options
        )
        return str(answer["Body"].read().decode())

    def alarm(self, **options: Any) -> str:
        """Put an alarm on the endpoint's rate of 5xx answers: 1 of 1 minutes above 1 %."""
        name = f"{self.name}-{uuid.uuid4().hex[:6]}"
        self.cloudwatch.put_metric_alarm(
            **{
                "AlarmName": name,
                "Namespace": "AWS/SageMaker",
                "MetricName": "Invocation5XXErrors",
                "Dimensions": self.dimensions(),
                "Statistic": "Average",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 0.01,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
                **options,
            }
        )
        return name

    def dimensions(self, config: str | None = None) -> list[dict[str, str]]:
        named = {"EndpointName": self.name, "VariantName": "AllTraffic"}
        if config is not None:
            named["EndpointConfigName"] = config
        return [{"Name": name, "Value": value} for name, value in named.items()]

    def all_at_once(self, *alarms: str) -> dict[str, Any]:
        """All at once with a bake of an hour at full capacity."""
        routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
        policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 3600}
        alarming = {"Alarms": [{"AlarmName": name} for name in alarms]}
        return {"BlueGreenUpdatePolicy": policy, "AutoRollbackConfiguration": alarming}

    def canary(self, *alarms: str, wait: int = 240, termination: int = 60) -> dict[str, Any]:
        config: dict[str, Any] = {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": "CANARY",
                    "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
                    "WaitIntervalInSeconds": wait,
                },
                "TerminationWaitInSeconds": termination,
            }
        }
        if alarms:
            config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
        return config

    def linear(self, *alarms: str, step: int = 50, wait: int = 60, termination: int = 60) -> dict[str, Any]:
        routing = {
            "Type": "LINEAR",
            "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": step},
            "WaitIntervalInSeconds": wait,
        }
        policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": termination}
        return {"BlueGreenUpdatePolicy": policy, **self.rollback_on(*alarms)}

    def rolling(self, *alarms: str, batch: int = 2, wait: int = 60, back: int | None = None) -> dict[str, Any]:
        policy: dict[str, Any] = {
            "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": batch},
            "WaitIntervalInSeconds": wait,
        }
        if back is not None:
            policy["RollbackMaximumBatchSize"] = {"Type": "INSTANCE_COUNT", "Value": back}
        return {"RollingUpdatePolicy": policy, **self.rollback_on(*alarms)}

    def rollback_on(self, *alarms: str) -> dict[str, Any]:
        return {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}} if alarms else {}


def prepare(sandbox: Any) -> None:
    """Give a sandbox the image and the model data of these tests."""
    lock = Path(__file__).with_name("plain-python.txt")
    (sandbox.home / "images.toml").write_text(f'[endpoint-tests."1"]\nrequirements = "{lock}"\n')
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=model_data())
