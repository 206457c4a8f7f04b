"""What was launched from the catalogue: provisioned products and the records of what was done to them."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tidegate_sandbox import credentials
from tidegate_sandbox.context import Scoped, sandbox, scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.catalog import launch_parameters
from tidegate_sandbox.services.catalog.constraints import launch_role
from tidegate_sandbox.services.catalog.records import Artefact, Portfolio, Product, catalog, chosen, new_id, once, paged
from tidegate_sandbox.services.catalog.records import path_id as path_id_of
from tidegate_sandbox.services.catalog.records import state as catalogue
from tidegate_sandbox.services.catalog.templates import template
from tidegate_sandbox.services.stacks import POLL, StackFailedError, settled, update_stack, why
from tidegate_sandbox.state import changing
from tidegate_sandbox.state.tasks import begin


@dataclass
class Launch:
    """A provisioned product: what the API says of it, and its stack."""

    detail: dict[str, Any]
    stack: str
    tags: list[dict[str, str]]
    parameters: dict[str, str]
    asked: str = ""
    """The record for whose sake CloudFormation was asked last."""


@dataclass
class Launches:
    """The provisioned products of an account and region by id, and every record by id."""

    products: dict[str, Launch] = field(default_factory=dict)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


state = Scoped(Launches)


# ---------------------------------------------------------------- operations
@catalog.operation("ListLaunchPaths")
def list_launch_paths(parameters: dict[str, Any]) -> dict[str, Any]:
    """List the portfolios through which a product can be launched."""
    product = catalogue.here().product(parameters["ProductId"])
    paths = [
        {
            "Id": path_id_of(portfolio, product),
            "Name": portfolio.detail["DisplayName"],
            "ConstraintSummaries": [{"Type": "LAUNCH"}] if launch_role(portfolio, product) else [],
            "Tags": [*portfolio.tags, *product.tags],
        }
        for portfolio in catalogue.here().portfolios_of(product.id)
    ]
    return paged(paths, parameters, "LaunchPathSummaries")


_CONSTRAINTS = ("AllowedPattern", "ConstraintDescription", "MaxLength", "MinLength", "MaxValue", "MinValue")


@catalog.operation("DescribeProvisioningParameters")
def describe_provisioning_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe what a launch of a version is asked for: the Parameters of its template."""
    product = catalogue.here().product(parameters.get("ProductId"), parameters.get("ProductName"))
    portfolio = _path(product, parameters)
    _, artefact = _version(product, parameters)
    _, parsed = template(artefact.url)
    return {
        "ProvisioningArtifactParameters": [
            _asked(key, declared) for key, declared in parsed.get("Parameters", {}).items()
        ],
        "ConstraintSummaries": [{"Type": "LAUNCH"}] if launch_role(portfolio, product) else [],
        "UsageInstructions": [],
        "TagOptions": [],
    }


def _asked(key: str, declared: dict[str, Any]) -> dict[str, Any]:
    """Return botocore's shape ProvisioningArtifactParameter."""
    constraints: dict[str, Any] = {name: str(declared[name]) for name in _CONSTRAINTS if name in declared}
    if "AllowedValues" in declared:
        constraints["AllowedValues"] = [str(value) for value in declared["AllowedValues"]]
    return {
        "ParameterKey": key,
        "ParameterType": declared["Type"],
        "IsNoEcho": str(declared.get("NoEcho", False)).lower() == "true",
        "ParameterConstraints": constraints,
        **({"DefaultValue": str(declared["Default"])} if "Default" in declared else {}),
        **chosen(declared, "Description"),
    }


@catalog.operation("ProvisionProduct")
def provision_product(parameters: dict[str, Any]) -> dict[str, Any]:
    """Launch a product: its template becomes a stack, in the background.

    Raise AwsError(InvalidParametersException), before anything is made, for parameters that the template would not
    take or a launch role that is not there.
    """
    if "ProvisioningPreferences" in parameters:
        raise AwsError("NotImplemented", "Stack sets are not in the local simulation", 501)
    return once("launch", parameters["ProvisionToken"], lambda: _launch(parameters))


