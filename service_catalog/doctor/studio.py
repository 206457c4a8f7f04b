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

DOMAIN = Subject("studio-domain", "Studio domain")
PROJECTS = Subject("studio-projects", "Projects in Studio")
ROLE = Subject("studio-role", "Role of the Studio domain")
LAUNCH = ("sagemaker:CreateProject", "servicecatalog:ProvisionProduct")


@dataclass(frozen=True)
class Domain:
    """A Studio domain; `role` is what its users act as unless a profile says otherwise."""

    id: str
    name: str
    status: str
    role: str
    denied: tuple[Denied, ...] | Unread = ()
    """What of a launch the role may not do."""


@dataclass(frozen=True)
class Studio:
    """The domains, and whether projects are enabled: `Enabled` or `Disabled`."""

    domains: tuple[Domain, ...] | Missing | Unread
    projects: str | Unread


def gather(rim: Rim, question: Question) -> Studio:
    """Describe the domain that was named, or every one."""
    client = rim.client("sagemaker")
    projects = read(lambda: str(client.get_sagemaker_servicecatalog_portfolio_status()["Status"]))

    def described() -> tuple[Domain, ...]:
        ids = (
            [question.domain]
            if question.domain
            else [each["DomainId"] for each in pages(client, "list_domains", "Domains")]
        )
        return tuple(_domain(rim, question, each) for each in ids)

    return Studio(look(described, missing=["ResourceNotFound", "ResourceNotFoundException"]), projects)


def _domain(rim: Rim, question: Question, domain_id: str) -> Domain:
    found = rim.client("sagemaker").describe_domain(DomainId=domain_id)
    role = str(found.get("DefaultUserSettings", {}).get("ExecutionRole", ""))
    denied: tuple[Denied, ...] | Unread = ()
    if question.before == "launch" and role:
        denied = simulate(rim, role, {"*": LAUNCH})
    return Domain(domain_id, str(found.get("DomainName", domain_id)), str(found.get("Status", "")), role, denied)


def judge(facts: Studio, question: Question) -> list[Check]:
    """Judge whether people would see the template and could launch it."""
    checks = [_domains(facts, question), _projects(facts)]
    if not isinstance(facts.domains, Missing | Unread):
        checks += [check for each in facts.domains for check in _role(each, question)]
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
        SIMULATE,
    ),
    gather,
    judge,
)  # fmt: skip
