"""The project's own container images: a repository that its execution roles, and nobody else, may pull from.

AWS's own images are everybody's. An own image is built and pushed by people, or by their CI: nothing here builds one.
"""

import json

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr

from service_catalog.names import ProjectNames
from service_catalog.policy import if_, sub
from service_catalog.project.places import ELSEWHERE
from service_catalog.project.sharing import repository_policy
from service_catalog.project.storage import KEPT, Storage

UNTAGGED_DAYS = 14
# What is pushed in the place of a tag that cannot be moved, and layers of a push that broke, are of no use to anybody.
LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": "Images without a tag",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": UNTAGGED_DAYS,
            },
            "action": {"type": "expire"},
        }
    ]
}


def add_images(stack: cdk.Stack, names: ProjectNames, storage: Storage) -> ecr.CfnRepository:
    """Add the repository to `stack`: a tag stays what it is, and each push is scanned."""
    repository = ecr.CfnRepository(
        stack,
        "Images",
        repository_name=sub(names.image_repository),
        encryption_configuration=ecr.CfnRepository.EncryptionConfigurationProperty(
            encryption_type="KMS", kms_key=storage.key.attr_arn
        ),
        image_tag_mutability="IMMUTABLE",
        image_scanning_configuration=ecr.CfnRepository.ImageScanningConfigurationProperty(scan_on_push=True),
        lifecycle_policy=ecr.CfnRepository.LifecyclePolicyProperty(lifecycle_policy_text=json.dumps(LIFECYCLE)),
        repository_policy_text=if_(ELSEWHERE, repository_policy(names)),
        # Only a launch that failed deletes it, and keeps nothing.
        empty_on_delete=True,
    )
    repository.apply_removal_policy(KEPT)
    return repository
