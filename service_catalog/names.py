"""Every physical name of the product, made in one place.

A project's names come from two launch parameters: its name (1 to 32 characters) and the id that SageMaker
gives it (`p-` and 1 to 18 lower-case characters). SageMaker lower-cases its ARNs, and `{name}-{id}-` leaves
an event rule no room, so whatever IAM has to match, and whatever has a tight limit, is named by the id alone.

An id is SageMaker's own only within an account and a region. So what has a wider namespace says more: an IAM role,
which its account has in every region, says its region; an S3 bucket, which is everybody's, its account and region.

Limits are those of botocore's service models, to which the tests hold every name. The tightest: a bucket has at most
63 characters (the access log's has that many in a region of 15), an IAM role 64 (which leaves a purpose 17).
"""

from dataclasses import dataclass

# SageMaker's own pattern for a project name. It has no braces, which cookiecutter would evaluate.
PROJECT_NAME_PATTERN = "^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}$"
PROJECT_NAME_MAX = 32
PROJECT_ID_PATTERN = "^p-[a-z0-9]{1,18}$"
PROJECT_ID_MAX = 20

BRANCH = "main"
ROLE_PATH = "/tidegate/"
# The folder of ECR in which projects have their images.
IMAGES = "tidegate/"

PORTFOLIO_STACK = "tidegate-portfolio"
# Where the admin bucket has the template of a project's roles in the accounts of its stages.
STAGES_PREFIX = "stages"
STAGE_ACCOUNT_STACK = "tidegate-stage-account"
PORTFOLIO_NAME = "Tidegate"
# What Studio's gallery shows, by where a project's repositories are.
PRODUCT_NAMES = {
    "codecommit": "Tidegate: guarded model releases (CodeCommit)",
    "connection": "Tidegate: guarded model releases (GitHub, GitLab, Bitbucket)",
}
# Where the admin bucket holds the project templates: a Studio domain's tag names this folder.
TEMPLATES = "templates/"
# Where it holds what repositories are made from, by the hash of its content.
SEEDS = "seeds/"


@dataclass(frozen=True)
class ProjectNames:
    """The names of one project; each part may be a CloudFormation placeholder, as the last two are if left out."""

    project_name: str
    project_id: str
    account: str = "${AWS::AccountId}"
    region: str = "${AWS::Region}"

    @property
    def prefix(self) -> str:
        """What people see first: model package group, SageMaker pipeline, repositories and endpoints."""
        return f"{self.project_name}-{self.project_id}"

    @property
    def model_package_group(self) -> str:
        """The model package group, and the SageMaker pipeline that registers into it."""
        return self.prefix

    def repository(self, part: str) -> str:
        """Name the CodeCommit repository of `build` or `deploy`."""
        return f"{self.prefix}-model{part}"

    @property
    def bucket(self) -> str:
        """The artefact bucket."""
        return f"sagemaker-{self.project_id}-{self.account}-{self.region}"

    @property
    def log_bucket(self) -> str:
        """Where S3 writes the artefact bucket's access log."""
        return f"{self.bucket}-log"

    @property
    def image_repository(self) -> str:
        """The ECR repository of the project's own images; ECR takes no upper case, which a project's name may have.

        AWS's managed policies for SageMaker let people push to what has `sagemaker` in its name; what begins with it,
        every project's execution role may pull, so the folder comes first.
        """
        return f"{IMAGES}{self.resource('images')}"

    def role(self, purpose: str) -> str:
        """Name an IAM role: `sagemaker-{id}-{purpose}-{region}`."""
        return f"{self.resource(purpose)}-{self.region}"

    def resource(self, purpose: str) -> str:
        """Name a CodeBuild project, function, event rule or the like: `sagemaker-{id}-{purpose}`."""
        return f"sagemaker-{self.project_id}-{purpose}"

    def pipeline(self, part: str) -> str:
        """Name the CodePipeline of `build` or `deploy`."""
        return self.resource(f"model{part}")

    def build_log_group(self, purpose: str) -> str:
        """Say where CodeBuild writes what the build project of that purpose prints."""
        return f"/aws/codebuild/{self.resource(purpose)}"

    def function_log_group(self, purpose: str) -> str:
        """Say where Lambda writes what the function of that purpose prints."""
        return f"/aws/lambda/{self.resource(purpose)}"

    def endpoint(self, stage: str) -> str:
        """Name a stage's endpoint, and its dashboard."""
        return f"{self.prefix}-{stage}"

    @property
    def stack_set(self) -> str:
        """The stack set that puts the project's roles into the accounts of its stages."""
        return self.resource("accounts")

    def endpoint_stack(self, stage: str) -> str:
        """Name the CloudFormation stack of a stage's endpoint."""
        return self.resource(stage)


def admin_bucket(account: str, region: str) -> str:
    """Name the bucket that holds what is published: the project templates and the seed bundles."""
    return f"tidegate-{account}-{region}"


def template_key(git: str, version: str) -> str:
    """Name the object that holds the project template of that variant and version."""
    return f"{TEMPLATES}tidegate-{git}-{version}.yaml"


def launch_role(region: str) -> str:
    """Name the role with which Service Catalog launches a project; IAM is global, so the region is in it."""
    return f"tidegate-launch-{region}"


def s3_launch_role(region: str) -> str:
    """Name the role with which CloudFormation launches a project from a template in S3."""
    return f"tidegate-launch-s3-{region}"


def launch_policy(part: str, region: str) -> str:
    """Name one of the policies that both launch roles have: a role's own may not be long enough for all of it."""
    return f"tidegate-launch-{part}-{region}"


def s3_launchers(region: str) -> str:
    """Name the policy of the people who may launch projects from templates in S3."""
    return f"tidegate-launchers-{region}"


def owners(region: str) -> str:
    """Name the policy of the people who own a project's repositories, with which they can upgrade these."""
    return f"tidegate-owners-{region}"


def stack_set_administration(region: str) -> str:
    """Name the home account's role with which CloudFormation reaches the accounts of stages."""
    return f"tidegate-stackset-admin-{region}"


def stack_set_execution(region: str) -> str:
    """Name the role of a stage account that the administration role assumes; stack sets know it by a name alone."""
    return f"tidegate-stackset-{region}"


def stage_boundary(region: str) -> str:
    """Name the policy that bounds every role that a project has in an account of its stages."""
    return f"tidegate-stage-{region}"


def permissions_boundary(region: str) -> str:
    """Name the policy that bounds every role of every project."""
    return f"tidegate-project-{region}"
