from datetime import timedelta

import pytest
from guarded import instances, percent
from hypothesis import HealthCheck, given, settings

from tests.tidegate.stage.valid_stages import repo_of, stage_files
from tidegate.guardrails import (
    AllAtOnce,
    Canary,
    Guardrails,
    GuardrailsError,
    Linear,
    Rolling,
    Shift,
    least_waits,
    of_release,
    rollback_batch,
    shifts,
    waits,
)
from tidegate.stage import Release
from tidegate.stage.rules.strategy import fleet_bounds
from tidegate.stage.rules.timeout import longest_waits


def test_all_at_once_is_one_step_whose_bake_is_the_termination_wait():
    assert shifts(Guardrails(AllAtOnce(), termination_wait=300), 4) == (Shift(4, 4, 300, (4, 4), 4, 4),)


def test_a_canary_takes_its_share_first_and_the_rest_second():
    guardrails = Guardrails(Canary(percent(25), 600), termination_wait=300)
    assert shifts(guardrails, 4) == (Shift(1, 4, 600, (1, 1), 4, 4), Shift(4, 4, 300, (4, 4), 4, 4))
    assert [shift.green_share for shift in shifts(guardrails, 4)] == [0.25, 1.0]


def test_a_linear_update_takes_equal_steps_and_the_rest_last():
    steps = shifts(Guardrails(Linear(instances(2), 300), termination_wait=60), 5)
    assert [(step.green_instances, step.bake) for step in steps] == [(2, 300), (4, 300), (5, 60)]
    assert {(step.blue_provisioned, step.green_provisioned) for step in steps} == {(5, 5)}


def test_a_rolling_update_bakes_each_batch_with_the_old_instances_that_it_replaces_still_there():
    batches = shifts(Guardrails(Rolling(instances(2), 300)), 5)
    assert [(b.green_instances, b.bake, b.blue_provisioned, b.green_provisioned) for b in batches] == [
        (2, 300, 5, 2),
        (4, 300, 3, 4),
        (5, 300, 1, 5),
    ]


def test_a_rollback_takes_everything_back_at_once_unless_a_rolling_update_says_less():
    assert rollback_batch(Guardrails(Canary(percent(25), 60)), 5) == 5
    assert rollback_batch(Guardrails(Rolling(percent(40), 60)), 5) == 5
    assert rollback_batch(Guardrails(Rolling(percent(40), 60, percent(50))), 5) == 2
    assert rollback_batch(Guardrails(Rolling(percent(40), 60, instances(9))), 5) == 5


@pytest.mark.parametrize(
    ("strategy", "fleet", "sentence"),
    [
        (Canary(percent(10), 60), 1, "a canary of 10% is 1 of 1 instances.*at most 50%; use at least 2 instances"),
        (Canary(instances(3), 60), 5, "a canary of 3 is 3 of 5 instances.*make it smaller"),
        (Linear(percent(50), 60), 1, "a linear step of 50% is 1 of 1 instances.*10% to 50%; use at least 2 instances"),
        (Linear(instances(1), 60), 11, "a linear step of 1 is 1 of 11 instances.*10% to 50%; make it larger"),
        (Linear(instances(3), 60), 5, "a linear step of 3 is 3 of 5 instances.*make it smaller"),
        (Linear(percent(9), 60), 100, "a linear step of 9% .*make it larger"),
        (Rolling(percent(51), 60), 100, "a rolling batch of 51% is 51 of 100 .*5% to 50%; make it smaller"),
        (Rolling(instances(1), 60), 21, "a rolling batch of 1 is 1 of 21 instances.*make it larger"),
    ],
)
def test_a_part_that_sagemaker_does_not_allow_is_refused(strategy, fleet, sentence):
    with pytest.raises(GuardrailsError, match=sentence):
        shifts(Guardrails(strategy), fleet)


@pytest.mark.parametrize(
    ("strategy", "fleet"), [(Linear(percent(10), 60), 3), (Linear(percent(50), 60), 3), (Rolling(percent(5), 60), 2)]
)
def test_a_percentage_that_rounds_out_of_its_range_is_no_ones_fault(strategy, fleet):
    assert shifts(Guardrails(strategy), fleet)[0].green_instances == 1


@pytest.mark.parametrize("fleet", [101, 200, 1000])
def test_a_canary_may_be_as_small_as_one_instance(fleet):
    first, _ = shifts(Guardrails(Canary(instances(1), 60)), fleet)
    assert first.green_instances == 1


def test_a_fleet_without_instances_is_refused():
    with pytest.raises(GuardrailsError, match="at least 1 instance, not 0"):
        shifts(Guardrails(), 0)


@pytest.mark.parametrize(
    ("guardrails", "fleet", "least", "most"),
    [
        (Guardrails(AllAtOnce(), 300), 4, 300, 300),
        (Guardrails(Canary(percent(25), 600), 300), 4, 900, 900),
        (Guardrails(Linear(percent(20), 300), 300), 5, 1500, 1800),
        (Guardrails(Linear(percent(30), 300), 300), 5, 900, 1800),
        (Guardrails(Rolling(percent(30), 300)), 5, 900, 1500),
    ],
)
def test_the_waits_add_up_whichever_way_is_rounded(guardrails, fleet, least, most):
    assert least_waits(guardrails, fleet) == least
    assert waits(guardrails, fleet) == most


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(stage_files())
def test_the_timeout_of_a_stage_file_is_held_against_the_longest_waits_of_its_guardrails(content):
    (stage,) = repo_of({"prod": content}).stages
    least, most = fleet_bounds(stage.instances, stage.autoscaling)
    guardrails = of_release(stage.release, [])

    total, _ = longest_waits(stage.release, stage.instances, stage.autoscaling)

    assert total / timedelta(seconds=1) == max(waits(guardrails, count) for count in range(least, most + 1))


def release(**written: object) -> Release:
    return Release.model_validate({"maximum_execution_timeout": "2h", "wait_interval": "5m", **written})


@pytest.mark.parametrize(
    ("written", "strategy"),
    [
        ({"strategy": "all_at_once"}, AllAtOnce(300)),
        ({"strategy": "canary", "canary_size": "25%"}, Canary(percent(25), 300)),
        ({"strategy": "linear", "linear_step_size": 2}, Linear(instances(2), 300)),
        ({"strategy": "rolling", "maximum_batch_size": "40%"}, Rolling(percent(40), 300)),
        (
            {"strategy": "rolling", "maximum_batch_size": 1, "rollback_maximum_batch_size": "50%"},
            Rolling(instances(1), 300, percent(50)),
        ),
    ],
)
def test_a_stage_files_release_becomes_its_guardrails(written, strategy):
    assert of_release(release(**written), ["a", "b"]) == Guardrails(strategy, 0, 7200, ("a", "b"))


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"strategy": "canary"}, "the strategy canary needs `canary_size`"),
        ({"strategy": "linear"}, "the strategy linear needs `linear_step_size`"),
        ({"strategy": "rolling"}, "the strategy rolling needs `maximum_batch_size`"),
        (
            {"strategy": "rolling", "maximum_batch_size": 1, "termination_wait": "1m"},
            "a rolling update has no termination wait",
        ),
    ],
)
def test_a_release_that_is_no_whole_strategy_is_refused(written, sentence):
    with pytest.raises(GuardrailsError, match=sentence):
        of_release(release(**written), [])
