"""The Studio domain that people launch from: projects enabled in it, and its role allowed to launch.

Studio shows templates once SageMaker's own part of Service Catalog is enabled, which is told for the whole account and
region (SageMaker API reference, GetSagemakerServicecatalogPortfolioStatus).
"""

from dataclasses import dataclass

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import Missing, Rim, Unread, look, pages, read
from service_catalog.doctor.question import Question
from service_catalog.doctor.simulating import SIMULATE, Denied, simulate
from service_catalog.doctor.topic import Topic
from service_catalog.names import TEMPLATES, admin_bucket
from service_catalog.publishing.studio import LOCATION_TAG

DOMAIN = Subject("studio-domain", "Studio domain")
PROJECTS = Subject("studio-projects", "Projects in Studio")
ROLE = Subject("studio-role", "Role of the Studio domain")
GALLERY = Subject("studio-templates", "Templates in S3")


@dataclass(frozen=True)
class Domain:
    """A Studio domain; `role` is what its users act as unless a profile says otherwise."""

    id: str
    name: str
    status: str
    role: str
    denied: tuple[Denied, ...] | Unread = ()
    """What of a launch the role may not do."""
    location: str | Unread = ""
    """The folder of templates that the domain shows, empty if none."""


@dataclass(frozen=True)
class Studio:
    """The domains, and whether projects are enabled: `Enabled` or `Disabled`."""

    domains: tuple[Domain, ...] | Missing | Unread
    projects: str | Unread
    location: str = ""
    """The folder that publishing puts templates into."""


def gather(rim: Rim, question: Question) -> Studio:
    """Describe the domain that was named, or every one."""
    client = rim.client("sagemaker")
    location = f"s3://{admin_bucket(rim.account.id, rim.account.region)}/{TEMPLATES}"
    projects = read(lambda: str(client.get_sagemaker_servicecatalog_portfolio_status()["Status"]))

    def described() -> tuple[Domain, ...]:
        ids = (
            [question.domain]
            if question.domain
            else [each["DomainId"] for each in pages(client, "list_domains", "Domains")]
        )
        return tuple(_domain(rim, question, each) for each in ids)

    return Studio(look(described, missing=["ResourceNotFound", "ResourceNotFoundException"]), projects, location)


def _domain(rim: Rim, question: Question, domain_id: str) -> Domain:
    found = rim.client("sagemaker").describe_domain(DomainId=domain_id)
    role = str(found.get("DefaultUserSettings", {}).get("ExecutionRole", ""))
    denied: tuple[Denied, ...] | Unread = ()
    if question.before == "launch" and role:
        # From S3 it is the person who has the stack made: whether they may is told by who may launch.
        provision = ["servicecatalog:ProvisionProduct"] if "service-catalog" in question.routes else []
        denied = simulate(rim, role, {"*": ["sagemaker:CreateProject", *provision]})
    name, status = str(found.get("DomainName", domain_id)), str(found.get("Status", ""))
    location = read(lambda: _location(rim, str(found["DomainArn"]))) if "s3" in question.routes else ""
    return Domain(domain_id, name, status, role, denied, location)


def _location(rim: Rim, arn: str) -> str:
    tags = pages(rim.client("sagemaker"), "list_tags", "Tags", ResourceArn=arn)
    return next((str(each["Value"]) for each in tags if each["Key"] == LOCATION_TAG), "")


def judge(facts: Studio, question: Question) -> list[Check]:
    """Judge whether people would see the template and could launch it."""
    checks = [_domains(facts, question), _projects(facts)]
    if not isinstance(facts.domains, Missing | Unread):
        checks += [check for each in facts.domains for check in _role(each, question)]
        if "s3" in question.routes:
            checks += [_gallery(each, facts.location, question) for each in facts.domains]
    return checks


