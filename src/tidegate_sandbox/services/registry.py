"""The model registry: model package groups, and the versions of a model in them.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import RLock
from typing import Any
from urllib.parse import urlsplit

from tidegate_sandbox import hooks, journal
from tidegate_sandbox.context import Scoped, sandbox, scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.hooks import iam as iam_hooks
from tidegate_sandbox.hooks import policies as policy_hooks
from tidegate_sandbox.services import tags
from tidegate_sandbox.services.paging import listed, page
from tidegate_sandbox.services.properties import as_parameters
from tidegate_sandbox.services.sagemaker import sagemaker

KEPT_OF_REQUEST = (
    "ModelPackageDescription",
    "ModelPackageRegistrationType",
    "InferenceSpecification",
    "CertifyForMarketplace",
    "MetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "SecurityConfig",
    "ModelCard",
    "ModelLifeCycle",
)
"""What CreateModelPackage takes and DescribeModelPackage gives back as it was."""


@dataclass
class Group:
    """A model package group and its versions by number. A number is never used again."""

    detail: dict[str, Any]
    policy: str = ""
    """Who of other accounts may do what to its versions, as JSON; empty where nobody may."""
    versions: dict[int, dict[str, Any]] = field(default_factory=dict)
    newest: int = 0


@dataclass
class Registry:
    """The model registry of an account and region, its groups by name."""

    groups: dict[str, Group] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    lock: Any = field(default_factory=RLock)

    def group(self, name: str) -> Group:
        """Return a group by its name or its ARN, whatever its case, or raise ValidationException."""
        for known, group in list(self.groups.items()):
            if name == known or name.lower() == group.detail["ModelPackageGroupArn"].lower():
                return group
        raise AwsError("ValidationException", f"ModelPackageGroup {name} does not exist.")

    def package(self, name: str) -> tuple[Group, dict[str, Any]]:
        """Return a version and its group by the version's ARN, or raise ValidationException."""
        for group in list(self.groups.values()):
            for package in list(group.versions.values()):
                if package["ModelPackageArn"].lower() == name.lower():
                    return group, package
        raise AwsError("ValidationException", f"ModelPackage {name} does not exist.")


_state = Scoped(Registry)


def has_group(name: str) -> bool:
    """Whether the account and region that is being served has the group of that name."""
    return name in _state.here().groups


def install() -> None:
    """Let CloudFormation provision model package groups, and IAM know their policies."""
    hooks.register_resource_type("AWS::SageMaker::ModelPackageGroup", _GroupType())
    policy_hooks.register_resource_policies("sagemaker", _policy_of)


def every_version() -> list[dict[str, Any]]:
    """Return the versions of all groups, of all accounts and regions."""
    groups = [group for _, state in _state.everywhere() for group in list(state.groups.values())]
    return [version for group in groups for version in list(group.versions.values())]


def _policy_of(arn: str) -> tuple[str, None] | None:
    """Return the policy of the group that a version, or a group, is of; None for anything else of SageMaker."""
    kind, _, name = arn.split(":", 5)[5].partition("/")
    if kind not in ("model-package", "model-package-group"):
        return None
    wanted = name.partition("/")[0].lower()
    groups = _state.here().groups.items()
    return next(((group.policy, None) for known, group in list(groups) if known.lower() == wanted), None)


# ---------------------------------------------------------------- groups
@sagemaker.operation("CreateModelPackageGroup")
def create_model_package_group(parameters: dict[str, Any]) -> dict[str, Any]:
    """Create a model package group."""
    if "ManagedConfiguration" in parameters:
        raise AwsError("NotImplemented", "Managed storage is not in the local simulation", 501)
    name = parameters["ModelPackageGroupName"]
    registry = _state.here()
    arn = scope().arn("sagemaker", f"model-package-group/{name.lower()}")
    with registry.lock:
        if any(known.lower() == name.lower() for known in registry.groups):
            raise AwsError("ValidationException", f"Model Package Group already exists: {arn}")
        tags.set_tags(arn, parameters.get("Tags", []))
        registry.groups[name] = Group(
            {
                "ModelPackageGroupName": name,
                "ModelPackageGroupArn": arn,
                "CreationTime": sandbox().clock.now(),
                "CreatedBy": {},
                "ModelPackageGroupStatus": "Completed",
                **_chosen(parameters, "ModelPackageGroupDescription"),
            }
        )
    return {"ModelPackageGroupArn": arn}


