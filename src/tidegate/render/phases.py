"""Which updates of a stage are due, and what the pipeline has to ask and do for each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tidegate.errors import TidegateError
from tidegate.registry import Live
from tidegate.render.release import champion_of, is_trial
from tidegate.render.situation import Situation, Unread
from tidegate.render.stage import Rendered, render_live, render_stage, render_test
from tidegate.render.values import trial_percent
from tidegate.stage import Repo, Shadow, Stage, format_duration
from tidegate.stage.rules import check_against_live

PIPELINE_FILE: Final = "pipeline.env"
"""What the pipeline asks about each stage: lines of KEY=value, which are safe in a shell."""


@dataclass(frozen=True, slots=True)
class Updates:
    """The updates of a stage, in the order in which the pipeline makes them: test, live, release.

    `test` is there where a test is due; `live` where one is due or in place. `approval` says whether a person is asked
    before the pipeline goes into the stage: `manual`, `automatic`, or `none` where nothing changes. `releases` is
    whether the release has anything left to do once a test is away. `notes` are sentences for a person.
    """

    stage: str
    release: Rendered
    test: Rendered | None
    live: Rendered | None
    approval: str
    releases: bool
    notes: tuple[str, ...] = ()

    @property
    def files(self) -> Mapping[str, str]:
        """All files by name."""
        return {
            name: text
            for update in (self.release, self.test, self.live)
            if update is not None
            for name, text in update.files.items()
        }

    @property
    def variables(self) -> Mapping[str, str]:
        """What the pipeline asks about the stage."""
        return _variables(
            self.stage,
            self.approval,
            test=self.test is not None,
            test_end=self.live is not None,
            release=self.releases,
        )


def render_updates(repo: Repo, stage: Stage, situation: Situation) -> Updates:
    """Return the updates that a stage is due.

    A test is due where the stage has one, an endpoint serves, and what is to be released is not the champion. One is in
    place where the tag of the live endpoint config says so. A person is asked nothing where what is released serves
    already, alone or as the champion of a test, or where the very test that is due is in place.

    Raises TidegateError as `render_stage` does, and for a release that cannot be guarded on the endpoint that is live.
    """
    live, champion = situation.live, situation.champion
    release = render_stage(repo, stage, situation.release, baselines=situation.release_baselines)
    serves = live.release_id if isinstance(live, Live) and live.serves else ""
    due = stage.test is not None and champion is not None and champion.arn != situation.release.arn
    test = end = None
    if champion is not None and (due or is_trial(serves)):
        end = render_live(repo, stage, champion, baselines=situation.champion_baselines)
    if champion is not None and due:
        test = render_test(repo, stage, champion, situation.release, baselines=situation.champion_baselines)
    _check_against_live(repo, stage, live, test_is_taken_away=end is not None)
    in_place = test is not None and test.record.release_id == serves
    settled = in_place or champion_of(serves) == release.record.release_id
    return Updates(
        stage=stage.name,
        release=release,
        test=test,
        live=end,
        approval="none" if settled else stage.approval.value,
        releases=test is not None or end is None or end.record.release_id != release.record.release_id,
        notes=tuple(_notes(repo, stage, situation, test, end)),
    )


def _check_against_live(repo: Repo, stage: Stage, live: Live | Unread | None, *, test_is_taken_away: bool) -> None:
    if not isinstance(live, Live) or not live.serves:
        return
    names = {repo.variant} if test_is_taken_away else {each.name for each in live.variants if not each.shadow}
    for violation in check_against_live(stage.release, variant=repo.variant, live_variants=names):
        raise TidegateError(f"stage {stage.name}: {violation}")


def pipeline_file(updates: Iterable[Updates]) -> str:
    """Return the text of `pipeline.env`."""
    return _lines(update.variables for update in updates)


def pipeline_file_of_nothing(stages: Iterable[str]) -> str:
    """Return the text of `pipeline.env` where nothing is to be released: the pipeline skips all of these stages."""
    return _lines(_variables(stage, "none", test=False, test_end=False, release=False) for stage in stages)


def _lines(variables: Iterable[Mapping[str, str]]) -> str:
    return "".join(f"{name}={value}\n" for each in variables for name, value in each.items())


def _variables(stage: str, approval: str, *, test: bool, test_end: bool, release: bool) -> Mapping[str, str]:
    name = stage.upper()
    return {
        f"{name}_APPROVAL": approval,
        f"{name}_TEST": _yes(test),
        f"{name}_TEST_END": _yes(test_end),
        f"{name}_RELEASE": _yes(release),
    }


def _notes(
    repo: Repo, stage: Stage, situation: Situation, test: Rendered | None, end: Rendered | None
) -> Iterable[str]:
    live, version = situation.live, f"version {situation.release.version}"
    if isinstance(live, Unread):
        yield f"{live.why}; so a person is asked wherever the stage says so, even if nothing changes"
    elif live is None:
        without = f", and without the test: there is nothing to compare {version} with" if stage.test else ""
        yield f"there is no endpoint yet, so {version} is released without guardrails{without}"
    elif not live.serves:
        yield f"the endpoint is {live.status} and serves nothing" + (", so there is no test" if stage.test else "")
    elif live.production(repo.variant) is None:
        names = ", ".join(each.name for each in live.variants if not each.shadow)
        yield (
            f"the endpoint has no variant `{repo.variant}` but {names}; guardrails need equal names, so this release "
            "is not guarded" + (", and there is no test" if stage.test else "")
        )
    if test is not None and stage.test is not None:
        trial = stage.test.kind
        does = "gets a copy of" if isinstance(trial, Shadow) else "answers"
        yield (
            f"{version} is tested first: `{trial.variant}` {does} {trial_percent(trial)}% of the requests for "
            f"{format_duration(trial.duration)}, beside version {test.record.model_package_version}"
        )
    elif end is not None:
        yield f"a test is in place and is taken away: version {end.record.model_package_version} serves alone"
    elif stage.test is not None and situation.champion is not None:
        yield f"{version} serves already, so there is nothing to test"


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"
