"""SageMaker projects: a launch from the catalogue under a name and an id that SageMaker gives.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProject.html
"""

import secrets
import string
import uuid
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from tidegate_sandbox import hooks
from tidegate_sandbox.context import Scoped, sandbox, scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import tags
from tidegate_sandbox.services.catalog import launches
from tidegate_sandbox.services.paging import listed, page
from tidegate_sandbox.services.sagemaker import sagemaker


@dataclass
class Projects:
    """The projects of an account and region by name; a deleted one stays, until its name is taken."""

    by_name: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: Any = field(default_factory=Lock)


_state = Scoped(Projects)


@sagemaker.operation("CreateProject")
def create_project(parameters: dict[str, Any]) -> dict[str, Any]:
    """Create a project from a product, in the background.

    Raise AwsError(ValidationException), before anything is made, for a name that is taken or parameters that the
    product's template would not take.
    """
    if "TemplateProviders" in parameters:
        raise AwsError("NotImplemented", "CreateProject with TemplateProviders is not in the local simulation", 501)
    if "ServiceCatalogProvisioningDetails" not in parameters:
        raise AwsError("ValidationException", "ServiceCatalogProvisioningDetails must be given.")
    name = parameters["ProjectName"]
    with _state.here().lock:
        taken = _state.here().by_name.get(name)
        if taken and taken["ProjectStatus"] != "DeleteCompleted":
            raise AwsError("ValidationException", f"Project already exists: {taken['ProjectArn']}")
        project_id = "p-" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))
        arn = scope().arn("sagemaker", f"project/{name}".lower())
        record_id = _launch(name, project_id, arn, parameters)
        now = sandbox().clock.now()
        project = _state.here().by_name[name] = {
            "ProjectArn": arn,
            "ProjectName": name,
            "ProjectId": project_id,
            "ProjectDescription": parameters.get("ProjectDescription", ""),
            "ServiceCatalogProvisioningDetails": parameters["ServiceCatalogProvisioningDetails"],
            "ServiceCatalogProvisionedProductDetails": {
                "ProvisionedProductId": launches.state.here().records[record_id]["ProvisionedProductId"]
            },
            "ProjectStatus": "CreateInProgress",
            "CreatedBy": {},
            "CreationTime": now,
            "LastModifiedTime": now,
            "LastModifiedBy": {},
        }
    tags.set_tags(arn, parameters.get("Tags", []))
    hooks.run_in_background(_follow, project, record_id, "Create", name=f"project {name}")
    return {"ProjectArn": arn, "ProjectId": project_id}


def _launch(name: str, project_id: str, arn: str, parameters: dict[str, Any]) -> str:
    """Launch the product for a project; return the record's id."""
    details = parameters["ServiceCatalogProvisioningDetails"]
    own = {"SageMakerProjectName": name, "SageMakerProjectId": project_id}
    given = details.get("ProvisioningParameters", [])
    if clashing := sorted(own.keys() & {each["Key"] for each in given}):
        raise AwsError("ValidationException", f"{', '.join(clashing)} are SageMaker's to give.")
    own_tags = {
        "sagemaker:project-name": name,
        "sagemaker:project-id": project_id,
        "sagemaker:project-arn": arn,
    }
    request = {
        **{key: details[key] for key in ("ProductId", "ProvisioningArtifactId", "PathId") if key in details},
        "ProvisionedProductName": f"{name}-{project_id}",
        "ProvisioningParameters": [*given, *({"Key": key, "Value": value} for key, value in own.items())],
        "Tags": [*parameters.get("Tags", []), *({"Key": key, "Value": value} for key, value in own_tags.items())],
        "ProvisionToken": uuid.uuid4().hex,
    }
    try:
        record_id: str = launches.provision_product(request)["RecordDetail"]["RecordId"]
    except AwsError as error:
        raise AwsError("ValidationException", error.message) from error
    return record_id


def _follow(project: dict[str, Any], record_id: str, verb: str) -> None:
    """Give a project the status that its launch or termination comes to."""
    record = launches.finished(record_id)
    message = "; ".join(error["Description"] for error in record["RecordErrors"])
    said = {"ProvisionedProductStatusMessage": message} if message else {}
    project.update(
        ServiceCatalogProvisionedProductDetails=project["ServiceCatalogProvisionedProductDetails"] | said,
        LastModifiedTime=sandbox().clock.now(),
        ProjectStatus=f"{verb}{'Completed' if record['Status'] == 'SUCCEEDED' else 'Failed'}",
    )


@sagemaker.operation("DescribeProject")
def describe_project(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a project."""
    return dict(_project(parameters["ProjectName"]))


@sagemaker.operation("ListProjects")
def list_projects(parameters: dict[str, Any]) -> dict[str, Any]:
    """List projects, deleted ones too, as SageMaker does."""
    members = ("ProjectName", "ProjectDescription", "ProjectArn", "ProjectId", "CreationTime", "ProjectStatus")
    summaries = [{name: each[name] for name in members} for each in list(_state.here().by_name.values())]
    return page(listed(summaries, parameters, "ProjectName"), parameters, "ProjectSummaryList")


@sagemaker.operation("DeleteProject")
def delete_project(parameters: dict[str, Any]) -> None:
    """Delete a project's stack, in the background."""
    project = _project(parameters["ProjectName"])
    with _state.here().lock:
        if project["ProjectStatus"].endswith("InProgress"):
            raise AwsError("ConflictException", f"Project {project['ProjectName']} is {project['ProjectStatus']}.")
        if project["ProjectStatus"] == "DeleteCompleted":
            return
        launch_id = project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductId"]
        request = {"ProvisionedProductId": launch_id, "TerminateToken": uuid.uuid4().hex}
        record_id = launches.terminate_provisioned_product(request)["RecordDetail"]["RecordId"]
        project["ProjectStatus"] = "DeleteInProgress"
    hooks.run_in_background(_follow, project, record_id, "Delete", name=f"project {project['ProjectName']}")


def _project(name: str) -> dict[str, Any]:
    if found := _state.here().by_name.get(name):
        return found
    raise AwsError("ValidationException", f"Project {name} does not exist.")
