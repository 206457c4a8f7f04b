"""Service Catalog: portfolios, products with their versions, who may launch them, and what was launched.

A product's version is a CloudFormation template in S3. Launching one makes the stack SC-{account}-{provisioned
product id} from it, after its parameters were checked, as the portfolio's launch role.
https://docs.aws.amazon.com/servicecatalog/latest/dg/API_Operations_AWS_Service_Catalog.html
"""

import json
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import Any

from tidegate_sandbox.context import Scoped, sandbox, scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import Service
from tidegate_sandbox.services.paging import page

catalog = Service("servicecatalog")

TEMPLATE = "CLOUD_FORMATION_TEMPLATE"


@dataclass
class Portfolio:
    """A portfolio: what it holds, who may use it, and as which role."""

    detail: dict[str, Any]
    tags: list[dict[str, str]]
    products: list[str] = field(default_factory=list)
    principals: dict[str, str] = field(default_factory=dict)


@dataclass
class Product:
    """A product and its versions by provisioning artefact id, oldest first."""

    id: str
    summary: dict[str, Any]
    created: datetime
    tags: list[dict[str, str]]
    artefacts: dict[str, "Artefact"] = field(default_factory=dict)

    def detail(self) -> dict[str, Any]:
        """Return it as an administrator sees it."""
        arn = scope().arn("catalog", f"product/{self.id}")
        return {
            "ProductViewSummary": self.summary,
            "Status": "AVAILABLE",
            "ProductARN": arn,
            "CreatedTime": self.created,
        }


@dataclass
class Artefact:
    """A product's version: where its template is."""

    detail: dict[str, Any]
    url: str


@dataclass
class Catalog:
    """The Service Catalog of an account and region."""

    portfolios: dict[str, Portfolio] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    constraints: dict[str, dict[str, Any]] = field(default_factory=dict)
    answered: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    lock: Any = field(default_factory=RLock)

    def portfolio(self, portfolio_id: str) -> Portfolio:
        """Return a portfolio, or raise ResourceNotFoundException."""
        if found := self.portfolios.get(portfolio_id):
            return found
        raise AwsError("ResourceNotFoundException", f"Portfolio {portfolio_id} not found.")

    def product(self, product_id: str | None, name: str | None = None) -> Product:
        """Return a product by its id or name, or raise ResourceNotFoundException."""
        for product in self.products.values():
            if product.id == product_id or (product_id is None and product.summary["Name"] == name):
                return product
        raise AwsError("ResourceNotFoundException", f"Product {product_id or name} not found.")

    def portfolios_of(self, product_id: str) -> list[Portfolio]:
        """Return the portfolios that hold a product."""
        return [portfolio for portfolio in self.portfolios.values() if product_id in portfolio.products]


state = Scoped(Catalog)


def new_id(prefix: str) -> str:
    """Return an id as Service Catalog makes them: the prefix and 13 letters and digits."""
    return f"{prefix}-" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(13))


