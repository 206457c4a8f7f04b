"""What reviewers of templates (cdk-nag, checkov, the CDK itself) object to, and why it is right all the same.

Every finding has to match one of these, and each of these a finding: tests/service_catalog/test_product_reviews.py.
For IAM the findings of cdk-nag say what has a wildcard: `AwsSolutions-IAM5[Resource::ARN]`.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Acknowledgement:
    """A finding whose rule and resource match these patterns wholly is acknowledged, for this reason."""

    rule: str
    resource: str
    reason: str

    def covers(self, rule: str, resource: str) -> bool:
        """Whether it is about that finding."""
        return bool(re.fullmatch(self.rule, rule) and re.fullmatch(self.resource, resource))


def _any(resource: str) -> str:
    return rf"AwsSolutions-IAM5\[Resource::{resource}\]"


_EMPTY = "nothing stands for no network, and a condition keeps it from where an id is needed"
_DEFAULTS = "the accounts are asked for; the validator takes their defaults, which are equal, for all that there is"

# By the id of the rule: these are about the template as it is written, whatever the resource.
VALIDATOR = {
    "E1150": _EMPTY,
    "E1151": _EMPTY,
    "E1154": _EMPTY,
    "E3050": "it takes GetAtt of a role with a path for a Ref to it; cfn-lint, which tells them apart, does not object",
    "W1028": _DEFAULTS,
    "W8003": _DEFAULTS,
}

_ROLE = r"\w+/\w+(Role|Policy)"
_LAUNCH = r"Portfolio/(S3)?Launch\w*"
_BOUNDARY = "(Portfolio|StageAccount)/Boundary"
_STACK_SETS = "StageAccount/StackSetExecution"

CDK_NAG = (
    Acknowledgement(
        _any(r"\*"),
        "|".join([_ROLE, _LAUNCH, _BOUNDARY, _STACK_SETS]),
        "IAM knows nothing narrower for these actions, or not yet; the metadata of the role or policy says for each "
        "action why, and a statement about anything without a reason cannot be written (policy.py)",
    ),
    Acknowledgement(
        _any(r".*<ProjectId>.*"),
        _ROLE,
        "the wildcard stands beside the project's id, which no other project has: for its name, a stage, a version, a "
        "stream or an object, all of them the project's own",
    ),
    Acknowledgement(
        _any(r".*:(model|endpoint-config|\w+-quality-job-definition|scalable-target)/\*"),
        r"\w+/\w+Role",
        "CloudFormation and Application Auto Scaling make these names up; the tag of the project is the bound",
    ),
    Acknowledgement(
        _any(r".*:(processing|training)-job/pipelines-\*"),
        r"\w+/ExecutionRole",
        "SageMaker Pipelines names the jobs of its steps: pipelines-{execution}-{step}-{random}",
    ),
    Acknowledgement(
        _any(r".*:cloudwatch:.*:alarm:\*"), r"\w+/\w+Role", "DescribeAlarms takes no restriction to one alarm"
    ),
    Acknowledgement(
        _any(r".*:repository/sagemaker-\*"),
        r"\w+/ExecutionRole",
        "the account that publishes AWS's own images differs by region; their names do not",
    ),
    Acknowledgement(
        _any(r".*:log-group:/aws/sagemaker/\*"),
        r"\w+/ExecutionRole",
        "SageMaker names the log groups of jobs by their kind, not by project",
    ),
    Acknowledgement(
        _any(r".*:ec2:.*:(network-interface|subnet|security-group)/\*"),
        r"\w+/(ExecutionRole|NetworkPolicy)",
        "an interface has no name before it is made, and a network is nobody's project's",
    ),
    Acknowledgement(
        _any(r".*:(codeconnections|codestar-connections):\*:.*:host/\*"),
        r"\w+/ConnectionRole",
        "which host a connection is at, only the connection tells",
    ),
    Acknowledgement(
        _any(r".*:iam::\*:role/tidegate-stackset-.*"),
        r"Portfolio/StackSetAdministration",
        "each launch names the accounts of its stages, and each of these says by its own role's trust whom it lets in",
    ),
    Acknowledgement(
        _any(r".*/stages/\*"),
        r"Portfolio/LaunchWork",
        "what is published is named by its hash: the templates of every version that a project may have been made from",
    ),
    Acknowledgement(
        r"AwsSolutions-IAM5\[Action::.*\]",
        _BOUNDARY,
        "the boundary names services; each role's own policy names actions and resources, and only both allow",
    ),
    Acknowledgement(
        _any(r".*:role/tidegate/sagemaker-p-.*|.*:stack/StackSet-sagemaker-p-.*"),
        _STACK_SETS + "|StageAccount/Boundary",
        "the roles of every project of the home account have such names, and a stack set names its stacks by its own: "
        "no more of them is known before a project is launched",
    ),
    Acknowledgement(
        _any(r".*(sagemaker-p-|-p-\*|stack/S[CP]-|role/tidegate/).*"),
        _LAUNCH + "|Portfolio/Boundary",
        "what one launch creates has these names, made in names.py: no more of them is known before it is launched",
    ),
    Acknowledgement(
        _any(r".*:kms:.*:key/\*"), _LAUNCH, "a key has no name that could be known before; its tag is the bound"
    ),
    Acknowledgement(
        _any(r".*:(codeconnections|codestar-connections):.*:connection/\*"),
        _LAUNCH,
        "which connection a project is for is a launch parameter",
    ),
    Acknowledgement(
        _any(r".*/templates/\*"), "Portfolio/S3Launchers", "people read the templates of every version they may launch"
    ),
    Acknowledgement(
        _any(r".*/(templates|seeds)/\*"),
        "Portfolio/Owners",
        "people read every version that they may bring a repository to, and the one that it has",
    ),
)

CHECKOV = (
    Acknowledgement(
        "CKV_AWS_107|CKV_AWS_108|CKV_AWS_109|CKV_AWS_111",
        r"AWS::IAM::ManagedPolicy\.Boundary",
        "a boundary gives nothing: it names services, and each role's own policy actions and resources",
    ),
    Acknowledgement(
        "CKV_AWS_115|CKV_AWS_116",
        r"AWS::Lambda::Function\.\w+",
        "it runs once at a launch or a deletion and answers CloudFormation itself: nothing to limit, no event to keep",
    ),
    Acknowledgement(
        "CKV_AWS_117",
        r"AWS::Lambda::Function\.\w+",
        "it calls CodeBuild and answers CloudFormation at an address of S3; in a network without a way there the "
        "launch would hang",
    ),
    Acknowledgement("CKV_AWS_18", r"AWS::S3::Bucket\.AccessLog", "it is the access log: logging itself would not end"),
)
