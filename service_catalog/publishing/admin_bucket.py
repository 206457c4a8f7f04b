"""The bucket that holds what is published: project templates by version, and seed bundles by their hash."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from service_catalog.names import TEMPLATES, admin_bucket
from service_catalog.publishing.account import Account, PublishError, code

MISSING = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}
# The one region that is not named when a bucket is made in it.
UNNAMED_REGION = "us-east-1"
# Bytes of a template in a request of CloudFormation's.
BODY_MAX = 51_200
# Studio reads the templates from a page of its own. These are the rules of AWS's own samples: they let a page ask, and
# what it is given IAM decides.
CORS_RULES = [
    {
        "AllowedHeaders": ["*"],
        "AllowedMethods": ["GET", "HEAD", "POST", "PUT", "DELETE"],
        "AllowedOrigins": ["https://*.sagemaker.aws"],
        "ExposeHeaders": [
            "ETag",
            "x-amz-delete-marker",
            "x-amz-id-2",
            "x-amz-request-id",
            "x-amz-server-side-encryption",
            "x-amz-version-id",
        ],
    }
]
# Studio shows those templates of the folder that carry this tag.
VISIBLE = "sagemaker:studio-visibility"


@dataclass(frozen=True)
class Stored:
    """A project template in the bucket."""

    key: str
    modified: datetime


class AdminBucket:
    """The bucket `tidegate-{account}-{region}`; every call says whose it has to be, for names can be squatted."""

    def __init__(self, account: Account) -> None:
        self.name = admin_bucket(account.id, account.region)
        self._account = account
        self._s3 = account.client("s3")
        self._mine = {"Bucket": self.name, "ExpectedBucketOwner": account.id}

    def exists(self) -> bool:
        """Say whether the bucket is there.

        Raises PublishError if it is somebody else's.
        """
        try:
            self._s3.head_bucket(**self._mine)
        except ClientError as error:
            if code(error) in MISSING:
                return False
            if code(error) == "403":
                raise PublishError(
                    f"The bucket {self.name} may not be used: it belongs to another account, or these "
                    "credentials lack s3:ListBucket on it."
                ) from None
            raise
        return True

    def ensure(self) -> None:
        """Make the bucket if it is missing; encrypted, versioned, private and TLS-only it is made each time."""
        if not self.exists():
            where: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": self._account.region}}
            self._s3.create_bucket(Bucket=self.name, **({} if self._account.region == UNNAMED_REGION else where))
        self._s3.put_public_access_block(
            **self._mine,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
        self._s3.put_bucket_encryption(
            **self._mine,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )
        self._s3.put_bucket_versioning(**self._mine, VersioningConfiguration={"Status": "Enabled"})
        self._s3.put_bucket_policy(**self._mine, Policy=json.dumps(self._tls_only()))

    def has(self, key: str) -> bool:
        """Say whether there is an object under `key`, which has its hash in it: so it is the right one."""
        try:
            self._s3.head_object(**self._mine, Key=key)
        except ClientError as error:
            if code(error) in MISSING:
                return False
            raise
        return True

    def put(self, key: str, content: bytes, content_type: str) -> bool:
        """Upload `content` unless it is there already; say whether it was uploaded."""
        if self.has(key):
            return False
        self._s3.put_object(**self._mine, Key=key, Body=content, ContentType=content_type)
        return True

    def get(self, key: str) -> bytes:
        """Return the content of the object under `key`."""
        content: bytes = self._s3.get_object(**self._mine, Key=key)["Body"].read()
        return content

    def templates(self) -> list[Stored]:
        """Return the project templates, oldest first."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(**self._mine, Prefix=TEMPLATES)
        found = [Stored(each["Key"], each["LastModified"]) for page in pages for each in page.get("Contents", [])]
        return sorted(found, key=lambda each: (each.modified, each.key))

    def is_visible(self, key: str) -> bool:
        """Say whether Studio shows the template under `key`."""
        tags = self._s3.get_object_tagging(**self._mine, Key=key)["TagSet"]
        return {"Key": VISIBLE, "Value": "true"} in tags

    def show(self, key: str, *, visible: bool) -> None:
        """Let Studio show the template under `key`, or hide it."""
        tags = [{"Key": VISIBLE, "Value": str(visible).lower()}]
        self._s3.put_object_tagging(**self._mine, Key=key, Tagging={"TagSet": tags})

    def lets_studio_in(self) -> bool:
        """Say whether a page of Studio's may ask for the templates, by the rules that `let_studio_in` sets."""
        try:
            rules = self._s3.get_bucket_cors(**self._mine)["CORSRules"]
        except ClientError as error:
            if code(error) == "NoSuchCORSConfiguration":
                return False
            raise
        return [_sorted(each) for each in rules] == [_sorted(each) for each in CORS_RULES]

    def let_studio_in(self) -> None:
        """Let a page of Studio's ask for the templates."""
        self._s3.put_bucket_cors(**self._mine, CORSConfiguration={"CORSRules": CORS_RULES})

    def keep_studio_out(self) -> None:
        """Take back what `let_studio_in` did."""
        self._s3.delete_bucket_cors(**self._mine)

    @property
    def location(self) -> str:
        """The folder of the templates, as a Studio domain's tag names it."""
        return f"s3://{self.name}/{TEMPLATES}"

    def url(self, key: str) -> str:
        """Return the address of an object as CloudFormation and Service Catalog take it, in path style."""
        return f"{self._s3.meta.endpoint_url}/{self.name}/{key}"

    def hand_over(self, template: str) -> dict[str, str]:
        """Return `template` as CloudFormation is given it: in the request, or from here if it is too long for one.

        The admin stack lists every version there has been, so it grows.
        """
        content = template.encode()
        if len(content) <= BODY_MAX:
            return {"TemplateBody": template}
        key = f"stacks/{hashlib.sha256(content).hexdigest()[:32]}.template.json"
        self.put(key, content, "application/json")
        return {"TemplateURL": self.url(key)}

    def delete(self) -> None:
        """Delete every version of every object, then the bucket."""
        for page in self._s3.get_paginator("list_object_versions").paginate(**self._mine):
            versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
            if objects:
                self._s3.delete_objects(**self._mine, Delete={"Objects": objects, "Quiet": True})
        self._s3.delete_bucket(**self._mine)

    def _tls_only(self) -> dict[str, Any]:
        arn = f"arn:{self._account.partition}:s3:::{self.name}"
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn, f"{arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }


def _sorted(rule: dict[str, Any]) -> dict[str, list[str]]:
    return {name: sorted(values) for name, values in rule.items() if isinstance(values, list)}
