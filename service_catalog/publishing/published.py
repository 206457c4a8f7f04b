"""What is published in an account now, read from the account: nothing else remembers it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from service_catalog.names import template_key
from service_catalog.portfolio.offer import Version
from service_catalog.project.parameters import GITS, Git
from service_catalog.publishing.admin_bucket import AdminBucket
from service_catalog.publishing.admin_stack import AdminStack

Route: TypeAlias = Literal["service-catalog", "s3"]
ROUTES: tuple[Route, ...] = get_args(Route)

PRODUCT = "AWS::ServiceCatalog::CloudFormationProduct"
PRINCIPAL = "AWS::ServiceCatalog::PortfolioPrincipalAssociation"
LAUNCHERS = "S3Launchers"
_TEMPLATE = re.compile(re.escape(template_key("GIT", "VERSION")).replace("GIT", "([a-z]+)").replace("VERSION", "(.+)"))


@dataclass(frozen=True)
class Published:
    """What an account holds: the admin stack's `template` and `outputs`, and the names of the versions in the bucket.

    Versions are oldest first.
    """

    template: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    stored: tuple[str, ...] = ()

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes by which projects can be launched."""
        there = {"service-catalog": bool(self.products), "s3": LAUNCHERS in self._resources}
        return tuple(route for route in ROUTES if there[route])

    @property
    def products(self) -> dict[Git, tuple[Version, ...]]:
        """The versions of each product, as the stack's template has them."""
        found = {git: self._resources.get(f"{git.title()}Product") for git in GITS}
        return {
            git: tuple(product["Properties"]["ProvisioningArtifactParameters"])
            for git, product in found.items()
            if product
        }

    @property
    def product_ids(self) -> dict[Git, str]:
        """The id of each product."""
        outputs = {git: f"{git.title()}ProductId" for git in GITS}
        return {git: self.outputs[name] for git, name in outputs.items() if name in self.outputs}

    @property
    def principals(self) -> tuple[str, ...]:
        """The ARNs of those who may launch."""
        associated = {
            each["Properties"]["PrincipalARN"] for each in self._resources.values() if each["Type"] == PRINCIPAL
        }
        allowed = self._resources.get(LAUNCHERS, {}).get("Metadata", {}).get("Principals", [])
        return tuple(sorted({*associated, *allowed}))

    @property
    def _resources(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.template.get("Resources", {})
        return found


def read(bucket: AdminBucket, stack: AdminStack) -> Published:
    """Return what is published in the account of `bucket` and `stack`."""
    stored = bucket.templates() if bucket.exists() else []
    names = [found[2] for each in stored if (found := _TEMPLATE.fullmatch(each.key))]
    return Published(stack.template(), stack.outputs(), tuple(dict.fromkeys(names)))
