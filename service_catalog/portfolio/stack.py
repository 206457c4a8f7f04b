"""The admin stack: what both galleries of Studio offer, the roles that launch it, and who may launch it."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from service_catalog.names import (
    ROLE_PATH,
    launch_policy,
    launch_role,
    permissions_boundary,
    s3_launch_role,
    stack_set_administration,
    stack_set_execution,
)
from service_catalog.policy import Statement, allow, arn, document, iam_arn, reasons, sub, trust
from service_catalog.portfolio.catalogue import add_catalogue
from service_catalog.portfolio.launch_role import boundary_statements, launch_statements, provisioning_statements
from service_catalog.portfolio.launchers import add_launchers
from service_catalog.portfolio.offer import Offer
from service_catalog.portfolio.owners import add_owners
from service_catalog.project.every_project import ANY
from service_catalog.project.scope import OWN_ACCOUNT

REGION = "${AWS::Region}"


DESCRIPTION = "Tidegate: the project templates that Studio's galleries show, and the roles that launch them"


def define_portfolio(app: cdk.App, stack_id: str, offer: Offer) -> cdk.Stack:
    """Return the stack that makes `offer`, as boto3 alone can deploy it."""
    stack = cdk.Stack(
        app,
        stack_id,
        synthesizer=cdk.BootstraplessSynthesizer(),
        analytics_reporting=False,
        description=DESCRIPTION,
    )
    fill_portfolio(stack, offer)
    return stack


def fill_portfolio(stack: cdk.Stack, offer: Offer) -> None:
    """Add what makes `offer` to `stack`."""
    boundary = _add_boundary(stack)
    _add_stack_set_administration(stack)
    parts = launch_statements(offer.stage_roles)
    policies = [_add_policy(stack, part, statements) for part, statements in parts.items()]
    if offer.versions:
        role = _add_launch_role(
            stack, "LaunchRole", launch_role(REGION), "servicecatalog", policies, provisioning_statements()
        )
        # The policies name the boundary, so a launch before it exists would be refused.
        role.add_resource_dependency(boundary)
        add_catalogue(stack, role, offer.principals, offer.versions)
        cdk.CfnOutput(stack, "LaunchRoleArn", value=role.attr_arn)
    if offer.bucket:
        role = _add_launch_role(stack, "S3LaunchRole", s3_launch_role(REGION), "cloudformation", policies)
        role.add_resource_dependency(boundary)
        add_launchers(stack, role, offer.principals, offer.bucket)
        cdk.CfnOutput(stack, "S3LaunchRoleArn", value=role.attr_arn)
    if offer.store:
        cdk.CfnOutput(stack, "OwnersPolicyArn", value=add_owners(stack, offer.store).ref)


def _add_boundary(stack: cdk.Stack) -> iam.CfnManagedPolicy:
    bounds = boundary_statements()
    boundary = iam.CfnManagedPolicy(
        stack,
        "Boundary",
        managed_policy_name=sub(permissions_boundary(REGION)),
        path=ROLE_PATH,
        description="The most that any role of a Tidegate project may be given",
        policy_document=document(bounds),
    )
    _explain(boundary, bounds)
    return boundary


def _add_policy(stack: cdk.Stack, part: str, statements: Sequence[Statement]) -> iam.CfnManagedPolicy:
    policy = iam.CfnManagedPolicy(
        stack,
        f"Launch{part.title()}",
        managed_policy_name=sub(launch_policy(part, REGION)),
        path=ROLE_PATH,
        description=f"What launching a Tidegate project does to its {part}",
        policy_document=document(statements),
    )
    _explain(policy, statements)
    return policy


def _add_launch_role(
    stack: cdk.Stack,
    logical_id: str,
    name: str,
    service: str,
    policies: Sequence[iam.CfnManagedPolicy],
    own: Sequence[Statement] = (),
) -> iam.CfnRole:
    inline = [iam.CfnRole.PolicyProperty(policy_name="provision", policy_document=document(own))] if own else None
    role = iam.CfnRole(
        stack,
        logical_id,
        role_name=sub(name),
        path=ROLE_PATH,
        description=f"Launches Tidegate projects for {service}.amazonaws.com",
        assume_role_policy_document=trust(service, OWN_ACCOUNT),
        managed_policy_arns=[policy.ref for policy in policies],
        policies=inline,
    )
    _explain(role, own)
    return role


def _add_stack_set_administration(stack: cdk.Stack) -> None:
    """Add the role with which the stack sets of projects reach the accounts of their stages, and nothing else."""
    asked_by_a_projects_stack_set = {
        "StringEquals": {"aws:SourceAccount": stack.account},
        "ArnLike": {"aws:SourceArn": sub(arn("cloudformation", f"stackset/{ANY.stack_set}:*"))},
    }
    execution = iam_arn(f"role/{stack_set_execution('${AWS::Region}')}", "*")
    iam.CfnRole(
        stack,
        "StackSetAdministration",
        role_name=sub(stack_set_administration("${AWS::Region}")),
        path=ROLE_PATH,
        description="Reaches the accounts of Tidegate projects' stages for CloudFormation",
        assume_role_policy_document=trust("cloudformation", asked_by_a_projects_stack_set),
        policies=[
            iam.CfnRole.PolicyProperty(
                policy_name="reach", policy_document=document([allow(["sts:AssumeRole"], on=[execution])])
            )
        ],
    )


def _explain(resource: cdk.CfnResource, statements: Sequence[Statement]) -> None:
    for action, because in reasons(statements).items():
        resource.add_metadata(action, because)
