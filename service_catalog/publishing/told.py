"""What a person is told once everything is published: what Studio shows, to whom, and what to do with it."""

from service_catalog.names import PRODUCT_NAMES
from service_catalog.project.parameters import GITS, Git
from service_catalog.publishing.account import Account
from service_catalog.publishing.admin_bucket import AdminBucket
from service_catalog.publishing.admin_stack import AdminStack
from service_catalog.publishing.catalogue import Catalogue
from service_catalog.publishing.plan import Plan
from service_catalog.publishing.published import read
from service_catalog.publishing.studio import Domain, Studio

WAY = "Deployments → Projects → Create project → Organization templates"


def tell(account: Account, planned: Plan) -> None:
    """Print what Studio shows now."""
    bucket = AdminBucket(account)
    published = read(bucket, AdminStack(account))
    print(f"In Studio, {WAY} shows")
    if "service-catalog" in planned.routes:
        _tell_catalogue(Catalogue(account), published.product_ids)
    if "s3" in planned.routes:
        _tell_gallery(bucket, planned, published.outputs["S3LaunchRoleArn"], Studio(account).domains())
    print("to those who may launch:")
    for principal in planned.principals:
        print(f"- {principal}")
    if not planned.principals:
        print("- nobody yet. Name the execution role of your Studio domain or user profile:")
        print("  scripts/publish --principal ARN")
    print("Who owns a project's repositories upgrades them with the policy (docs/upgrade.md)")
    print(f"- {published.outputs['OwnersPolicyArn']}")


def _tell_catalogue(catalogue: Catalogue, products: dict[Git, str]) -> None:
    print("- from Service Catalog:")
    for git, product in products.items():
        versions = catalogue.versions(product)
        older = [each.name for each in versions[:-1] if each.guidance == "DEFAULT"]
        deprecated = [each.name for each in versions if each.guidance == "DEPRECATED"]
        print(f"  - “{PRODUCT_NAMES[git]}”, version {versions[-1].name} ({product})")
        if older:
            print(f"    still to be launched by their number: {', '.join(older)}")
        if deprecated:
            print(f"    deprecated: {', '.join(deprecated)}")


def _tell_gallery(bucket: AdminBucket, planned: Plan, role: str, domains: list[Domain]) -> None:
    showing = [domain for domain in domains if domain.location == bucket.location]
    print(f"- as S3 templates{', in domain ' + ', '.join(each.id for each in showing) if showing else ''}:")
    for stored in bucket.templates():
        if bucket.is_visible(stored.key):
            newest = stored.key in {planned.release.key(git) for git in GITS}
            print(f"  - {stored.key.rpartition('/')[2]}{' (the newest)' if newest else ''}")
    print(f"    with this as its Role ARN: {role}")
    if not showing:
        others = ", ".join(f"{each.id} ({each.name})" for each in domains) or "none in this account and region"
        print(f"    once a Studio domain shows them: scripts/publish --domain-id ID (there are: {others})")
