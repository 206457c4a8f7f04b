"""Going back through the registry: which version serves then, what is rejected, and when it is refused."""

from pathlib import Path

import pytest

from tests.tidegate.answering import answering
from tests.tidegate.small_registry import GROUP, SmallRegistry, package_arn
from tidegate.errors import TidegateError
from tidegate.registry import Live, LiveVariant, pick, stamp_rolled_back
from tidegate.rollback import RollbackPlan, decline, plan_rollback, roll_back
from tidegate.stage import Repo, Stage

A, R, P = "Approved", "Rejected", "PendingManualApproval"
ENDPOINT = "shop-p-1-prod"


def variant(version: int | None, name: str = "AllTraffic", *, shadow: bool = False) -> LiveVariant:
    package = package_arn(version) if version else ""
    return LiveVariant(name, f"model-{version}", package, "ml.m5.large", 2, 2, 1.0, shadow)


def stage(name: str = "prod", group: str = GROUP, version: str = "approved") -> Stage:
    return Stage.model_construct(name=name, model_package_group=group, version=version)


class Deploy(Repo):
    """A deploy repository of which only its stages matter."""

    def endpoint_name(self, stage: Stage) -> str:
        return f"shop-p-1-{stage.name}"


def repo(*stages: Stage) -> Repo:
    return Deploy.model_construct(root=Path(), stages=stages or (stage(),), variant="AllTraffic")


def plan(registry: SmallRegistry, live: int | None, to: int | None = None, **given: str) -> RollbackPlan:
    chosen = stage(**given)
    client = answering("sagemaker", registry.handlers)
    return plan_rollback(client, repo(stage("staging"), chosen), chosen, variant(live) if live else None, to)


def carried_out(registry: SmallRegistry, live: int, to: int | None = None) -> list[str]:
    client = answering("sagemaker", registry.handlers)
    return list(roll_back(client, plan(registry, live, to), "prod", "counts rides twice"))


class TestPlan:
    def test_the_newest_other_approved_version_serves_then(self):
        made = plan(SmallRegistry(A, A, R, A), live=4)
        assert (made.live.version, made.target.version) == (4, 2)
        assert [each.version for each in made.rejected] == [4]
        assert made.stages == ("staging", "prod")

    def test_an_older_version_rejects_what_is_newer_than_it_and_the_live_one_last(self):
        assert [each.version for each in plan(SmallRegistry(A, A, A, A), live=4, to=1).rejected] == [2, 3, 4]

    def test_a_rejected_version_that_still_serves_is_not_rejected_again(self):
        made = plan(SmallRegistry(A, R), live=2)
        assert (made.target.version, made.rejected) == (1, ())

    def test_only_the_stages_that_take_approved_versions_of_the_group_are_concerned(self):
        client = answering("sagemaker", SmallRegistry(A, A).handlers)
        stages = (stage("staging", group="other"), stage("test", version="1"), stage())
        assert plan_rollback(client, repo(*stages), stages[2], variant(2)).stages == ("prod",)

    @pytest.mark.parametrize(
        ("registry", "live", "to", "sentence"),
        [
            (
                SmallRegistry(R, P, A),
                3,
                None,
                "there is nothing to roll back to: shop-p-1-prod serves version 3, which is approved, and no other "
                "version is approved. Nothing was rejected; approve a version in the model registry first",
            ),
            (SmallRegistry(R, R), 2, None, "serves version 2, which is rejected, and no other version is approved"),
            (
                SmallRegistry(A, A, A),
                2,
                None,
                "version 3 is approved and newer than version 2, which shop-p-1-prod serves: rejecting the latter "
                "would release it. Give --to 3 to go forward, --to 1 to go back, which rejects what is newer too",
            ),
            (SmallRegistry(A, A), 1, None, "Give --to 2 to go forward"),
            (SmallRegistry(A, A), 2, 2, "version 2 is what shop-p-1-prod serves"),
            (SmallRegistry(A, R, A), 3, 2, "version 2 is rejected, so it cannot be released; approved are: 1"),
            (SmallRegistry(A, P, A), 3, 2, "version 2 is pending"),
            (SmallRegistry(A, A), 2, 9, "version 9 is not in the model registry"),
            (SmallRegistry(A), None, None, "there is nothing to roll back: nothing serves at shop-p-1-prod"),
        ],
    )
    def test_what_would_not_lead_back_is_refused_before_anything_is_rejected(self, registry, live, to, sentence):
        with pytest.raises(TidegateError) as refused:
            plan(registry, live, to)
        assert sentence in str(refused.value)
        assert registry.changes == []

    def test_a_stage_that_names_its_version_is_rolled_back_in_its_file(self):
        with pytest.raises(TidegateError, match=r"releases `version: 2`, .* change that in stages/prod.yml, and push"):
            plan(SmallRegistry(A, A), live=2, version="2")

    def test_a_version_of_another_group_cannot_be_rolled_back_by_this_one(self):
        with pytest.raises(TidegateError, match="is not of model package group shop-p-1"):
            plan(SmallRegistry(A, A), live=7)

    def test_a_model_that_came_from_no_package_cannot_be_rolled_back(self):
        client = answering("sagemaker", SmallRegistry(A).handlers)
        with pytest.raises(TidegateError, match="came from no model package"):
            plan_rollback(client, repo(), stage(), variant(None))


