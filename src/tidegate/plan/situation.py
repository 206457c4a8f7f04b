"""What is known of the endpoint before a release. What cannot be read is said, and never stops a plan."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from tidegate.alarms import alarm_prefix
from tidegate.aws import aws_errors
from tidegate.plan.changes import live_settings
from tidegate.registry import Live, LiveVariant
from tidegate.render import Lookup, Unread
from tidegate.stage import Repo, Stage


class ClientMaker(Protocol):
    """Makes a client of a service in a region, which acts with a role where one is given."""

    def __call__(self, service: str, region: str, role: str | None = None, /) -> Any:
        """Return the client."""
        ...


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


def read_situation(make_client: ClientMaker, repo: Repo, stage: Stage) -> Situation:
    """Return what the stage's endpoint serves, with the settings of its production variant."""
    try:
        live = Lookup(repo, partial(make_client, "sagemaker")).live(stage)
    except aws_errors() as error:
        return Situation(unread=f"the endpoint could not be read ({error})")
    return with_settings(make_client, repo, stage, live)


def with_settings(make_client: ClientMaker, repo: Repo, stage: Stage, live: Live | Unread | None) -> Situation:
    """Return the situation of an endpoint that was looked for, with the settings of its production variant."""
    if isinstance(live, Unread):
        return Situation(unread=live.why)
    serving = serving_variant(live, repo.variant) if live else None
    if live is None or serving is None:
        return Situation(live)
    try:
        sagemaker = make_client("sagemaker", stage.region, repo.look_role(stage))
        config = sagemaker.describe_endpoint_config(EndpointConfigName=live.config_name)
        model = sagemaker.describe_model(ModelName=serving.model_name) if serving.model_name else {}
        cloudwatch = make_client("cloudwatch", stage.region, repo.look_role(stage))
        alarms = list(_rollback_alarms(cloudwatch, live.endpoint_name))
    except aws_errors() as error:
        return Situation(live, settings_unread=f"what is live could not be read in full ({error})")
    return Situation(live, live_settings(live, serving, config, model, alarms))


def serving_variant(live: Live, variant: str) -> LiveVariant | None:
    """Return the production variant of that name, or where there is none, the one that serves under another name."""
    named = live.production(variant)
    return named or next((each for each in live.variants if not each.shadow), None)


def _rollback_alarms(cloudwatch: Any, endpoint_name: str) -> Iterator[Mapping[str, Any]]:
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=alarm_prefix(endpoint_name), AlarmTypes=["MetricAlarm"]
    )
    for page in pages:
        yield from page.get("MetricAlarms", [])
