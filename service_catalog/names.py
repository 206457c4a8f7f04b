"""Every physical name of the product, made in one place.

A project's names come from two launch parameters: its name (1 to 32 characters) and the id that SageMaker
gives it (`p-` and 1 to 18 lower-case characters). SageMaker lower-cases its ARNs, and `{name}-{id}-` leaves
an event rule no room, so whatever IAM has to match, and whatever has a tight limit, is named by the id alone.

Limits (botocore's service models): project name 32, project id 20, S3 bucket 63, IAM role 64, event rule 64,
Lambda function 64, CodePipeline 100, CodeCommit repository 100, CodeBuild project 150, model package group and
endpoint 63, CloudFormation stack 128.
"""

from dataclasses import dataclass

# SageMaker's own pattern for a project name. It has no braces, which cookiecutter would evaluate.
PROJECT_NAME_PATTERN = "^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}$"
PROJECT_NAME_MAX = 32
PROJECT_ID_PATTERN = "^p-[a-z0-9]{1,18}$"
PROJECT_ID_MAX = 20

BRANCH = "main"
ROLE_PATH = "/tidegate/"

PORTFOLIO_STACK = "tidegate-portfolio"
PORTFOLIO_NAME = "Tidegate"
PRODUCT_NAME = "Tidegate: guarded model releases"


@dataclass(frozen=True)
class ProjectNames:
    """The names of one project; `project_name` and `project_id` may also be CloudFormation placeholders."""

    project_name: str
    project_id: str

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
        return f"sagemaker-project-{self.project_id}"

    @property
    def log_bucket(self) -> str:
        """Where S3 writes the artefact bucket's access log."""
        return f"{self.bucket}-logs"

    def resource(self, purpose: str) -> str:
        """Name a role, CodeBuild project, function or event rule: `sagemaker-{id}-{purpose}`."""
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

    def endpoint_stack(self, stage: str) -> str:
        """Name the CloudFormation stack of a stage's endpoint."""
        return self.resource(stage)


def admin_bucket(account: str, region: str) -> str:
    """Name the bucket that holds what is published: the product template and the seed bundle."""
    return f"tidegate-{account}-{region}"


def launch_role(region: str) -> str:
    """Name the role with which Service Catalog launches a project; IAM is global, so the region is in it."""
    return f"tidegate-launch-{region}"


def permissions_boundary(region: str) -> str:
    """Name the policy that bounds every role of every project."""
    return f"tidegate-project-{region}"
