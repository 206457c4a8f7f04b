"""What holds for every project, whichever it is: who makes projects, or bounds them, is written about these names."""

from collections.abc import Iterable

from service_catalog.names import ROLE_PATH, ProjectNames
from service_catalog.policy import Statement, allow, allow_on_any, iam_arn, passed_to, sub
from service_catalog.project.endpoint_roles import AUTOSCALING, service_linked_role

# Any name, and any id that SageMaker gives.
ANY = ProjectNames(project_name="*", project_id="p-*")
ROLES = iam_arn(f"role{ROLE_PATH}{ANY.role('*')}")


def policy_arn(name: str) -> str:
    """Return the `Fn::Sub` text of the ARN of a policy of the product."""
    return iam_arn(f"policy{ROLE_PATH}{name}")


def make_roles(boundary: str) -> list[Statement]:
    """Make, change and delete the roles of projects: under their path and names, within the policy named `boundary`.

    No statement takes a boundary off again.
    """
    return [
        allow(
            ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"],
            on=[ROLES],
            when={"StringEquals": {"iam:PermissionsBoundary": sub(policy_arn(boundary))}},
        ),
        allow(
            [
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
            ],
            on=[ROLES],
        ),
    ]


def bounds(services: Iterable[str]) -> list[Statement]:
    """Return the most that a project's roles may be given, where they have to do with `services`.

    It holds nothing of IAM but to pass a project's own roles, and to bring into being the role with which Application
    Auto Scaling changes endpoints: no action that could widen a role.
    """
    anything = "the boundary names services; each role's own policy names resources, and only both together allow"
    return [
        # Of EC2 only what has to do with a container's place in a network.
        allow_on_any([*(f"{service}:*" for service in services), "ec2:*NetworkInterface*", "ec2:Describe*"], anything),
        allow(["iam:PassRole"], on=[ROLES], when=passed_to("cloudformation", "sagemaker")),
        allow(
            ["iam:CreateServiceLinkedRole"],
            on=[iam_arn(service_linked_role())],
            when={"StringEquals": {"iam:AWSServiceName": AUTOSCALING}},
        ),
    ]
