"""Endpoints: both fleets while a release moves traffic, what they answer by the minute, and what guards them."""

import re
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from typing import Any

from tidegate import guardrails
from tidegate.guardrails import GuardrailsError
from tidegate.registry import PROJECT_TAG, RELEASE_TAG, STAGE_TAG, version_in
from tidegate.registry.live import model_package_of, variants_of
from tidegate_sandbox import context
from tidegate_sandbox.faults import standing
from tidegate_sandbox.faults.fault import RequestFault
from tidegate_sandbox.page import ledger
from tidegate_sandbox.page.reading import Reader, Told, or_none
from tidegate_sandbox.page.views import alarms, evidence
from tidegate_sandbox.page.views.metrics import Query, by_minute, read, window

NAMESPACE = "AWS/SageMaker"
_CHARTED = {
    "errors4xx": ("Invocation4XXErrors", "Sum"),
    "errors5xx": ("Invocation5XXErrors", "Sum"),
    "latency50": ("ModelLatency", "p50"),
    "latency99": ("ModelLatency", "p99"),
}
_MOST_MINUTES = 360
_REMEMBERED = 20.0
"""Seconds for which what cannot change is not asked for again; a config may be made anew under its name."""
_BAKE = re.compile(r"Baking for (\d+) seconds \((\w+)\)")


def every(reader: Reader) -> list[Told]:
    """Return all endpoints, with what serves at each."""
    shown = []
    for summary in reader.every("sagemaker", "list_endpoints", "Endpoints"):
        described = or_none(reader, "sagemaker", "describe_endpoint", EndpointName=summary["EndpointName"])
        if described is None:
            continue
        fleet = _fleet(reader, described["EndpointConfigName"], described)
        shown.append(
            {
                "name": described["EndpointName"],
                "status": described["EndpointStatus"],
                "failure": described.get("FailureReason", ""),
                "modified": described["LastModifiedTime"],
                "stage": fleet["stage"],
                "project": fleet["project"],
                "variants": fleet["variants"],
                "pending": _variant_status(described.get("PendingDeploymentSummary")),
            }
        )
    return shown


def one(reader: Reader, name: str, query: Mapping[str, str]) -> Told:
    """Return an endpoint with its fleets, its update if one goes on, its alarms, and its traffic by the minute."""
    described = reader.ask("sagemaker", "describe_endpoint", EndpointName=name)
    pending = described.get("PendingDeploymentSummary")
    fleets = [_fleet(reader, described["EndpointConfigName"], described) | {"role": "serving"}]
    if pending:
        fleets.append(_fleet(reader, pending["EndpointConfigName"], pending) | {"role": "coming"})
    told = ledger.read(reader.scope, name)
    # After a rollback that failed, a second fleet serves that the API does not name.
    for config in dict.fromkeys(each["endpoint_config"] for each in told["traffic"]):
        if all(config != fleet["config"] for fleet in fleets):
            fleets.append(_fleet(reader, config, {}) | {"role": "left over"})
    for fleet in fleets:
        _share(fleet, told)
    asked = described.get("LastDeploymentConfig") or {}
    names = [each["AlarmName"] for each in asked.get("AutoRollbackConfiguration", {}).get("Alarms", ())]
    now = context.sandbox().clock.now()
    return {
        "name": name,
        "arn": described["EndpointArn"],
        "status": described["EndpointStatus"],
        "failure": described.get("FailureReason", ""),
        "created": described["CreationTime"],
        "modified": described["LastModifiedTime"],
        "capture": described.get("DataCaptureConfig"),
        "fleets": fleets,
        "update": _update(described, fleets) if pending else None,
        "guards": asked,
        "faults": _faults(reader, name, now),
        "alarms": alarms.of_names(reader, names),
        "traffic": _traffic(reader, name, fleets, now, _minutes(query)),
    }


