"""Service Catalog's launch constraints: which role launches a product of a portfolio."""

import json
from typing import Any

from tidegate_sandbox.context import scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.catalog.records import Portfolio, Product, catalog, chosen, new_id, once, paged, state


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
        if state.here().constraints_in(parameters["PortfolioId"], parameters["ProductId"]):
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
    constraints = state.here().constraints_in(parameters["PortfolioId"], parameters.get("ProductId"))
    return paged([each["ConstraintDetail"] for each in constraints], parameters, "ConstraintDetails")


@catalog.operation("DeleteConstraint")
def delete_constraint(parameters: dict[str, Any]) -> None:
    """Delete a constraint."""
    del state.here().constraints[_constraint(parameters["Id"])["ConstraintDetail"]["ConstraintId"]]


def launch_role(portfolio: Portfolio, product: Product) -> str | None:
    """Return the ARN of the role that launches `product` from `portfolio`, where a constraint names one."""
    for constraint in state.here().constraints_in(portfolio.detail["Id"], product.id):
        return _launch_role(constraint["ConstraintParameters"])
    return None


def _constraint(constraint_id: str) -> dict[str, Any]:
    if found := state.here().constraints.get(constraint_id):
        return found
    raise AwsError("ResourceNotFoundException", f"Constraint {constraint_id} not found.")


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