def _launch(parameters: dict[str, Any]) -> dict[str, Any]:
    name = parameters["ProvisionedProductName"]
    if any(launch.detail["Name"] == name for launch in list(state.here().products.values())):
        raise AwsError("DuplicateResourceException", f"A provisioned product named {name} exists already.")
    product = catalogue.here().product(parameters.get("ProductId"), parameters.get("ProductName"))
    portfolio = _path(product, parameters)
    artefact_id, artefact = _version(product, parameters)
    if artefact.detail["Guidance"] == "DEPRECATED":
        raise AwsError("InvalidParametersException", f"{artefact_id} is deprecated: it cannot be launched any more.")
    url, parsed = template(artefact.url)
    given = {each["Key"]: each["Value"] for each in parameters.get("ProvisioningParameters", [])}
    if problems := launch_parameters.problems(parsed, given):
        raise AwsError("InvalidParametersException", "; ".join(problems))
    role = _assumable(launch_role(portfolio, product))

    launch_id = new_id("pp")
    tags = {tag["Key"]: tag for tag in [*portfolio.tags, *product.tags, *parameters.get("Tags", [])]}
    launch = Launch(
        {
            "Id": launch_id,
            "Name": name,
            "Arn": scope().arn("servicecatalog", f"stack/{name}/{launch_id}"),
            "Type": "CFN_STACK",
            "Status": "UNDER_CHANGE",
            "CreatedTime": sandbox().clock.now(),
            "IdempotencyToken": parameters["ProvisionToken"],
            "ProductId": product.id,
            "ProvisioningArtifactId": artefact_id,
            **({"LaunchRoleArn": role} if role else {}),
        },
        f"SC-{scope().account}-{launch_id}",
        list(tags.values()),
        given,
    )
    record = _record(launch, "PROVISION_PRODUCT", path_id_of(portfolio, product))
    launch.detail["LastProvisioningRecordId"] = record["RecordId"]
    state.here().products[launch_id] = launch
    stack = _stack(launch, url) | {"NotificationARNs": parameters.get("NotificationArns", [])}
    begin(_provision, launch, record, stack, name=f"launch {launch.stack}")
    return {"RecordDetail": dict(record)}


def _stack(launch: Launch, url: str) -> dict[str, Any]:
    """Return what CloudFormation is asked for to make the stack of `launch`, or to bring it to its parameters."""
    return {
        "StackName": launch.stack,
        "TemplateURL": url,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in launch.parameters.items()],
        "Tags": launch.tags,
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }


@catalog.operation("UpdateProvisionedProduct")
def update_provisioned_product(parameters: dict[str, Any]) -> dict[str, Any]:
    """Bring what was launched to another version or to other parameters, in the background.

    A deprecated version will do. A parameter that is not given keeps its value, if the version still has it.
    """
    if "ProvisioningPreferences" in parameters or "Tags" in parameters:
        raise AwsError("NotImplemented", "Stack sets and changes of tags are not in the local simulation", 501)
    launch = find(parameters.get("ProvisionedProductId"), parameters.get("ProvisionedProductName"))

    def make() -> dict[str, Any]:
        if launch.detail["Status"] == "UNDER_CHANGE":
            raise AwsError("InvalidParametersException", f"{launch.detail['Name']} is being changed.")
        current = {"ProvisioningArtifactId": launch.detail["ProvisioningArtifactId"]}
        names = {"ProvisioningArtifactId", "ProvisioningArtifactName"} & parameters.keys()
        product = catalogue.here().product(launch.detail["ProductId"])
        artefact_id, artefact = _version(product, parameters if names else current)
        url, parsed = template(artefact.url)
        declared = parsed.get("Parameters", {})
        asked = parameters.get("ProvisioningParameters", [])
        given = {each["Key"]: each["Value"] for each in asked if not each.get("UsePreviousValue")}
        wanted = {key: value for key, value in launch.parameters.items() if key in declared} | given
        if problems := launch_parameters.problems(parsed, wanted):
            raise AwsError("InvalidParametersException", "; ".join(problems))
        record = _record(launch, "UPDATE_PROVISIONED_PRODUCT")
        record["ProvisioningArtifactId"] = artefact_id
        launch.parameters = wanted
        launch.detail.update(Status="UNDER_CHANGE", ProvisioningArtifactId=artefact_id)
        begin(_change, launch, record, _stack(launch, url), name=f"update {launch.stack}")
        return {"RecordDetail": dict(record)}

    return once("update", parameters["UpdateToken"], make)


