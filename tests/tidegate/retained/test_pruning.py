"""What may be removed of what releases left behind, and what must stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tidegate.answering import refusal
from tests.tidegate.small_fleet import ENDPOINT, STACK, SmallFleet
from tidegate.errors import TidegateError
from tidegate.retained import NotRetainedError, Retained, find_retained, plan_pruning, prune


def found(fleet: SmallFleet) -> Retained:
    return find_retained(fleet.sagemaker, fleet.cloudformation, ENDPOINT, STACK)


def removed(fleet: SmallFleet, **asked) -> list[str]:
    return [config.name for config in plan_pruning(found(fleet), **asked).removed]


def pruned(fleet: SmallFleet, **asked) -> list[str]:
    return list(prune(fleet.sagemaker, found(fleet), **asked))


@pytest.fixture
def fleet() -> SmallFleet:
    """Return a fleet that has promoted five releases, of which the fifth serves."""
    fleet = SmallFleet(1, 2, 3, 4, 5, live=5)
    for number in range(1, 6):
        fleet.outcome(number, "PROMOTED")
    return fleet


class TestPlan:
    def test_what_serves_and_what_served_before_it_stay(self, fleet):
        plan = plan_pruning(found(fleet))
        assert [(each.config.name, each.why) for each in plan.kept] == [
            ("Config-5", "serves"),
            ("Config-4", "served before"),
        ]
        assert [config.name for config in plan.removed] == ["Config-3", "Config-2", "Config-1"]

    def test_more_can_be_kept(self, fleet):
        assert removed(fleet, keep=3) == ["Config-1"]

    def test_nothing_at_all_beside_the_live_one_cannot(self, fleet):
        with pytest.raises(TidegateError, match="at least 1"):
            removed(fleet, keep=0)

    def test_what_was_rolled_back_goes_and_is_not_the_last_good_one(self, fleet):
        fleet.release(6)
        fleet.outcome(6, "ROLLED_BACK")
        fleet.outcome(4, "ROLLED_BACK")
        assert removed(fleet) == ["Config-6", "Config-4", "Config-2", "Config-1"]

    def test_what_nothing_is_known_of_stays_as_long_as_it_may_be_the_last_good_one(self, fleet):
        for number in (4, 2):
            del fleet.tags[f"endpoint-config/config-{number}"]["tidegate:outcome"]
        assert removed(fleet) == ["Config-2", "Config-1"]

    def test_with_no_outcome_kept_at_all_nothing_goes(self):
        assert removed(SmallFleet(1, 2, 3, live=3)) == []

    def test_what_is_known_to_have_served_before_counts_as_good(self):
        assert removed(SmallFleet(1, 2, 3, live=3), also={"Config-2"}) == ["Config-1"]

    def test_what_was_not_guarded_served_all_the_same(self, fleet):
        fleet.outcome(4, "GUARDRAILS_IGNORED")
        assert removed(fleet) == ["Config-3", "Config-2", "Config-1"]

    def test_an_outcome_that_is_not_ours_is_none(self, fleet):
        fleet.tags["endpoint-config/config-4"]["tidegate:outcome"] = "fine"
        assert removed(fleet) == ["Config-2", "Config-1"]

    def test_what_the_stack_holds_stays(self, fleet):
        fleet.hold(2)
        assert removed(fleet) == ["Config-3", "Config-1"]

    @pytest.mark.parametrize("status", ["Updating", "Creating", "UpdateRollbackFailed", "Failed", "SystemUpdating"])
    def test_nothing_is_removed_while_the_endpoint_may_go_back(self, status, fleet):
        fleet.endpoint["EndpointStatus"] = status
        with pytest.raises(TidegateError, match=f"is {status}; prune once"):
            removed(fleet)

    def test_nothing_is_removed_while_an_update_is_on_its_way(self, fleet):
        fleet.endpoint["PendingDeploymentSummary"] = {"EndpointConfigName": "Config-6"}
        with pytest.raises(TidegateError, match="prune once its update has ended"):
            removed(fleet)


class TestWhatIsOurs:
    @pytest.mark.parametrize(
        "tags",
        [
            {"sagemaker__project_id": "p-2"},
            {"sagemaker__project_id": ""},
            {"sagemaker__project_id": "refused"},
            {"sagemaker__deployment_stage": "staging"},
            {"sagemaker__deployment_stage": ""},
            {"tidegate__release": ""},
        ],
    )
    def test_what_another_made_is_not_seen(self, tags, fleet):
        fleet.release(2, **tags)
        assert "Config-2" not in removed(fleet)

    def test_every_page_is_read(self, fleet):
        fleet.page = 1
        assert len(found(fleet).configs) == 5

    def test_a_config_that_goes_meanwhile_is_passed_over(self, fleet):
        listed = fleet._list_tags

        def gone(ResourceArn: str, NextToken: str = "") -> dict:  # noqa: N803
            if ResourceArn.endswith("config-2"):
                raise refusal("ValidationException", "Could not find endpoint configuration")
            return listed(ResourceArn, NextToken)

        fleet._list_tags = gone
        assert removed(fleet) == ["Config-3", "Config-1"]

    def test_without_the_right_to_read_tags_nothing_is_thought_ours(self, fleet):
        fleet.failing["ListTags"] = refusal("ThrottlingException", "later")
        with pytest.raises(Exception, match="later"):
            found(fleet)

    def test_an_endpoint_that_no_release_made_has_left_nothing(self, fleet):
        fleet.release(5, tidegate__release="", sagemaker__deployment_stage="")
        with pytest.raises(NotRetainedError, match="lacks the tag sagemaker:deployment-stage and tidegate:release"):
            found(fleet)

    def test_no_endpoint_has_left_nothing(self, fleet):
        fleet.endpoint = None
        with pytest.raises(NotRetainedError, match="there is no endpoint"):
            found(fleet)

    def test_an_endpoint_whose_stack_is_gone_holds_nothing(self, fleet):
        fleet.stack = None
        assert found(fleet).held == frozenset()


class TestPrune:
    def test_a_config_goes_before_its_model(self, fleet):
        assert pruned(fleet, keep=3) == ["removed endpoint config Config-1 of release r1", "removed model Model-1"]
        assert fleet.writes == [("DeleteEndpointConfig", "Config-1"), ("DeleteModel", "Model-1")]

    def test_once_more_removes_nothing_more(self, fleet):
        pruned(fleet)
        assert pruned(fleet) == []

    def test_a_model_that_another_config_uses_stays(self, fleet):
        fleet.configs["Config-4"]["ProductionVariants"] = [fleet.variant("Model-1")]
        pruned(fleet)
        assert "Model-1" in fleet.models

    def test_a_model_that_two_removed_configs_use_goes_once(self, fleet):
        fleet.configs["Config-2"]["ProductionVariants"] = [fleet.variant("Model-1")]
        assert pruned(fleet).count("removed model Model-1") == 1

    def test_the_challengers_model_goes_too(self, fleet):
        fleet.models["Model-9"] = ""
        fleet.tags["model/model-9"] = {"sagemaker:project-id": "p-1"}
        fleet.configs["Config-1"]["ShadowProductionVariants"] = [fleet.variant("Model-9", "Shadow")]
        assert "removed model Model-9" in pruned(fleet)

    def test_a_model_that_the_stack_holds_stays(self, fleet):
        fleet.resources[1]["PhysicalResourceId"] = "Model-1"
        pruned(fleet)
        assert "Model-1" in fleet.models

    @pytest.mark.parametrize("project", ["p-2", "refused", ""])
    def test_a_model_that_is_not_known_to_be_the_projects_stays(self, project, fleet):
        fleet.tags["model/model-1"] = {"sagemaker:project-id": project}
        pruned(fleet)
        assert "Model-1" in fleet.models

    @pytest.mark.parametrize("gone", ["configs", "models"])
    def test_what_is_gone_already_is_passed_over(self, gone, fleet):
        retained = found(fleet)
        if gone == "configs":
            del fleet.configs["Config-1"]
        else:
            del fleet.models["Model-1"]
        list(prune(fleet.sagemaker, retained))
        assert "Config-2" not in fleet.configs

    def test_what_is_refused_is_not_swallowed(self, fleet):
        fleet.failing["DeleteEndpointConfig"] = refusal("AccessDeniedException", "not allowed")
        with pytest.raises(Exception, match="not allowed"):
            pruned(fleet)


OUTCOMES = st.sampled_from(["PROMOTED", "ROLLED_BACK", "GUARDRAILS_IGNORED", ""])


@given(st.lists(OUTCOMES, min_size=1, max_size=6), st.data())
def test_what_could_be_gone_back_to_is_never_removed(outcomes, data):
    numbers = range(1, len(outcomes) + 1)
    live, held = data.draw(st.sampled_from(numbers)), data.draw(st.sampled_from(numbers))
    keep = data.draw(st.integers(1, 3))
    fleet = SmallFleet(*numbers, live=live)
    for number, word in zip(numbers, outcomes, strict=True):
        if word:
            fleet.outcome(number, word)
    fleet.hold(held)
    gone = set(removed(fleet, keep=keep))
    good = [
        f"Config-{n}" for n in reversed(numbers) if n != live and outcomes[n - 1] in {"PROMOTED", "GUARDRAILS_IGNORED"}
    ]
    assert not gone & {f"Config-{live}", f"Config-{held}", *good[:keep]}
    if len(good) < keep:
        assert all(outcomes[int(name[7:]) - 1] == "ROLLED_BACK" for name in gone)
    assert set(good[keep:]) - {f"Config-{held}"} <= gone


class TestTests:
    """A config with a test in it, `rN.mN`, is none to go back to."""

    @pytest.fixture
    def tested(self) -> SmallFleet:
        """Return a fleet in which version 2 was tested beside version 1, and then released."""
        fleet = SmallFleet(1, 2, 3, 4, live=4)
        fleet.outcome(1, "PROMOTED")
        fleet.tags["endpoint-config/config-2"]["tidegate:release"] = "r1.m2"
        fleet.tags["endpoint-config/config-3"]["tidegate:release"] = "r1"
        return fleet

    @pytest.mark.parametrize("outcome", ["", "PROMOTED"])
    @pytest.mark.parametrize("also", [(), ("Config-2",)])
    def test_it_goes_whatever_is_known_of_it(self, outcome, also, tested):
        if outcome:
            tested.outcome(2, outcome)
        assert removed(tested, also=also) == ["Config-2"]

    def test_it_stays_while_it_serves_or_the_stack_holds_it(self, tested):
        tested.hold(2)
        assert "Config-2" not in removed(tested)
        tested.endpoint["EndpointConfigName"] = "Config-2"
        assert "Config-2" not in removed(tested)
