"""What had served before a config, for its tag to remember once the configs of those versions are gone."""

from typing import Any

from tidegate.registry import Served
from tidegate.registry.outcome_tag import ending
from tidegate.retained.inventory import Retained, RetainedConfig, describe_variants


def served_before(sagemaker: Any, retained: Retained, name: str, previous: str = "") -> tuple[Served, ...]:
    """Return what had served before the config of that name was made, the newest first.

    It is told by the newest older config that was verified to have served, and by that one's own tag. `previous` is
    known to have served last whatever its tag says, "" if nobody saw what did: where verify kept no tag of it, it
    counts as serving from when it was made. An update without a Verify, such as the end of a test, leaves such a one.
    """
    made_at = next((each.created_at for each in retained.configs if each.name == name), None)
    older = [each for each in retained.configs if made_at is not None and each.created_at < made_at]
    told: list[Served] = []
    for config in older:
        if config.name == previous or config.served:
            told += _own(sagemaker, config)
        if config.served:
            return (*told, *config.before)
    return tuple(told)


def _own(sagemaker: Any, config: RetainedConfig) -> list[Served]:
    version = next((each.version for each in describe_variants(sagemaker, config) if not each.shadow), None)
    if version is None:
        return []
    return [Served(version, config.outcome_at or config.created_at, ending(config.name))]
