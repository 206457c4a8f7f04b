"""The catalogue's records, and what every operation on them needs."""

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import Any

from tidegate_sandbox.context import Scoped, scope
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
            "ProductViewSummary": dict(self.summary),
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
        for product in list(self.products.values()):
            if product.id == product_id or (product_id is None and product.summary["Name"] == name):
                return product
        raise AwsError("ResourceNotFoundException", f"Product {product_id or name} not found.")

    def portfolios_of(self, product_id: str) -> list[Portfolio]:
        """Return the portfolios that hold a product."""
        return [portfolio for portfolio in list(self.portfolios.values()) if product_id in portfolio.products]

    def constraints_in(self, portfolio_id: str, product_id: str | None) -> list[dict[str, Any]]:
        """Return the constraints of a portfolio, on one product or on all, as DescribeConstraint answers them."""
        return [
            constraint
            for constraint in list(self.constraints.values())
            if constraint["ConstraintDetail"]["PortfolioId"] == portfolio_id
            and product_id in (None, constraint["ConstraintDetail"]["ProductId"])
        ]


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
