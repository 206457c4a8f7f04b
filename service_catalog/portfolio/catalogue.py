"""The Service Catalog route: a portfolio with a product for each place where a project's code can live.

A product's versions are all listed, because CloudFormation deletes those that are not: with
`ReplaceProvisioningArtifacts` off it matches them by name and template, leaves those that match as they are, with
their ids and whatever guidance they were given since, and adds or deletes the others.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_servicecatalog as servicecatalog

from service_catalog.names import PORTFOLIO_NAME, PRODUCT_NAMES
from service_catalog.portfolio.offer import Version
from service_catalog.project.parameters import Git

OWNER = "Tidegate"
# Studio shows in its template gallery what carries this tag.
STUDIO_TAG = cdk.CfnTag(key="sagemaker:studio-visibility", value="true")
DESCRIPTION = (
    "Two repositories, one that builds a model and one that deploys it, joined by the model registry. Each release is "
    "planned, guarded while it runs, and told truthfully when it ends. "
)
REPOSITORIES = {
    "codecommit": "A launch makes the repositories, in CodeCommit.",
    "connection": "The repositories exist already, at a host that a CodeConnection reaches.",
}


def product_id(git: Git) -> str:
    """Return the logical id of the product of that variant; its output is called the same with `Id` added."""
    return f"{git.title()}Product"


def add_catalogue(
    stack: cdk.Stack, launch: iam.CfnRole, principals: Iterable[str], versions: Mapping[Git, Sequence[Version]]
) -> None:
    """Add the portfolio to `stack`, with the products of `versions`, launched as `launch` by `principals`."""
    portfolio = servicecatalog.CfnPortfolio(
        stack,
        "Portfolio",
        display_name=PORTFOLIO_NAME,
        provider_name=OWNER,
        description="Project templates for Amazon SageMaker with guarded model releases",
    )
    for git, known in versions.items():
        _add_product(stack, portfolio, launch, git, known)
    for principal in sorted(set(principals)):
        servicecatalog.CfnPortfolioPrincipalAssociation(
            stack,
            f"Principal{hashlib.sha256(principal.encode()).hexdigest()[:12]}",
            portfolio_id=portfolio.ref,
            principal_arn=principal,
            principal_type="IAM",
        )
    cdk.CfnOutput(stack, "PortfolioId", value=portfolio.ref)


def _add_product(
    stack: cdk.Stack,
    portfolio: servicecatalog.CfnPortfolio,
    launch: iam.CfnRole,
    git: Git,
    versions: Sequence[Version],
) -> None:
    name = product_id(git)
    product = servicecatalog.CfnCloudFormationProduct(
        stack,
        name,
        name=PRODUCT_NAMES[git],
        owner=OWNER,
        description=DESCRIPTION + REPOSITORIES[git],
        tags=[STUDIO_TAG],
    )
    product.add_property_override("ProvisioningArtifactParameters", list(versions))
    association = servicecatalog.CfnPortfolioProductAssociation(
        stack, f"{name}InPortfolio", portfolio_id=portfolio.ref, product_id=product.ref
    )
    constraint = servicecatalog.CfnLaunchRoleConstraint(
        stack,
        f"{name}Launch",
        portfolio_id=portfolio.ref,
        product_id=product.ref,
        role_arn=launch.attr_arn,
        description="Whoever launches a project needs no permissions but to launch it",
    )
    constraint.add_resource_dependency(association)
    cdk.CfnOutput(stack, f"{name}Id", value=product.ref)
