"""A launched project as an upgrade sees it: which version it is of, in which stack, with which answers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from service_catalog.names import ProjectNames, template_key
from service_catalog.project.parameters import GITS, ID, NAME, Git
from service_catalog.publishing.account import Account, PublishError, code
from service_catalog.publishing.admin_bucket import AdminBucket
from service_catalog.publishing.admin_stack import AdminStack
from service_catalog.publishing.catalogue import Catalogue
from service_catalog.publishing.published import Published, read

# What SageMaker gives to every launch and every update by itself.
SAGEMAKERS_OWN = {NAME, ID}
_NEVER_WHOLE = "The project {name} was never launched whole: delete it, and launch it anew."
_TEMPLATE = re.compile(
    "(https://.*/)"
    + re.escape(template_key("GIT", "VERSION")).replace("GIT", "([a-z]+)").replace("VERSION", r"([^/?]+)")
)


@dataclass(frozen=True)
class Origin:
    """What a project was launched from: a product of the catalogue, or else a template in S3.

    That is called `template` in the project, and lies under `address`, in the form in which the launch gave it.
    """

    git: Git
    version: str
    product: str | None = None
    template: str | None = None
    address: str = ""


@dataclass(frozen=True)
class Project:
    """A project that can be upgraded. `answers` are the launch parameters as they are now, SageMaker's own apart."""

    name: str
    id: str
    status: str
    stack: str
    origin: Origin
    answers: Mapping[str, str]

    @property
    def names(self) -> ProjectNames:
        """The names of what it is made of."""
        return ProjectNames(self.name, self.id)


def find_project(account: Account, name: str) -> tuple[Project, Published]:
    """Return the project of that name, and what is published in its account.

    Raises PublishError if there is none, or if it was not launched from what Tidegate published here.
    """
    try:
        said = account.client("sagemaker").describe_project(ProjectName=name)
    except ClientError as error:
        if code(error) == "ValidationException" and "does not exist" in str(error):
            raise PublishError(f"There is no project {name} in account {account.id}, {account.region}.") from None
        raise
    if said["ProjectStatus"].startswith("Delete"):
        raise PublishError(f"The project {name} is {said['ProjectStatus']}: there is nothing to upgrade.")
    published = read(AdminBucket(account), AdminStack(account))
    if "TemplateProviderDetails" in said:
        origin, stack = _of_template(name, said["TemplateProviderDetails"])
    else:
        origin, stack = _of_product(account, published, said)
    return Project(name, said["ProjectId"], said["ProjectStatus"], stack, origin, _answers(account, stack)), published


def _of_template(name: str, providers: Iterable[Mapping[str, Any]]) -> tuple[Origin, str]:
    for provider in providers:
        detail = provider["CfnTemplateProviderDetail"]
        if (found := _TEMPLATE.fullmatch(detail["TemplateURL"])) and (git := _git(found[2])):
            if "StackDetail" not in detail:
                raise PublishError(_NEVER_WHOLE.format(name=name))
            origin = Origin(git, found[3], template=detail["TemplateName"], address=found[1])
            return origin, detail["StackDetail"]["Name"]
    raise PublishError(f"The project {name} was not launched from a template that Tidegate published.")


def _of_product(account: Account, published: Published, said: Mapping[str, Any]) -> tuple[Origin, str]:
    details = said["ServiceCatalogProvisioningDetails"]
    product = details["ProductId"]
    git = next((git for git, found in published.product_ids.items() if found == product), None)
    if git is None:
        raise PublishError(
            f"The project {said['ProjectName']} was launched from the product {product}, which is not what Tidegate "
            f"publishes in account {account.id}, {account.region}."
        )
    launched = said.get("ServiceCatalogProvisionedProductDetails", {}).get("ProvisionedProductId")
    client = account.client("servicecatalog")
    found = client.search_provisioned_products(
        AccessLevelFilter={"Key": "Account", "Value": "self"}, Filters={"SearchQuery": [f"id:{launched}"]}
    )["ProvisionedProducts"]
    if not found or "LastSuccessfulProvisioningRecordId" not in found[0]:
        raise PublishError(_NEVER_WHOLE.format(name=said["ProjectName"]))
    # What went well last counts: an update may have failed since, or been made without SageMaker.
    record = client.describe_record(Id=found[0]["LastSuccessfulProvisioningRecordId"])["RecordDetail"]
    artefact = record["ProvisioningArtifactId"]
    versions = {each.id: each.name for each in Catalogue(account).versions(product)}
    return Origin(git, versions.get(artefact, artefact), product=product), _stack_name(found[0]["PhysicalId"])


def _answers(account: Account, stack: str) -> dict[str, str]:
    (described,) = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    given = {each["ParameterKey"]: each["ParameterValue"] for each in described.get("Parameters", [])}
    return {key: value for key, value in given.items() if key not in SAGEMAKERS_OWN}


def _stack_name(stack: str) -> str:
    """Return the name of a stack that is given by its name or its ARN."""
    return stack.rpartition(":stack/")[2].partition("/")[0]


def _git(word: str) -> Git | None:
    return next((git for git in GITS if git == word), None)
