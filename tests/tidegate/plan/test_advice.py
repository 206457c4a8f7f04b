"""What a plan suggests where the requests are too few: it is enough, it is allowed, and it is no more than needed."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tidegate.guardrails import (
    AllAtOnce,
    Canary,
    Guardrails,
    GuardrailsError,
    Linear,
    Rolling,
    of_release,
    timeline,
    waits,
)
from tidegate.plan.advice import Suggestion, exposure_of, suggest
from tidegate.plan.detection import can_tell
from tidegate.plan.vision import detect
from tidegate.stage import CapacityType, Repo, Size, StageFileError, Trial, limits
from tidegate.stage.load import RepoFiles, type_repo
from tidegate.stage.quantities import parse_duration, parse_size
from tidegate.stage.reading import parse_document

MINUTE = 60
KEYS = {Canary: "canary_size", Linear: "linear_step_size", Rolling: "maximum_batch_size"}
FIELDS = {Canary: "size", Linear: "step_size", Rolling: "maximum_batch_size"}
SHARED = {
    "project": {"name": "bikeshare", "id": "p-abc123def456", "account": "111122223333", "region": "eu-west-1"},
    "model_package_group": "bikeshare-p-abc123def456",
    "execution_role": "arn:aws:iam::111122223333:role/bikeshare-execution",
    "bucket": "sagemaker-project-p-abc123def456",
    "kms_key": "arn:aws:kms:eu-west-1:111122223333:key/0ab1c2d3-1111-2222-3333-444455556666",
    "instances": {"type": "ml.m5.large"},
}
LONGEST = int(limits.EXECUTION_TIMEOUT_MAX.total_seconds())


@st.composite
def cases(draw: st.DrawFn) -> tuple[Guardrails, int]:
    """Draw guardrails that a fleet allows, with a timeout that is enough."""
    count = draw(st.integers(2, 30))
    kind = draw(st.sampled_from([AllAtOnce, *KEYS]))
    wait = draw(st.integers(1, 30)) * MINUTE
    if kind is AllAtOnce:
        guardrails = Guardrails(AllAtOnce(), wait)
    else:
        size = Size(CapacityType.INSTANCE_COUNT, draw(st.integers(1, count // 2)))
        guardrails = Guardrails(kind(size, wait))
    try:
        longest = waits(guardrails, count)
        timeline(guardrails, count)
    except GuardrailsError:
        assume(False)
    assume(longest < LONGEST - 600)
    return Guardrails(guardrails.strategy, guardrails.termination_wait, max(600, longest + 300)), count


def applied(guardrails: Guardrails, suggestion: Suggestion) -> Guardrails:
    """Return the guardrails with the suggested settings, read as a stage file would be."""
    asked = dict(suggestion.settings)
    strategy: Any = guardrails.strategy
    keep, timeout = guardrails.termination_wait, guardrails.maximum_execution_timeout

    def seconds(name: str, otherwise: int | None) -> int | None:
        text = asked.pop(f"release.{name}", None)
        return otherwise if text is None else int(parse_duration(text).total_seconds())

    if isinstance(strategy, AllAtOnce):
        keep = seconds("termination_wait", keep) or 0
    else:
        kind = type(strategy)
        size = asked.pop(f"release.{KEYS[kind]}", None)
        part = getattr(strategy, FIELDS[kind]) if size is None else parse_size(int(size))
        strategy = kind(part, seconds("wait_interval", strategy.wait_interval))
    timeout = seconds("maximum_execution_timeout", timeout)
    assert asked == {}
    return Guardrails(strategy, keep, timeout)


traffic = st.floats(1, 3000)


@settings(deadline=None)
@given(cases(), traffic, st.sampled_from([0.0, 0.001, 0.01]), st.floats(0.001, 0.05))
def test_what_is_suggested_is_enough_and_within_what_sagemaker_allows(case, requests, error_rate, rise):
    guardrails, count = case
    notice = error_rate + rise
    for suggestion in suggest(
        guardrails,
        count,
        fleets=[count],
        requests_per_minute=requests,
        error_rate=error_rate,
        notice=notice,
        test=None,
    ):
        assert suggestion.smallest_error_rate <= notice + 1e-12
        if suggestion.hours is not None:
            assert timedelta(hours=suggestion.hours) <= limits.TEST_DURATION_MAX
            continue
        changed = applied(guardrails, suggestion)
        steps = timeline(changed, count)
        exposure, _ = exposure_of(steps, requests)
        assert can_tell(error_rate, notice, exposure)
        assert changed.maximum_execution_timeout is not None
        assert steps[-1].until < changed.maximum_execution_timeout <= LONGEST
        strategy = changed.strategy
        wait = changed.termination_wait if isinstance(strategy, AllAtOnce) else strategy.wait_interval
        assert wait <= limits.WAIT_MAX.total_seconds()


@settings(deadline=None)
@given(cases(), traffic, st.floats(0.002, 0.05))
def test_a_bake_of_a_minute_less_than_suggested_is_not_enough(case, requests, notice):
    guardrails, count = case
    exposure, _ = exposure_of(timeline(guardrails, count), requests)
    assume(not can_tell(0.001, notice, exposure))
    for suggestion in suggest(
        guardrails,
        count,
        fleets=[count],
        requests_per_minute=requests,
        error_rate=0.001,
        notice=notice,
        test=None,
    ):
        changed = applied(guardrails, suggestion) if suggestion.hours is None else guardrails
        strategy: Any = changed.strategy
        if type(strategy) not in KEYS or strategy.wait_interval <= guardrails.strategy.wait_interval + MINUTE:
            continue
        shorter = Guardrails(type(strategy)(getattr(strategy, FIELDS[type(strategy)]), strategy.wait_interval - MINUTE))
        fewer, _ = exposure_of(timeline(shorter, count), requests)
        assert not can_tell(0.001, notice, fewer)


def test_a_longer_bake_takes_a_longer_timeout_with_it():
    tight = Guardrails(Canary(parse_size("25%"), 600), 0, 900)
    first, *_ = suggest(tight, 4, fleets=[4], requests_per_minute=600, error_rate=0.001, notice=0.004, test=None)
    assert dict(first.settings) == {"release.wait_interval": "17m", "release.maximum_execution_timeout": "22m"}


@pytest.mark.parametrize(("percent", "hours"), [(10, 9), (50, 4)])
def test_an_ab_test_takes_the_hours_that_its_share_needs(percent, hours):
    canary = Guardrails(Canary(parse_size("25%"), 600), 0, 3600)
    test = Trial.model_validate({"ab": {"challenger_weight": f"{percent}%", "duration": "1h"}})
    (suggestion,) = suggest(canary, 4, fleets=[4], requests_per_minute=20, error_rate=0.01, notice=0.02, test=test)
    assert suggestion.hours == hours
    assert dict(suggestion.settings)["test.ab.challenger_weight"] == f"{percent}%"


def test_an_ab_test_takes_the_place_of_a_shadow():
    canary = Guardrails(Canary(parse_size("25%"), 600), 0, 3600)
    test = Trial.model_validate({"shadow": {"sampling": "50%", "duration": "2h"}})
    (suggestion,) = suggest(canary, 4, fleets=[4], requests_per_minute=20, error_rate=0.01, notice=0.02, test=test)
    assert str(suggestion) == "test.shadow: null, test.ab.challenger_weight: 10%, test.ab.duration: 9h"


def typed(stage: dict[str, Any]) -> Repo:
    """Return the repository of a stage file that says so, as `validate` reads it."""
    documents = [parse_document("f.yml", json.dumps(content).encode()) for content in (SHARED, stage)]
    return type_repo(Path("/repository"), RepoFiles(documents[0], {"prod": documents[1]}, ()))


def with_settings(stage: dict[str, Any], suggestion: Suggestion) -> dict[str, Any]:
    changed = json.loads(json.dumps(stage))
    for path, value in suggestion.settings:
        *folders, key = path.split(".")
        place = changed
        for folder in folders:
            place = place.setdefault(folder, {})
        place[key] = yaml.safe_load(value)
    return changed


@st.composite
def stages_with_a_test(draw: st.DrawFn) -> dict[str, Any]:
    """Draw stages of any strategy, autoscaled, most of them with a test already."""
    count = draw(st.integers(2, 40))
    least, most = draw(st.integers(2, count)), draw(st.integers(count, 2 * count))
    strategy = draw(st.sampled_from(["canary", "linear", "rolling", "all_at_once"]))
    release: dict[str, Any] = {
        "strategy": strategy,
        "maximum_execution_timeout": draw(st.sampled_from(["1h", "2h", "8h"])),
        "rollback_on": [{"metric": "Invocation5XXErrors", "above": "1%"}],
    }
    minutes = f"{draw(st.sampled_from([1, 5, 10, 20]))}m"
    if strategy == "all_at_once":
        release["termination_wait"] = minutes
    else:
        key = {"canary": "canary_size", "linear": "linear_step_size", "rolling": "maximum_batch_size"}[strategy]
        release |= {key: draw(st.sampled_from(["10%", "25%", "33%", 1, 2])), "wait_interval": minutes}
    test = draw(
        st.sampled_from(
            [
                {},
                {"test": {"shadow": {"sampling": "50%", "duration": "2h"}}},
                {"test": {"ab": {"challenger_weight": "30%", "duration": "1d"}}},
            ]
        )
    )
    return {
        **test,
        "capture": {"sampling": "100%"},
        "instances": {"count": count},
        "autoscaling": {"min": least, "max": most, "invocations_per_instance": 100},
        "release": release,
        "expect": {
            "requests_per_minute": draw(st.sampled_from([1, 5, 10, 30, 100, 600])),
            "error_rate": draw(st.sampled_from(["0%", "0.1%", "0.5%"])),
            "notice": draw(st.sampled_from(["0.6%", "1%", "2%", "5%"])),
        },
    }


@settings(deadline=None, max_examples=100)
@given(stages_with_a_test())
def test_a_stage_file_with_what_is_suggested_is_valid(stage):
    try:
        (valid,) = typed(stage).stages
    except StageFileError:
        assume(False)
    guardrails, count = of_release(valid.release, ()), valid.instances.count
    for suggestion in detect((), guardrails, count, timeline(guardrails, count), valid).suggestions:
        assert typed(with_settings(stage, suggestion)).stages


def test_a_test_of_which_the_metrics_would_be_gone_is_not_suggested():
    canary = Guardrails(Canary(parse_size("25%"), 600), 0, 3600)
    settings = {"requests_per_minute": 10.0, "error_rate": 0.005, "test": None}
    assert suggest(canary, 4, fleets=[4], notice=0.0075, **settings)
    assert suggest(canary, 4, fleets=[4], notice=0.006, **settings) == ()


def test_a_larger_part_is_not_too_large_for_the_smallest_fleet_that_autoscaling_leaves():
    canary = Guardrails(Canary(parse_size("25%"), 600), 60, 28800)
    wanted = {"requests_per_minute": 100.0, "error_rate": 0.001, "notice": 0.02, "test": None}
    sizes = {
        least: [dict(each.settings).get("release.canary_size") for each in suggest(canary, 40, fleets=fleets, **wanted)]
        for least, fleets in ((22, range(22, 81)), (20, range(20, 81)))
    }
    assert sizes == {22: [None, "11"], 20: [None]}
