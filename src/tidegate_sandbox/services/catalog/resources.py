"""CloudFormation's resource types of Service Catalog."""

import json
import uuid
from typing import Any

from tidegate_sandbox import hooks
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import Operation
from tidegate_sandbox.services.catalog import constraints, portfolios, products
from tidegate_sandbox.services.catalog.records import TEMPLATE, Product, chosen, state
from tidegate_sandbox.services.properties import as_parameters

Made = tuple[str, hooks.Attributes]


def install() -> None:
    """Let CloudFormation provision portfolios, products and what joins them."""
    hooks.register_resource_type("AWS::ServiceCatalog::Portfolio", _Portfolio())
    hooks.register_resource_type("AWS::ServiceCatalog::CloudFormationProduct", _Product())
    hooks.register_resource_type(
        "AWS::ServiceCatalog::PortfolioProductAssociation",
        _Association("Product", "ProductId", portfolios.associate_product, portfolios.disassociate_product),
    )
    hooks.register_resource_type(
        "AWS::ServiceCatalog::PortfolioPrincipalAssociation",
        _Association("Principal", "PrincipalARN", portfolios.associate_principal, portfolios.disassociate_principal),
    )
    hooks.register_resource_type("AWS::ServiceCatalog::LaunchRoleConstraint", _LaunchRoleConstraint())


class _Portfolio:
    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> Made:
        parameters = as_parameters("servicecatalog", "CreatePortfolio", properties)
        made = portfolios.create_portfolio(parameters | {"IdempotencyToken": _token()})
        return made["PortfolioDetail"]["Id"], {"PortfolioName": made["PortfolioDetail"]["DisplayName"]}

    def update(self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str) -> Made:
        parameters = as_parameters("servicecatalog", "UpdatePortfolio", _update(physical_id, old, new))
        made = portfolios.update_portfolio(parameters)
        return physical_id, {"PortfolioName": made["PortfolioDetail"]["DisplayName"]}

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        if physical_id in state.here().portfolios:
            portfolios.delete_portfolio({"Id": physical_id})


class _Product:
    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> Made:
        about = _without(properties, "ProvisioningArtifactParameters", "ReplaceProvisioningArtifacts")
        versions = _versions(properties)
        if not versions:
            raise ValueError("ProvisioningArtifactParameters must have at least one version")
        about |= {"ProductType": properties.get("ProductType", TEMPLATE)}
        parameters = as_parameters("servicecatalog", "CreateProduct", about)
        made = products.create_product(
            parameters | {"ProvisioningArtifactParameters": versions[0], "IdempotencyToken": _token()}
        )
        product_id = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        for version in versions[1:]:
            _add_version(product_id, version)
        return product_id, _product_attributes(product_id)

    def update(self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str) -> Made:
        versions = "ProvisioningArtifactParameters", "ReplaceProvisioningArtifacts", "ProductType"
        about = _update(physical_id, _without(old, *versions), _without(new, *versions))
        products.update_product(as_parameters("servicecatalog", "UpdateProduct", about))
        if _versions(old) != _versions(new):
            self._update_versions(state.here().product(physical_id), old, new)
        return physical_id, _product_attributes(physical_id)

    def _update_versions(self, product: Product, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Match versions by name: a changed one keeps its id, unless ReplaceProvisioningArtifacts is set."""
        replace = str(new.get("ReplaceProvisioningArtifacts", False)).lower() == "true"
        known = {version["Name"]: version for version in _versions(old)}
        ids = {artefact.detail["Name"]: artefact_id for artefact_id, artefact in product.artefacts.items()}
        kept = []
        for version in _versions(new):
            artefact_id = ids.get(version["Name"])
            if artefact_id is None or replace:
                artefact_id = _add_version(product.id, version)
            elif known.get(version["Name"]) != version:
                _, changed = products.new_artefact(version)
                product.artefacts[artefact_id].url = changed.url
                product.artefacts[artefact_id].detail |= chosen(changed.detail, "Name", "Description")
            kept.append(artefact_id)
        for artefact_id in set(product.artefacts) - set(kept):
            del product.artefacts[artefact_id]

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        if physical_id in state.here().products:
            products.delete_product({"Id": physical_id})


class _Association:
    """What a portfolio holds, or who may use it: `kind` is Product or Principal, `member` what names the one joined."""

    def __init__(self, kind: str, member: str, join: Operation, part: Operation) -> None:
        self._operation, self._member, self._join, self._part = f"Associate{kind}WithPortfolio", member, join, part

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> Made:
        self._join(as_parameters("servicecatalog", self._operation, properties))
        return f"{properties['PortfolioId']}|{properties[self._member]}", {}

    def update(self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str) -> Made:
        return self.create(logical_id, new, stack)

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        try:
            self._part(properties)
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise


class _LaunchRoleConstraint:
    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> Made:
        about = _without(properties, "RoleArn", "LocalRoleName")
        role = chosen(properties, "RoleArn", "LocalRoleName")
        about |= {"Type": "LAUNCH", "Parameters": json.dumps(role)}
        parameters = as_parameters("servicecatalog", "CreateConstraint", about)
        made = constraints.create_constraint(parameters | {"IdempotencyToken": _token()})
        return made["ConstraintDetail"]["ConstraintId"], {}

    def update(self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str) -> Made:
        same_place = all(old.get(name) == new.get(name) for name in ("PortfolioId", "ProductId"))
        if same_place:
            self.delete(physical_id, old)  # one launch constraint a product and portfolio
        return self.create(logical_id, new, stack)

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        state.here().constraints.pop(physical_id, None)


def _token() -> str:
    return uuid.uuid4().hex


def _without(properties: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in names}


def _update(physical_id: str, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    kept = {tag["Key"] for tag in new.get("Tags", [])}
    return {
        "Id": physical_id,
        **_without(new, "Tags"),
        "AddTags": new.get("Tags", []),
        "RemoveTags": [tag["Key"] for tag in old.get("Tags", []) if tag["Key"] not in kept],
    }


def _versions(properties: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a product's versions as CreateProvisioningArtifact takes them; unnamed ones are v1, v2 and so on."""
    return [
        {"Name": f"v{number}", "Type": TEMPLATE, **version}
        for number, version in enumerate(properties.get("ProvisioningArtifactParameters", []), start=1)
    ]


def _add_version(product_id: str, version: dict[str, Any]) -> str:
    made = products.create_provisioning_artifact(
        {"ProductId": product_id, "Parameters": version, "IdempotencyToken": _token()}
    )
    artefact_id: str = made["ProvisioningArtifactDetail"]["Id"]
    return artefact_id


def _product_attributes(product_id: str) -> hooks.Attributes:
    product = state.here().product(product_id)
    return {
        "ProductName": product.summary["Name"],
        "ProvisioningArtifactIds": ",".join(product.artefacts),
        "ProvisioningArtifactNames": ",".join(each.detail["Name"] for each in product.artefacts.values()),
    }