class TestRollBack:
    def test_the_pipeline_chooses_what_was_said_beforehand(self):
        registry = SmallRegistry(A, A, A, A)
        assert carried_out(registry, live=4, to=2) == ["rejected version 3", "rejected version 4"]
        assert pick(answering("sagemaker", registry.handlers), GROUP, "approved").version == 2

    def test_until_the_last_rejection_every_run_chooses_what_serves(self):
        registry = SmallRegistry(A, A, A, A)
        client = answering("sagemaker", registry.handlers)
        chosen = [pick(client, GROUP, "approved").version for _ in roll_back(client, plan(registry, 4, 1), "prod", "x")]
        assert chosen == [4, 4, 1]

    def test_the_reason_is_kept_in_the_registry(self):
        registry = SmallRegistry(A, A, A)
        carried_out(registry, live=3, to=1)
        assert registry.versions[3]["ApprovalDescription"] == "rolled back in prod: counts rides twice"
        assert registry.versions[2]["ApprovalDescription"] == "to go back to version 1: counts rides twice"

    def test_once_more_rejects_nothing_more(self):
        registry = SmallRegistry(A, A)
        carried_out(registry, live=2)
        assert carried_out(registry, live=2) == []


class TestDecline:
    def declined(self, registry: SmallRegistry, *variants: LiveVariant):
        live = Live(ENDPOINT, "InService", "config-3", "r.t", variants) if variants else None
        return decline(answering("sagemaker", registry.handlers), live, ENDPOINT, "AllTraffic", "answers differ")

    @pytest.mark.parametrize("shadow", [True, False])
    def test_the_version_under_test_is_rejected_with_the_reason(self, shadow):
        registry = SmallRegistry(A, A)
        said = self.declined(registry, variant(1), variant(2, "Challenger", shadow=shadow))
        assert said.rejected
        assert said.sentence == "rejected version 2, which shop-p-1-prod has as Challenger"
        assert registry.approval(2) == R
        assert registry.versions[2]["ApprovalDescription"] == "declined after its test: answers differ"
        assert registry.approval(1) == A

    def test_then_the_champion_is_what_the_pipeline_chooses(self):
        registry = SmallRegistry(A, A)
        self.declined(registry, variant(1), variant(2, "Shadow", shadow=True))
        assert pick(answering("sagemaker", registry.handlers), GROUP, "approved").version == 1

    def test_a_second_event_for_the_same_decision_changes_nothing(self):
        registry = SmallRegistry(A, A)
        for _ in range(2):
            said = self.declined(registry, variant(1), variant(2, "Shadow", shadow=True))
        assert (said.rejected, said.sentence) == (False, "version 2 was rejected already")
        assert len(registry.changes) == 1

    @pytest.mark.parametrize("variants", [(), (variant(1),)])
    def test_without_a_test_there_is_nothing_to_decline(self, variants):
        registry = SmallRegistry(A, A)
        said = self.declined(registry, *variants)
        assert said.sentence == "there is nothing to decline: no test is in place at shop-p-1-prod"
        assert registry.changes == []

    @pytest.mark.parametrize("challenger", [1, None])
    def test_what_serves_is_never_rejected_by_it(self, challenger):
        registry = SmallRegistry(A, A)
        assert not self.declined(registry, variant(1), variant(challenger, "Shadow", shadow=True)).rejected
        assert registry.changes == []


def test_a_version_that_was_rolled_back_by_guardrails_is_not_gone_back_to():
    registry = SmallRegistry(A, A, A)
    stamp_rolled_back(answering("sagemaker", registry.handlers), package_arn(2), "prod", "alarm errors")
    assert plan(registry, live=3).target.version == 1
