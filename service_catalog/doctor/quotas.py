"""Service Quotas, compared with what a project needs at once. Many are zero in a new account."""

from collections.abc import Mapping
from dataclasses import dataclass

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import Rim, Unread, pages, read
from service_catalog.doctor.needs import needs
from service_catalog.doctor.question import Question
from service_catalog.doctor.topic import Topic

QUOTAS = Subject("quotas", "Quotas")


@dataclass(frozen=True)
class Quota:
    """A quota by its name, what a project needs of it at once, and what the account has; None if it is not listed."""

    service: str
    name: str
    needed: int
    value: float | None
    code: str = ""


def gather(rim: Rim, _question: Question) -> tuple[Quota, ...] | Unread:
    """Look up every quota that the seeds need something of."""

    def asked() -> tuple[Quota, ...]:
        return tuple(each for service, wanted in needs().items() for each in _of(rim, service, wanted))

    return read(asked)


def _of(rim: Rim, service: str, wanted: Mapping[str, int]) -> list[Quota]:
    client = rim.client("service-quotas")
    found: dict[str, tuple[float, str]] = {}
    # What was never changed may be listed among the defaults alone.
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for each in pages(client, operation, "Quotas", ServiceCode=service):
            if each["QuotaName"] in wanted:
                found.setdefault(each["QuotaName"], (float(each["Value"]), str(each["QuotaCode"])))
            if len(found) == len(wanted):
                break
        if len(found) == len(wanted):
            break
    return [Quota(service, name, needed, *found.get(name, (None, ""))) for name, needed in wanted.items()]


def judge(facts: tuple[Quota, ...] | Unread, _question: Question) -> list[Check]:
    """Judge each quota; those that suffice are told in one line."""
    if isinstance(facts, Unread):
        return [
            QUOTAS.unknown(
                f"Quotas could not be looked at: {facts.why}.",
                facts.remedy("servicequotas:ListServiceQuotas", "servicequotas:ListAWSDefaultServiceQuotas"),
            )
        ]
    checks = [_short(each) for each in facts if each.value is not None and each.value < each.needed]
    checks += [
        QUOTAS.unknown(
            f"There is no quota of {each.service} called '{each.name}'.", "Look for it in the Service Quotas console."
        )
        for each in facts
        if each.value is None
    ]
    enough = [each for each in facts if each.value is not None and each.value >= each.needed]
    if enough:
        told = "; ".join(f"{each.name}: {each.value:g}, of which a project needs {each.needed}" for each in enough)
        checks.append(QUOTAS.ok(f"{told}. What is in use already is not counted."))
    return checks


def _short(quota: Quota) -> Check:
    return QUOTAS.failed(
        f"'{quota.name}' is {quota.value:g}, and a project needs {quota.needed} at once.",
        f"aws service-quotas request-service-quota-increase --service-code {quota.service} --quota-code {quota.code} "
        f"--desired-value {quota.needed}",
    )


TOPIC = Topic(QUOTAS, ("servicequotas:ListServiceQuotas", "servicequotas:ListAWSDefaultServiceQuotas"), gather, judge)
