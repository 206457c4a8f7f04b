"""Stages, endpoints and plans of them, as small as they can be."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tidegate.guardrails import Guardrails, of_release, to_deployment_config
from tidegate.plan import Asked, Plan, PriceFound, Situation, Version, plan_release
from tidegate.plan.changes import asked_settings
from tidegate.registry import Live, LiveVariant
from tidegate.stage import Price, Repo

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GROUP = "bikeshare-p-abc123def456"
PACKAGE = f"arn:aws:sagemaker:eu-west-1:111122223333:model-package/{GROUP}"
ENDPOINT = f"{GROUP}-prod"
CANARY: dict[str, Any] = {
    "strategy": "canary",
    "canary_size": "25%",
    "wait_interval": "10m",
    "termination_wait": "5m",
    "rollback_on": [{"metric": "Invocation5XXErrors", "above": "1%"}],
}
BUSY = {"requests_per_minute": 600, "error_rate": "0.1%", "notice": "1%"}
PRICED = PriceFound(Price(Decimal("0.128"), "USD"), source="instances.price_per_hour")
UNPRICED = PriceFound(None, missing="nobody asked")


def repo(*, variant: str = "AllTraffic", **stage: Any) -> Repo:
    """Return a deploy repository of one stage, `prod`."""
    place = {"account": "111122223333", "region": "eu-west-1"}
    return Repo.model_validate(
        {
            "root": Path("/repository"),
            "project": {"name": "bikeshare", "id": "p-abc123def456", **place},
            "variant": variant,
            "stages": [
                {
                    "name": "prod",
                    **place,
                    "model_package_group": GROUP,
                    "execution_role": "arn:aws:iam::111122223333:role/tidegate/sagemaker-p-abc123def456-execution",
                    "bucket": "sagemaker-project-p-abc123def456",
                    "kms_key": "arn:aws:kms:eu-west-1:111122223333:key/0ab1c2d3-1111-2222-3333-444455556666",
                    "instances": {"type": "ml.m5.large", "count": 4},
                    "release": CANARY,
                    **stage,
                }
            ],
        }
    )


def variant(version: int = 5, *, name: str = "AllTraffic", count: int = 4, shadow: bool = False) -> LiveVariant:
    """Return a variant that serves."""
    return LiveVariant(name, f"model-{version}", f"{PACKAGE}/{version}", "ml.m5.large", count, count, 1.0, shadow)


def live(*variants: LiveVariant, status: str = "InService", release_id: str = "1" * 16, update: Any = None) -> Live:
    """Return an endpoint of these variants; without any, of version 5."""
    return Live(ENDPOINT, status, "config-5", release_id, variants or (variant(),), update)


def serving(made: Repo, endpoint: Live | None = None, settings: Mapping[str, str] | None = None) -> Situation:
    """Return the situation in which the stage's own settings are live, but for those given."""
    guardrails = guardrails_of(made)
    own = asked_settings(made.stages[0], guardrails, (), made.variant)
    endpoint = endpoint or live(update=to_deployment_config(guardrails))
    if endpoint.last_deployment_config is None:
        own = {name: text for name, text in own.items() if not name.startswith("release.")}
    return Situation(endpoint, {**own, "variant": endpoint.variants[0].name, **(settings or {})})


def guardrails_of(made: Repo) -> Guardrails:
    """Return what the stage's release asks for, without its alarms."""
    return of_release(made.stages[0].release, ())


def planned(
    made: Repo | None = None,
    situation: Situation | None = None,
    *,
    version: int | None = 7,
    release_id: str = "2" * 16,
    price: PriceFound = UNPRICED,
    offline: bool = False,
) -> Plan:
    """Return the plan of releasing a version, 7 over version 5 if nothing else is said."""
    made = made or repo()
    asked = Asked(Version(version, f"{PACKAGE}/{version}"), release_id) if version else Asked(unread="nobody asked")
    situation = situation or serving(made)
    return plan_release(made, made.stages[0], asked, situation, price, now=NOW, offline=offline)
