"""The registry's calls, checked against botocore's own model of requests and answers."""

import pytest

from tests.tidegate.answering import answering, refusal
from tests.tidegate.small_registry import GROUP, SmallRegistry, package_arn
from tidegate.errors import TidegateError
from tidegate.registry import LiveVariant, group_region, pick, reject, stamp_rolled_back

SHARED_GROUP = f"arn:aws:sagemaker:eu-central-1:444455556666:model-package-group/{GROUP}"
A, R, P = "Approved", "Rejected", "PendingManualApproval"


def client_of(registry: SmallRegistry):
    return answering("sagemaker", registry.handlers)


def live(version: int) -> LiveVariant:
    return LiveVariant("AllTraffic", "model", package_arn(version), "ml.m5.large", 2, 2, 1.0, shadow=False)


# Which version is next


def test_the_newest_approved_version_is_found_through_all_pages():
    registry = SmallRegistry(A, *[P] * 7, *[R] * 4, page=3)
    assert pick(client_of(registry), GROUP, "approved").version == 1


def test_pages_without_versions_do_not_end_the_list():
    registry = SmallRegistry(A)
    found = registry.list_model_packages
    pages = {"": {"NextToken": "1", "ModelPackageSummaryList": []}, "1": found(ModelPackageGroupName=GROUP)}
    registry.list_model_packages = lambda **asked: pages[asked.get("NextToken", "")]
    assert pick(client_of(registry), GROUP, "approved").version == 1


def test_versions_are_ordered_by_number_whatever_order_they_are_listed_in():
    registry = SmallRegistry(A, A, A)
    listed = registry.list_model_packages
    registry.page = 9
    registry.list_model_packages = lambda **asked: {
        "ModelPackageSummaryList": listed(**asked)["ModelPackageSummaryList"][::-1]
    }
    assert pick(client_of(registry), GROUP, "approved").version == 3


def test_a_version_that_was_rejected_after_it_was_listed_is_not_released():
    registry = SmallRegistry(A, A)
    listed = registry.list_model_packages(ModelPackageGroupName=GROUP, ModelApprovalStatus=A)
    registry.decide(2, R)
    registry.list_model_packages = lambda **asked: listed
    assert pick(client_of(registry), GROUP, "approved").version == 1


@pytest.mark.parametrize("group", [GROUP, SHARED_GROUP])
def test_each_group_has_a_next_version_of_its_own(group):
    other = SmallRegistry(A, A, A, group="other-p-2")
    assert pick(client_of(SmallRegistry(A, R)), group, "approved").version == 1
    assert pick(client_of(other), "other-p-2", "approved").version == 3


def test_the_region_of_a_group_in_another_account_is_in_its_arn():
    assert group_region(SHARED_GROUP, "eu-west-1") == "eu-central-1"
    assert group_region(GROUP, "eu-west-1") == "eu-west-1"


def test_rejecting_the_live_version_leads_back_to_the_last_good_one():
    registry = SmallRegistry(A, A)
    registry.decide(2, R)
    assert pick(client_of(registry), GROUP, "approved", live(2)).version == 1


@pytest.mark.parametrize("another", [1, 2])
def test_rejecting_any_other_version_changes_nothing(another):
    registry = SmallRegistry(A, P, A)
    registry.decide(another, R)
    assert pick(client_of(registry), GROUP, "approved", live(3)).version == 3


def test_nothing_left_to_roll_back_to_is_said_with_what_serves_until_then():
    registry = SmallRegistry(R, A)
    registry.decide(2, R)
    registry.versions[2]["ApprovalDescription"] = "counts every ride twice"
    with pytest.raises(TidegateError) as refused:
        pick(client_of(registry), GROUP, "approved", live(2))
    assert str(refused.value) == (
        "model package group shop-p-1 has no approved version (2 rejected); approve one in the model registry. "
        "Version 2, which is rejected: counts every ride twice, serves until then; there is nothing to roll back to"
    )


def test_nothing_approved_and_nothing_live_is_said():
    with pytest.raises(TidegateError, match="no approved version"):
        pick(client_of(SmallRegistry(P)), GROUP, "approved")


# A version by another word


def test_the_live_version_is_found_behind_what_serves_and_need_not_be_approved():
    assert pick(client_of(SmallRegistry(A, R)), GROUP, "live", live(2)).version == 2


@pytest.mark.parametrize(
    ("serving", "why"),
    [
        (None, "the endpoint is not there yet"),
        (LiveVariant("AllTraffic", "m", "", "ml.m5.large", 1, 1, 1.0, shadow=False), "came from no model package"),
    ],
)
def test_without_a_live_version_there_is_none_to_pick(serving, why):
    with pytest.raises(TidegateError, match=why):
        pick(client_of(SmallRegistry(A)), GROUP, "live", serving)


