"""Service Catalog's products, each a CloudFormation template in S3, in versions."""

from typing import Any

from tidegate_sandbox.context import sandbox
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.catalog.records import (
    TEMPLATE,
    Artefact,
    Product,
    catalog,
    chosen,
    new_id,
    once,
    paged,
    path_id,
    retagged,
    state,
)
from tidegate_sandbox.services.catalog.templates import template


@catalog.operation("CreateProduct")
def create_product(parameters: dict[str, Any]) -> dict[str, Any]:
    """Create a product with its first version."""
    if parameters["ProductType"] != TEMPLATE or "SourceConnection" in parameters:
        raise AwsError("NotImplemented", "Only products of a CloudFormation template are in the local simulation", 501)
    if "ProvisioningArtifactParameters" not in parameters:
        raise AwsError("InvalidParametersException", "A product needs ProvisioningArtifactParameters.")

    def make() -> dict[str, Any]:
        artefact_id, artefact = new_artefact(parameters["ProvisioningArtifactParameters"])
        product_id = new_id("prod")
        summary = {
            "Id": product_id.replace("prod", "prodview"),
            "ProductId": product_id,
            "Type": TEMPLATE,
            "HasDefaultPath": False,
            "ShortDescription": parameters.get("Description", ""),
            **chosen(parameters, *_ABOUT),
        }
        product = Product(product_id, summary, sandbox().clock.now(), parameters.get("Tags", []))
        product.artefacts[artefact_id] = artefact
        state.here().products[product_id] = product
        return {
            "ProductViewDetail": product.detail(),
            "ProvisioningArtifactDetail": artefact.detail,
            "Tags": product.tags,
        }

    return once("product", parameters["IdempotencyToken"], make)


_ABOUT = ("Name", "Owner", "Distributor", "SupportDescription", "SupportEmail", "SupportUrl")


@catalog.operation("UpdateProduct")
def update_product(parameters: dict[str, Any]) -> dict[str, Any]:
    """Change what is said about a product, and its tags."""
    product = state.here().product(parameters["Id"])
    said = {"ShortDescription": parameters["Description"]} if "Description" in parameters else {}
    product.summary |= chosen(parameters, *_ABOUT) | said
    product.tags = retagged(product.tags, parameters)
    return {"ProductViewDetail": product.detail(), "Tags": product.tags}


