"""An operation that is not there says so by its name; none is done by half."""

import http.client
import importlib
import json
import pkgutil
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tidegate_sandbox import services
from tidegate_sandbox.authorisation import TABLES
from tidegate_sandbox.service import Service
from tidegate_sandbox.service_models import service_model


def own_services() -> dict[str, Service]:
    """Return every service that a room makes, by botocore's name."""
    rooms = [
        importlib.import_module(room.name) for room in pkgutil.walk_packages(services.__path__, f"{services.__name__}.")
    ]
    values = [value for room in rooms for value in vars(room).values()]
    made = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return {found.name: found for found in made if isinstance(found, Service) and found.operations}


@pytest.fixture(scope="module")
def own() -> dict[str, Service]:
    return own_services()


@pytest.mark.parametrize("name", ["application-autoscaling", "codebuild", "codecommit", "codepipeline", "sagemaker"])
def test_every_operation_that_is_served_says_what_it_is_checked_on(own: dict[str, Service], name: str) -> None:
    """Service Catalog is left out: its ids are nobody's names, so its operations are checked on `*`."""
    missing = set(own[name].operations) - set(TABLES[name].resources)
    assert not missing, f"tidegate_sandbox/authorisation lacks {sorted(missing)} of {name}"


def test_every_operation_of_each_own_service_is_served_or_refused_by_name(
    sandbox: Any, own: dict[str, Service]
) -> None:
    assert {"sagemaker", "codepipeline", "codecommit", "codebuild", "codeconnections", "servicecatalog"} <= set(own)
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc)
    wrong = []
    for name, service in own.items():
        model = service_model(name)
        assert set(service.operations) <= set(model.operation_names), f"{name} has what AWS has not"
        signed_for = model.metadata.get("signingName") or model.metadata["endpointPrefix"]
        scope = f"{sandbox.account}/20260101/{sandbox.region}/{signed_for}/aws4_request"
        for operation in sorted(set(model.operation_names) - set(service.operations)):
            headers = {
                "X-Amz-Target": f"{model.metadata['targetPrefix']}.{operation}",
                "Content-Type": "application/x-amz-json-1.1",
                "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
            }
            connection.request("POST", "/", b"{}", headers)
            response = connection.getresponse()
            said = json.loads(response.read())
            if response.status != 501 or f"{name}:{operation} is not in the local" not in said.get("message", ""):
                wrong.append((name, operation, response.status, said))
    assert wrong == []


@pytest.mark.parametrize(
    ("service", "operation", "given", "named"),
    [
        (
            "sagemaker-featurestore-runtime",
            "get_record",
            {"FeatureGroupName": "a", "RecordIdentifierValueAsString": "b"},
            "sagemaker-featurestore-runtime:GetRecord",
        ),
        (
            "sagemaker-runtime",
            "invoke_endpoint_async",
            {"EndpointName": "a", "InputLocation": "s3://a/b"},
            "sagemaker-runtime:InvokeEndpointAsync",
        ),
        ("codeartifact", "list_domains", {}, "codeartifact:POST /v1/domains"),
        ("snowball", "list_jobs", {}, "snowball:ListJobs"),
    ],
)
def test_services_that_are_not_there_are_refused_by_name(
    sandbox: Any, service: str, operation: str, given: dict[str, str], named: str
) -> None:
    with pytest.raises(ClientError, match=f"{named} is not in the local simulation") as told:
        getattr(sandbox.client(service), operation)(**given)
    assert told.value.response["Error"]["Code"] == "NotImplemented"
    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_s3_control_is_refused_as_nothing_there_is_held_to_iam(sandbox: Any) -> None:
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc)
    connection.request("GET", "/v20180820/tags/arn:aws:s3:::anything")
    response = connection.getresponse()
    assert response.status == 501
    assert b"s3control:GET /v20180820/tags/arn:aws:s3:::anything is not in the local simulation" in response.read()
