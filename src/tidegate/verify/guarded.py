"""Whether an update was guarded as it was asked to be.

Some endpoints fall back to all at once without a word (developer guide, exclusions). That shows in
`LastDeploymentConfig`, or else only in an update that was watched from its beginning, never baked, and took less time
than the fewest waits that it can have had.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tidegate.guardrails import GuardrailsError, from_deployment_config, ignored_because, least_waits
from tidegate.render import Phase
from tidegate.verify.evidence import ConfigSeen, Evidence


def ignored(evidence: Evidence) -> str:
    """Say why the guardrails did not act on an update, "" if they did or had nothing to act on."""
    endpoint, asked = evidence.endpoint, evidence.asked
    if endpoint is None or evidence.created or not evidence.attempted or asked.phase is not Phase.RELEASE:
        return ""
    if _asks_for_nothing(asked.deployment_config):
        return ""
    if endpoint.last_deployment_config is None:
        return f"the endpoint's LastDeploymentConfig is empty{_likely(evidence)}"
    differing = list(_differences(asked.deployment_config, endpoint.last_deployment_config))
    if differing:
        return f"the endpoint's LastDeploymentConfig differs in {', '.join(differing)}{_likely(evidence)}"
    baked = any(sighting.variant_status == "Baking" for sighting in evidence.timeline)
    taken, least = evidence.seconds_taken, _least(evidence)
    if not baked and taken is not None and taken < least:
        return f"the update took {taken:.0f} s without a bake, and its waits alone are {least} s{_likely(evidence)}"
    return ""


def _asks_for_nothing(deployment_config: Mapping[str, Any]) -> bool:
    """Say whether there is nothing in it that SageMaker could leave out: whether it then answers with it is open."""
    try:
        return from_deployment_config(deployment_config).ask_for_nothing
    except GuardrailsError:
        return False


def _least(evidence: Evidence) -> int:
    """Return the fewest seconds that the update can have waited, 0 where the size of its fleet is not known."""
    assert evidence.endpoint is not None
    asked = evidence.asked
    fleet = [each for each in evidence.endpoint.live.variants if each.name == asked.variant and not each.shadow]
    counts = [count for each in fleet for count in (each.instance_count, each.initial_instance_count) if count]
    if not counts:
        return 0
    try:
        guardrails = from_deployment_config(asked.deployment_config)
        return min(least_waits(guardrails, count) for count in counts)
    except GuardrailsError:
        return 0


def _likely(evidence: Evidence) -> str:
    """Name the exclusion that explains it, if the configs show one."""
    assert evidence.endpoint is not None
    before, after = evidence.previous, evidence.endpoint.live
    if before is None or not before.variants or not after.variants:
        return ""
    try:
        guardrails = from_deployment_config(evidence.asked.deployment_config)
    except GuardrailsError:
        return ""
    why = ignored_because(
        guardrails,
        _names(before),
        _names(after),
        instance_types={each.instance_type for config in (before, after) for each in config.variants},
        serverless=any(not each.instance_type for each in after.variants),
    )
    return f"; likely because {why}" if why else ""


def _names(config: ConfigSeen) -> set[str]:
    return {each.name for each in config.variants}


def _differences(asked: Any, got: Any, path: str = "") -> Iterator[str]:
    """Yield where `got` lacks what was asked for. What it has beyond that does no harm.

    A wait of 0, or no alarms, is what SageMaker takes where nothing is given, so an answer may leave it out.
    """
    if isinstance(asked, Mapping):
        for key, value in asked.items():
            place = f"{path}.{key}" if path else key
            if isinstance(got, Mapping) and key in got:
                yield from _differences(value, got[key], place)
            elif value not in (0, [], ()):
                yield place
    elif isinstance(asked, list | tuple):
        if not isinstance(got, list | tuple) or any(item not in got for item in asked):
            yield path
    elif asked != got:
        yield path
