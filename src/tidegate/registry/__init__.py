"""The model registry and what came of its versions: which one is approved, which is live, which comes next."""

from tidegate.registry.live import PROJECT_TAG, RELEASE_TAG, STAGE_TAG, Live, LiveVariant, read_live
from tidegate.registry.outcome_tag import OUTCOME_TAG, OutcomeTag, Served, parse_outcome
from tidegate.registry.package import ModelPackage, NoApprovedVersionError, choose, version_in
from tidegate.registry.service import (
    RegistryClient,
    describe,
    group_region,
    newest_first,
    pick,
    reject,
    stamp_rolled_back,
)

__all__ = [
    "OUTCOME_TAG",
    "PROJECT_TAG",
    "RELEASE_TAG",
    "STAGE_TAG",
    "Live",
    "LiveVariant",
    "ModelPackage",
    "NoApprovedVersionError",
    "OutcomeTag",
    "RegistryClient",
    "Served",
    "choose",
    "describe",
    "group_region",
    "newest_first",
    "parse_outcome",
    "pick",
    "read_live",
    "reject",
    "stamp_rolled_back",
    "version_in",
]
