"""An operation that is not there says so by its name; none is done by half."""

import http.client
import importlib
import json
import pkgutil
from typing import Any
from urllib.parse import urlsplit

import pytest

from tidegate_sandbox import services
from tidegate_sandbox.authorisation import TABLES
from tidegate_sandbox.service import Service, service_model


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