@sagemaker.operation("DescribeModelPackageGroup")
def describe_model_package_group(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a model package group."""
    name = parameters["ModelPackageGroupName"]
    return (_others_group(name, "sagemaker:DescribeModelPackageGroup") or _state.here().group(name)).detail


@sagemaker.operation("ListModelPackageGroups")
def list_model_package_groups(parameters: dict[str, Any]) -> dict[str, Any]:
    """List model package groups of this account."""
    if parameters.get("CrossAccountFilterOption") == "CrossAccount":
        raise AwsError("NotImplemented", "Groups of other accounts are not in the local simulation", 501)
    members = ("Name", "Arn", "Description", "Status")
    summaries = [
        _chosen(group.detail, "CreationTime", *(f"ModelPackageGroup{member}" for member in members))
        for group in list(_state.here().groups.values())
    ]
    return page(listed(summaries, parameters, "ModelPackageGroupName"), parameters, "ModelPackageGroupSummaryList")


@sagemaker.operation("DeleteModelPackageGroup")
def delete_model_package_group(parameters: dict[str, Any]) -> None:
    """Delete a model package group that has no versions left."""
    registry = _state.here()
    with registry.lock:
        group = registry.group(parameters["ModelPackageGroupName"])
        if group.versions:
            name = group.detail["ModelPackageGroupName"]
            raise AwsError("ConflictException", f"Model Package Group {name} still has {len(group.versions)} versions.")
        tags.drop(group.detail["ModelPackageGroupArn"])
        del registry.groups[group.detail["ModelPackageGroupName"]]


# ---------------------------------------------------------------- packages
@sagemaker.operation("CreateModelPackage")
def create_model_package(parameters: dict[str, Any]) -> dict[str, Any]:
    """Register a version of a model in a group; what its containers load must be in S3.

    Raise AwsError(ValidationException) for a group that is not there, or a model that is not in S3.
    """
    if "ModelPackageGroupName" not in parameters or "ModelPackageName" in parameters:
        raise AwsError("NotImplemented", "Only versions in a group are in the local simulation", 501)
    for absent in ("SourceAlgorithmSpecification", "ValidationSpecification", "ManagedStorageType"):
        if absent in parameters:
            raise AwsError("NotImplemented", f"CreateModelPackage with {absent} is not in the local simulation", 501)
    registry = _state.here()
    group = registry.group(parameters["ModelPackageGroupName"])
    _check_loadable(parameters)
    token = parameters.get("ClientToken")
    with registry.lock:
        if token and token in registry.tokens:
            return {"ModelPackageArn": registry.tokens[token]}
        package = _versioned(group, parameters)
        if token:
            registry.tokens[token] = package["ModelPackageArn"]
    _announce(package, [])
    return {"ModelPackageArn": package["ModelPackageArn"]}


def _versioned(group: Group, parameters: dict[str, Any]) -> dict[str, Any]:
    number = group.newest + 1
    name = group.detail["ModelPackageGroupName"]
    now = sandbox().clock.now()
    package = {
        "ModelApprovalStatus": parameters.get("ModelApprovalStatus", "PendingManualApproval"),
        "CertifyForMarketplace": False,
        **_chosen(parameters, *KEPT_OF_REQUEST),
        "ModelPackageName": name,
        "ModelPackageGroupName": name,
        "ModelPackageVersion": number,
        "ModelPackageArn": scope().arn("sagemaker", f"model-package/{name.lower()}/{number}"),
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CreationTime": now,
        "CreatedBy": {},
    }
    tags.set_tags(package["ModelPackageArn"], parameters.get("Tags", []))
    group.newest, group.versions[number] = number, package
    return package


@sagemaker.operation("DescribeModelPackage")
def describe_model_package(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a version."""
    name = parameters["ModelPackageName"]
    theirs = _others(name, "sagemaker:DescribeModelPackage", lambda registry: registry.package(name)[0])
    _, package = (theirs or _state.here()).package(name)
    return dict(package)


def _others_group(name: str, action: str) -> Group | None:
    theirs = _others(name, action, lambda registry: registry.group(name))
    return theirs.group(name) if theirs else None


def _others(name: str, action: str, group_of: Callable[[Registry], Group]) -> Registry | None:
    """Return the registry of another account that an ARN is of, whose group's policy lets the caller do `action`."""
    account = name.split(":")[4] if name.startswith("arn:") else scope().account
    if account == scope().account:
        return None
    caller = journal.caller()
    who = caller.role_arn if caller else f"arn:aws:iam::{scope().account}:root"
    states = {where.account: state for where, state in _state.everywhere() if where.region == scope().region}
    with suppress(AwsError):  # whether it is there is nobody else's business
        policy = group_of(states.get(account) or Registry()).policy
        if policy and iam_hooks.shared_with(policy, who, action, name.lower()):
            return states[account]
    raise AwsError("AccessDeniedException", f"User: {who} is not authorized to perform: {action} on resource: {name}")


@sagemaker.operation("ListModelPackages")
def list_model_packages(parameters: dict[str, Any]) -> dict[str, Any]:
    """List a group's versions, oldest first unless asked otherwise; without a group there are none to list."""
    members = ("GroupName", "Version", "Arn", "Description", "Status", "RegistrationType")
    group = parameters.get("ModelPackageGroupName")
    theirs = _others_group(group, "sagemaker:ListModelPackages") if group else None
    packages = list((theirs or _state.here().group(group)).versions.values()) if group else []
    if group is None and parameters.get("ModelPackageType", "Unversioned") != "Unversioned":
        packages = [each for group in list(_state.here().groups.values()) for each in list(group.versions.values())]
    summaries = [
        _chosen(
            each,
            "CreationTime",
            "ModelApprovalStatus",
            "ModelLifeCycle",
            *(f"ModelPackage{member}" for member in members),
        )
        for each in packages
        if each["ModelApprovalStatus"] == parameters.get("ModelApprovalStatus", each["ModelApprovalStatus"])
    ]
    return page(listed(summaries, parameters, "ModelPackageGroupName"), parameters, "ModelPackageSummaryList")


@sagemaker.operation("UpdateModelPackage")
def update_model_package(parameters: dict[str, Any]) -> dict[str, Any]:
    """Change a version's approval, life cycle or metadata; the event names the fields that were given."""
    registry = _state.here()
    _check_loadable(parameters)
    with registry.lock:
        _, package = registry.package(parameters["ModelPackageArn"])
        plain = (
            "ModelApprovalStatus",
            "ApprovalDescription",
            "ModelPackageRegistrationType",
            "InferenceSpecification",
            "SourceUri",
            "ModelCard",
            "ModelLifeCycle",
        )
        changes = _chosen(parameters, *plain)
        metadata = dict(package.get("CustomerMetadataProperties", {}))
        metadata |= parameters.get("CustomerMetadataProperties", {})
        for key in parameters.get("CustomerMetadataPropertiesToRemove", []):
            metadata.pop(key, None)
        if metadata != package.get("CustomerMetadataProperties", {}):
            changes["CustomerMetadataProperties"] = metadata
        if added := parameters.get("AdditionalInferenceSpecificationsToAdd"):
            changes["AdditionalInferenceSpecifications"] = [
                *package.get("AdditionalInferenceSpecifications", []),
                *added,
            ]
        package |= changes | {"LastModifiedTime": sandbox().clock.now(), "LastModifiedBy": {}}
        updated = dict(package)
    _announce(updated, list(changes))
    return {"ModelPackageArn": package["ModelPackageArn"]}


@sagemaker.operation("DeleteModelPackage")
def delete_model_package(parameters: dict[str, Any]) -> None:
    """Delete a version."""
    registry = _state.here()
    with registry.lock:
        group, package = registry.package(parameters["ModelPackageName"])
        tags.drop(package["ModelPackageArn"])
        del group.versions[package["ModelPackageVersion"]]


def _announce(package: dict[str, Any], updated: list[str]) -> None:
    """Put the event of a state change on the bus.

    Shape: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html; the updated
    fields are named on updates (seen in public projects; whether AWS always does so is not verified).
    """
    members = (
        "ModelPackageGroupName",
        "ModelPackageVersion",
        "ModelPackageArn",
        "ModelPackageDescription",
        "InferenceSpecification",
        "ModelPackageStatus",
        "ModelPackageStatusDetails",
        "CertifyForMarketplace",
        "ModelApprovalStatus",
        "ApprovalDescription",
        "MetadataProperties",
        "ModelMetrics",
        "CustomerMetadataProperties",
        "ModelLifeCycle",
    )
    detail = _chosen(package, *members)
    for time in ("CreationTime", "LastModifiedTime"):
        if time in package:
            detail[time] = package[time].strftime("%Y-%m-%dT%H:%M:%SZ")
    if updated:
        detail["UpdatedModelPackageFields"] = updated
    hooks.emit_event("aws.sagemaker", "SageMaker Model Package State Change", detail, [package["ModelPackageArn"]])


def _check_loadable(parameters: dict[str, Any]) -> None:
    """Raise AwsError(ValidationException) for a container whose model is not in S3."""
    specifications = [parameters.get("InferenceSpecification", {})]
    specifications += parameters.get("AdditionalInferenceSpecifications", [])
    specifications += parameters.get("AdditionalInferenceSpecificationsToAdd", [])
    for specification in specifications:
        for container in specification.get("Containers", []):
            source = container.get("ModelDataSource", {}).get("S3DataSource", {})
            for url in (container.get("ModelDataUrl"), source.get("S3Uri")):
                if url and not _is_in_s3(url):
                    raise AwsError("ValidationException", f"Could not find model data at {url}.")


def _is_in_s3(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme != "s3":
        raise AwsError("ValidationException", f"{url} must be an S3 URI such as s3://bucket/key.")
    s3 = scope().client("s3")
    try:
        found = s3.list_objects_v2(Bucket=parts.netloc, Prefix=parts.path.lstrip("/"), MaxKeys=1)
    except s3.exceptions.ClientError:
        return False
    return bool(found.get("Contents"))


def _chosen(members: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: members[name] for name in names if name in members}


# ---------------------------------------------------------------- CloudFormation
class _GroupType:
    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, hooks.Attributes]:
        given = {name: value for name, value in properties.items() if name != "ModelPackageGroupPolicy"}
        made = create_model_package_group(as_parameters("sagemaker", "CreateModelPackageGroup", given))
        _set_policy(made["ModelPackageGroupArn"], properties)
        return made["ModelPackageGroupArn"], _attributes(made["ModelPackageGroupArn"])

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, hooks.Attributes]:
        create_only = ("ModelPackageGroupName", "ModelPackageGroupDescription")
        if any(old.get(name) != new.get(name) for name in create_only):
            return self.create(logical_id, new, stack)
        tags.replace_tags(physical_id, new.get("Tags", []))
        _set_policy(physical_id, new)
        return physical_id, _attributes(physical_id)

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        names = {group.detail["ModelPackageGroupArn"] for group in list(_state.here().groups.values())}
        if physical_id in names:
            delete_model_package_group({"ModelPackageGroupName": physical_id})


def _set_policy(arn: str, properties: dict[str, Any]) -> None:
    policy = properties.get("ModelPackageGroupPolicy") or ""
    _state.here().group(arn).policy = policy if isinstance(policy, str) else json.dumps(policy)


def _attributes(arn: str) -> hooks.Attributes:
    detail = _state.here().group(arn).detail
    return {
        "ModelPackageGroupArn": arn,
        "CreationTime": detail["CreationTime"].isoformat(),
        "ModelPackageGroupStatus": detail["ModelPackageGroupStatus"],
    }
