"""What the project shares with the accounts of its stages, and with which roles there.

Bucket, key, registry, images: each by its own resource policy.

A policy may not name a role that is not there yet, and the roles come after the bucket. So each statement names the
account, and the roles by a condition: nobody else of that account is let in, and no administrator there can let
anybody in, since the project's own account would have to agree. AWS's own images are everybody's.
"""

from collections.abc import Sequence
from typing import Any

from service_catalog.names import ProjectNames
from service_catalog.policy import VERSION, arn, iam_arn, if_, s3_arn, sub
from service_catalog.project.places import PLACES, Place

Json = dict[str, Any]

# What SageMaker writes for an endpoint: captured requests, and what monitors find in them (tidegate.render.values).
WRITTEN = ("data-capture", "monitoring")


def bucket_statements(names: ProjectNames) -> list[Json]:
    """Return the bucket policy's statements for each account that the launch named."""
    everything, own = s3_arn(f"{names.bucket}/*"), s3_arn(names.bucket)
    return [
        statement
        for place in PLACES
        for statement in (
            _shared(place, names, ("deploy", "cloudformation"), READ_OBJECTS, [everything]),
            _shared(place, names, ("deploy", "cloudformation"), READ_BUCKET, [own]),
            _shared(place, names, ("execution",), SERVE_OBJECTS, [everything]),
            _shared(place, names, ("execution",), SERVE_BUCKET, [own]),
            _shared(place, names, ("execution",), WRITE_OBJECTS, [s3_arn(f"{names.bucket}/{at}/*") for at in WRITTEN]),
        )
    ]


READ_OBJECTS = ("s3:GetObject", "s3:GetObjectVersion")
READ_BUCKET = ("s3:GetBucketLocation", "s3:ListBucket")
SERVE_OBJECTS, SERVE_BUCKET = ("s3:GetObject",), ("s3:ListBucket",)
WRITE_OBJECTS = ("s3:AbortMultipartUpload", "s3:PutObject")


def key_statements(names: ProjectNames) -> list[Json]:
    """Return the key policy's statements for each account that the launch named; `*` is the key itself."""
    via = {"StringEquals": {"kms:ViaService": sub("sagemaker.${AWS::Region}.${AWS::URLSuffix}")}}
    for_a_service = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    users = ("deploy", "cloudformation", "execution")
    return [
        statement
        for place in PLACES
        for statement in (
            _shared(place, names, users, ("kms:Decrypt", "kms:DescribeKey"), ["*"]),
            _shared(place, names, ("execution",), ("kms:Encrypt", "kms:GenerateDataKey"), ["*"]),
            # As its roles in the project's own account may, by either condition: see Scope.encrypt_volumes.
            _shared(place, names, ("cloudformation", "execution"), ("kms:CreateGrant",), ["*"], for_a_service),
            _shared(place, names, ("cloudformation", "execution"), ("kms:CreateGrant",), ["*"], via),
        )
    ]


def group_policy(names: ProjectNames) -> Json:
    """Return the model package group's policy: a stage's stack makes models of its versions."""
    versions = [arn("sagemaker", f"model-package/*-{names.project_id}/*")]
    actions = ("sagemaker:CreateModel", "sagemaker:DescribeModelPackage")
    statements = [_shared(place, names, ("cloudformation",), actions, versions) for place in PLACES]
    return {"Version": VERSION, "Statement": statements}


# What SageMaker pulls an image with (developer guide, "How to use SageMaker execution roles").
PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def repository_policy(names: ProjectNames) -> Json:
    """Return the image repository's policy: a stage's endpoint pulls with its execution role.

    SageMaker documents no more for another account ("Deploy a model version from a different account"): no principal of
    the service, and nothing for whoever creates the model.
    """
    return {"Version": VERSION, "Statement": [_shared(place, names, ("execution",), PULL) for place in PLACES]}


def _shared(
    place: Place,
    names: ProjectNames,
    purposes: Sequence[str],
    actions: Sequence[str],
    resources: Sequence[str] = (),
    when: Json | None = None,
) -> Json:
    """Return a statement; without `resources` it is of a policy that knows none but what it is attached to."""
    roles = [sub(place.role_arn(names, purpose)) for purpose in purposes]
    named = [sub(resource) for resource in resources]
    condition = dict(when or {})
    condition["StringEquals"] = {
        **condition.get("StringEquals", {}),
        "aws:PrincipalArn": roles if len(roles) > 1 else roles[0],
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": sub(iam_arn("root", place.account))},
        "Action": list(actions) if len(actions) > 1 else actions[0],
        **({"Resource": named if len(named) > 1 else named[0]} if named else {}),
        "Condition": condition,
    }
    return if_(place.named_if, statement)
