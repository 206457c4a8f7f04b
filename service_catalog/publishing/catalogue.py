"""Service Catalog, as far as publishing drives it itself: guidance on versions, and what was launched."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from service_catalog.publishing.account import Account

# DEPRECATED: whoever launched it may still update it, and nobody may launch it any more.
Guidance: TypeAlias = Literal["DEFAULT", "DEPRECATED"]


@dataclass(frozen=True)
class Artefact:
    """A version of a product as the catalogue has it."""

    id: str
    name: str
    guidance: str


class Catalogue:
    """The Service Catalog of an account and region."""

    def __init__(self, account: Account) -> None:
        self._client = account.client("servicecatalog")

    def versions(self, product_id: str) -> list[Artefact]:
        """Return the versions of a product, oldest first."""
        answer = self._client.list_provisioning_artifacts(ProductId=product_id)["ProvisioningArtifactDetails"]
        found = sorted(answer, key=lambda each: each["CreatedTime"])
        return [Artefact(each["Id"], each["Name"], each.get("Guidance", "DEFAULT")) for each in found]

    def guide(self, product_id: str, artefact_id: str, guidance: Guidance) -> None:
        """Tell people which versions to launch."""
        self._client.update_provisioning_artifact(
            ProductId=product_id, ProvisioningArtifactId=artefact_id, Guidance=guidance
        )

    def launched(self, product_id: str) -> list[str]:
        """Return a line for each provisioned product of a product, whoever launched it."""
        request: dict[str, Any] = {
            "AccessLevelFilter": {"Key": "Account", "Value": "self"},
            "Filters": {"SearchQuery": [f"productId:{product_id}"]},
        }
        living: list[str] = []
        while True:
            page = self._client.search_provisioned_products(**request)
            living += [f"{found['Name']} ({found['Status']})" for found in page["ProvisionedProducts"]]
            if not page.get("NextPageToken"):
                return living
            request["PageToken"] = page["NextPageToken"]
