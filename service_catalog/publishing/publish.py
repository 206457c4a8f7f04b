"""`scripts/publish`: put the project templates into the account that boto3 reaches, or bring them up to date.

Needs boto3 alone: no CDK bootstrap, no `cdk` command. It first says what it will change, and publishing the same
checkout twice changes nothing.
"""

import argparse
import re
import sys
from collections.abc import Sequence

from service_catalog.publishing.account import Account
from service_catalog.publishing.admin_bucket import AdminBucket
from service_catalog.publishing.command import run
from service_catalog.publishing.plan import Request, plan
from service_catalog.publishing.published import ROUTES
from service_catalog.publishing.told import tell

# CloudFormation's own pattern of a PrincipalARN, less the parts it leaves open.
PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user|group)/[\w+=,.@/-]+")


def publish(account: Account, request: Request, *, dry_run: bool) -> None:
    """Publish this checkout into `account`, beside what is published there already."""
    planned = plan(account, request)
    bucket = AdminBucket(account)
    if not dry_run and bucket.exists():
        # An earlier run may have been stopped before the bucket was private, and somebody may have opened it since.
        bucket.ensure()
    where = f"account {account.id}, {account.region}"
    if not planned.steps:
        print(f"Version {planned.release.version} is published in {where} as it should be: nothing to change.")
    elif dry_run:
        print(f"Dry run: nothing is changed. In {where} version {planned.release.version} would change:")
    else:
        print(f"Publishing version {planned.release.version} in {where}:")
    for step in planned.steps:
        print(step.says)
        if not dry_run:
            step.do()
    if not dry_run:
        print()
        tell(account, planned)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for principal in options.principal:
        if not PRINCIPAL.fullmatch(principal):
            parser.error(f"{principal} is not the ARN of a role, user or group (arn:aws:iam::ACCOUNT:role/NAME)")
    request = Request(
        routes=ROUTES if options.route == "both" else tuple(filter(None, [options.route])),
        principals=tuple(options.principal),
        domains=tuple(options.domain_id),
        deprecate=tuple(options.deprecate),
        restore=tuple(options.restore),
    )
    return run(lambda account: publish(account, request, dry_run=options.dry_run))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/publish",
        description="Put the project templates into the account that boto3 reaches, for Studio's galleries.",
    )
    parser.add_argument(
        "--route",
        choices=[*ROUTES, "both"],
        help="the gallery: products of Service Catalog, templates in S3, or both; routes of an earlier run stay "
        "(the first time: service-catalog)",
    )
    parser.add_argument(
        "--principal",
        action="append",
        default=[],
        metavar="ARN",
        help="a role, user or group that may launch projects; may be given again, and those given before stay",
    )
    parser.add_argument(
        "--domain-id",
        action="append",
        default=[],
        metavar="ID",
        help="a Studio domain that is to show the templates in S3; may be given again, and those given before stay",
    )
    parser.add_argument(
        "--deprecate",
        action="append",
        default=[],
        metavar="VERSION",
        help="a version that nobody is to launch any more, though who has may update it; `older` is all but the newest",
    )
    parser.add_argument(
        "--restore", action="append", default=[], metavar="VERSION", help="a deprecated version to be launched again"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
