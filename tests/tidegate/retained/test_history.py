"""Who was live when: what each witness says, and what is made of it when they differ."""

from functools import partial

import pytest

from tests.tidegate.small_fleet import ENDPOINT, STACK, SmallFleet, day
from tidegate.registry import describe, stamp_rolled_back
from tidegate.retained import History, Standing, find_retained, history_document, read_history

SERVES, SERVED, ROLLED_BACK, FAILED, DEPLOYED, CREATED = Standing


def history(fleet: SmallFleet) -> History:
    sagemaker, cloudformation = fleet.sagemaker, fleet.cloudformation
    retained = find_retained(sagemaker, cloudformation, ENDPOINT, STACK)
    return read_history(sagemaker, cloudformation, retained, STACK, "prod", partial(describe, sagemaker))


def told(fleet: SmallFleet) -> list[tuple[int | None, Standing]]:
    return [(update.version, update.standing) for update in history(fleet).updates]


def test_what_verify_kept_is_told_with_its_time():
    fleet = SmallFleet(1, 2, 3, live=3)
    fleet.outcome(1, "PROMOTED")
    fleet.outcome(2, "ROLLED_BACK")
    fleet.outcome(3, "PROMOTED")
    assert told(fleet) == [(3, SERVES), (2, ROLLED_BACK), (1, SERVED)]
    assert [update.at for update in history(fleet).updates] == [day(3.5), day(2.5), day(1.5)]


def test_a_config_that_was_created_is_no_proof_that_it_served():
    assert told(SmallFleet(1, 2, live=2)) == [(2, SERVES), (1, CREATED)]


@pytest.mark.parametrize("properties", [True, False])
def test_an_update_that_cloudformation_recorded_as_done_is_no_proof_either(properties):
    fleet = SmallFleet(1, 2, live=2)
    fleet.deployed(1, properties=properties)
    fleet.deployed(2, properties=properties)
    assert told(fleet) == [(2, SERVES), (1, DEPLOYED)]


def test_an_update_that_cloudformation_recorded_as_failed_gives_its_reason():
    fleet = SmallFleet(1, 2, live=1)
    fleet.deployed(2, "UPDATE_FAILED", "the endpoint did not take it")
    newest = history(fleet).updates[0]
    assert (newest.version, newest.standing, newest.reason) == (2, FAILED, "the endpoint did not take it")
    assert newest.at == day(2.1)


def test_a_stack_that_could_not_be_deleted_says_nothing_of_its_last_release():
    fleet = SmallFleet(1, 2, live=1)
    fleet.deployed(2)
    fleet.undeleted(3)
    assert told(fleet)[0] == (2, DEPLOYED)


def test_a_silent_rollback_is_told_by_the_registry_where_verify_kept_no_tag():
    fleet = SmallFleet(1, 2, live=1)
    fleet.deployed(2)
    stamp_rolled_back(fleet.sagemaker, fleet.models["Model-2"], "prod", "alarm errors")
    newest = history(fleet).updates[0]
    assert (newest.version, newest.standing, newest.reason) == (2, ROLLED_BACK, "alarm errors")


def test_a_rollback_in_another_stage_is_none_here():
    fleet = SmallFleet(1, 2, live=1)
    fleet.deployed(2)
    stamp_rolled_back(fleet.sagemaker, fleet.models["Model-2"], "staging", "alarm errors")
    assert told(fleet)[0] == (2, DEPLOYED)


def test_what_verify_saw_serve_is_not_undone_by_a_later_rollback_of_its_version():
    fleet = SmallFleet(1, 2, live=2)
    fleet.outcome(1, "PROMOTED")
    stamp_rolled_back(fleet.sagemaker, fleet.models["Model-1"], "prod", "alarm errors")
    assert told(fleet) == [(2, SERVES), (1, SERVED)]


def test_a_config_that_was_pruned_is_told_by_the_stacks_events():
    fleet = SmallFleet(1, 2, 3, live=3)
    for number in (1, 2, 3):
        fleet.deployed(number)
    del fleet.configs["Config-1"], fleet.models["Model-1"]
    oldest = history(fleet).updates[-1]
    assert (oldest.config_name, oldest.version, oldest.release_id) == ("config-1", 1, "r1")
    assert oldest.standing is DEPLOYED


@pytest.mark.parametrize("properties", [True, False])
def test_a_config_that_was_pruned_is_remembered_by_the_tag_of_a_later_one(properties):
    fleet = SmallFleet(1, 2, 3, live=3)
    fleet.deployed(1, properties=properties)
    fleet.outcome(2, "PROMOTED", 1)
    fleet.outcome(3, "PROMOTED", 2, 1)
    del fleet.configs["Config-1"], fleet.models["Model-1"]
    assert told(fleet) == [(3, SERVES), (2, SERVED), (1, SERVED)]
    oldest = history(fleet).updates[-1]
    assert (oldest.at, oldest.config_name) == (day(1.5), "config-1")


def test_a_config_that_only_a_tag_remembers_is_told_without_its_name():
    fleet = SmallFleet(1, 2, live=2)
    fleet.outcome(2, "PROMOTED", 1)
    del fleet.configs["Config-1"], fleet.models["Model-1"]
    assert [(each.version, each.standing, each.config_name) for each in history(fleet).updates] == [
        (2, SERVES, "Config-2"),
        (1, SERVED, "…nfig-1"),
    ]


def test_a_config_that_was_pruned_and_of_which_the_events_tell_no_version_has_none():
    fleet = SmallFleet(1, 2, live=2)
    fleet.deployed(1, properties=False)
    del fleet.configs["Config-1"], fleet.models["Model-1"]
    assert told(fleet)[-1] == (None, DEPLOYED)


def test_a_version_that_was_deleted_from_the_registry_is_told_by_what_else_there_is():
    fleet = SmallFleet(1, 2, live=2)
    del fleet.registry.versions[1]
    assert told(fleet) == [(2, SERVES), (1, CREATED)]


def test_a_model_that_was_deleted_leaves_no_version():
    fleet = SmallFleet(1, 2, live=2)
    del fleet.models["Model-1"]
    assert told(fleet) == [(2, SERVES), (None, CREATED)]


def test_it_goes_back_to_the_oldest_thing_that_is_still_there():
    fleet = SmallFleet(3, 4, live=4)
    assert history(fleet).goes_back_to == day(3)
    fleet.deployed(1)
    assert history(fleet).goes_back_to == day(1)


def test_without_a_stack_the_configs_tell():
    fleet = SmallFleet(1, 2, live=2)
    fleet.stack = None
    assert told(fleet) == [(2, SERVES), (1, CREATED)]


def test_the_document_says_the_same():
    fleet = SmallFleet(1, 2, live=2)
    fleet.outcome(2, "PROMOTED")
    document = history_document(history(fleet))
    assert (document["schema"], document["endpoint"]) == ("tidegate.history/1", ENDPOINT)
    assert document["goes_back_to"] == "2026-01-02T00:00:00+00:00"
    assert document["updates"][0] == {
        "at": "2026-01-03T12:00:00+00:00",
        "standing": "serves",
        "version": 2,
        "model_package_arn": fleet.models["Model-2"],
        "release_id": "r2",
        "endpoint_config": "Config-2",
        "reason": None,
    }
