"""The CDK app for those who deploy with `cdk deploy`: the Service Catalog route, from a CDK bootstrap's own bucket.

`scripts/publish` needs no CDK bootstrap and knows both routes; this is for accounts where everything goes through the
CDK. Run it in this folder. What it is told in cdk.json, or by --context:

- `tidegate:principals`: the ARNs of the roles, users or groups that may launch projects, as a list or with commas;
- `tidegate:versions`: the output `Version` of each deployment before, oldest first. CloudFormation deletes the
  versions of a product that its template does not list.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
# Where a version's template of projects' roles in the accounts of their stages lies, in the output `Version`.
STAGES = "stage-roles"


def main() -> None:
    """Synthesise the app into the folder that the CDK names, or else into cdk.out."""
    sys.path.insert(0, str(CHECKOUT))
    from service_catalog.publishing.synth import ensure_node

    ensure_node()
    import aws_cdk as cdk

    from service_catalog.names import PORTFOLIO_STACK

    app = cdk.App()
    with tempfile.TemporaryDirectory() as scratch:
        define(app, PORTFOLIO_STACK, Path(scratch))
        app.synth()


def define(app: Any, stack_id: str, scratch: Path) -> Any:
    """Return the admin stack of `app`, with the seed bundle and the templates as its assets; `scratch` holds them."""
    import aws_cdk as cdk

    from service_catalog.portfolio.offer import Offer
    from service_catalog.portfolio.offer import version as version_of
    from service_catalog.portfolio.stack import DESCRIPTION, fill_portfolio
    from service_catalog.project.parameters import GITS
    from service_catalog.publishing.bundle import build_bundle, digest
    from service_catalog.publishing.synth import stage_roles, synthesise_product, to_yaml
    from service_catalog.publishing.versions import base_name, newest_name

    stack = cdk.Stack(app, stack_id, analytics_reporting=False, description=DESCRIPTION)
    bundle = build_bundle()
    seeds = _asset(stack, "Seeds", scratch / "seeds.zip", bundle, digest(bundle))
    bucket = stack.resolve(seeds.s3_bucket_name)
    bucket = bucket["Fn::Sub"] if isinstance(bucket, dict) else bucket
    roles = stage_roles().text.encode()
    stages = _asset(stack, "StageRoles", scratch / "stage-roles.json", roles, digest(roles)).s3_object_key
    texts = {git: to_yaml(synthesise_product(bucket, seeds.s3_object_key, git, stages)) for git in GITS}
    before = list(_texts(app, "tidegate:versions"))
    known = [json.loads(each) if isinstance(each, str) else each for each in before]
    name = newest_name([each["name"] for each in known], base_name(version("tidegate"), texts.values()))
    addresses = {}
    for git, text in texts.items():
        content = text.encode()
        asset = _asset(stack, f"{git.title()}Template", scratch / f"{git}.yaml", content, digest(content))
        addresses[git] = stack.resolve(asset.http_url)
    if name not in [each["name"] for each in known]:
        known.append({"name": name, STAGES: f"{bucket}/{stages}", **addresses})
    versions = {git: tuple(version_of(each["name"], each[git]) for each in known if git in each) for git in GITS}
    # A project goes on with the template of the version that it was launched or updated from.
    templates = tuple(dict.fromkeys(each[STAGES] for each in known if STAGES in each))
    principals = tuple(sorted(set(_texts(app, "tidegate:principals"))))
    fill_portfolio(stack, Offer(principals, versions, stage_roles=templates))
    cdk.CfnOutput(stack, "Version", value=json.dumps(next(each for each in known if each["name"] == name)))
    return stack


def _asset(stack: Any, name: str, path: Path, content: bytes, fingerprint: str) -> Any:
    from aws_cdk import aws_s3_assets as assets

    path.write_bytes(content)
    return assets.Asset(stack, name, path=str(path), asset_hash=fingerprint)


def _texts(app: Any, key: str) -> Iterator[Any]:
    """Yield the values of a list in the app's context; --context can only give them in one text, with commas."""
    given = app.node.try_get_context(key) or []
    if isinstance(given, str):
        yield from (each.strip() for each in given.split(",") if each.strip())
    else:
        yield from given


if __name__ == "__main__":
    main()