@catalog.operation("TerminateProvisionedProduct")
def terminate_provisioned_product(parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete what was launched, in the background."""
    if parameters.get("RetainPhysicalResources"):
        raise AwsError("NotImplemented", "RetainPhysicalResources is not in the local simulation", 501)
    launch = find(parameters.get("ProvisionedProductId"), parameters.get("ProvisionedProductName"))

    def make() -> dict[str, Any]:
        record = _record(launch, "TERMINATE_PROVISIONED_PRODUCT")
        launch.detail["Status"] = "UNDER_CHANGE"
        ignore_errors = bool(parameters.get("IgnoreErrors"))
        begin(_terminate, launch, record, ignore_errors, name=f"terminate {launch.stack}")
        return {"RecordDetail": dict(record)}

    return once("terminate", parameters["TerminateToken"], make)


@catalog.operation("DescribeRecord")
def describe_record(parameters: dict[str, Any]) -> dict[str, Any]:
    """Say how far a launch or a termination is, with the stack's outputs once it has succeeded."""
    record = state.here().records.get(parameters["Id"])
    if record is None:
        raise AwsError("ResourceNotFoundException", f"Record {parameters['Id']} not found.")
    # The record as it stood first: what has succeeded by then has its outputs.
    return {
        "RecordDetail": dict(record),
        **paged(state.here().outputs.get(record["RecordId"], []), parameters, "RecordOutputs"),
    }


@catalog.operation("DescribeProvisionedProduct")
def describe_provisioned_product(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe what was launched."""
    return {"ProvisionedProductDetail": dict(find(parameters.get("Id"), parameters.get("Name")).detail)}


@catalog.operation("SearchProvisionedProducts")
def search_provisioned_products(parameters: dict[str, Any]) -> dict[str, Any]:
    """List what was launched; a SearchQuery filters by `name:value`."""
    found = list(state.here().products.values())
    for query in parameters.get("Filters", {}).get("SearchQuery", []):
        key, separator, value = query.partition(":")
        member = {"name": "Name", "id": "Id", "productId": "ProductId", "status": "Status"}.get(key)
        if not separator or member is None:
            raise AwsError("InvalidParametersException", f"The search {query!r} is not in the local simulation.")
        found = [launch for launch in found if launch.detail[member] == value]
    attributes = [{**launch.detail, "PhysicalId": launch.stack, "Tags": launch.tags} for launch in found]
    for attribute in attributes:
        attribute.pop("LaunchRoleArn", None)
    return paged(attributes, parameters, "ProvisionedProducts") | {"TotalResultsCount": len(attributes)}


def find(launch_id: str | None, name: str | None = None) -> Launch:
    """Return a provisioned product by id or name, or raise ResourceNotFoundException."""
    for launch in list(state.here().products.values()):
        if launch.detail["Id"] == launch_id or (launch_id is None and launch.detail["Name"] == name):
            return launch
    raise AwsError("ResourceNotFoundException", f"Provisioned product {launch_id or name} not found.")


def finished(record_id: str) -> dict[str, Any]:
    """Wait until a record has succeeded or failed, and return it."""
    record = state.here().records[record_id]
    while record["Status"] in ("CREATED", "IN_PROGRESS"):
        time.sleep(POLL)
    return record


# ---------------------------------------------------------------- before a launch
def _path(product: Product, parameters: dict[str, Any]) -> Portfolio:
    paths = catalogue.here().portfolios_of(product.id)
    if "PathId" in parameters:
        paths = [each for each in paths if path_id_of(each, product) == parameters["PathId"]]
    if "PathName" in parameters:
        paths = [each for each in paths if each.detail["DisplayName"] == parameters["PathName"]]
    if not paths:
        raise AwsError("ResourceNotFoundException", f"No launch paths found for resource: {product.id}")
    if len(paths) > 1:
        raise AwsError("InvalidParametersException", f"{product.id} is in {len(paths)} portfolios: name a PathId.")
    return paths[0]


def _version(product: Product, parameters: dict[str, Any]) -> tuple[str, Artefact]:
    """Return the provisioning artefact that is asked for, or else the newest, with its id."""
    wanted, name = parameters.get("ProvisioningArtifactId"), parameters.get("ProvisioningArtifactName")
    for artefact_id, artefact in reversed(list(product.artefacts.items())):
        if wanted in (None, artefact_id) and name in (None, artefact.detail.get("Name")) and artefact.detail["Active"]:
            return artefact_id, artefact
    raise AwsError("ResourceNotFoundException", f"{product.id} has no provisioning artifact {wanted or name}.")


def _assumable(role: str | None) -> str | None:
    if role is None:
        return None
    iam = scope().client("iam")
    try:
        found: str = iam.get_role(RoleName=role.rsplit("/", 1)[-1])["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        found = ""
    if found != role:
        raise AwsError(
            "InvalidParametersException", f"Access denied while assuming the role {role}: it does not exist."
        )
    return role


def _record(launch: Launch, kind: str, path: str | None = None) -> dict[str, Any]:
    now = sandbox().clock.now()
    record = {
        "RecordId": new_id("rec"),
        "ProvisionedProductName": launch.detail["Name"],
        "Status": "CREATED",
        "CreatedTime": now,
        "UpdatedTime": now,
        "ProvisionedProductType": launch.detail["Type"],
        "RecordType": kind,
        "ProvisionedProductId": launch.detail["Id"],
        "RecordErrors": [],
        "RecordTags": [],
        **chosen(launch.detail, "ProductId", "ProvisioningArtifactId", "LaunchRoleArn"),
        **({"PathId": path} if path else {}),
    }
    state.here().records[record["RecordId"]] = record
    launch.detail["LastRecordId"] = record["RecordId"]
    return record


# ---------------------------------------------------------------- in the background
def _provision(launch: Launch, record: dict[str, Any], stack: dict[str, Any]) -> None:
    _bring_about(launch, record, lambda cloudformation: cloudformation.create_stack(**stack), "CREATE")


def _change(launch: Launch, record: dict[str, Any], stack: dict[str, Any]) -> None:
    _bring_about(launch, record, lambda cloudformation: update_stack(cloudformation, stack), "UPDATE")


def _bring_about(launch: Launch, record: dict[str, Any], ask: Callable[[Any], object], verb: str) -> None:
    try:
        record["Status"] = "IN_PROGRESS"
        _once(launch, record, ask)
        made = settled(scope(), launch.stack)
        if made is None or not made["StackStatus"].endswith("_COMPLETE") or "ROLLBACK" in made["StackStatus"]:
            raise StackFailedError(why(scope(), launch.stack, f"{verb}_FAILED"))
        outputs = [
            {"OutputKey": "CloudformationStackARN", "OutputValue": made["StackId"]},
            *(chosen(output, "OutputKey", "OutputValue", "Description") for output in made.get("Outputs", [])),
        ]
    except Exception as error:  # whatever it was, who launched it must be told
        _close(launch, record, str(error))
        if not isinstance(error, (StackFailedError, ClientError)):
            raise
    else:
        with changing():
            state.here().outputs[record["RecordId"]] = outputs
            launch.detail["LastSuccessfulProvisioningRecordId"] = record["RecordId"]
            _close(launch, record, None)


def _terminate(launch: Launch, record: dict[str, Any], ignore_errors: bool) -> None:
    try:
        record["Status"] = "IN_PROGRESS"
        _once(launch, record, lambda cloudformation: cloudformation.delete_stack(StackName=launch.stack))
        left = settled(scope(), launch.stack)
        if left is not None and left["StackStatus"] != "DELETE_COMPLETE" and not ignore_errors:
            raise StackFailedError(why(scope(), launch.stack, "DELETE_FAILED"))
    except Exception as error:  # whatever it was, who asked for it must be told
        _close(launch, record, str(error))
        if not isinstance(error, (StackFailedError, ClientError)):
            raise
    else:
        with changing():
            state.here().products.pop(launch.detail["Id"], None)
            _close(launch, record, None)


def _once(launch: Launch, record: dict[str, Any], ask: Callable[[Any], object]) -> None:
    """Ask CloudFormation, unless a sandbox before this one did so for the same record."""
    with changing():
        if launch.asked != record["RecordId"]:
            with _acting_for(launch):
                ask(scope().client("cloudformation"))
            launch.asked = record["RecordId"]


def _acting_for(launch: Launch) -> AbstractContextManager[None]:
    """Act with the launch role, where there is one."""
    return credentials.acting_as(launch.detail.get("LaunchRoleArn"), "servicecatalog", launch.detail["Id"])


def _close(launch: Launch, record: dict[str, Any], error: str | None) -> None:
    with changing():
        # Each in one step, the record last: who reads a status finds what belongs to it.
        launch.detail.update(Status="ERROR" if error else "AVAILABLE", StatusMessage=error or "")
        record.update(
            UpdatedTime=sandbox().clock.now(),
            RecordErrors=[{"Code": "InternalFailure", "Description": error}] if error else [],
            Status="FAILED" if error else "SUCCEEDED",
        )
