"""The roles that Studio makes when an administrator enables projects: public project templates name them.

https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-projects-studio-updates.html names the roles, and
https://docs.aws.amazon.com/sagemaker/latest/dg/security-iam-awsmanpol-sc.html the managed policy of each and the
service that it is for. What AmazonSageMakerServiceCatalogProductsUseRole may do is a policy of the account's own that
the console writes and AWS does not document; `use_role.json` has it as two accounts, set up in 2023 and 2024,
list it in public, both alike.
"""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from tidegate_sandbox.context import scope
from tidegate_sandbox.managed_policies import PREFIX

PATH = "/service-role/"
_MADE = "AmazonSageMakerServiceCatalogProducts"


@dataclass(frozen=True)
class ProjectRole:
    """A role by its purpose, with who may assume it and its managed policy; an empty policy is the account's own."""

    purpose: str
    trusts: tuple[str, ...]
    policy: str
    path_of_policy: str = PATH

    @property
    def name(self) -> str:
        """The name under which templates know it."""
        return f"{_MADE}{self.purpose}Role"

    @property
    def policy_arn(self) -> str:
        """The ARN of its managed policy."""
        return f"{PREFIX}{self.path_of_policy[1:]}{self.policy}"


def _of_service(purpose: str, service: str, path_of_policy: str = PATH) -> ProjectRole:
    return ProjectRole(purpose, (service,), f"{_MADE}{purpose}ServiceRolePolicy", path_of_policy)


USED_BY = (
    "apigateway",
    "cloudformation",
    "codebuild",
    "codepipeline",
    "events",
    "firehose",
    "glue",
    "lambda",
    "sagemaker",
    "states",
)
ROLES = (
    ProjectRole("Launch", ("servicecatalog",), "AmazonSageMakerAdmin-ServiceCatalogProductsServiceRolePolicy", "/"),
    ProjectRole("Use", USED_BY, ""),
    ProjectRole("Execution", ("sagemaker",), "AmazonSageMakerFullAccess", "/"),
    _of_service("ApiGateway", "apigateway"),
    _of_service("Cloudformation", "cloudformation"),
    _of_service("CodeBuild", "codebuild", "/"),
    _of_service("CodePipeline", "codepipeline"),
    _of_service("Events", "events"),
    _of_service("Firehose", "firehose"),
    _of_service("Glue", "glue"),
    _of_service("Lambda", "lambda"),
)


def make() -> None:
    """Make those of the roles that the account does not have; what it has is left as it is."""
    iam = scope().client("iam")
    for role in ROLES:
        services = [f"{service}.amazonaws.com" for service in role.trusts]
        trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
        try:
            iam.create_role(RoleName=role.name, Path=PATH, AssumeRolePolicyDocument=_document(trust))
        except iam.exceptions.EntityAlreadyExistsException:
            continue
        policy = role.policy_arn if role.policy else _own_policy(iam, role.name)
        iam.attach_role_policy(RoleName=role.name, PolicyArn=policy)


def _own_policy(iam: Any, role: str) -> str:
    """Make the policy of the one role that AWS has no managed policy for; return its ARN."""
    text = (files(__package__) / "use_role.json").read_text("utf-8")
    try:
        made = iam.create_policy(PolicyName=role, Path=PATH, PolicyDocument=json.dumps(json.loads(text)))
    except iam.exceptions.EntityAlreadyExistsException:
        return f"arn:aws:iam::{scope().account}:policy{PATH}{role}"
    return str(made["Policy"]["Arn"])


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
