"""Service Quotas, compared with what is used and what a project needs at once. Many are zero in a new account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import Rim, Unread, pages, read
from service_catalog.doctor.needs import RULES, needs
from service_catalog.doctor.question import Question
from service_catalog.doctor.topic import Topic

QUOTAS = Subject("quotas", "Quotas")
LISTS = ("servicequotas:ListServiceQuotas", "servicequotas:ListAWSDefaultServiceQuotas")
COUNTS_RULES, READS_METRICS = "events:ListRules", "cloudwatch:GetMetricStatistics"
# Usage is written every few minutes, and not by every service in every minute.
LOOKED_BACK = timedelta(hours=1)


@dataclass(frozen=True)
class Quota:
    """A quota by its name, what a project needs of it at once, and what the account has; None if it is not listed.

    `used` is what is in use already; None where no API tells.
    """

    service: str
    name: str
    needed: int
    value: float | None
    code: str = ""
    used: float | Unread | None = None

    @property
    def wanted(self) -> float:
        """What the account has to have of it, as far as is known."""
        return self.needed + (self.used if isinstance(self.used, float) else 0)


def gather(rim: Rim, question: Question) -> tuple[Quota, ...] | Unread:
    """Look up every quota that a project needs something of, and what of it is used."""

    def asked() -> tuple[Quota, ...]:
        return tuple(each for service, wanted in needs(question.git).items() for each in _of(rim, service, wanted))

    return read(asked)


def _of(rim: Rim, service: str, wanted: Mapping[str, int]) -> list[Quota]:
    client = rim.client("service-quotas")
    found: dict[str, Mapping[str, Any]] = {}
    # What was never changed may be listed among the defaults alone.
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for each in pages(client, operation, "Quotas", ServiceCode=service):
            if each["QuotaName"] in wanted:
                found.setdefault(each["QuotaName"], each)
            if len(found) == len(wanted):
                break
        if len(found) == len(wanted):
            break
    return [
        Quota(service, name, needed, float(told["Value"]), str(told["QuotaCode"]), _used(rim, name, told))
        if (told := found.get(name))
        else Quota(service, name, needed, None)
        for name, needed in wanted.items()
    ]


def _used(rim: Rim, name: str, told: Mapping[str, Any]) -> float | Unread | None:
    """Return what is used of a quota: counted, or by the metric of its usage where the quota names one."""
    if name == RULES:
        return read(lambda: float(sum(1 for _ in pages(rim.client("events"), "list_rules", "Rules"))))
    metric = told.get("UsageMetric") or {}
    if not metric.get("MetricName"):
        return None
    statistic = str(metric.get("MetricStatisticRecommendation") or "Maximum")
    now = datetime.now(UTC)

    def newest() -> float | None:
        points = rim.client("cloudwatch").get_metric_statistics(
            Namespace=metric["MetricNamespace"],
            MetricName=metric["MetricName"],
            Dimensions=[{"Name": key, "Value": value} for key, value in metric.get("MetricDimensions", {}).items()],
            StartTime=now - LOOKED_BACK,
            EndTime=now,
            Period=300,
            Statistics=[statistic],
        )["Datapoints"]
        return float(max(points, key=lambda each: each["Timestamp"])[statistic]) if points else None

    return read(newest)


def judge(facts: tuple[Quota, ...] | Unread, _question: Question) -> list[Check]:
    """Judge each quota; those that suffice are told in one line."""
    if isinstance(facts, Unread):
        return [QUOTAS.unknown(f"Quotas could not be looked at: {facts.why}.", facts.remedy(*LISTS))]
    checks = [_short(each) for each in facts if each.value is not None and each.value < each.wanted]
    checks += [
        QUOTAS.unknown(
            f"There is no quota of {each.service} called '{each.name}'.", "Look for it in the Service Quotas console."
        )
        for each in facts
        if each.value is None
    ]
    enough = [each for each in facts if each.value is not None and each.value >= each.wanted]
    checks += [
        QUOTAS.unknown(
            f"'{each.name}' is {each.value:g}, of which a project needs {each.needed}, but how much of it is used "
            f"could not be looked at: {each.used.why}.",
            each.used.remedy(COUNTS_RULES if each.name == RULES else READS_METRICS),
        )
        for each in enough
        if isinstance(each.used, Unread)
    ]
    if known := [each for each in enough if not isinstance(each.used, Unread)]:
        told = "; ".join(
            f"{each.name}: {each.value:g}{_use(each)}, of which a project needs {each.needed}" for each in known
        )
        uncounted = any(each.used is None for each in known)
        checks.append(
            QUOTAS.ok(told + ("; where no use is told, what is in use is not counted." if uncounted else "."))
        )
    return checks


def _use(quota: Quota) -> str:
    return f", {quota.used:g} in use" if isinstance(quota.used, float) else ""


def _short(quota: Quota) -> Check:
    return QUOTAS.failed(
        f"'{quota.name}' is {quota.value:g}{_use(quota)}, and a project needs {quota.needed} at once.",
        f"aws service-quotas request-service-quota-increase --service-code {quota.service} --quota-code {quota.code} "
        f"--desired-value {quota.wanted:g}",
    )


TOPIC = Topic(QUOTAS, (*LISTS, COUNTS_RULES, READS_METRICS), gather, judge)
