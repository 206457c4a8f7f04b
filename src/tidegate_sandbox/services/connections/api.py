"""The API of CodeConnections, under both of its names, and what a connection reaches.

A connection made by the API is PENDING on AWS until a person completes it in the console. There is nobody to ask here,
so it is AVAILABLE at once.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

from tidegate_sandbox import context, journal
from tidegate_sandbox.checks import Check
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import Service
from tidegate_sandbox.services.connections import hosts
from tidegate_sandbox.services.connections.hosts import HostedRepository
from tidegate_sandbox.services.paging import page
from tidegate_sandbox.state import keep

NAMES = ("codeconnections", "codestar-connections")
services = [Service(name) for name in NAMES]


@dataclass
class Host:
    """Where a provider is installed that runs on somebody's own machines."""

    arn: str
    name: str
    provider: str
    endpoint: str


@dataclass
class Connection:
    """A connection and the scope it lives in."""

    arn: str
    name: str
    provider: str
    scope: context.Scope
    host_arn: str | None = None
    status: str = "AVAILABLE"
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The last part of its ARN."""
        return self.arn.rpartition("/")[2]

    def describe(self) -> dict[str, Any]:
        """Return botocore's shape Connection."""
        described = {
            "ConnectionName": self.name,
            "ConnectionArn": self.arn,
            "ProviderType": self.provider,
            "OwnerAccountId": self.scope.account,
            "ConnectionStatus": self.status,
            "HostArn": self.host_arn,
        }
        return {name: value for name, value in described.items() if value is not None}


_connections: dict[str, Connection] = keep("connections", {})
_hosts: dict[str, Host] = keep("connections' hosts", {})


def connection(arn: str) -> Connection:
    """Return a connection by its ARN, whose service may be written either way; AwsError where there is none."""
    found = _connections.get(arn.rpartition("/")[2])
    if found is None or arn.split(":")[3:] != found.arn.split(":")[3:]:
        raise AwsError("ResourceNotFoundException", f"Connection not found: {arn}")
    return found


def reach(arn: str, name: str) -> HostedRepository:
    """Return the repository that a connection reaches by its full name; AwsError where it does not."""
    through = connection(arn)
    if through.status != "AVAILABLE":
        raise AwsError("ConnectionUnavailableException", f"Connection {arn} is not available: {through.status}")
    found = hosts.find(through.provider, name)
    if found is None:
        raise AwsError(
            "ResourceNotFoundException",
            f"{through.provider} has no repository {name}: a connection cannot make one (tidegate sandbox git-host "
            f"create {through.provider} {name})",
        )
    return found


def checks(arn: str, repository: HostedRepository, *actions: str) -> list[Check]:
    """Return what IAM checks of somebody who uses a connection for a repository; actions go by the ARN's service."""
    service = arn.split(":")[2]
    return [(f"{service}:{action}", arn, {f"{service}:FullRepositoryId": repository.name}) for action in actions]


def used(arn: str, repository: HostedRepository, *actions: str) -> None:
    """Write down that whoever acts now uses a connection for a repository, without a request."""
    for action, resource, keys in checks(arn, repository, *actions):
        journal.acted(action, resource, keys)


def _create(service: str, p: dict[str, Any]) -> dict[str, Any]:
    provider, host_arn = p.get("ProviderType"), p.get("HostArn")
    if (provider is None) == (host_arn is None):
        raise AwsError("ValidationException", "A connection is made with one of ProviderType and HostArn")
    if host_arn is not None:
        provider = _host(host_arn).provider
    scope, tags = context.scope(), {tag["Key"]: tag["Value"] for tag in p.get("Tags", [])}
    arn = scope.arn(service, f"connection/{uuid.uuid4()}")
    made = Connection(arn, p["ConnectionName"], str(provider), scope, host_arn, tags=tags)
    _connections[made.id] = made
    return {"ConnectionArn": arn, "Tags": p.get("Tags", [])}


def _get(p: dict[str, Any]) -> dict[str, Any]:
    return {"Connection": connection(p["ConnectionArn"]).describe()}


def _list(p: dict[str, Any]) -> dict[str, Any]:
    here = context.scope()
    found = [
        one.describe()
        for one in _connections.values()
        if one.scope == here
        and p.get("ProviderTypeFilter", one.provider) == one.provider
        and p.get("HostArnFilter", one.host_arn) == one.host_arn
    ]
    return page(found, p, "Connections")


def _delete(p: dict[str, Any]) -> None:
    _connections.pop(connection(p["ConnectionArn"]).id)


def _tags(p: dict[str, Any]) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in connection(p["ResourceArn"]).tags.items()]}


def _tag(p: dict[str, Any]) -> None:
    connection(p["ResourceArn"]).tags.update({tag["Key"]: tag["Value"] for tag in p["Tags"]})


def _untag(p: dict[str, Any]) -> None:
    for key in p["TagKeys"]:
        connection(p["ResourceArn"]).tags.pop(key, None)


def _create_host(service: str, p: dict[str, Any]) -> dict[str, Any]:
    if p.get("VpcConfiguration"):
        raise AwsError("ValidationException", "VpcConfiguration of a host is not in the local simulation")
    arn = context.scope().arn(service, f"host/{p['Name']}-{uuid.uuid4().hex[:8]}")
    _hosts[arn] = Host(arn, p["Name"], p["ProviderType"], p["ProviderEndpoint"])
    return {"HostArn": arn, "Tags": p.get("Tags", [])}


def _get_host(p: dict[str, Any]) -> dict[str, Any]:
    found = _host(p["HostArn"])
    known = {"Name": found.name, "ProviderType": found.provider, "ProviderEndpoint": found.endpoint}
    return {**known, "Status": "AVAILABLE"}


def _host(arn: str) -> Host:
    found = _hosts.get(arn)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Host not found: {arn}")
    return found


for _service in services:
    _service.operation("CreateConnection")(lambda p, name=_service.name: _create(name, p))
    _service.operation("CreateHost")(lambda p, name=_service.name: _create_host(name, p))
    _service.operation("GetConnection")(_get)
    _service.operation("GetHost")(_get_host)
    _service.operation("ListConnections")(_list)
    _service.operation("DeleteConnection")(_delete)
    _service.operation("ListTagsForResource")(_tags)
    _service.operation("TagResource")(_tag)
    _service.operation("UntagResource")(_untag)
