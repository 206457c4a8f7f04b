"""The gallery: the products that projects are launched from, each with the parameters that a launch may answer."""

from typing import Any

from tidegate_sandbox.page.reading import Reader, Told

_GIVEN_BY_SAGEMAKER = ("SageMakerProjectName", "SageMakerProjectId")


def every(reader: Reader) -> list[Told]:
    """Return each product with its newest version that may be launched."""
    shown = []
    for product in reader.every("servicecatalog", "search_products", "ProductViewSummaries"):
        described = reader.ask("servicecatalog", "describe_product", Id=product["ProductId"])
        offered = [each for each in described["ProvisioningArtifacts"] if each.get("Guidance") != "DEPRECATED"]
        if offered:
            shown.append(_shown(reader, product, offered[-1]))
    return shown


def _shown(reader: Reader, product: Told, version: Told) -> Told:
    asked = reader.ask(
        "servicecatalog",
        "describe_provisioning_parameters",
        ProductId=product["ProductId"],
        ProvisioningArtifactId=version["Id"],
    )
    return {
        "product": product["ProductId"],
        "name": product["Name"],
        "owner": product.get("Owner", ""),
        "description": product.get("ShortDescription", ""),
        "version": version["Id"],
        "version_name": version.get("Name", ""),
        "parameters": [
            _parameter(each)
            for each in asked["ProvisioningArtifactParameters"]
            if each["ParameterKey"] not in _GIVEN_BY_SAGEMAKER
        ],
    }


def _parameter(declared: Told) -> dict[str, Any]:
    constraints = declared.get("ParameterConstraints", {})
    return {
        "key": declared["ParameterKey"],
        "description": declared.get("Description", ""),
        "default": declared.get("DefaultValue"),
        "secret": declared.get("IsNoEcho", False),
        "values": constraints.get("AllowedValues", []),
        "pattern": constraints.get("AllowedPattern", ""),
        "constraint": constraints.get("ConstraintDescription", ""),
        "max_length": constraints.get("MaxLength", ""),
    }
