"""SageMaker projects: a launch, from the catalogue or from a template in S3, under a name and an id of SageMaker's.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProject.html
"""

import secrets
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from tidegate_sandbox.context import Scoped, sandbox, scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import project_templates, tags
from tidegate_sandbox.services.catalog import launches, products
from tidegate_sandbox.services.paging import listed, page
from tidegate_sandbox.services.sagemaker import sagemaker
from tidegate_sandbox.state.tasks import begin


@dataclass
class Projects:
    """The projects of an account and region by name; a deleted one stays, until its name is taken."""

    by_name: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: Any = field(default_factory=Lock)


_state = Scoped(Projects)

_SERVICE_CATALOG, _TEMPLATES = "ServiceCatalogProvisioningDetails", "TemplateProviders"


@sagemaker.operation("CreateProject")
def create_project(parameters: dict[str, Any]) -> dict[str, Any]:
    """Create a project from a product or from a template in S3, in the background.

    Raise AwsError(ValidationException), before anything is made, for a name that is taken or parameters that the
    template would not take.
    """
    if sum(way in parameters for way in (_SERVICE_CATALOG, _TEMPLATES)) != 1:
        raise AwsError("ValidationException", f"Either {_SERVICE_CATALOG} or {_TEMPLATES} must be given.")
    name = parameters["ProjectName"]
    with _state.here().lock:
        taken = _state.here().by_name.get(name)
        if taken and taken["ProjectStatus"] != "DeleteCompleted":
            raise AwsError("ValidationException", f"Project already exists: {taken['ProjectArn']}")
        project_id = "p-" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))
        arn = scope().arn("sagemaker", f"project/{name}".lower())
        identity = project_templates.Identity(name, project_id, arn, parameters.get("Tags", []))
        now = sandbox().clock.now()
        project: dict[str, Any] = {
            "ProjectArn": arn,
            "ProjectName": name,
            "ProjectId": project_id,
            "ProjectDescription": parameters.get("ProjectDescription", ""),
            "ProjectStatus": "CreateInProgress",
            "CreatedBy": {},
            "CreationTime": now,
            "LastModifiedTime": now,
            "LastModifiedBy": {},
        }
        if _TEMPLATES in parameters:
            provider = parameters[_TEMPLATES][0].get("CfnTemplateProvider", {})
            change = project_templates.create(identity, provider)
            project["TemplateProviderDetails"] = [{"CfnTemplateProviderDetail": change.detail}]
        else:
            record_id = _launch(identity, parameters[_SERVICE_CATALOG])
            launched = launches.state.here().records[record_id]["ProvisionedProductId"]
            project[_SERVICE_CATALOG] = parameters[_SERVICE_CATALOG]
            project["ServiceCatalogProvisionedProductDetails"] = {"ProvisionedProductId": launched}
        _state.here().by_name[name] = project
    tags.set_tags(arn, parameters.get("Tags", []))
    if _TEMPLATES in parameters:
        begin(_follow_stack, project, change, "Create", name=f"project {name}")
    else:
        begin(_follow, project, record_id, "Create", name=f"project {name}")
    return {"ProjectArn": arn, "ProjectId": project_id}


def _launch(identity: project_templates.Identity, details: dict[str, Any]) -> str:
    """Launch the product for a project; return the record's id."""
    given = details.get("ProvisioningParameters", [])
    own = identity.parameters(each["Key"] for each in given)
    request: dict[str, Any] = {
        **{key: details[key] for key in ("ProductId", "ProvisioningArtifactId", "PathId") if key in details},
        "ProvisionedProductName": f"{identity.name}-{identity.id}",
        "ProvisioningParameters": [*given, *({"Key": key, "Value": value} for key, value in own.items())],
        "Tags": identity.tags,
        "ProvisionToken": uuid.uuid4().hex,
    }
    return _record_of(launches.provision_product, request)


def _record_of(operation: Callable[[dict[str, Any]], dict[str, Any]], request: dict[str, Any]) -> str:
    """Return the id of the record of what an operation of the catalogue began."""
    try:
        record_id: str = operation(request)["RecordDetail"]["RecordId"]
    except AwsError as error:
        raise AwsError("ValidationException", error.message) from error
    return record_id


def _follow(project: dict[str, Any], record_id: str, verb: str) -> None:
    """Give a project the status that its launch, update or termination comes to."""
    record = launches.finished(record_id)
    message = "; ".join(error["Description"] for error in record["RecordErrors"])
    launched = {"ProvisionedProductId": record["ProvisionedProductId"]}
    project.update(
        # What was said of an earlier attempt holds no longer.
        ServiceCatalogProvisionedProductDetails=launched
        | ({"ProvisionedProductStatusMessage": message} if message else {}),
        LastModifiedTime=sandbox().clock.now(),
        ProjectStatus=f"{verb}{'Completed' if record['Status'] == 'SUCCEEDED' else 'Failed'}",
    )


