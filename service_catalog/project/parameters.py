"""What a launch is asked for, and what it may answer: every launch parameter is defined here, and nowhere else.

Answers are hostile until they match their pattern. CloudFormation holds them to it before it creates anything. This
module is without the CDK, so that what only asks or checks need not load it.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from service_catalog.names import PROJECT_ID_MAX, PROJECT_ID_PATTERN, PROJECT_NAME_MAX, PROJECT_NAME_PATTERN

# Where the two repositories live: in CodeCommit, or at a host that a CodeConnection reaches. It is settled when the
# template is made, so that neither variant asks for what only the other needs.
Git: TypeAlias = Literal["codecommit", "connection"]
GITS: tuple[Git, ...] = get_args(Git)

NAME, ID = "SageMakerProjectName", "SageMakerProjectId"
CONNECTION = "ConnectionArn"
VPC, SUBNETS, SECURITY_GROUPS = "VpcId", "SubnetIds", "SecurityGroupIds"
ACCOUNT = {"staging": "StagingAccount", "prod": "ProductionAccount"}
ON_DELETION = "OnDeletion"
REPOSITORY = {"build": "BuildRepository", "deploy": "DeployRepository"}
ON_APPROVAL, ON_REJECTION, ON_PUSH = "ReleaseOnApproval", "ReleaseOnRejection", "ReleaseOnPush"
EMAIL = "NotifyEmail"
YES, NO = "yes", "no"


@dataclass(frozen=True)
class Parameter:
    """A launch parameter. With a `default` it may be left out; `constraint` is what a refused answer is told.

    `values`, where given, are all the answers there are, and `pattern` is then not looked at.
    """

    name: str
    label: str
    description: str
    pattern: str
    constraint: str
    max_length: int
    min_length: int = 0
    default: str | None = None
    values: tuple[str, ...] = ()

    @property
    def optional(self) -> bool:
        """Whether a launch may leave it out."""
        return self.default is not None


@dataclass(frozen=True)
class Group:
    """Parameters that a person is asked for together."""

    title: str
    parameters: tuple[Parameter, ...]


PROJECT = Group(
    "Project",
    (
        Parameter(
            NAME,
            label="Name",
            description="Name of the project",
            pattern=PROJECT_NAME_PATTERN,
            constraint=(
                f"A project name has 1 to {PROJECT_NAME_MAX} letters, digits and hyphens, and begins and ends with "
                "a letter or a digit."
            ),
            min_length=1,
            max_length=PROJECT_NAME_MAX,
        ),
        Parameter(
            ID,
            label="Id",
            description="Id of the project, given by SageMaker",
            pattern=PROJECT_ID_PATTERN,
            constraint="A project id is p- and 1 to 18 lower-case letters and digits, as SageMaker gives it.",
            min_length=3,
            max_length=PROJECT_ID_MAX,
        ),
    ),
)

# Owner and name, with GitLab's groups between them; no part begins with a dot or a hyphen, and none is empty.
_PART = "[A-Za-z0-9_][A-Za-z0-9_.-]*"
_REPOSITORY_PATTERN = rf"^(?!.*\.git$){_PART}(/{_PART})+$"


def _hosted(part: str, does: str) -> Parameter:
    return Parameter(
        REPOSITORY[part],
        label=f"Repository that {does} the model",
        description=(
            f"Full name of the repository that {does} the model, such as owner/name; it exists already, and is empty "
            "or has only what the host put there when it was made (README, licence, .gitignore)"
        ),
        pattern=_REPOSITORY_PATTERN,
        constraint="A repository is given as owner/name (GitLab: group/subgroup/name), without host and without .git.",
        min_length=3,
        max_length=255,
    )


HOST = Group(
    "Git host",
    (
        Parameter(
            CONNECTION,
            label="CodeConnection",
            description=(
                "ARN of the CodeConnection to GitHub, GitLab or Bitbucket; it is AVAILABLE and carries the tag "
                "sagemaker=true"
            ),
            pattern=(
                "^arn:aws(-[a-z]+)*:(codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:"
                "connection/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
            ),
            constraint=(
                "A connection is given by its ARN: arn:aws:codeconnections:REGION:ACCOUNT:connection/ID, or the same "
                "with codestar-connections."
            ),
            max_length=256,
        ),
        _hosted("build", "builds"),
        _hosted("deploy", "deploys"),
    ),
)


# SageMaker takes 16 subnets and 5 security groups, CodeBuild no fewer.
def _ids(kind: str, most: int) -> str:
    one = f"{kind}-([0-9a-f]{{8}}|[0-9a-f]{{17}})"
    return f"^({one}(,{one}){{0,{most - 1}}})?$"


NETWORK = Group(
    "Network",
    (
        Parameter(
            VPC,
            label="VPC",
            description=(
                "VPC that builds, jobs and endpoints are in; nothing: none of the project's own. It has to reach S3, "
                "the AWS services and the package index that the builds use. A stage in another account is in it only "
                "if it is shared with that account; otherwise its stage file names a network"
            ),
            pattern=_ids("vpc", 1),
            constraint="A VPC is given by its id, such as vpc-0123456789abcdef0.",
            max_length=21,
            default="",
        ),
        Parameter(
            SUBNETS,
            label="Subnets",
            description="Ids of up to 16 private subnets of that VPC, with commas and without spaces between them",
            pattern=_ids("subnet", 16),
            constraint="Subnets are given by their ids: subnet-0123456789abcdef0,subnet-0123456789abcdef1.",
            max_length=400,
            default="",
        ),
        Parameter(
            SECURITY_GROUPS,
            label="Security groups",
            description="Ids of up to 5 security groups of that VPC, with commas and without spaces between them",
            pattern=_ids("sg", 5),
            constraint="Security groups are given by their ids: sg-0123456789abcdef0,sg-0123456789abcdef1.",
            max_length=104,
            default="",
        ),
    ),
)


def _starts(name: str, label: str, description: str) -> Parameter:
    return Parameter(
        name,
        label=label,
        description=f"{description}. It can be started by hand either way",
        pattern=f"^({YES}|{NO})$",
        constraint=f"{name} is {YES} or {NO}.",
        max_length=3,
        default=YES,
        values=(YES, NO),
    )


RELEASES = Group(
    "What starts a deploy",
    (
        _starts(
            ON_APPROVAL,
            "Approval of a version",
            "Whether the deploy pipeline starts when a version of the model is approved in the registry",
        ),
        _starts(
            ON_REJECTION,
            "Rejection of a version",
            "Whether the deploy pipeline starts when a version is rejected in the registry, which takes it off the "
            "endpoints where it serves",
        ),
        _starts(
            ON_PUSH,
            "Push to the deploy repository",
            "Whether the deploy pipeline starts when main of the deploy repository changes",
        ),
    ),
)

NOTICES = Group(
    "Notices",
    (
        Parameter(
            EMAIL,
            label="E-mail",
            description=(
                "Address that is told when an approval is waited for and when a stage has failed; empty for none. It "
                "has to confirm the subscription"
            ),
            # No quotes, no comments, no address literals: what real people's addresses are like.
            pattern=r"^(|[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9][A-Za-z0-9-]*)+)$",
            constraint="An e-mail address is given as name@example.com, or left empty.",
            max_length=254,
            default="",
        ),
    ),
)

DELETION = Group(
    "Deletion",
    (
        Parameter(
            ON_DELETION,
            label="What becomes of people's work",
            description=(
                "When the project is deleted: keep leaves the model registry, the images, the artefact bucket and the "
                "key, and a git bundle in that bucket of each repository that is deleted with the project; remove "
                "deletes these too, and nothing of the project can be had back"
            ),
            pattern="^(keep|remove)$",
            constraint="OnDeletion is keep or remove.",
            max_length=6,
            default="keep",
            values=("keep", "remove"),
        ),
    ),
)


def _account(stage: str, of: str) -> Parameter:
    return Parameter(
        ACCOUNT[stage],
        label=f"Account of {of}",
        description=(
            f"The account that {of}'s endpoint is in: 12 digits, and it has been bootstrapped (docs/accounts.md). "
            "Left empty, the project's own"
        ),
        pattern="^([0-9]{12})?$",
        constraint="An account is given by its 12 digits, or left empty for the project's own.",
        max_length=12,
        default="",
    )


ACCOUNTS = Group("Accounts", (_account("staging", "staging"), _account("prod", "production")))


def groups(git: Git) -> tuple[Group, ...]:
    """Return what a launch of that variant is asked for, in the order in which it is asked."""
    asked_always = (ACCOUNTS, NETWORK, RELEASES, NOTICES, DELETION)
    return (PROJECT, HOST, *asked_always) if git == "connection" else (PROJECT, *asked_always)


def parameters(git: Git) -> tuple[Parameter, ...]:
    """Return every launch parameter of that variant."""
    return tuple(each for group in groups(git) for each in group.parameters)
