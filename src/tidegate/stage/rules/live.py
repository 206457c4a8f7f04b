"""Rules on a stage against the endpoint that is live: what no file alone can break."""

from collections.abc import Collection, Iterator
from typing import Any, Final

from tidegate.stage.release import Release, Strategy
from tidegate.stage.rules.rule import Applicable, Finding, Violation, rule


@rule(
    "TG090",
    "The production variant keeps its name",
    why="Guardrails act only where the old and the new endpoint config have the same variant name. Under a new "
    "name SageMaker would move all traffic at once, with no bake, and say nothing; alarms and autoscaling "
    "look for the old name.",
    source="SageMaker developer guide, deployment guardrails, Exclusions: the new config must have the same variant "
    "name",
    right="Keep `variant` in endpoint.yml as it is. To change it, release once with all_at_once, without "
    "`termination_wait` and `rollback_on`: that asks guardrails for nothing.",
)
def renamed_variant(release: Release, variant: str, live_variants: Collection[str]) -> Iterator[Finding]:
    """Find guardrails that a new name would switch off."""
    unguarded = release.strategy is Strategy.ALL_AT_ONCE and not release.rollback_on and not release.termination_wait
    if live_variants and variant not in live_variants and not unguarded:
        yield Finding(
            ("variant",),
            f"the production variant is called `{variant}` here and `{', '.join(sorted(live_variants))}` on the "
            "endpoint, so SageMaker would release without guardrails",
            "keep the name, or release it once with all_at_once and without termination_wait and rollback_on",
        )


@rule(
    "TG091",
    "A rolling update meets one production variant",
    why="Rolling updates are not available on endpoints with several production variants. A test takes its "
    "variant away before the release, so `rolling` goes with `test: ab`; an endpoint that somebody has given "
    "a second variant does not.",
    source="SageMaker developer guide, deployment guardrails, Exclusions: multi-variant inference endpoints",
    right="Use another strategy, or take the other variants away first.",
)
def rolling_with_several(release: Release, live_variants: Collection[str]) -> Iterator[Finding]:
    """Find a rolling update of an endpoint that cannot roll."""
    if release.strategy is Strategy.ROLLING and len(live_variants) > 1:
        yield Finding(
            ("release", "strategy"),
            f"the endpoint has {len(live_variants)} production variants, and a rolling update takes one",
            "use another strategy, or take the other variants away first",
        )


RULES: Final = (renamed_variant, rolling_with_several)
_CHECKS: Final = Applicable({each.id: each for each in RULES})


def check_against_live(release: Release, *, variant: str, live_variants: Collection[str]) -> tuple[Violation, ...]:
    """Return what is wrong with a release on the endpoint that is live.

    `variant` is the production variant of `endpoint.yml`. `live_variants` are the names of the production variants, not
    of shadows, that the endpoint will have when the release begins: where a test is taken away before, without its
    challenger; none where there is no endpoint yet.
    """
    sections: dict[str, Any] = {"release": release, "variant": variant, "live_variants": live_variants}
    return tuple(_CHECKS.apply(sections))
