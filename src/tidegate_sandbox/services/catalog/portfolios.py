"""Service Catalog's portfolios: what they hold and who may use them."""

from typing import Any

from tidegate_sandbox.context import sandbox, scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.catalog.records import Portfolio, catalog, chosen, new_id, once, paged, retagged, state


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
    return {"PortfolioDetail": dict(portfolio.detail), "Tags": portfolio.tags}


@catalog.operation("ListPortfolios")
def list_portfolios(parameters: dict[str, Any]) -> dict[str, Any]:
    """List portfolios."""
    return paged([dict(each.detail) for each in list(state.here().portfolios.values())], parameters, "PortfolioDetails")


@catalog.operation("ListPortfoliosForProduct")
def list_portfolios_for_product(parameters: dict[str, Any]) -> dict[str, Any]:
    """List the portfolios that hold a product."""
    product = state.here().product(parameters["ProductId"])
    return paged([dict(each.detail) for each in state.here().portfolios_of(product.id)], parameters, "PortfolioDetails")


@catalog.operation("UpdatePortfolio")
def update_portfolio(parameters: dict[str, Any]) -> dict[str, Any]:
    """Change a portfolio's names and tags."""
    portfolio = state.here().portfolio(parameters["Id"])
    portfolio.detail |= chosen(parameters, "DisplayName", "Description", "ProviderName")
    portfolio.tags = retagged(portfolio.tags, parameters)
    return {"PortfolioDetail": dict(portfolio.detail), "Tags": portfolio.tags}


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
    if state.here().constraints_in(parameters["PortfolioId"], parameters["ProductId"]):
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
    principals = dict(state.here().portfolio(parameters["PortfolioId"]).principals)
    return paged(
        [{"PrincipalARN": arn, "PrincipalType": kind} for arn, kind in principals.items()],
        parameters,
        "Principals",
    )