def once(kind: str, token: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what `make` makes; for an idempotency token that was seen before, what it made then."""
    catalog_here = state.here()
    with catalog_here.lock:
        answered = catalog_here.answered.get((kind, token))
        if answered is None:
            answered = catalog_here.answered[kind, token] = make()
        return answered


def retagged(tags: list[dict[str, str]], parameters: dict[str, Any]) -> list[dict[str, str]]:
    """Return `tags` with an update's AddTags and without its RemoveTags."""
    added = parameters.get("AddTags", [])
    gone = {*parameters.get("RemoveTags", []), *(tag["Key"] for tag in added)}
    return [*(tag for tag in tags if tag["Key"] not in gone), *added]


def chosen(parameters: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return those of the members `names` that there are."""
    return {name: parameters[name] for name in names if name in parameters}


def paged(items: list[Any], parameters: dict[str, Any], member: str) -> dict[str, Any]:
    """Return a page, in Service Catalog's words for it."""
    return page(
        items,
        parameters,
        member,
        size="PageSize",
        token="PageToken",  # noqa: S106
        next_token="NextPageToken",  # noqa: S106
        error="InvalidParametersException",
        at_most=20,
    )


def path_id(portfolio: Portfolio, product: Product) -> str:
    """Return the id of the launch path from `portfolio` to `product`."""
    return f"lpv2-{portfolio.detail['Id'].removeprefix('port-')}-{product.id.removeprefix('prod-')}"


# ---------------------------------------------------------------- portfolios
@catalog.operation("CreatePortfolio")
def create_portfolio(parameters: dict[str, Any]) -> dict[str, Any]:
    """Create a portfolio."""

    def make() -> dict[str, Any]:
        portfolio_id = new_id("port")
        detail = {
            "Id": portfolio_id,
            "ARN": scope().arn("catalog", f"portfolio/{portfolio_id}"),
            "CreatedTime": sandbox().clock.now(),
            **chosen(parameters, "DisplayName", "Description", "ProviderName"),
        }
        state.here().portfolios[portfolio_id] = Portfolio(detail, parameters.get("Tags", []))
        return {"PortfolioDetail": detail, "Tags": parameters.get("Tags", [])}

    return once("portfolio", parameters["IdempotencyToken"], make)


@catalog.operation("DescribePortfolio")
def describe_portfolio(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a portfolio."""
    portfolio = state.here().portfolio(parameters["Id"])
    return {"PortfolioDetail": portfolio.detail, "Tags": portfolio.tags}


@catalog.operation("ListPortfolios")
def list_portfolios(parameters: dict[str, Any]) -> dict[str, Any]:
    """List portfolios."""
    return paged([each.detail for each in state.here().portfolios.values()], parameters, "PortfolioDetails")


@catalog.operation("ListPortfoliosForProduct")
def list_portfolios_for_product(parameters: dict[str, Any]) -> dict[str, Any]:
    """List the portfolios that hold a product."""
    product = state.here().product(parameters["ProductId"])
    return paged([each.detail for each in state.here().portfolios_of(product.id)], parameters, "PortfolioDetails")


@catalog.operation("UpdatePortfolio")
def update_portfolio(parameters: dict[str, Any]) -> dict[str, Any]:
    """Change a portfolio's names and tags."""
    portfolio = state.here().portfolio(parameters["Id"])
    portfolio.detail |= chosen(parameters, "DisplayName", "Description", "ProviderName")
    portfolio.tags = retagged(portfolio.tags, parameters)
    return {"PortfolioDetail": portfolio.detail, "Tags": portfolio.tags}


@catalog.operation("DeletePortfolio")
def delete_portfolio(parameters: dict[str, Any]) -> None:
    """Delete a portfolio that holds nothing and that nobody has access to."""
    portfolio = state.here().portfolio(parameters["Id"])
    if portfolio.products or portfolio.principals:
        raise AwsError("ResourceInUseException", f"Portfolio {parameters['Id']} still has products or principals.")
    del state.here().portfolios[parameters["Id"]]


@catalog.operation("AssociateProductWithPortfolio")
def associate_product(parameters: dict[str, Any]) -> None:
    """Put a product into a portfolio."""
    product = state.here().product(parameters["ProductId"])
    portfolio = state.here().portfolio(parameters["PortfolioId"])
    if product.id not in portfolio.products:
        portfolio.products.append(product.id)


@catalog.operation("DisassociateProductFromPortfolio")
def disassociate_product(parameters: dict[str, Any]) -> None:
    """Take a product out of a portfolio, once no constraint binds them."""
    portfolio = state.here().portfolio(parameters["PortfolioId"])
    if parameters["ProductId"] not in portfolio.products:
        raise AwsError("ResourceNotFoundException", f"Product {parameters['ProductId']} is not in the portfolio.")
    if _constraints(parameters["PortfolioId"], parameters["ProductId"]):
        raise AwsError("ResourceInUseException", "A constraint binds the product and the portfolio: delete it first.")
    portfolio.products.remove(parameters["ProductId"])


@catalog.operation("AssociatePrincipalWithPortfolio")
def associate_principal(parameters: dict[str, Any]) -> None:
    """Let a principal launch what a portfolio holds."""
    portfolio = state.here().portfolio(parameters["PortfolioId"])
    portfolio.principals[parameters["PrincipalARN"]] = parameters["PrincipalType"]


@catalog.operation("DisassociatePrincipalFromPortfolio")
def disassociate_principal(parameters: dict[str, Any]) -> None:
    """Take a principal's access to a portfolio away."""
    state.here().portfolio(parameters["PortfolioId"]).principals.pop(parameters["PrincipalARN"], None)


@catalog.operation("ListPrincipalsForPortfolio")
def list_principals(parameters: dict[str, Any]) -> dict[str, Any]:
    """List who may launch what a portfolio holds."""
    principals = state.here().portfolio(parameters["PortfolioId"]).principals
    return paged(
        [{"PrincipalARN": arn, "PrincipalType": kind} for arn, kind in principals.items()], parameters, "Principals"
    )


# ---------------------------------------------------------------- constraints
@catalog.operation("CreateConstraint")
def create_constraint(parameters: dict[str, Any]) -> dict[str, Any]:
    """Bind a product in a portfolio to the role that launches it (Type LAUNCH)."""
    if parameters["Type"] != "LAUNCH":
        raise AwsError("NotImplemented", f"{parameters['Type']} constraints are not in the local simulation", 501)
    _launch_role(parameters["Parameters"])
    portfolio = state.here().portfolio(parameters["PortfolioId"])
    if state.here().product(parameters["ProductId"]).id not in portfolio.products:
        raise AwsError("ResourceNotFoundException", f"Product {parameters['ProductId']} is not in the portfolio.")

    def make() -> dict[str, Any]:
        if _constraints(parameters["PortfolioId"], parameters["ProductId"]):
            raise AwsError("DuplicateResourceException", "The product has a launch constraint in this portfolio.")
        detail = {
            "ConstraintId": new_id("cons"),
            "Owner": scope().account,
            **chosen(parameters, "Type", "Description", "ProductId", "PortfolioId"),
        }
        answer = {
            "ConstraintDetail": detail,
            "ConstraintParameters": parameters["Parameters"],
            "Status": "AVAILABLE",
        }
        state.here().constraints[detail["ConstraintId"]] = answer
        return answer

    return once("constraint", parameters["IdempotencyToken"], make)


@catalog.operation("DescribeConstraint")
def describe_constraint(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a constraint."""
    return _constraint(parameters["Id"])


@catalog.operation("ListConstraintsForPortfolio")
def list_constraints(parameters: dict[str, Any]) -> dict[str, Any]:
    """List a portfolio's constraints, of one product or of all."""
    state.here().portfolio(parameters["PortfolioId"])
    constraints = _constraints(parameters["PortfolioId"], parameters.get("ProductId"))
    return paged([each["ConstraintDetail"] for each in constraints], parameters, "ConstraintDetails")


@catalog.operation("DeleteConstraint")
def delete_constraint(parameters: dict[str, Any]) -> None:
    """Delete a constraint."""
    del state.here().constraints[_constraint(parameters["Id"])["ConstraintDetail"]["ConstraintId"]]


def launch_role(portfolio: Portfolio, product: Product) -> str | None:
    """Return the ARN of the role that launches `product` from `portfolio`, where a constraint names one."""
    for constraint in _constraints(portfolio.detail["Id"], product.id):
        return _launch_role(constraint["ConstraintParameters"])
    return None


def _constraint(constraint_id: str) -> dict[str, Any]:
    if found := state.here().constraints.get(constraint_id):
        return found
    raise AwsError("ResourceNotFoundException", f"Constraint {constraint_id} not found.")


def _constraints(portfolio_id: str, product_id: str | None) -> list[dict[str, Any]]:
    return [
        constraint
        for constraint in state.here().constraints.values()
        if constraint["ConstraintDetail"]["PortfolioId"] == portfolio_id
        and product_id in (None, constraint["ConstraintDetail"]["ProductId"])
    ]


def _launch_role(constraint: str) -> str:
    try:
        role: dict[str, str] = json.loads(constraint)
    except ValueError as error:
        raise AwsError("InvalidParametersException", f"The constraint's parameters are not JSON: {error}") from error
    if list(role) == ["RoleArn"]:
        return role["RoleArn"]
    if list(role) == ["LocalRoleName"]:
        return f"arn:aws:iam::{scope().account}:role/{role['LocalRoleName']}"
    raise AwsError("InvalidParametersException", "A launch constraint names either a RoleArn or a LocalRoleName.")


def install() -> None:
    """Serve Service Catalog's API and provision its resource types."""
    from tidegate_sandbox.services import catalog_resources, launches  # noqa: F401 - importing registers operations

    catalog_resources.install()
    catalog.serve()