@pytest.mark.parametrize("word", ["1", package_arn(1)])
def test_an_approved_version_can_be_named(word):
    assert pick(client_of(SmallRegistry(A, A, A)), GROUP, word).version == 1


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("2", "version 2 of model package group shop-p-1 is rejected; approve it in the model registry"),
        ("3", "version 3 of model package group shop-p-1 is pending;"),
        ("9", "model package group shop-p-1 has no version 9"),
        ("newest", "`newest` names no version; write `approved`, `live`, a number such as 3"),
    ],
)
def test_a_version_that_cannot_be_released_is_refused(word, sentence):
    with pytest.raises(TidegateError) as refused:
        pick(client_of(SmallRegistry(A, R, P)), GROUP, word)
    assert str(refused.value).startswith(sentence)


# The stamp of a rollback


def test_a_rollback_takes_the_approval_back_and_says_why_in_one_call():
    registry = SmallRegistry(A, A)
    assert stamp_rolled_back(client_of(registry), package_arn(2), "prod", "alarm errors\n" + "é" * 2000)
    assert registry.changes == [
        {
            "ModelPackageArn": package_arn(2),
            "ModelApprovalStatus": P,
            "ModelLifeCycle": {
                "Stage": "prod",
                "StageStatus": "RolledBack",
                "StageDescription": ("alarm errors " + "é" * 2000)[:1024],
            },
        }
    ]


def test_a_version_that_was_rolled_back_is_skipped_until_it_is_approved_anew():
    registry = SmallRegistry(A, A)
    client = client_of(registry)
    stamp_rolled_back(client, package_arn(2), "prod", "alarm errors")
    assert pick(client, GROUP, "approved").version == 1
    with pytest.raises(TidegateError, match=r"version 2 of .* is rolled back in prod: alarm errors; approve it"):
        pick(client, GROUP, "2")

    registry.decide(2, A)
    assert pick(client, GROUP, "approved").version == 2
    assert pick(client, GROUP, "2").version == 2


def test_a_version_that_was_rejected_after_its_rollback_and_approved_again_is_approved_anew():
    registry = SmallRegistry(A, A)
    client = client_of(registry)
    stamp_rolled_back(client, package_arn(2), "prod", "alarm errors")
    registry.decide(2, R)
    assert pick(client, GROUP, "approved").version == 1
    registry.decide(2, A)
    assert pick(client, GROUP, "approved").version == 2


def test_a_version_that_is_rolled_back_once_more_after_it_was_approved_anew_is_stamped_once_more():
    registry = SmallRegistry(A, A)
    client = client_of(registry)
    stamp_rolled_back(client, package_arn(2), "prod", "alarm errors")
    registry.decide(2, A)
    assert stamp_rolled_back(client, package_arn(2), "prod", "alarm latency")
    assert pick(client, GROUP, "approved").version == 1
    assert registry.versions[2]["ModelLifeCycle"]["StageDescription"] == "alarm latency"


def test_a_package_that_says_so_already_is_left_alone():
    registry = SmallRegistry(A)
    client = client_of(registry)
    assert stamp_rolled_back(client, package_arn(1), "prod", "alarm errors")
    assert not stamp_rolled_back(client, package_arn(1), "prod", "alarm errors")
    assert len(registry.changes) == 1


def test_the_stamp_of_another_stage_is_replaced():
    registry = SmallRegistry(A)
    client = client_of(registry)
    stamp_rolled_back(client, package_arn(1), "staging", "alarm errors")
    assert stamp_rolled_back(client, package_arn(1), "prod", "alarm errors")
    assert registry.versions[1]["ModelLifeCycle"]["Stage"] == "prod"


def test_a_persons_rejection_outlives_a_rollback():
    registry = SmallRegistry(R)
    assert stamp_rolled_back(client_of(registry), package_arn(1), "prod", "alarm errors")
    assert registry.approval(1) == R


def test_no_stamp_is_an_event_that_starts_a_release():
    registry = SmallRegistry(A, R)
    for number in (1, 2):
        stamp_rolled_back(client_of(registry), package_arn(number), "prod", "alarm errors")
    assert not [event for event in registry.events if starts_a_release(event)]


def starts_a_release(event: dict) -> bool:
    """As the rule on approvals has it, where AWS names the fields that were updated."""
    return event["ModelApprovalStatus"] != P and "ModelApprovalStatus" in event["UpdatedModelPackageFields"]


# Rejecting


def test_a_rejection_has_its_reason_and_starts_a_release():
    registry = SmallRegistry(A)
    assert reject(client_of(registry), package_arn(1), "counts every\nride twice")
    assert registry.versions[1]["ApprovalDescription"] == "counts every ride twice"
    assert [event for event in registry.events if starts_a_release(event)]


def test_a_rejected_version_is_left_alone():
    registry = SmallRegistry(R)
    assert not reject(client_of(registry), package_arn(1), "counts every ride twice")
    assert registry.changes == []


def test_what_the_registry_refuses_is_not_swallowed():
    registry = SmallRegistry(A)
    client = answering("sagemaker", {**registry.handlers, "UpdateModelPackage": _denied})
    with pytest.raises(Exception, match="not allowed"):
        reject(client, package_arn(1), "slow")


def _denied(**_: object) -> dict:
    raise refusal("AccessDeniedException", "not allowed")
