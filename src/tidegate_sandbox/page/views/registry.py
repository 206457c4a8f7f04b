"""The model registry: groups, and their versions with what they measure and who approved them."""

from collections.abc import Mapping
from typing import Any

from tidegate_sandbox.page.reading import Reader, Told

_MOST_VERSIONS = 20


def every(reader: Reader) -> list[Told]:
    """Return all groups, each with its versions in short."""
    groups = reader.every("sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList")
    return [
        {
            "name": group["ModelPackageGroupName"],
            "description": group.get("ModelPackageGroupDescription", ""),
            "created": group["CreationTime"],
            "versions": [
                {
                    "version": each["ModelPackageVersion"],
                    "approval": each["ModelApprovalStatus"],
                    "stamp": each.get("ModelLifeCycle"),
                }
                for each in _listed(reader, group["ModelPackageGroupName"])
            ],
        }
        for group in groups
    ]


def one(reader: Reader, name: str, _query: Mapping[str, str]) -> Told:
    """Return a group with its versions, the newest first."""
    group = reader.ask("sagemaker", "describe_model_package_group", ModelPackageGroupName=name)
    listed = _listed(reader, name)
    return {
        "name": group["ModelPackageGroupName"],
        "description": group.get("ModelPackageGroupDescription", ""),
        "versions": [_version(reader, each["ModelPackageArn"]) for each in listed[:_MOST_VERSIONS]],
        "left_out": len(listed[_MOST_VERSIONS:]),
    }


def _listed(reader: Reader, group: str) -> list[Told]:
    found: list[Told] = reader.every(
        "sagemaker", "list_model_packages", "ModelPackageSummaryList", ModelPackageGroupName=group
    )
    return sorted(found, key=lambda each: -each["ModelPackageVersion"])


def _version(reader: Reader, arn: str) -> Told:
    package = reader.ask("sagemaker", "describe_model_package", ModelPackageName=arn)
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    return {
        "arn": arn,
        "version": package["ModelPackageVersion"],
        "description": package.get("ModelPackageDescription", ""),
        "created": package["CreationTime"],
        "modified": package.get("LastModifiedTime"),
        "status": package["ModelPackageStatus"],
        "approval": package["ModelApprovalStatus"],
        "note": package.get("ApprovalDescription", ""),
        "stamp": package.get("ModelLifeCycle"),
        "properties": package.get("CustomerMetadataProperties", {}),
        "images": [each.get("Image", "") for each in containers],
        "metrics": metrics(reader, package.get("ModelMetrics", {})),
    }


def metrics(reader: Reader, given: Mapping[str, Any]) -> list[Told]:
    """Return the numbers in the report on a model's quality, with the standard deviation where it has one.

    The form is Model Monitor's: {"regression_metrics": {"rmse": {"value": 1.0, "standard_deviation": 0.1}}}.
    """
    uri = given.get("ModelQuality", {}).get("Statistics", {}).get("S3Uri", "")
    report = reader.document(uri) if uri else None
    found = []
    for group, measured in (report if isinstance(report, dict) else {}).items():
        for name, value in (measured if isinstance(measured, dict) else {}).items():
            number = value.get("value") if isinstance(value, dict) else value
            if isinstance(number, (int, float)):
                deviation = value.get("standard_deviation") if isinstance(value, dict) else None
                found.append({"group": group, "name": name, "value": number, "deviation": deviation})
    return found
