"""`scripts/unpublish`: take the product back out of the account that boto3 reaches."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from service_catalog.publishing.account import Account, PublishError, reach, sentences
from service_catalog.publishing.admin_bucket import AdminBucket
from service_catalog.publishing.admin_stack import AdminStack


def unpublish(account: Account) -> None:
    """Delete stack and bucket, unless projects that were launched from the product still live.

    Raises PublishError with the list of those projects.
    """
    bucket, stack = AdminBucket(account), AdminStack(account)
    product = stack.outputs().get("ProductId")
    if product and (living := _provisioned(account, product)):
        listed = "\n".join(f"- {name}" for name in living)
        raise PublishError(
            f"{len(living)} launched from the product still live, and could no longer be updated or "
            f"deleted with its launch role:\n{listed}\n"
            "Delete each project first (in Studio, or with sagemaker:DeleteProject), then run this again."
        )
    taken = []
    if stack.status():
        stack.delete()
        taken.append(f"stack {stack.name}")
    if bucket.exists():
        bucket.delete()
        taken.append(f"bucket {bucket.name}")
    where = f"account {account.id}, {account.region}"
    print(f"Took {' and '.join(taken)} out of {where}." if taken else f"Nothing is published in {where}.")


def _provisioned(account: Account, product: str) -> list[str]:
    """Return a line for each provisioned product of `product`, whoever launched it."""
    service_catalog = account.client("servicecatalog")
    request: dict[str, Any] = {
        "AccessLevelFilter": {"Key": "Account", "Value": "self"},
        "Filters": {"SearchQuery": [f"productId:{product}"]},
    }
    living: list[str] = []
    while True:
        page = service_catalog.search_provisioned_products(**request)
        living += [f"{found['Name']} ({found['Status']})" for found in page["ProvisionedProducts"]]
        if not page.get("NextPageToken"):
            return living
        request["PageToken"] = page["NextPageToken"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/unpublish",
        description="Take the product back out of the account that boto3 reaches; refused while projects live.",
    )
    parser.parse_args(arguments)
    try:
        with sentences():
            unpublish(reach())
    except PublishError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