def _domains(facts: Studio, question: Question) -> Check:
    if isinstance(facts.domains, Unread):
        return DOMAIN.unknown(
            f"Studio domains could not be looked at: {facts.domains.why}.",
            facts.domains.remedy("sagemaker:ListDomains", "sagemaker:DescribeDomain"),
        )
    if isinstance(facts.domains, Missing):
        return DOMAIN.failed(
            f"There is no Studio domain {question.domain} in this account and region.",
            "aws sagemaker list-domains shows which there are.",
        )
    if not facts.domains:
        return DOMAIN.warning(
            "There is no Studio domain in this account and region: projects can be launched through the API alone.",
            "Make a domain in the SageMaker console (Domains, Create domain).",
        )
    broken = [each for each in facts.domains if each.status not in {"InService", "Updating", "Pending"}]
    if broken:
        return DOMAIN.failed(
            f"The Studio domain {broken[0].name} ({broken[0].id}) is {broken[0].status}.",
            "Mend it in the SageMaker console.",
        )
    return DOMAIN.ok(f"There is {', '.join(f'{each.name} ({each.id})' for each in facts.domains)}.")


def _projects(facts: Studio) -> Check:
    if isinstance(facts.projects, Unread):
        return PROJECTS.unknown(
            f"Whether projects are enabled is not known: {facts.projects.why}.",
            facts.projects.remedy("sagemaker:GetSagemakerServicecatalogPortfolioStatus"),
        )
    if facts.projects != "Enabled":
        return PROJECTS.failed(
            "Projects are not enabled in Studio: its gallery stays empty.",
            "aws sagemaker enable-sagemaker-servicecatalog-portfolio",
        )
    return PROJECTS.ok("Projects are enabled in Studio.")


def _gallery(domain: Domain, location: str, question: Question) -> Check:
    """Judge which folder of templates a domain shows, of which it can show one."""
    if isinstance(domain.location, Unread):
        return GALLERY.unknown(
            f"Which templates the domain {domain.name} shows could not be looked at: {domain.location.why}.",
            domain.location.remedy("sagemaker:ListTags"),
        )
    show = f"scripts/publish --route s3 --domain-id {domain.id}"
    if domain.location == location:
        return GALLERY.ok(f"The domain {domain.name} shows {location}.")
    if domain.location:
        return GALLERY.failed(
            f"The domain {domain.name} shows the templates at {domain.location}, and a domain shows one folder alone.",
            f"Take its tag {LOCATION_TAG} away, then {show}; or put those templates into {location}.",
        )
    if question.before == "publish":
        return GALLERY.ok(f"The domain {domain.name} shows no templates in S3 yet.")
    return GALLERY.failed(f"The domain {domain.name} shows no templates in S3.", show)


def _role(domain: Domain, question: Question) -> list[Check]:
    if not domain.role:
        return [
            ROLE.unknown(
                f"The domain {domain.name} names no execution role.", "Look at the roles of its user profiles."
            )
        ]
    if question.before == "publish":
        if not question.principals or domain.role in question.principals:
            return []
        return [
            ROLE.warning(
                f"{domain.role}, which users of the domain {domain.name} act as, is not among the principals.",
                f"If they are to launch: scripts/publish --principal {domain.role}",
            )
        ]
    if isinstance(domain.denied, Unread):
        return [
            ROLE.unknown(
                f"Whether {domain.role} may launch could not be simulated: {domain.denied.why}.",
                domain.denied.remedy(SIMULATE),
            )
        ]
    if domain.denied:
        return [
            ROLE.failed(
                f"{domain.role}, which users of the domain {domain.name} act as, may not "
                f"{' and '.join(each.action for each in domain.denied)}.",
                "Attach AmazonSageMakerFullAccess to it, or allow just these.",
            )
        ]
    return [ROLE.ok(f"{domain.role} may launch projects.")]


TOPIC = Topic(
    DOMAIN,
    (
        "sagemaker:ListDomains",
        "sagemaker:DescribeDomain",
        "sagemaker:GetSagemakerServicecatalogPortfolioStatus",
        "sagemaker:ListTags",
        SIMULATE,
    ),
    gather,
    judge,
)  # fmt: skip
