"""The admin side: the portfolio, the product in it, the role that launches it and who may launch it."""

import hashlib
from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_servicecatalog as servicecatalog

from service_catalog.names import PORTFOLIO_NAME, PRODUCT_NAME, ROLE_PATH, launch_role, permissions_boundary
from service_catalog.policy import Statement, document, reasons, sub, trust
from service_catalog.portfolio.launch_role import boundary_statements, launch_statements
from service_catalog.project.scope import OWN_ACCOUNT

OWNER = "Tidegate"
# Studio shows in its template gallery what carries this tag.
STUDIO_TAG = cdk.CfnTag(key="sagemaker:studio-visibility", value="true")


def define_portfolio(
    app: cdk.App, stack_id: str, *, template_url: str, version: str, principals: Sequence[str]
) -> cdk.Stack:
    """Return the stack of the portfolio with one version of the product, whose template lies at `template_url`.

    `principals` are the ARNs of roles, users or groups that may launch it.
    """
    stack = cdk.Stack(
        app,
        stack_id,
        synthesizer=cdk.BootstraplessSynthesizer(),
        analytics_reporting=False,
        description="Tidegate: the portfolio that Studio's template gallery shows",
    )
    launch = _add_launch_role(stack)
    portfolio = servicecatalog.CfnPortfolio(
        stack,
        "Portfolio",
        display_name=PORTFOLIO_NAME,
        provider_name=OWNER,
        description="Project templates for Amazon SageMaker with guarded model releases",
    )
    product = servicecatalog.CfnCloudFormationProduct(
        stack,
        "Product",
        name=PRODUCT_NAME,
        owner=OWNER,
        description=(
            "Two repositories, one that builds a model and one that deploys it, joined by the model "
            "registry. Each release is planned, guarded while it runs, and told truthfully when it ends."
        ),
        provisioning_artifact_parameters=[
            servicecatalog.CfnCloudFormationProduct.ProvisioningArtifactPropertiesProperty(
                name=version, info={"LoadTemplateFromURL": template_url}
            )
        ],
        tags=[STUDIO_TAG],
    )
    association = servicecatalog.CfnPortfolioProductAssociation(
        stack, "PortfolioProduct", portfolio_id=portfolio.ref, product_id=product.ref
    )
    constraint = servicecatalog.CfnLaunchRoleConstraint(
        stack,
        "LaunchConstraint",
        portfolio_id=portfolio.ref,
        product_id=product.ref,
        role_arn=launch.attr_arn,
        description="Whoever launches a project needs no permissions but to launch it",
    )
    constraint.add_resource_dependency(association)
    for principal in sorted(set(principals)):
        servicecatalog.CfnPortfolioPrincipalAssociation(
            stack,
            f"Principal{hashlib.sha256(principal.encode()).hexdigest()[:12]}",
            portfolio_id=portfolio.ref,
            principal_arn=principal,
            principal_type="IAM",
        )
    cdk.CfnOutput(stack, "PortfolioId", value=portfolio.ref)
    cdk.CfnOutput(stack, "ProductId", value=product.ref)
    cdk.CfnOutput(stack, "ProvisioningArtifactId", value=product.attr_provisioning_artifact_ids)
    cdk.CfnOutput(stack, "LaunchRoleArn", value=launch.attr_arn)
    return stack


def _add_launch_role(stack: cdk.Stack) -> iam.CfnRole:
    bounds = boundary_statements()
    boundary = iam.CfnManagedPolicy(
        stack,
        "Boundary",
        managed_policy_name=sub(permissions_boundary("${AWS::Region}")),
        path=ROLE_PATH,
        description="The most that any role of a Tidegate project may be given",
        policy_document=document(bounds),
    )
    _explain(boundary, bounds)
    statements = launch_statements()
    role = iam.CfnRole(
        stack,
        "LaunchRole",
        role_name=sub(launch_role("${AWS::Region}")),
        path=ROLE_PATH,
        description="Launches Tidegate projects for Service Catalog",
        assume_role_policy_document=trust("servicecatalog", OWN_ACCOUNT),
        policies=[iam.CfnRole.PolicyProperty(policy_name="launch", policy_document=document(statements))],
    )
    # The role's policy names the boundary, so a launch before it exists would be refused.
    role.add_resource_dependency(boundary)
    _explain(role, statements)
    return role


def _explain(resource: cdk.CfnResource, statements: Sequence[Statement]) -> None:
    for action, because in reasons(statements).items():
        resource.add_metadata(action, because)