def _follow_stack(project: dict[str, Any], change: project_templates.Change, verb: str) -> None:
    """Give a project the status that the change of its stack comes to."""
    detail, succeeded = project_templates.finish(change)
    project.update(
        TemplateProviderDetails=[{"CfnTemplateProviderDetail": detail}],
        LastModifiedTime=sandbox().clock.now(),
        ProjectStatus=f"{verb}{'Completed' if succeeded else 'Failed'}",
    )


@sagemaker.operation("UpdateProject")
def update_project(parameters: dict[str, Any]) -> dict[str, Any]:
    """Bring a project to another version, template or parameters, in the background."""
    project = _project(parameters["ProjectName"])
    if "Tags" in parameters:
        raise AwsError("NotImplemented", "UpdateProject with Tags is not in the local simulation", 501)
    with _state.here().lock:
        _refuse_while_changing(project)
        if project["ProjectStatus"] == "DeleteCompleted":
            raise AwsError("ValidationException", f"Project {project['ProjectName']} does not exist.")
        if "ProjectDescription" in parameters:
            project["ProjectDescription"] = parameters["ProjectDescription"]
        name = f"project {project['ProjectName']}"
        if providers := parameters.get("TemplateProvidersToUpdate"):
            change = project_templates.update(_provider(project), providers[0].get("CfnTemplateProvider", {}))
            project["ProjectStatus"] = "UpdateInProgress"
            begin(_follow_stack, project, change, "Update", name=name)
        elif "ServiceCatalogProvisioningUpdateDetails" in parameters:
            record_id = _relaunch(project, parameters["ServiceCatalogProvisioningUpdateDetails"])
            project["ProjectStatus"] = "UpdateInProgress"
            begin(_follow, project, record_id, "Update", name=name)
    return {"ProjectArn": project["ProjectArn"]}


def _relaunch(project: dict[str, Any], details: dict[str, Any]) -> str:
    """Update what was launched for a project, to the newest version unless one is named; return the record's id."""
    if _SERVICE_CATALOG not in project:
        raise AwsError("ValidationException", f"Project {project['ProjectName']} is not of Service Catalog.")
    launch = launches.find(project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductId"])
    versions = products.list_provisioning_artifacts({"ProductId": launch.detail["ProductId"]})
    newest = versions["ProvisioningArtifactDetails"][-1]["Id"]
    artefact = details.get("ProvisioningArtifactId", newest)
    request = {
        "ProvisionedProductId": launch.detail["Id"],
        "ProvisioningArtifactId": artefact,
        "ProvisioningParameters": details.get("ProvisioningParameters", []),
        "UpdateToken": uuid.uuid4().hex,
    }
    record_id = _record_of(launches.update_provisioned_product, request)
    project[_SERVICE_CATALOG] = project[_SERVICE_CATALOG] | {"ProvisioningArtifactId": artefact}
    return record_id


def _provider(project: dict[str, Any]) -> dict[str, Any]:
    if "TemplateProviderDetails" not in project:
        raise AwsError("ValidationException", f"Project {project['ProjectName']} is not of a template in S3.")
    found: dict[str, Any] = project["TemplateProviderDetails"][0]["CfnTemplateProviderDetail"]
    return found


def _refuse_while_changing(project: dict[str, Any]) -> None:
    if project["ProjectStatus"].endswith("InProgress"):
        raise AwsError("ConflictException", f"Project {project['ProjectName']} is {project['ProjectStatus']}.")


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
        _refuse_while_changing(project)
        if project["ProjectStatus"] == "DeleteCompleted":
            return
        if "TemplateProviderDetails" in project:
            change = project_templates.delete(_provider(project))
            project["ProjectStatus"] = "DeleteInProgress"
            name = f"project {project['ProjectName']}"
            begin(_follow_stack, project, change, "Delete", name=name)
            return
        launch_id = project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductId"]
        request = {"ProvisionedProductId": launch_id, "TerminateToken": uuid.uuid4().hex}
        record_id = launches.terminate_provisioned_product(request)["RecordDetail"]["RecordId"]
        project["ProjectStatus"] = "DeleteInProgress"
    begin(_follow, project, record_id, "Delete", name=f"project {project['ProjectName']}")


def _project(name: str) -> dict[str, Any]:
    if found := _state.here().by_name.get(name):
        return found
    raise AwsError("ValidationException", f"Project {name} does not exist.")
