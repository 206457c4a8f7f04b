"""What AWS would check a request for: the actions, the resources they are checked on, the condition keys it carries.

For the services that the sandbox serves itself; a module for each holds its table, from the Service Authorization
Reference. (`hooks.iam.checks` does it for those of ministack.)
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tidegate_sandbox.authorisation import (
    autoscaling,
    codebuild,
    codecommit,
    codepipeline,
    connections,
    sagemaker,
    servicecatalog,
)
from tidegate_sandbox.authorisation.table import Table
from tidegate_sandbox.checks import Check

TABLES: Mapping[str, Table] = {
    "application-autoscaling": autoscaling.TABLE,
    "codebuild": codebuild.TABLE,
    "codecommit": codecommit.TABLE,
    **{name: connections.table(name) for name in ("codeconnections", "codestar-connections")},
    "codepipeline": codepipeline.TABLE,
    "sagemaker": sagemaker.TABLE,
    "service-quotas": Table("servicequotas", passed_to="", resources={}),
    "servicecatalog": servicecatalog.TABLE,
}


def checks(service: str, operation: str, parameters: Mapping[str, Any]) -> list[Check]:
    """Return what `operation` with `parameters` is checked for, in the scope that is being served.

    An operation that the service's table does not have is checked on `*`.
    """
    table = TABLES.get(service)
    if table is None:
        return [(f"{service}:{operation}", "*", {})]
    return list(_checks(table, operation, parameters))


def _checks(table: Table, operation: str, parameters: Mapping[str, Any]) -> Iterator[Check]:
    # What a list is filtered by is no key of it.
    requested = {**_requested_tags(parameters), **({} if operation.startswith("List") else table.told(parameters))}
    arns = [arn for pattern in table.resources.get(operation, ("*",)) for arn in _arns(table, pattern, parameters)]
    for arn in arns:
        yield f"{table.namespace}:{operation}", arn, {**requested, **_owners_tags(table, arn)}
    if requested.get("aws:TagKeys") and operation.startswith(("Create", "Register")) and table.tagging is not None:
        action, key = table.tagging
        for arn in arns[:1]:
            yield action, arn, {**requested, **({key: operation} if key else {})}
    for role in _roles(table, operation, parameters):
        yield "iam:PassRole", role, {"iam:PassedToService": table.passed_to}


_PLACE = re.compile(r"\{(\w+(?:\.\w+)*)\}")


def _arns(table: Table, pattern: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Return the ARNs that `pattern` comes to: a resource whose `{Member}` is a parameter, a name or already an ARN."""
    from tidegate_sandbox.context import scope

    named = _PLACE.search(pattern)
    if named is None:
        yield pattern if pattern == "*" else scope().arn(table.namespace, pattern)
        return
    found = _member(parameters, named[1])
    for value in found if isinstance(found, list) else [found]:
        if value is None:
            yield "*"
        elif str(value).startswith("arn:"):
            *place, resource = str(value).split(":", 5)
            yield ":".join([*place, table.whole(resource)])
        else:
            resource = pattern.replace(named[0], str(value).partition(":")[0])
            yield scope().arn(table.namespace, table.named(resource.lower() if table.lower_case else resource))


def _member(parameters: Mapping[str, Any], path: str) -> Any:
    value: Any = parameters
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _requested_tags(parameters: Mapping[str, Any]) -> dict[str, Any]:
    tags = parameters.get("Tags") or parameters.get("tags") or ()
    pairs = (
        dict(tags)
        if isinstance(tags, Mapping)
        else {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value")) for tag in tags}
    )
    keys = [*pairs, *(parameters.get("TagKeys") or ())]
    named = {f"aws:RequestTag/{key}": value for key, value in pairs.items()}
    return {**named, "aws:TagKeys": keys} if keys else {}


def _owners_tags(table: Table, arn: str) -> dict[str, str]:
    if table.tags_of is None:
        return {}
    kinds = ("aws", table.namespace)
    return {f"{of}:ResourceTag/{tag['Key']}": tag["Value"] for tag in table.tags_of(arn) for of in kinds}


def _roles(table: Table, operation: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    if operation.startswith(("Create", "Update")):
        for path in table.roles:
            role = _member(parameters, path)
            if role:
                yield str(role)
