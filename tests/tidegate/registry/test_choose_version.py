"""Which version is released next: a pure choice among what the registry holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.registry import ModelPackage, NoApprovedVersionError, choose


def package(version: int, approval: str = "Approved", **more: str) -> ModelPackage:
    return ModelPackage(arn=f"arn:pkg/{version}", version=version, approval=approval, **{"status": "Completed", **more})


def rolled_back(
    version: int, stage: str = "prod", why: str = "alarm errors", approval: str = "PendingManualApproval"
) -> ModelPackage:
    return package(version, approval, stage=stage, stage_status="RolledBack", stage_description=why)


def test_the_newest_approved_version_is_chosen():
    assert choose("g", [package(3, "PendingManualApproval"), package(2), package(1)]).version == 2


def test_a_rejected_version_gives_way_to_the_one_before():
    assert choose("g", [package(3, "Rejected"), package(2)]).version == 2


def test_an_approved_package_that_failed_its_validation_is_not_chosen():
    assert choose("g", [package(3, status="Failed"), package(2)]).version == 2


@pytest.mark.parametrize("stage", ["staging", "prod"])
def test_a_version_that_was_rolled_back_anywhere_is_chosen_nowhere(stage):
    assert choose("g", [rolled_back(3, stage), package(2)]).version == 2


def test_a_version_that_was_approved_anew_after_its_rollback_is_chosen():
    assert choose("g", [rolled_back(3, approval="Approved"), package(2)]).version == 3


def test_no_more_is_read_than_the_choice_needs():
    def versions():
        yield package(2)
        raise AssertionError("read too far")

    assert choose("g", versions()).version == 2


def test_an_empty_group_says_what_fills_it():
    with pytest.raises(NoApprovedVersionError, match="group g has no versions yet; run the model build pipeline"):
        choose("g", [])


def test_a_group_without_approvals_says_what_it_has():
    with pytest.raises(NoApprovedVersionError, match=r"no approved version \(1 failed, 2 pending, 1 rejected\)"):
        choose(
            "g",
            [
                package(4, status="Failed"),
                package(3, "PendingManualApproval"),
                package(2, "PendingManualApproval"),
                package(1, "Rejected"),
            ],
        )


def test_a_group_whose_approved_versions_were_all_rolled_back_says_where_and_why():
    with pytest.raises(NoApprovedVersionError) as refused:
        choose("g", [rolled_back(3), rolled_back(2, "staging", "slow"), package(1, "Rejected")])
    assert str(refused.value) == (
        "model package group g has no approved version (1 rejected, 2 rolled back); approve one in the model registry. "
        "version 3 was rolled back in prod: alarm errors; version 2 was rolled back in staging: slow"
    )


def test_a_long_list_of_rollbacks_is_cut():
    with pytest.raises(NoApprovedVersionError, match="and 3 more"):
        choose("g", [rolled_back(version) for version in range(8, 0, -1)])


@pytest.mark.parametrize(
    ("version", "standing"),
    [
        (package(3), "approved"),
        (package(3, "Rejected"), "rejected"),
        (package(3, "Rejected", approval_description="too few rides"), "rejected: too few rides"),
        (package(3, "PendingManualApproval"), "pending"),
        (package(3, status="Failed"), "approved, but its package is Failed"),
        (rolled_back(3), "rolled back in prod: alarm errors"),
        (rolled_back(3, why=""), "rolled back in prod: no reason given"),
        (rolled_back(3, approval="Rejected"), "rejected"),
        (rolled_back(3, approval="Approved"), "approved"),
    ],
)
def test_a_version_says_how_it_stands(version, standing):
    assert version.standing == standing


approvals = st.sampled_from(["Approved", "Rejected", "PendingManualApproval"])
packages = st.lists(
    st.builds(
        package,
        st.integers(1, 50),
        approvals,
        status=st.sampled_from(["Completed", "Failed"]),
        stage_status=st.sampled_from(["", "RolledBack", "Retry"]),
    ),
    unique_by=lambda p: p.version,
)


@given(packages)
def test_whatever_is_chosen_may_be_released_and_nothing_newer_may(found):
    newest_first = sorted(found, key=lambda p: -p.version)
    eligible = [p for p in newest_first if p.approval == "Approved" and p.status == "Completed"]
    try:
        chosen = choose("g", newest_first)
    except NoApprovedVersionError:
        assert not eligible
    else:
        assert chosen == eligible[0]
