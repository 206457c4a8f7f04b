"""What a stage's updates depend on beside its file: what serves, and which versions the registry has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from tidegate.aws import aws_errors, is_denied
from tidegate.errors import TidegateError
from tidegate.registry import Live, LiveVariant, ModelPackage, group_region, pick, read_live
from tidegate.render.baselines import NO_BASELINES, Baselines, read_baselines
from tidegate.render.release import is_trial
from tidegate.stage import Repo, Stage

_AT_ONCE: Final = 8

ClientOf = Callable[[str, str | None], Any]
"""Makes a client of SageMaker in a region, which acts with a role where one is given."""


@dataclass(frozen=True, slots=True)
class Unread:
    """What serves could not be read; `why` is a sentence without its full stop."""

    why: str


@dataclass(frozen=True, slots=True)
class Situation:
    """`live` is None where there is no endpoint. `champion` is the version behind the production variant.

    `champion` is None where there is none, or neither a test nor one to take away, which alone need it.
    """

    live: Live | Unread | None
    release: ModelPackage
    champion: ModelPackage | None = None
    release_baselines: Baselines = NO_BASELINES
    champion_baselines: Baselines = NO_BASELINES


class Lookup:
    """Reads the situation of each stage of a repository, equal questions once."""

    def __init__(self, repo: Repo, client_of: ClientOf) -> None:
        self._repo = repo
        self._client = cache(client_of)
        self._baselines = cache(lambda region, arn: read_baselines(self._client(region, None), arn))
        self._pick = cache(lambda region, group, word, live: pick(self._client(region, None), group, word, live))

    def situations(self, stages: Sequence[Stage], wanted: str | None = None) -> list[Situation]:
        """Return what the updates of each stage depend on, in their order.

        What serves is read of all stages at once; each answer of AWS takes its time, and there are several a stage.
        `wanted` is a version to release instead of the files'.

        Raises TidegateError where there is no such version, it may not be released, or what serves would have to be
        known and cannot be read.
        """
        if len(stages) == 1:
            return [self.situation(stages[0], wanted)]
        from concurrent.futures import ThreadPoolExecutor

        for stage in stages:
            self._client_at(stage)  # made here: making two at a time would make the same one twice
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            lives = pool.map(self.live, stages)
            return [self._situation(stage, live, wanted) for stage, live in zip(stages, lives, strict=True)]

    def situation(self, stage: Stage, wanted: str | None = None) -> Situation:
        """Return the same of one stage."""
        return self._situation(stage, self.live(stage), wanted)

    def live(self, stage: Stage) -> Live | Unread | None:
        """Return what the stage's endpoint serves: None where there is none, Unread where nobody here may know."""
        try:
            return read_live(self._client_at(stage), self._repo.endpoint_name(stage))
        except aws_errors() as error:
            if not is_denied(error):
                raise
            return Unread(f"its endpoint may not be read: {error}")

    def _client_at(self, stage: Stage) -> Any:
        """Return a client of SageMaker where the stage is, and not where the registry is."""
        return self._client(stage.region, self._repo.look_role(stage))

    def nothing_is_live(self) -> bool:
        """Whether it is known of every stage that it has no endpoint."""
        return all(self.live(stage) is None for stage in self._repo.stages)

    def _situation(self, stage: Stage, live: Live | Unread | None, wanted: str | None) -> Situation:
        variant = live.production(self._repo.variant) if isinstance(live, Live) and live.serves else None
        word = wanted or stage.version
        if isinstance(live, Unread) and (stage.test or word == "live"):
            raise TidegateError(f"stage {stage.name} needs to know which version is live, but {live.why}")
        release = self._package(stage, word, variant)
        champion = self._champion(stage, live, variant)
        return Situation(
            live=live,
            release=release,
            champion=champion,
            release_baselines=self._registered_baselines(stage, release),
            champion_baselines=self._registered_baselines(stage, champion),
        )

    def _champion(self, stage: Stage, live: Live | Unread | None, variant: LiveVariant | None) -> ModelPackage | None:
        if not isinstance(live, Live) or variant is None:
            return None
        if stage.test is not None:
            return self._package(stage, stage.test.champion, variant)
        # A test that is left over: without one there is nothing to ask.
        return self._package(stage, "live", variant) if is_trial(live.release_id) else None

    def _package(self, stage: Stage, word: str, variant: LiveVariant | None) -> ModelPackage:
        group = stage.model_package_group
        package: ModelPackage = self._pick(group_region(group, stage.region), group, word, variant)
        return package

    def _registered_baselines(self, stage: Stage, package: ModelPackage | None) -> Baselines:
        monitors = (stage.monitoring.data_quality, stage.monitoring.model_quality)
        if package is None or all(monitor is None or monitor.baseline for monitor in monitors):
            return NO_BASELINES
        found: Baselines = self._baselines(group_region(stage.model_package_group, stage.region), package.arn)
        return found