def releases(reader: Reader, name: str, _query: Mapping[str, str]) -> list[Told]:
    """Return the verdicts on the releases of an endpoint, the newest first."""
    described = reader.ask("sagemaker", "describe_endpoint", EndpointName=name)
    config = reader.ask("sagemaker", "describe_endpoint_config", EndpointConfigName=described["EndpointConfigName"])
    tags = reader.tags(config["EndpointConfigArn"])
    if not tags.get(PROJECT_TAG) or not tags.get(STAGE_TAG):
        return []
    return evidence.of_stage(tags[PROJECT_TAG], tags[STAGE_TAG])


def _faults(reader: Reader, name: str, now: datetime) -> list[str]:
    """Return what was asked to go wrong with requests to an endpoint, each as a sentence without a full stop."""
    return [
        entry.fault.sentence
        for entry in standing.book.every()
        if isinstance(entry.fault, RequestFault)
        and entry.stands(now)
        and entry.fault.account in (None, reader.scope.account)
        and fnmatchcase(name, entry.fault.endpoint)
    ]


def _fleet(reader: Reader, config_name: str, now: Told) -> Told:
    """Return what a fleet is made of: what its config says, and what DescribeEndpoint says of it `now`."""
    made = _made_of(reader, config_name, int(time.monotonic() // _REMEMBERED))
    described = {
        each["VariantName"]: each
        for kind in ("ProductionVariants", "ShadowProductionVariants")
        for each in now.get(kind, ())
    }
    return {**made, "variants": [_variant(each, described.get(each["name"], {})) for each in made["variants"]]}


@lru_cache(maxsize=64)
def _made_of(reader: Reader, config_name: str, _while: int) -> Told:
    """Return what a config says, which stays as it was made: it is asked for once in a while, not at each look."""
    config = or_none(reader, "sagemaker", "describe_endpoint_config", EndpointConfigName=config_name)
    if config is None:
        return {"config": config_name, "release": "", "stage": "", "project": "", "variants": []}
    tags = reader.tags(config["EndpointConfigArn"])
    package_of = partial(model_package_of, reader.scope.client("sagemaker"))
    return {
        "config": config_name,
        "release": tags.get(RELEASE_TAG, ""),
        "stage": tags.get(STAGE_TAG, ""),
        "project": tags.get(PROJECT_TAG, ""),
        "variants": [
            {
                "name": variant.name,
                "model": variant.model_name,
                "package": variant.model_package_arn,
                "version": version_in(variant.model_package_arn),
                "type": variant.instance_type,
                "shadow": variant.shadow,
                "weight": variant.weight,
                "instances": variant.initial_instance_count,
            }
            for variant in variants_of(config, package_of)
        ],
    }


def _variant(made: Told, now: Told) -> Told:
    return {
        **made,
        "weight": now.get("CurrentWeight", made["weight"]),
        "instances": now.get("CurrentInstanceCount", made["instances"]),
        "desired": now.get("DesiredInstanceCount", made["instances"]),
        "status": now.get("VariantStatus", []),
        "share": 0.0,
    }


def _share(fleet: Told, told: Told) -> None:
    shares = {(each["endpoint_config"], each["variant"]): each["share"] for each in told["traffic"]}
    shares |= {(each["endpoint_config"], each["variant"]): each["share"] for each in told["mirroring"]}
    for variant in fleet["variants"]:
        variant["share"] = shares.get((fleet["config"], variant["name"]), 0.0)


def _variant_status(pending: Told | None) -> Told | None:
    statuses = [
        status for variant in (pending or {}).get("ProductionVariants", ()) for status in variant["VariantStatus"]
    ]
    return statuses[0] if statuses else None


def _update(described: Told, fleets: list[Told]) -> Told:
    """Return where the update stands: its status and message, until when it bakes, and the steps it is to take."""
    pending = described["PendingDeploymentSummary"]
    status = _variant_status(pending) or {}
    bake = _BAKE.search(status.get("StatusMessage", ""))
    instances = sum(each["DesiredInstanceCount"] for each in pending["ProductionVariants"])
    before, after = ({each["name"] for each in fleet["variants"]} for fleet in fleets[:2])
    try:
        asked = guardrails.from_deployment_config(described.get("LastDeploymentConfig"))
        ignored = guardrails.ignored_because(asked, frozenset(before), frozenset(after))
        steps = () if ignored else guardrails.timeline(asked, instances)
    except GuardrailsError as error:
        ignored, steps = str(error), ()
    return {
        "status": status.get("Status", ""),
        "message": status.get("StatusMessage", ""),
        "started": pending["StartTime"],
        "since": status.get("StartTime"),
        "until": status["StartTime"].timestamp() + int(bake[1]) if bake else None,
        "share": sum(each["share"] for each in fleets[1]["variants"] if not each["shadow"]),
        "unguarded_because": ignored or "",
        "steps": [
            {"phase": step.phase.value, "share": step.green_share, "seconds": step.until - step.at} for step in steps
        ],
    }


def _minutes(query: Mapping[str, str]) -> int:
    asked = query.get("minutes", "60")
    return min(max(int(asked), 5), _MOST_MINUTES) if asked.isdigit() else 60


def _traffic(reader: Reader, name: str, fleets: list[Told], now: datetime, minutes: int) -> Told:
    """Return the traffic of each variant of each config that had any, one value a minute; latencies in milliseconds."""
    since, until = window(now, minutes)
    pairs = list(_metered(reader, name))
    invocations = read(reader, [_query(name, pair, "Invocations", "Sum") for pair in pairs], since, until)
    with_data = [(pair, values) for pair, values in zip(pairs, invocations, strict=True) if values]
    # A median is looked at only where variants stand side by side.
    charted = {line: asked for line, asked in _CHARTED.items() if line != "latency50" or len(fleets[0]["variants"]) > 1}
    others = [_query(name, pair, *asked) for pair, _ in with_data for asked in charted.values()]
    values = iter(read(reader, others, since, until))
    known = {(fleet["config"], each["name"]): each for fleet in fleets for each in fleet["variants"]}
    series = []
    for (config, variant), counted in with_data:
        lines: dict[str, Any] = {"requests": by_minute(counted, since, until)}
        for line, (metric, _) in charted.items():
            found = by_minute(next(values), since, until)
            lines[line] = [_milliseconds(each) for each in found] if metric == "ModelLatency" else found
        one = known.get((config, variant)) or _gone(reader, config, variant)
        series.append(
            {"config": config, "variant": variant, "version": one.get("version"), "shadow": one.get("shadow", False)}
            | lines
        )
    return {"since": since, "until": until, "series": series}


def _metered(reader: Reader, name: str) -> Iterator[tuple[str, str]]:
    """Yield the config and variant of what requests were counted for."""
    listed = reader.every(
        "cloudwatch",
        "list_metrics",
        "Metrics",
        Namespace=NAMESPACE,
        MetricName="Invocations",
        Dimensions=[{"Name": "EndpointName", "Value": name}],
    )
    for metric in listed:
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        if "EndpointConfigName" in dimensions:
            yield dimensions["EndpointConfigName"], dimensions["VariantName"]


def _gone(reader: Reader, config: str, variant: str) -> Told:
    """Return what is known of a variant that serves no more; nothing where its config was removed."""
    found: list[Told] = _fleet(reader, config, {})["variants"]
    return next((each for each in found if each["name"] == variant), {})


def _query(name: str, pair: tuple[str, str], metric: str, statistic: str) -> Query:
    config, variant = pair
    dimensions = {"EndpointName": name, "VariantName": variant, "EndpointConfigName": config}
    return Query(NAMESPACE, metric, dimensions, statistic)


def _milliseconds(microseconds: float | None) -> float | None:
    return None if microseconds is None else round(microseconds / 1000, 2)