@catalog.operation("DescribeProduct")
def describe_product(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a product as who may launch it sees it."""
    product = state.here().product(parameters.get("Id"), parameters.get("Name"))
    return {
        "ProductViewSummary": dict(product.summary),
        "ProvisioningArtifacts": _summaries(product, "Guidance", inactive=False),
        "LaunchPaths": [
            {"Id": path_id(each, product), "Name": each.detail["DisplayName"]}
            for each in state.here().portfolios_of(product.id)
        ],
    }


@catalog.operation("DescribeProductAsAdmin")
def describe_product_as_admin(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a product as an administrator sees it."""
    product = state.here().product(parameters.get("Id"), parameters.get("Name"))
    return {
        "ProductViewDetail": product.detail(),
        "ProvisioningArtifactSummaries": _summaries(product),
        "Tags": product.tags,
    }


@catalog.operation("SearchProducts")
def search_products(parameters: dict[str, Any]) -> dict[str, Any]:
    """List the products that can be launched: those in a portfolio."""
    launchable = [each for each in _searched(parameters) if state.here().portfolios_of(each.id)]
    return paged([dict(each.summary) for each in launchable], parameters, "ProductViewSummaries")


@catalog.operation("SearchProductsAsAdmin")
def search_products_as_admin(parameters: dict[str, Any]) -> dict[str, Any]:
    """List every product, or those of a portfolio."""
    products = _searched(parameters)
    if "PortfolioId" in parameters:
        held = state.here().portfolio(parameters["PortfolioId"]).products
        products = [each for each in products if each.id in held]
    return paged([each.detail() for each in products], parameters, "ProductViewDetails")


@catalog.operation("DeleteProduct")
def delete_product(parameters: dict[str, Any]) -> None:
    """Delete a product that is in no portfolio."""
    product = state.here().product(parameters["Id"])
    if state.here().portfolios_of(product.id):
        raise AwsError("ResourceInUseException", f"Product {product.id} is still in a portfolio.")
    del state.here().products[product.id]


@catalog.operation("CreateProvisioningArtifact")
def create_provisioning_artifact(parameters: dict[str, Any]) -> dict[str, Any]:
    """Add a version to a product."""
    product = state.here().product(parameters["ProductId"])

    def make() -> dict[str, Any]:
        artefact_id, artefact = new_artefact(parameters["Parameters"])
        product.artefacts[artefact_id] = artefact
        return {
            "ProvisioningArtifactDetail": artefact.detail,
            "Info": parameters["Parameters"]["Info"],
            "Status": "AVAILABLE",
        }

    return once("artefact", parameters["IdempotencyToken"], make)


@catalog.operation("ListProvisioningArtifacts")
def list_provisioning_artifacts(parameters: dict[str, Any]) -> dict[str, Any]:
    """List a product's versions, oldest first."""
    product = state.here().product(parameters["ProductId"])
    return {"ProvisioningArtifactDetails": [dict(each.detail) for each in list(product.artefacts.values())]}


@catalog.operation("DescribeProvisioningArtifact")
def describe_provisioning_artifact(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a version of a product, with where its template is."""
    product = state.here().product(parameters.get("ProductId"), parameters.get("ProductName"))
    artefact = _artefact(product, parameters.get("ProvisioningArtifactId"), parameters.get("ProvisioningArtifactName"))
    return {
        "ProvisioningArtifactDetail": dict(artefact.detail),
        "Info": {"TemplateUrl": artefact.url},
        "Status": "AVAILABLE",
    }


@catalog.operation("UpdateProvisioningArtifact")
def update_provisioning_artifact(parameters: dict[str, Any]) -> dict[str, Any]:
    """Change what is said about a version: its name, whether it is active, whether it is deprecated."""
    artefact = _artefact(state.here().product(parameters["ProductId"]), parameters["ProvisioningArtifactId"])
    artefact.detail |= chosen(parameters, "Name", "Description", "Active", "Guidance")
    return {
        "ProvisioningArtifactDetail": dict(artefact.detail),
        "Info": {"TemplateUrl": artefact.url},
        "Status": "AVAILABLE",
    }


@catalog.operation("DeleteProvisioningArtifact")
def delete_provisioning_artifact(parameters: dict[str, Any]) -> None:
    """Delete a version of a product; the last one stays."""
    product = state.here().product(parameters["ProductId"])
    artefact_id = parameters["ProvisioningArtifactId"]
    _artefact(product, artefact_id)
    if len(product.artefacts) == 1:
        raise AwsError("ResourceInUseException", f"{artefact_id} is the only version of {product.id}.")
    del product.artefacts[artefact_id]


def new_artefact(parameters: dict[str, Any]) -> tuple[str, Artefact]:
    """Return a version and its id, once its template was found to be one."""
    info = parameters.get("Info", {})
    if list(info) != ["LoadTemplateFromURL"] or parameters.get("Type", TEMPLATE) != TEMPLATE:
        raise AwsError("InvalidParametersException", "A version needs Info with LoadTemplateFromURL, and no other.")
    template(info["LoadTemplateFromURL"])
    artefact_id = new_id("pa")
    detail = {
        "Id": artefact_id,
        "Type": TEMPLATE,
        "CreatedTime": sandbox().clock.now(),
        "Active": True,
        "Guidance": "DEFAULT",
        **chosen(parameters, "Name", "Description"),
    }
    return artefact_id, Artefact(detail, info["LoadTemplateFromURL"])


def _searched(parameters: dict[str, Any]) -> list[Product]:
    products = list(state.here().products.values())
    for name, values in parameters.get("Filters", {}).items():
        if name not in ("FullTextSearch", "Owner", "ProductType"):
            raise AwsError("InvalidParametersException", f"The filter {name} is not in the local simulation.")
        products = [each for each in products if _found(each, name, values)]
    by = {
        "Title": lambda each: each.summary["Name"],
        "VersionCount": lambda each: len(each.artefacts),
        "CreationDate": lambda each: each.created,
    }[parameters.get("SortBy", "CreationDate")]
    return sorted(products, key=by, reverse=parameters.get("SortOrder") == "DESCENDING")


def _found(product: Product, name: str, values: list[str]) -> bool:
    if name == "FullTextSearch":
        text = " ".join(str(value) for value in product.summary.values()).lower()
        return all(value.lower() in text for value in values)
    return product.summary["Type" if name == "ProductType" else name] in values


def _summaries(product: Product, *also: str, inactive: bool = True) -> list[dict[str, Any]]:
    wanted = ("Id", "Name", "Description", "CreatedTime", *also)
    shown = (each.detail for each in list(product.artefacts.values()) if inactive or each.detail["Active"])
    return [chosen(each, *wanted) for each in shown]


def _artefact(product: Product, artefact_id: str | None, name: str | None = None) -> Artefact:
    for known, artefact in list(product.artefacts.items()):
        if known == artefact_id or (artefact_id is None and artefact.detail.get("Name") == name):
            return artefact
    raise AwsError("ResourceNotFoundException", f"Provisioning artifact {artefact_id or name} not found.")
