"""What the people need who own a project's repositories, to bring their code to a newer version (docs/upgrade.md).

Publishing gives it to nobody: who owns repositories is not who launches, and their roles are often made elsewhere, such
as by IAM Identity Center, which takes a policy by its name and its path.
"""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from service_catalog.names import ROLE_PATH, SEEDS, TEMPLATES, owners
from service_catalog.policy import Statement, allow, document, s3_arn, sub


def add_owners(stack: cdk.Stack, bucket: str) -> iam.CfnManagedPolicy:
    """Add the policy of those who may read the versions in `bucket` to `stack`."""
    return iam.CfnManagedPolicy(
        stack,
        "Owners",
        managed_policy_name=sub(owners("${AWS::Region}")),
        path=ROLE_PATH,
        description="Lets owners of Tidegate projects' repositories read the versions that they can upgrade to",
        policy_document=document(owner_statements(bucket)),
    )


def owner_statements(bucket: str) -> Sequence[Statement]:
    """Return what `scripts/upgrade.py` of a repository asks of `bucket`: which versions there are, and two of them."""
    return [
        allow(["s3:ListBucket"], on=[s3_arn(bucket)], when={"StringLike": {"s3:prefix": f"{TEMPLATES}*"}}),
        allow(["s3:GetObject"], on=[s3_arn(f"{bucket}/{folder}*") for folder in (TEMPLATES, SEEDS)]),
    ]
