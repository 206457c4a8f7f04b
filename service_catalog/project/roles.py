"""The roles of a project: who may assume each, and the least that it needs.

Every role lies under one path and within the permissions boundary that was published with the product.
"""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from service_catalog.names import ROLE_PATH, ProjectNames, permissions_boundary
from service_catalog.policy import (
    Statement,
    allow,
    allow_on_any,
    arn,
    document,
    iam_arn,
    passed_to,
    reasons,
    sub,
    trust,
)
from service_catalog.project import endpoint_roles, goodbye_role, network
from service_catalog.project.scope import LISTS, OWN_ACCOUNT, Project


def add_roles(stack: cdk.Stack, project: Project) -> dict[str, iam.CfnRole]:
    """Add every role of the project to `stack`; the keys are their purposes."""
    policies = {
        "seed": ("codebuild", _seed(project)),
        "build": ("codebuild", _build(project)),
        "render": ("codebuild", endpoint_roles.render(project)),
        "verify": ("codebuild", endpoint_roles.verify(project)),
        "decline": ("codebuild", endpoint_roles.decline(project)),
        "review": ("codebuild", endpoint_roles.review(project)),
        "goodbye": ("codebuild", goodbye_role.goodbye(project)),
        "pipeline": ("codepipeline", _pipeline(project)),
        "cloudformation": ("cloudformation", endpoint_roles.cloudformation(project)),
        "execution": ("sagemaker", endpoint_roles.execution(project)),
        "events": ("events", _events(project)),
    }
    roles = {
        purpose: add_role(stack, project.names, purpose, trust(service, OWN_ACCOUNT), statements)
        for purpose, (service, statements) in policies.items()
    }
    builders = [roles[purpose] for purpose, (service, _) in policies.items() if service == "codebuild"]
    network.add_policy_of_builds(stack, builders)
    return roles


def add_role(
    stack: cdk.Stack,
    names: ProjectNames,
    purpose: str,
    trusted: dict[str, object],
    statements: Sequence[Statement],
) -> iam.CfnRole:
    """Add the role `sagemaker-{id}-{purpose}-{region}` with one inline policy, within the permissions boundary."""
    return add_bounded_role(stack, names, purpose, trusted, statements, permissions_boundary("${AWS::Region}"))


def add_bounded_role(
    stack: cdk.Stack,
    names: ProjectNames,
    purpose: str,
    trusted: dict[str, object],
    statements: Sequence[Statement],
    boundary: str,
) -> iam.CfnRole:
    """Add the same within the policy named `boundary`."""
    role = iam.CfnRole(
        stack,
        f"{purpose.title().replace('-', '')}Role",
        role_name=sub(names.role(purpose)),
        path=ROLE_PATH,
        assume_role_policy_document=trusted,
        permissions_boundary=sub(iam_arn(f"policy{ROLE_PATH}{boundary}")),
        policies=[iam.CfnRole.PolicyProperty(policy_name=purpose, policy_document=document(statements))],
    )
    for action, because in reasons(statements).items():
        role.add_metadata(action, because)
    return role


def _seed(project: Project) -> list[Statement]:
    return [
        project.write_build_log("seed"),
        *project.take_bundle(),
        project.build_without_artefacts(),
        *project.repositories.push(),
    ]


def _build(project: Project) -> list[Statement]:
    return [
        project.write_build_log("build"),
        *project.use_artefacts(),
        project.versions("DescribeModelPackage"),
        allow(
            [
                "sagemaker:AddTags",
                "sagemaker:CreatePipeline",
                "sagemaker:DescribePipeline",
                "sagemaker:DescribePipelineExecution",
                "sagemaker:StartPipelineExecution",
                "sagemaker:UpdatePipeline",
            ],
            on=[
                arn("sagemaker", f"pipeline/*-{project.id}"),
                arn("sagemaker", f"pipeline/*-{project.id}/execution/*"),
            ],
        ),
        allow_on_any(["sagemaker:ListPipelineExecutionSteps"], because=LISTS),
        allow(["iam:PassRole"], on=[project.role_arn("execution")], when=passed_to("sagemaker")),
    ]


def _pipeline(project: Project) -> list[Statement]:
    return [
        *project.use_artefacts(),
        *project.repositories.in_pipelines(),
        allow(
            ["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"],
            on=[
                arn("codebuild", f"project/{project.names.resource(purpose)}")
                for purpose in ("build", "render", "verify")
            ],
        ),
        endpoint_roles.run_stacks(project),
        allow(["iam:PassRole"], on=[project.role_arn("cloudformation")], when=passed_to("cloudformation")),
        # An approval's notice; the topic's key is the bucket's.
        allow(["sns:Publish"], on=[arn("sns", project.names.resource("notices"))]),
        *project.assume("deploy"),
    ]


def _events(project: Project) -> list[Statement]:
    pipelines = [arn("codepipeline", project.names.pipeline(part)) for part in ("build", "deploy")]
    builds = ["decline", *(["review"] if project.repositories.request_pattern("deploy") else [])]
    return [
        allow(["codepipeline:StartPipelineExecution"], on=pipelines),
        allow(
            ["codebuild:StartBuild"],
            on=[arn("codebuild", f"project/{project.names.resource(purpose)}") for purpose in builds],
        ),
    ]
