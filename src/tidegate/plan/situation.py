"""What is known of the endpoint before a release. What cannot be read is said, and never stops a plan."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tidegate.aws import aws_errors
from tidegate.plan.changes import live_settings
from tidegate.registry import Live, LiveVariant, read_live

ClientMaker = Callable[[str, str], Any]
"""Makes a client of a service in a region."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What serves: `live` is None where no endpoint is there, or where `unread` says why nobody knows.

    `settings` are those of the variant that serves; where they could not be read, `settings_unread` says why.
    """

    live: Live | None = None
    settings: Mapping[str, str] | None = None
    unread: str = ""
    settings_unread: str = ""


OFFLINE: Final = Situation(unread="AWS was not asked (--offline)")


def read_situation(make_client: ClientMaker, region: str, endpoint_name: str, variant: str) -> Situation:
    """Return what the endpoint serves, with the settings of its production variant."""
    try:
        sagemaker = make_client("sagemaker", region)
        live = read_live(sagemaker, endpoint_name)
    except aws_errors() as error:
        return Situation(unread=f"the endpoint could not be read ({error})")
    serving = serving_variant(live, variant) if live else None
    if live is None or serving is None:
        return Situation(live)
    try:
        config = sagemaker.describe_endpoint_config(EndpointConfigName=live.config_name)
        model = sagemaker.describe_model(ModelName=serving.model_name) if serving.model_name else {}
        alarms = list(_rollback_alarms(make_client("cloudwatch", region), endpoint_name))
    except aws_errors() as error:
        return Situation(live, settings_unread=f"what is live could not be read in full ({error})")
    return Situation(live, live_settings(live, serving, config, model, alarms))


def serving_variant(live: Live, variant: str) -> LiveVariant | None:
    """Return the production variant of that name, or where there is none, the one that serves under another name."""
    named = live.production(variant)
    return named or next((each for each in live.variants if not each.shadow), None)


def _rollback_alarms(cloudwatch: Any, endpoint_name: str) -> Iterator[Mapping[str, Any]]:
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=f"{endpoint_name}-rollback-", AlarmTypes=["MetricAlarm"]
    )
    for page in pages:
        yield from page.get("MetricAlarms", [])
