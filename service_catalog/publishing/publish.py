"""`scripts/publish`: put the product into the account that boto3 reaches, or bring it up to date.

Needs boto3 alone: no CDK bootstrap, no `cdk` command. What is uploaded is named by its hash, so publishing the
same checkout twice changes nothing.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from service_catalog.names import PRODUCT_NAME
from service_catalog.publishing.account import Account, PublishError, reach, sentences
from service_catalog.publishing.admin_bucket import AdminBucket
from service_catalog.publishing.admin_stack import AdminStack
from service_catalog.publishing.bundle import build_bundle, digest
from service_catalog.publishing.synth import NodeMissingError, synthesise_portfolio, synthesise_product, to_json

# CloudFormation's own pattern of a PrincipalARN, less the parts it leaves open.
PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user|group)/[\w+=,.@/-]+")


@dataclass(frozen=True)
class Release:
    """Everything that publishing puts into an account."""

    version: str
    bundle_key: str
    bundle: bytes
    template_key: str
    template: str
    portfolio: str
    principals: tuple[str, ...]


def prepare(bucket: AdminBucket, principals: Sequence[str]) -> Release:
    """Build the seed bundle and synthesise both templates for `bucket`; nothing is changed anywhere."""
    bundle = build_bundle()
    bundle_key = f"seeds/{digest(bundle)}.zip"
    template = to_json(synthesise_product(bucket.name, bundle_key))
    name = digest(template.encode())
    template_key = f"products/{name}.template.json"
    release = f"{version('tidegate')}-{name[:8]}"
    who = tuple(sorted(set(principals)))
    portfolio = to_json(synthesise_portfolio(bucket.url(template_key), release, who))
    return Release(release, bundle_key, bundle, template_key, template, portfolio, who)


def publish(account: Account, principals: Sequence[str], *, dry_run: bool) -> None:
    """Publish this checkout into `account`, for `principals` and those it is published for already."""
    bucket, stack = AdminBucket(account), AdminStack(account)
    release = prepare(bucket, [*principals, *stack.principals()])
    uploads = (
        (release.bundle_key, release.bundle, "application/zip"),
        (release.template_key, release.template.encode(), "application/json"),
    )
    if dry_run:
        _say_plan(account, bucket, stack, [key for key, _, _ in uploads])
        return
    bucket.ensure()
    for key, content, content_type in uploads:
        if bucket.put(key, content, content_type):
            print(f"Uploaded s3://{bucket.name}/{key} ({len(content):,} bytes).")
    change = stack.apply(release.portfolio)
    print(f"Stack {stack.name} in account {account.id}, {account.region}: {change}.")
    _say_result(release, stack.outputs())


def _say_plan(account: Account, bucket: AdminBucket, stack: AdminStack, keys: Sequence[str]) -> None:
    print(f"Dry run for account {account.id}, {account.region}: nothing is changed.")
    there = bucket.exists()
    print(f"- Bucket {bucket.name}: {'is there' if there else 'would be created'}.")
    for key in keys:
        uploaded = there and bucket.has(key)
        print(f"- s3://{bucket.name}/{key}: {'is there' if uploaded else 'would be uploaded'}.")
    print(f"- Stack {stack.name}: would be {'updated, if it differs' if stack.status() else 'created'}.")


def _say_result(release: Release, outputs: dict[str, str]) -> None:
    print(f"Studio's template gallery shows “{PRODUCT_NAME}” (version {release.version}) to:")
    for principal in release.principals:
        print(f"- {principal}")
    if not release.principals:
        print("- nobody yet. Name the execution role of your Studio domain or user profile:")
        print("  scripts/publish --principal ARN")
    print(f"Product {outputs['ProductId']}, portfolio {outputs['PortfolioId']}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/publish", description="Put the product into the account that boto3 reaches."
    )
    parser.add_argument(
        "--principal",
        action="append",
        default=[],
        metavar="ARN",
        help="a role, user or group that may launch projects; may be given again, and those given before stay",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    options = parser.parse_args(arguments)
    for principal in options.principal:
        if not PRINCIPAL.fullmatch(principal):
            parser.error(f"{principal} is not the ARN of a role, user or group (arn:aws:iam::ACCOUNT:role/NAME)")
    # The CDK's own validation takes seconds; the tests lint both templates.
    os.environ.setdefault("CDK_VALIDATION", "false")
    try:
        with sentences():
            publish(reach(), options.principal, dry_run=options.dry_run)
    except (PublishError, NodeMissingError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
