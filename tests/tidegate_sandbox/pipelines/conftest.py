"""Jobs and pipelines that a test makes: a plain Python image, a bucket, requests in SageMaker's shapes."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.validate import ParamValidator

PLAIN = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/plain:1"
ROLE = "arn:aws:iam::111122223333:role/execution"


@pytest.fixture(scope="session")
def plain_image(sandbox: Any) -> str:
    """An image whose stand-in has Python and nothing else."""
    (sandbox.home / "plain.txt").write_text("")
    (sandbox.home / "images.toml").write_text('["team/plain"."1"]\nrequirements = "plain.txt"\n')
    return PLAIN


@pytest.fixture(scope="session")
def fits(sandbox: Any) -> Callable[[str, dict[str, Any]], None]:
    """Fail where the answer of a SageMaker operation is not of botocore's output shape."""
    model = sandbox.client("sagemaker").meta.service_model

    def check(operation: str, answer: dict[str, Any]) -> None:
        members = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
        report = ParamValidator().validate(members, model.operation_model(operation).output_shape)
        assert not report.has_errors(), report.generate_report()

    return check


class Bucket:
    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self.name = f"jobs-{uuid.uuid4().hex[:12]}"
        s3.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def uri(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def put(self, key: str, body: str | bytes) -> str:
        self._s3.put_object(Bucket=self.name, Key=key, Body=body)
        return self.uri(key)

    def get(self, uri: str) -> bytes:
        assert uri.startswith(self.uri(""))
        body: bytes = self._s3.get_object(Bucket=self.name, Key=uri.removeprefix(self.uri("")))["Body"].read()
        return body

    def keys(self, prefix: str = "") -> list[str]:
        listed = self._s3.list_objects_v2(Bucket=self.name, Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", ())]


@pytest.fixture
def bucket(sandbox: Any) -> Bucket:
    return Bucket(sandbox.client("s3"))


@pytest.fixture
def name() -> str:
    """A name that nothing else in the sandbox has."""
    return f"t-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def processing_request(plain_image: str, bucket: Bucket) -> Callable[..., dict[str, Any]]:
    """Return the arguments, without a name, of a processing job that runs `script` on `inputs` (name to address)."""

    def request(
        script: str, inputs: dict[str, Any] | None = None, outputs: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        code = bucket.put(f"code/{uuid.uuid4().hex}/main.py", script)
        given = {**(inputs or {}), "code": code}
        return {
            "AppSpecification": {
                "ImageUri": plain_image,
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/main.py"],
                **({"ContainerArguments": more.pop("arguments")} if "arguments" in more else {}),
            },
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
            },
            "RoleArn": ROLE,
            "ProcessingInputs": [
                {
                    "InputName": each,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"/opt/ml/processing/{each}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for each, uri in given.items()
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": each,
                        "S3Output": {
                            "S3Uri": uri,
                            "LocalPath": f"/opt/ml/processing/{each}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for each, uri in (outputs or {}).items()
                ]
            },
            **more,
        }

    return request


@pytest.fixture
def training_request(plain_image: str, bucket: Bucket) -> Callable[..., dict[str, Any]]:
    """Return the arguments, without a name, of a training job that runs `script` on `channels` (name to address)."""

    def request(script: str, channels: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        code = bucket.put(f"code/{uuid.uuid4().hex}/main.py", script)
        return {
            "AlgorithmSpecification": {
                "TrainingImage": plain_image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/main.py"],
                **({"MetricDefinitions": more.pop("metrics")} if "metrics" in more else {}),
            },
            "RoleArn": ROLE,
            "InputDataConfig": [
                {
                    "ChannelName": each,
                    "ContentType": "text/csv",
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
                }
                for each, uri in {**(channels or {}), "code": code}.items()
            ],
            "OutputDataConfig": {"S3OutputPath": bucket.uri("models")},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            **more,
        }

    return request
