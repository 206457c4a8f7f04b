"""The clients that Tidegate makes are botocore's own, only sooner made."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from botocore.loaders import Loader
from botocore.session import Session

import tidegate
from tests.tidegate.answering import refusal
from tidegate import aws, service_models
from tidegate.aws import is_missing, is_passing
from tidegate.service_models import OPERATIONS, SlimLoader, cut_service

OPERATION = [(service, operation) for service, operations in OPERATIONS.items() for operation in sorted(operations)]
REGIONS = ["eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1", "ap-southeast-7"]


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """Let nothing of the machine's own settings, and no client of another test, be seen."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    aws._session.cache_clear()
    yield
    aws._session.cache_clear()


def slim(service: str, region: str | None = "eu-west-1") -> Any:
    return aws.client(service, region)


def whole(service: str, region: str = "eu-west-1") -> Any:
    return _whole().create_client(service, region_name=region, aws_access_key_id="test", aws_secret_access_key="test")


@cache
def _whole() -> Session:
    return Session()


def tree(shape: Any, above: tuple[str, ...] = ()) -> Any:
    """Return all that botocore knows of a shape, down to where it contains itself."""
    if shape is None or shape.name in above:
        return shape and shape.name
    inside = (*above, shape.name)
    known = [shape.type_name, shape.name, dict(shape.serialization), dict(shape.metadata)]
    match shape.type_name:
        case "structure":
            return [*known, [(name, tree(member, inside)) for name, member in shape.members.items()]]
        case "list":
            return [*known, tree(shape.member, inside)]
        case "map":
            return [*known, tree(shape.key, inside), tree(shape.value, inside)]
    return known


@pytest.fixture(scope="module")
def models() -> dict[str, tuple[Any, Any]]:
    """Return each service's model, cut and whole."""
    session, loader = Session(), Session()
    loader.register_component("data_loader", SlimLoader(None))
    return {service: (loader.get_service_model(service), session.get_service_model(service)) for service in OPERATIONS}


