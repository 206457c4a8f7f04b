"""What the statements of every role are written about: the project, its names, and who may ask for a role.

SageMaker lower-cases its ARNs, so its resources are matched by the project id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service_catalog.names import ROLE_PATH, ProjectNames
from service_catalog.policy import Statement, allow, arn, equals, iam_arn, s3_arn, sub, unless_other
from service_catalog.project.places import PLACES
from service_catalog.project.sources import Repositories
from service_catalog.project.storage import Storage

# A service that was asked by another account must not use the role. CodeBuild and SageMaker document that they say
# who asked; for the other services it is not settled, and a role that cannot be assumed would be worse.
OWN_ACCOUNT = unless_other("aws:SourceAccount", "${AWS::AccountId}")
PROJECT_TAG = "sagemaker:project-id"
# SageMaker developer guide, "SageMaker AI API Permissions".
LISTS = "SageMaker's List calls, but for ListTags, take no restriction by resource"


@dataclass(frozen=True)
class SeedLocation:
    """Where the published seed bundle lies."""

    bucket: str
    key: str


@dataclass(frozen=True)
class Scope:
    """What the statements of every role are written about, in whichever account the role is."""

    names: ProjectNames

    @property
    def home(self) -> str:
        """The account that has the bucket, the key, the registry and the pipelines."""
        return "${AWS::AccountId}"

    @property
    def key(self) -> str:
        """ARN of the project's key."""
        return "${Key.Arn}"

    @property
    def id(self) -> str:
        """The project's id."""
        return self.names.project_id

    def role_arn(self, purpose: str) -> str:
        """ARN of the project's role of that purpose."""
        return iam_arn(f"role{ROLE_PATH}{self.names.role(purpose)}")

    def use_artefacts(self) -> list[Statement]:
        """Use the bucket as CodeBuild and CodePipeline do, which make sure whose it is and take versions."""
        return [
            allow(
                ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"], on=[s3_arn(self.names.bucket)]
            ),
            allow(["s3:GetObjectVersion"], on=[s3_arn(f"{self.names.bucket}/*")]),
            *self.use_bucket(),
        ]

    def use_bucket(self) -> list[Statement]:
        """Read and write artefacts, with the key they are encrypted with."""
        return [
            # Without ListBucket S3 says of what is not there that it is forbidden.
            allow(["s3:ListBucket"], on=[s3_arn(self.names.bucket)]),
            allow(["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], on=[s3_arn(f"{self.names.bucket}/*")]),
            allow(
                ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
                on=[self.key],
            ),
        ]

    def build_without_artefacts(self) -> Statement:
        """Use the key that a CodeBuild project names: whether it is used without artefacts is not documented."""
        return allow(["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], on=[self.key])

    def encrypt_volumes(self) -> list[Statement]:
        """Let SageMaker encrypt the volumes of jobs and instances with the project's key.

        AWS's own policies bound such a grant by either condition; which one a volume's grant meets is not documented.
        """
        via = {"StringEquals": {"kms:ViaService": sub("sagemaker.${AWS::Region}.${AWS::URLSuffix}")}}
        for_a_service = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        return [allow(["kms:CreateGrant"], on=[self.key], when=when) for when in (for_a_service, via)]

    def write_build_log(self, purpose: str) -> Statement:
        """Write into the log group that the template made for a CodeBuild project."""
        return allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            on=[arn("logs", f"log-group:{self.names.build_log_group(purpose)}:*")],
        )

    def sagemaker(self, actions: Sequence[str], *resources: str, when: Mapping[str, Any] | None = None) -> Statement:
        """Act on SageMaker resources, each given as `kind/name`."""
        return allow(
            [f"sagemaker:{action}" for action in actions],
            on=[arn("sagemaker", resource) for resource in resources],
            when=when,
        )

    def group(self, *actions: str) -> Statement:
        """Act on the project's model package group."""
        return self.sagemaker(actions, f"model-package-group/*-{self.id}")

    def versions(self, *actions: str) -> Statement:
        """Act on the versions in the project's model package group."""
        return allow(
            [f"sagemaker:{action}" for action in actions],
            on=[arn("sagemaker", f"model-package/*-{self.id}/*", self.home)],
        )

    def images(self) -> str:
        """ARN of the repository of the project's own images."""
        return arn("ecr", f"repository/{self.names.image_repository}", self.home)

    def endpoints(self, *actions: str) -> Statement:
        """Act on the project's endpoints."""
        return self.sagemaker(actions, f"endpoint/*-{self.id}-*")

    def owned(self, kind: str, *actions: str, tag: str = "aws:ResourceTag") -> Statement:
        """Act on the project's models or endpoint configs: CloudFormation names them, so their tag tells."""
        return self.sagemaker(actions, f"{kind}/*", when=equals(f"{tag}/{PROJECT_TAG}", self.id))

    def not_anothers(self, kind: str, *actions: str) -> Statement:
        """Act on models or endpoint configs that are not known to be another project's.

        A tag may take a moment to reach authorisation, and whether each action is told of it is not documented.
        """
        return self.sagemaker(actions, f"{kind}/*", when=unless_other(f"aws:ResourceTag/{PROJECT_TAG}", self.id))

    def look_at_endpoints(self) -> list[Statement]:
        """See which version is live, and which config serves it."""
        return [
            self.endpoints("DescribeEndpoint"),
            self.owned("endpoint-config", "DescribeEndpointConfig"),
            # The release tag is what a verdict rests on.
            self.not_anothers("endpoint-config", "ListTags"),
            self.owned("model", "DescribeModel"),
        ]


@dataclass(frozen=True)
class Project(Scope):
    """The project in its home account."""

    storage: Storage
    repositories: Repositories
    seeds: SeedLocation

    def take_bundle(self) -> list[Statement]:
        """Take the published bundle as the source of a build."""
        return [
            allow(["s3:GetObject", "s3:GetObjectVersion"], on=[s3_arn(f"{self.seeds.bucket}/{self.seeds.key}")]),
            allow(["s3:GetBucketAcl", "s3:GetBucketLocation"], on=[s3_arn(self.seeds.bucket)]),
        ]

    def assume(self, purpose: str) -> list[Statement]:
        """Assume the project's role of that purpose in each account of its stages that is not its own."""
        return [
            allow(["sts:AssumeRole"], on=[place.role_arn(self.names, purpose)], only_if=place.named_if)
            for place in PLACES
        ]
