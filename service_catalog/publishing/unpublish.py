"""`scripts/unpublish`: take what was published back out of the account that boto3 reaches."""

import argparse
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from service_catalog.portfolio.offer import Offer
from service_catalog.publishing.account import Account, PublishError
from service_catalog.publishing.admin_bucket import AdminBucket
from service_catalog.publishing.admin_stack import AdminStack
from service_catalog.publishing.catalogue import Catalogue
from service_catalog.publishing.command import run
from service_catalog.publishing.published import ROUTES, Published, Route, read
from service_catalog.publishing.studio import Studio
from service_catalog.publishing.synth import synthesise_portfolio, to_json


def unpublish(account: Account, routes: Sequence[Route] = ROUTES) -> None:
    """Take `routes` back: all that publishing put there for them, and what both share once neither is left.

    Raises PublishError with the list of projects, if any live that were launched by one of these routes.
    """
    bucket, stack = AdminBucket(account), AdminStack(account)
    published = read(bucket, stack)
    leaving = [route for route in published.routes if route not in routes]
    _refuse_while_projects_live(account, bucket, published, routes)
    taken: list[str] = []
    if "s3" in routes:
        taken += _take_from_studio(account, bucket)
    if leaving:
        taken += _reduce(bucket, stack, published, leaving)
    else:
        if stack.status():
            stack.delete()
            taken.append(f"stack {stack.name}")
        if bucket.exists():
            bucket.delete()
            taken.append(f"bucket {bucket.name}")
    where = f"account {account.id}, {account.region}"
    print(f"Took out of {where}:" if taken else f"Nothing of that is published in {where}.")
    for each in taken:
        print(f"- {each}")


def _refuse_while_projects_live(
    account: Account, bucket: AdminBucket, published: Published, routes: Sequence[Route]
) -> None:
    living: list[str] = []
    if "service-catalog" in routes and published.product_ids:
        catalogue = Catalogue(account)
        living += [each for product in published.product_ids.values() for each in catalogue.launched(product)]
    if "s3" in routes and published.template:
        living += _launched_from(account, bucket.name)
    if living:
        listed = "\n".join(f"- {each}" for each in living)
        raise PublishError(
            f"What was launched from what is published still lives ({len(living)}), and could no longer be updated or "
            f"deleted with its launch role:\n{listed}\n"
            "Delete each project first (in Studio, or with sagemaker:DeleteProject), then run this again."
        )


def _launched_from(account: Account, bucket: str) -> Iterator[str]:
    """Yield a line for each project that lives and was launched from a template in `bucket`."""
    sagemaker = account.client("sagemaker")
    request: dict[str, Any] = {}
    while True:
        page = sagemaker.list_projects(**request)
        for summary in page["ProjectSummaryList"]:
            if summary["ProjectStatus"] != "DeleteCompleted":
                project = sagemaker.describe_project(ProjectName=summary["ProjectName"])
                providers = [each["CfnTemplateProviderDetail"] for each in project.get("TemplateProviderDetails", [])]
                if any(_lies_in(bucket, each["TemplateURL"]) for each in providers):
                    yield f"{project['ProjectName']}-{project['ProjectId']} ({project['ProjectStatus']})"
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]


def _lies_in(bucket: str, url: str) -> bool:
    """Say whether a URL, in path style or virtual-hosted style, is of an object in `bucket`."""
    host, _, path = url.partition("://")[2].partition("/")
    return host.startswith(f"{bucket}.") or path.startswith(f"{bucket}/")


def _take_from_studio(account: Account, bucket: AdminBucket) -> Iterator[str]:
    studio = Studio(account)
    for domain in studio.domains():
        if domain.location == bucket.location:
            studio.hide(domain)
            yield f"tag of Studio domain {domain.id}"


def _reduce(bucket: AdminBucket, stack: AdminStack, published: Published, leaving: Sequence[Route]) -> Iterator[str]:
    """Bring the stack to what the routes that stay need, and the bucket too."""
    both = Offer(published.principals, published.products, bucket.name, store=bucket.name)
    without_s3 = dataclasses.replace(both, bucket=None)
    offer = without_s3 if "service-catalog" in leaving else dataclasses.replace(both, versions={})
    if stack.apply(bucket.hand_over(to_json(synthesise_portfolio(offer)))) == "updated":
        yield f"of stack {stack.name}, all that is not of the route {leaving[0]}"
    if "s3" not in leaving and bucket.exists():
        if bucket.lets_studio_in():
            bucket.keep_studio_out()
            yield f"CORS of {bucket.name}"
        for stored in bucket.templates():
            if bucket.is_visible(stored.key):
                bucket.show(stored.key, visible=False)
                yield f"{stored.key} from Studio's gallery"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/unpublish",
        description="Take what was published back out of the account that boto3 reaches; refused while projects live.",
    )
    parser.add_argument(
        "--route", choices=[*ROUTES, "both"], default="both", help="the gallery to take it out of (left out: both)"
    )
    options = parser.parse_args(arguments)
    return run(lambda account: unpublish(account, ROUTES if options.route == "both" else (options.route,)))


if __name__ == "__main__":
    sys.exit(main())