class TestSlimClients:
    @pytest.mark.parametrize(("service", "operation"), OPERATION)
    def test_an_operation_is_the_same_as_the_whole_models(self, service, operation, models):
        cut, full = (model.operation_model(operation) for model in models[service])
        for of in ("input_shape", "output_shape"):
            assert tree(getattr(cut, of)) == tree(getattr(full, of))
        assert [tree(shape) for shape in cut.error_shapes] == [tree(shape) for shape in full.error_shapes]
        for of in ("http", "endpoint", "auth", "auth_type", "http_checksum", "static_context_parameters"):
            assert getattr(cut, of) == getattr(full, of)

    @pytest.mark.parametrize("service", OPERATIONS)
    @pytest.mark.parametrize("region", REGIONS)
    def test_a_region_has_the_same_address_and_signature(self, service, region):
        one, other = slim(service, region), whole(service, region)
        assert one.meta.endpoint_url == other.meta.endpoint_url
        assert (one._request_signer.signing_name, one._request_signer.region_name) == (
            other._request_signer.signing_name,
            other._request_signer.region_name,
        )

    @pytest.mark.parametrize(
        ("service", "call", "parameters", "body"),
        [
            ("sagemaker", "describe_endpoint", {"EndpointName": "e"}, b'{"EndpointName":"e","CreationTime":1.5}'),
            (
                "cloudformation",
                "describe_stacks",
                {"StackName": "s"},
                b"<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>s</StackName>"
                b"<StackStatus>CREATE_COMPLETE</StackStatus></member></Stacks></DescribeStacksResult>"
                b"</DescribeStacksResponse>",
            ),
            (
                "codepipeline",
                "list_action_executions",
                {"pipelineName": "p"},
                b'{"actionExecutionDetails":[{"actionName":"Deploy","startTime":1.5}]}',
            ),
        ],
    )
    def test_a_call_sends_and_understands_the_same(self, service, call, parameters, body):
        def ask(client: Any) -> tuple[Any, Any]:
            sent = []

            def answer(request: Any, **_: Any) -> AWSResponse:
                sent.append((request.method, request.url, request.body, request.headers.get("X-Amz-Target")))
                return AWSResponse(request.url, 200, {}, _Raw(body))

            client.meta.events.register("before-send", answer)
            return getattr(client, call)(**parameters), sent

        answered, sent = ask(slim(service))
        expected, asked = ask(whole(service))
        assert sent == asked
        for each in (answered, expected):
            each.pop("ResponseMetadata")
        assert answered == expected
        assert answered

    def test_what_a_service_refuses_is_the_same_error(self):
        client = slim("sagemaker")
        body = b'{"__type":"ValidationException","message":"Could not find endpoint."}'
        client.meta.events.register("before-send", lambda request, **_: AWSResponse(request.url, 400, {}, _Raw(body)))
        with pytest.raises(ClientError) as refused:
            client.describe_endpoint(EndpointName="e")
        assert is_missing(refused.value)
        assert client.exceptions.ResourceNotFound.__name__ == "ResourceNotFound"

    def test_what_botocore_would_refuse_is_refused_before_it_is_sent(self):
        with pytest.raises(Exception, match="Parameter validation failed"):
            slim("sagemaker").describe_endpoint(EndpointName=7)

    @pytest.mark.parametrize(
        ("service", "call"), [("sagemaker", "list_model_packages"), ("cloudformation", "describe_stack_events")]
    )
    def test_pages_are_turned(self, service, call):
        assert slim(service).get_paginator(call)._pagination_cfg == whole(service).get_paginator(call)._pagination_cfg

    def test_an_operation_beyond_the_cut_is_there_as_well(self):
        client = slim("sagemaker")
        body = b'{"TrainingJobSummaries":[]}'
        aws._session(False, None, None).register(
            "before-send.sagemaker", lambda request, **_: AWSResponse(request.url, 200, {}, _Raw(body))
        )
        assert client.list_training_jobs()["TrainingJobSummaries"] == []

    def test_an_operation_that_no_service_has_is_no_attribute(self):
        with pytest.raises(AttributeError, match="no attribute 'describe_tides'"):
            slim("sagemaker").describe_tides()

    def test_a_service_beyond_the_cut_is_botocores_own(self):
        assert slim("pricing", "us-east-1").get_products is not None

    @pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"])
    def test_another_address_is_taken_from_the_environment(self, name, monkeypatch):
        monkeypatch.setenv(name, "http://127.0.0.1:4566")
        assert slim("sagemaker").meta.endpoint_url == "http://127.0.0.1:4566"

    def test_profile_and_region_are_taken_from_the_shared_config(self, monkeypatch, tmp_path):
        config = tmp_path / "config"
        config.write_text(
            "[profile tides]\nregion = eu-central-1\naws_access_key_id = theirs\naws_secret_access_key = x\n"
            "services = local\n[services local]\nsagemaker =\n  endpoint_url = http://127.0.0.1:1\n"
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        monkeypatch.setenv("AWS_PROFILE", "tides")
        client = slim("sagemaker", None)
        assert (client.meta.region_name, client.meta.endpoint_url) == ("eu-central-1", "http://127.0.0.1:1")
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        aws._session.cache_clear()
        assert slim("sagemaker", None)._request_signer._credentials.access_key == "theirs"

    def test_it_tries_again_and_gives_up_in_time(self):
        config = slim("sagemaker").meta.config
        assert (config.retries["mode"], config.retries["total_max_attempts"]) == ("standard", 6)
        assert (config.connect_timeout, config.read_timeout) == (5, 30)

    def test_credentials_are_got_from_services_with_the_same_addresses(self):
        session = aws._session(True, None, None)
        for service in ("sts", "sso", "sso-oidc"):
            assert (
                session.create_client(service, region_name="eu-west-1").meta.endpoint_url
                == whole(service).meta.endpoint_url
            )

    def test_what_the_engine_calls_is_what_the_cut_has(self):
        known = {xform_name(operation) for operations in OPERATIONS.values() for operation in operations}
        models = [_whole().get_service_model(service) for service in OPERATIONS]
        every = {xform_name(operation) for model in models for operation in model.operation_names}
        others = {"search", "get_template"}  # of regular expressions, and of Jinja
        called = {
            name
            for path in Path(tidegate.__file__).parent.rglob("*.py")
            for name in re.findall(r'(?<=[."])[a-z_]+\b', path.read_text("utf-8"))
        }
        assert called & every - others == known


class TestKeptModels:
    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        return tmp_path / "cache" / "tidegate"

    @pytest.fixture
    def reads(self, monkeypatch) -> list[str]:
        """Return the services whose whole models are read."""
        cut, names = cut_service, []

        def counted(model: Any, operations: Any) -> Any:
            names.append(model["metadata"]["endpointPrefix"])
            return cut(model, operations)

        monkeypatch.setattr(service_models, "cut_service", counted)
        return names

    def again(self) -> Any:
        aws._session.cache_clear()
        return slim("sagemaker")

    def test_a_model_is_cut_once(self, folder, reads):
        self.again()
        self.again()
        assert reads == ["api.sagemaker"]
        assert {path.name.partition("-")[0] for path in folder.iterdir()} == {"sagemaker", "endpoints"}

    def test_another_botocore_list_of_operations_or_form_is_cut_anew(self, reads, monkeypatch):
        self.again()
        monkeypatch.setattr("botocore.__version__", "9.9.9")
        self.again()
        monkeypatch.setattr(service_models, "OPERATIONS", {"sagemaker": frozenset({"ListTags"})})
        self.again()
        monkeypatch.setattr(service_models, "_FORM", "another")
        self.again()
        assert len(reads) == 4

    @pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"operations": 7}', "[" * 100_000, "\x00"])
    def test_what_is_no_model_is_replaced(self, content, folder, reads):
        self.again()
        for path in folder.iterdir():
            path.write_text(content)
        assert self.again().describe_endpoint
        assert len(reads) == 2
        self.again()
        assert len(reads) == 2

    @pytest.mark.parametrize("mode", [0o777, 0o775])
    def test_a_folder_that_others_can_write_to_is_neither_read_nor_written(self, mode, folder, reads):
        folder.mkdir(parents=True)
        folder.chmod(mode)
        self.again()
        assert list(folder.iterdir()) == []
        assert len(reads) == 1

    def test_a_file_that_others_can_write_to_is_not_read(self, folder, reads):
        self.again()
        for path in folder.iterdir():
            path.chmod(0o666)
        self.again()
        assert len(reads) == 2

    def test_a_folder_that_is_a_link_is_not_used(self, folder, tmp_path, reads):
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.parent.mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
        self.again()
        assert list((tmp_path / "elsewhere").iterdir()) == []

    def test_what_another_user_owns_is_not_used(self, folder, reads, monkeypatch):
        self.again()
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        self.again()
        assert len(reads) == 2

    def test_a_folder_that_cannot_be_made_only_costs_time(self, folder, tmp_path, reads):
        (tmp_path / "cache").write_text("a file")
        assert self.again().describe_endpoint
        assert len(reads) == 1

    def test_a_disk_that_is_full_leaves_no_half_of_a_model(self, folder, monkeypatch):
        def full(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(json, "dump", full)
            assert self.again().describe_endpoint
        assert list(folder.iterdir()) == []

    def test_models_of_a_persons_own_are_taken_as_botocore_takes_them(self, tmp_path, monkeypatch):
        assert isinstance(service_models.slim_loader(None), SlimLoader)
        assert service_models.slim_loader("/models") is None
        (tmp_path / "models").mkdir()
        monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", str(tmp_path / "models"))
        assert service_models.slim_loader(None) is None

    @pytest.mark.parametrize("base", ["", "relative/folder"])
    def test_without_a_folder_of_its_own_name_the_home_has_one(self, base, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CACHE_HOME", base)
        assert service_models.cache_folder() == (None if base else tmp_path / ".cache" / "tidegate")

    def test_a_system_without_owners_of_files_keeps_nothing(self, monkeypatch):
        monkeypatch.delattr(os, "getuid")
        assert service_models.cache_folder() is None


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "missing"),
        [
            (refusal("ValidationException", 'Could not find endpoint "x".'), True),
            (refusal("ValidationError", "Stack with id x does not exist"), True),
            (refusal("ValidationException", "ModelPackage x does not exist."), True),
            (refusal("ResourceNotFound", "x"), True),
            (refusal("ValidationException", "1 validation error detected"), False),
            (refusal("AccessDeniedException", "could not find"), False),
            (NoCredentialsError(), False),
        ],
    )
    def test_missing(self, error, missing):
        assert is_missing(error) is missing

    @pytest.mark.parametrize(
        ("error", "passing"),
        [
            (refusal("ThrottlingException", "Rate exceeded"), True),
            (refusal("Throttling", "Rate exceeded"), True),
            (refusal("TooManyRequestsException", "later"), True),
            (refusal("InternalFailure", "oops", status=500), True),
            (refusal("Busy", "later", status=429), True),
            (EndpointConnectionError(endpoint_url="https://x"), True),
            (ReadTimeoutError(endpoint_url="https://x"), True),
            (refusal("AccessDeniedException", "no"), False),
            (NoCredentialsError(), False),
        ],
    )
    def test_passing(self, error, passing):
        assert is_passing(error) is passing


