"""The S3 route: what the people who launch projects from templates in S3 need, which is more than Service Catalog asks.

SageMaker makes the stack `SP-…` for the person who asks, with the template and the role that the person names. So
they have to be allowed to read the templates, to have that stack made and to pass the launch role.
https://github.com/aws-samples/sagemaker-custom-project-templates/tree/main/s3_templates
"""

from collections.abc import Iterable, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from service_catalog.names import ROLE_PATH, TEMPLATES, s3_launch_role, s3_launchers
from service_catalog.policy import Statement, allow, arn, document, iam_arn, passed_to, s3_arn, sub

REGION = "${AWS::Region}"
STACKS = arn("cloudformation", "stack/SP-*/*")


def add_launchers(stack: cdk.Stack, launch: iam.CfnRole, principals: Iterable[str], bucket: str) -> None:
    """Add the policy of those who may launch the templates in `bucket` as `launch` to `stack`, and to `principals`."""
    who = sorted(set(principals))
    policy = iam.CfnManagedPolicy(
        stack,
        "S3Launchers",
        managed_policy_name=sub(s3_launchers(REGION)),
        path=ROLE_PATH,
        description="Lets people launch Tidegate projects from the templates in S3",
        policy_document=document(launcher_statements(bucket)),
        roles=_named(who, "role"),
        users=_named(who, "user"),
        groups=_named(who, "group"),
    )
    policy.add_resource_dependency(launch)
    # The names that it is attached to are without the paths that are part of an ARN.
    policy.add_metadata("Principals", who)


def launcher_statements(bucket: str) -> Sequence[Statement]:
    """Return what a person needs to launch, update and delete projects of the templates in `bucket`."""
    return [
        allow(["s3:GetObject", "s3:GetObjectTagging"], on=[s3_arn(f"{bucket}/{TEMPLATES}*")]),
        allow(["s3:ListBucket"], on=[s3_arn(bucket)], when={"StringLike": {"s3:prefix": f"{TEMPLATES}*"}}),
        allow(
            ["cloudformation:CreateStack", "cloudformation:UpdateStack"],
            on=[STACKS],
            # The launch role may do more than the person, so it must not run a template of the person's own: only what
            # a service asks for, and, where it names a template, only one of these.
            when={
                "Bool": {"aws:ViaAWSService": "true"},
                "StringLikeIfExists": {"cloudformation:TemplateUrl": _addresses(bucket)},
            },
        ),
        allow(["cloudformation:DeleteStack", "cloudformation:DescribeStacks"], on=[STACKS]),
        allow(
            ["cloudformation:TagResource", "cloudformation:UntagResource"],
            on=[STACKS],
            when={"Null": {"aws:ResourceTag/sagemaker:project-name": "false"}},
        ),
        allow(
            ["iam:PassRole"], on=[iam_arn(f"role{ROLE_PATH}{s3_launch_role(REGION)}")], when=passed_to("cloudformation")
        ),
    ]


def _addresses(bucket: str) -> list[str]:
    """Return the addresses of the templates, in every form in which S3 takes one."""
    hosts = [f"s3.{REGION}.${{AWS::URLSuffix}}", "s3.${AWS::URLSuffix}"]
    return [
        sub(f"https://{place}/{TEMPLATES}*") for host in hosts for place in (f"{bucket}.{host}", f"{host}/{bucket}")
    ]


def _named(principals: Sequence[str], kind: str) -> list[str] | None:
    """Return the names of the principals of that kind."""
    found = [each.rpartition("/")[2] for each in principals if f":{kind}/" in each]
    return found or None
