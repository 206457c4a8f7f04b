"""What is offered to whom: the values that the admin stack is made from, without the CDK, which is slow to load."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service_catalog.names import STAGES_PREFIX, admin_bucket
from service_catalog.project.parameters import Git

# A version of a product as CloudFormation takes it; one that was published before is kept as it was written then.
Version = dict[str, Any]
# What publishing with boto3 puts there.
PUBLISHED_STAGE_ROLES = (f"{admin_bucket('${AWS::AccountId}', '${AWS::Region}')}/{STAGES_PREFIX}/*",)


def version(name: str, template_url: str) -> Version:
    """Return the version `name` of a product, whose template lies at `template_url`."""
    return {"Name": name, "Info": {"LoadTemplateFromURL": template_url}}


@dataclass(frozen=True)
class Offer:
    """What the admin stack offers.

    `principals` are the ARNs of the roles, users or groups that may launch projects. `versions` are each product's,
    oldest first; without any there is no Service Catalog route. `bucket` holds the templates of the S3 route; without
    one there is no such route. `stage_roles` says, as `bucket/key` for `Fn::Sub`, where the templates lie of
    the roles that projects have in other accounts, those of older versions among them. `store` is the
    bucket in which people find every version that they can bring a repository to; the CDK's own knows no versions.
    """

    principals: tuple[str, ...]
    versions: Mapping[Git, tuple[Version, ...]] = field(default_factory=dict)
    bucket: str | None = None
    stage_roles: tuple[str, ...] = PUBLISHED_STAGE_ROLES
    store: str | None = None