def test_importing_this_room_imports_no_botocore():
    code = "import sys, tidegate.aws, tidegate.registry; print([m for m in sys.modules if m.startswith('bo')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


class _Raw:
    """A body as urllib3 gives it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> list[bytes]:
        return [self._body]


class TestAnotherAccountsRole:
    ROLE = "arn:aws:iam::222222222222:role/tidegate/look"

    @pytest.fixture(autouse=True)
    def sts(self, monkeypatch):
        """Stand in for STS: the environment's keys are of account 111111111111, unless a test says another."""
        self.account, self.assumed = "111111111111", []

        def call(client, operation, parameters):
            if operation == "GetCallerIdentity":
                return {"Account": self.account}
            assert operation == "AssumeRole"
            self.assumed.append(parameters)
            key = f"ASIA{len(self.assumed)}"
            keys = {"AccessKeyId": key, "SecretAccessKey": "s", "SessionToken": "t"}
            return {"Credentials": {**keys, "Expiration": datetime.now(UTC) + self.lasts}}

        self.lasts = timedelta(hours=1)
        monkeypatch.setattr("botocore.client.BaseClient._make_api_call", call)

    @staticmethod
    def keys(client) -> str:
        return client._request_signer._credentials.get_frozen_credentials().access_key

    def test_it_is_assumed_once_for_all_clients(self):
        clients = [aws.client(service, "eu-west-1", self.ROLE) for service in ("sagemaker", "cloudwatch")]

        assert {self.keys(client) for client in clients} == {"ASIA1"}
        assert [each["RoleArn"] for each in self.assumed] == [self.ROLE]

    def test_a_client_outlives_the_session(self):
        self.lasts = timedelta(minutes=1)
        client = aws.client("sagemaker", "eu-west-1", self.ROLE)

        assert self.keys(client) != self.keys(client)

    def test_who_is_in_the_account_already_acts_as_themselves(self):
        self.account = "222222222222"

        assert self.keys(aws.client("sagemaker", "eu-west-1", self.ROLE)) == "test"
        assert self.assumed == []

    def test_it_takes_nothing_from_the_clients_without_a_role(self):
        self.keys(aws.client("sagemaker", "eu-west-1", self.ROLE))

        assert self.keys(aws.client("sagemaker", "eu-west-1")) == "test"
