"""The roles that one project has in an account of its stages, as the template that its stack set deploys there.

Each is of its project alone, within the boundary that bootstrapping left in the account, and goes with the project.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk

from service_catalog.names import PROJECT_ID_PATTERN, ROLE_PATH, ProjectNames, stage_boundary
from service_catalog.policy import VERSION, Statement, allow, iam_arn, passed_to, s3_arn, sub, trust
from service_catalog.project import endpoint_roles, goodbye_role
from service_catalog.project.roles import add_bounded_role
from service_catalog.project.scope import OWN_ACCOUNT, PROJECT_TAG, Scope
from service_catalog.project.sharing import (
    READ_BUCKET,
    READ_OBJECTS,
    SERVE_BUCKET,
    SERVE_OBJECTS,
    WRITE_OBJECTS,
    WRITTEN,
)

HOME, ID, KEY = "HomeAccount", "ProjectId", "KeyArn"


@dataclass(frozen=True)
class Stages(Scope):
    """The project as it is seen from an account of its stages."""

    @property
    def home(self) -> str:
        """The project's own account."""
        return f"${{{HOME}}}"

    @property
    def key(self) -> str:
        """ARN of the project's key, in its own account."""
        return f"${{{KEY}}}"

    def read_bucket(self) -> list[Statement]:
        """Read artefacts, in the project's own account."""
        return [
            allow(READ_BUCKET, on=[s3_arn(self.names.bucket)]),
            allow(READ_OBJECTS, on=[s3_arn(f"{self.names.bucket}/*")]),
            allow(["kms:Decrypt", "kms:DescribeKey"], on=[self.key]),
        ]

    def trust_home(self, *purposes: str) -> dict[str, Any]:
        """Let the project's roles of these purposes, in its own account, assume a role.

        The account is named and the roles by a condition, since IAM refuses a principal that is not there yet.
        """
        roles = [sub(iam_arn(f"role{ROLE_PATH}{self.names.role(purpose)}", self.home)) for purpose in purposes]
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": sub(iam_arn("root", self.home))},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:PrincipalArn": roles if len(roles) > 1 else roles[0]}},
        }
        return {"Version": VERSION, "Statement": [statement]}


def define_project_roles(app: cdk.App, stack_id: str) -> cdk.Stack:
    """Return the stack of a project's roles in one account of its stages; its parameters tell which project."""
    stack = cdk.Stack(
        app,
        stack_id,
        synthesizer=cdk.BootstraplessSynthesizer(),
        analytics_reporting=False,
        description="Tidegate: the roles of one project in an account of its stages",
    )
    cdk.CfnParameter(stack, ID, allowed_pattern=PROJECT_ID_PATTERN, description="Id of the project")
    cdk.CfnParameter(stack, HOME, allowed_pattern="^[0-9]{12}$", description="Account of the project")
    cdk.CfnParameter(stack, KEY, allowed_pattern="^arn:[^:]+:kms:[^ ]+$", description="ARN of the project's key")
    stages = Stages(ProjectNames(project_name="*", project_id=f"${{{ID}}}", account=f"${{{HOME}}}"))
    _add_role(stack, stages, "deploy", stages.trust_home("pipeline"), _deploy(stages))
    _add_role(stack, stages, "look", stages.trust_home("render", "verify", "decline"), endpoint_roles.look(stages))
    _add_role(stack, stages, "goodbye", stages.trust_home("goodbye"), goodbye_role.endpoints(stages))
    _add_role(stack, stages, "cloudformation", trust("cloudformation", OWN_ACCOUNT), _cloudformation(stages))
    _add_role(stack, stages, "execution", trust("sagemaker", OWN_ACCOUNT), _execution(stages))
    cdk.Tags.of(stack).add(PROJECT_TAG, sub(stages.id))
    return stack


def _add_role(
    stack: cdk.Stack, stages: Stages, purpose: str, trusted: dict[str, Any], statements: Sequence[Statement]
) -> None:
    add_bounded_role(stack, stages.names, purpose, trusted, statements, stage_boundary("${AWS::Region}"))


def _deploy(stages: Stages) -> list[Statement]:
    """Run the endpoint stacks, from artefacts in the project's own account."""
    return [
        *stages.read_bucket(),
        endpoint_roles.run_stacks(stages),
        allow(["iam:PassRole"], on=[stages.role_arn("cloudformation")], when=passed_to("cloudformation")),
    ]


def _cloudformation(stages: Stages) -> list[Statement]:
    """Do what a stack does at home, and read the template: with the stack's own role, where accounts differ.

    https://github.com/aws/aws-cdk/pull/3855
    """
    return [*stages.read_bucket(), *endpoint_roles.cloudformation(stages)]


def _execution(stages: Stages) -> list[Statement]:
    """Serve models of the project's bucket and write what is captured and monitored there; train nothing."""
    written = [s3_arn(f"{stages.names.bucket}/{prefix}/*") for prefix in WRITTEN]
    return [
        allow(SERVE_BUCKET, on=[s3_arn(stages.names.bucket)]),
        allow(SERVE_OBJECTS, on=[s3_arn(f"{stages.names.bucket}/*")]),
        allow(WRITE_OBJECTS, on=written),
        allow(["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], on=[stages.key]),
        *stages.encrypt_volumes(),
        *endpoint_roles.serve(stages),
    ]
