"""What bootstrapping leaves in an account that is to have stages: a boundary, and the role that stack sets act with.

Both are for the projects of one home account and one region. The role may make, change and delete the roles of
projects, under one path, one form of name and that boundary, through stacks of stack sets of projects: nothing else.
"""

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from service_catalog.names import (
    ROLE_PATH,
    stack_set_administration,
    stack_set_execution,
    stage_boundary,
)
from service_catalog.policy import VERSION, Statement, allow, allow_on_any, arn, document, iam_arn, reasons, sub
from service_catalog.project.every_project import ANY, bounds, make_roles

BOUNDARY = stage_boundary("${AWS::Region}")


def define_stage_account(app: cdk.App, stack_id: str, home: str) -> cdk.Stack:
    """Return the stack that bootstrapping makes in an account of stages, for the projects of the account `home`."""
    stack = cdk.Stack(
        app,
        stack_id,
        synthesizer=cdk.BootstraplessSynthesizer(),
        analytics_reporting=False,
        description="Tidegate: lets the projects of one account have their stages' roles in this one",
    )
    bounds = boundary_statements()
    boundary = iam.CfnManagedPolicy(
        stack,
        "Boundary",
        managed_policy_name=sub(BOUNDARY),
        path=ROLE_PATH,
        description="The most that any role of a Tidegate project may be given in this account",
        policy_document=document(bounds),
    )
    statements = execution_statements()
    role = iam.CfnRole(
        stack,
        "StackSetExecution",
        role_name=sub(stack_set_execution("${AWS::Region}")),
        description="Makes the roles of Tidegate projects for stack sets of the home account",
        assume_role_policy_document=_trust(home),
        policies=[iam.CfnRole.PolicyProperty(policy_name="roles", policy_document=document(statements))],
    )
    role.add_resource_dependency(boundary)
    for resource, said in ((boundary, bounds), (role, statements)):
        _explain(resource, said)
    cdk.CfnOutput(stack, "Home", value=home, description="The account that the projects are in")
    return stack


def boundary_statements() -> list[Statement]:
    """Return the most that a project's roles may be given here, whatever their own policies say."""
    return bounds(("application-autoscaling", "cloudformation", "cloudwatch", "ecr", "kms", "logs", "s3", "sagemaker"))


def execution_statements() -> list[Statement]:
    """Return what the stack sets' role may do: have stacks of its own, and in them the roles of projects."""
    return [
        allow(
            [
                f"cloudformation:{action}"
                for action in (
                    "CancelUpdateStack",
                    "ContinueUpdateRollback",
                    "CreateStack",
                    "DeleteStack",
                    "DescribeStackEvents",
                    "DescribeStackResources",
                    "DescribeStacks",
                    "GetStackPolicy",
                    "GetTemplate",
                    "ListStackResources",
                    "SetStackPolicy",
                    "TagResource",
                    "UntagResource",
                    "UpdateStack",
                    "UpdateTerminationProtection",
                )
            ],
            # Stack sets name the stacks of their instances so.
            on=[arn("cloudformation", f"stack/StackSet-{ANY.resource('*')}/*")],
        ),
        allow_on_any(
            ["cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate"],
            because="they look at a template before there is a stack",
        ),
        *make_roles(BOUNDARY),
    ]


def _trust(home: str) -> dict[str, Any]:
    administration = iam_arn(f"role{ROLE_PATH}{stack_set_administration('${AWS::Region}')}", home)
    statement = {
        "Effect": "Allow",
        # The role itself may not be there yet: the home account may be published to later.
        "Principal": {"AWS": sub(iam_arn("root", home))},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:PrincipalArn": sub(administration)}},
    }
    return {"Version": VERSION, "Statement": [statement]}


def _explain(resource: cdk.CfnResource, statements: Sequence[Statement]) -> None:
    for action, because in reasons(statements).items():
        resource.add_metadata(action, because)
