"""Which updates of a stage are due, by what serves, and what the pipeline is told of them."""

import json
from typing import Any

import pytest

from tests.tidegate.render.cases import AB, CANARY, CAPTURE, FLEET, ROLLING, SHADOW, package
from tests.tidegate.stage.valid_stages import repo_of
from tidegate.errors import TidegateError
from tidegate.registry import Live, LiveVariant
from tidegate.render import Situation, Unread, Updates, pipeline_file, render_live, render_stage, render_test
from tidegate.render import render_updates as updates_of
from tidegate.stage import Repo

NAME = "bikeshare-p-abc123def456-prod"


def repo(**options: Any) -> Repo:
    return repo_of({"prod": {"instances": FLEET, "release": CANARY, "capture": CAPTURE, **options}})


def live(release_id: str, *versions: int, status: str = "InService", variant: str = "AllTraffic") -> Live:
    """An endpoint whose config has that tag: the first version behind the production variant, the next in a shadow."""
    variants = tuple(
        LiveVariant(
            name=variant if not shadow else "Shadow",
            model_name=f"model-{version}",
            model_package_arn=package(version).arn,
            instance_type="ml.m5.large",
            instance_count=4,
            initial_instance_count=4,
            weight=1.0,
            shadow=shadow,
        )
        for shadow, version in enumerate(versions)
    )
    return Live(NAME, status, "config-1", release_id, variants)


def updates(made: Repo, release: int, serving: Live | Unread | None, champion: int | None = None) -> Updates:
    chosen = None if champion is None else package(champion)
    return updates_of(made, made.stages[0], Situation(serving, package(release), chosen))


def released(made: Repo, version: int) -> str:
    return render_stage(made, made.stages[0], package(version)).record.release_id


def trial_of(made: Repo, champion: int, challenger: int) -> str:
    return render_test(made, made.stages[0], package(champion), package(challenger)).record.release_id


def told(due: Updates) -> dict[str, str]:
    return {name.removeprefix("PROD_"): value for name, value in due.variables.items()}


class TestWithoutATest:
    def test_a_new_version_is_released_and_a_person_asked(self):
        made = repo()
        due = updates(made, 7, live(released(made, 6), 6), 6)
        assert told(due) == {"APPROVAL": "manual", "TEST": "no", "TEST_END": "no", "RELEASE": "yes"}
        assert sorted(due.files) == ["prod.config.json", "prod.release.json", "prod.template.yaml"]
        assert due.notes == ()

    def test_nobody_is_asked_where_the_file_says_so(self):
        made = repo(approval="automatic")
        assert updates(made, 7, live(released(made, 6), 6), 6).approval == "automatic"

    def test_nobody_is_asked_where_the_release_serves_already(self):
        made = repo()
        due = updates(made, 7, live(released(made, 7), 7), 7)
        assert told(due) == {"APPROVAL": "none", "TEST": "no", "TEST_END": "no", "RELEASE": "yes"}

    def test_a_person_is_asked_where_the_same_version_comes_on_another_fleet(self):
        serving = live(released(repo(), 7), 7)
        larger = repo(instances=FLEET | {"count": 8})
        assert updates(larger, 7, serving, 7).approval == "manual"

    def test_a_first_release_says_that_nothing_guards_it(self):
        due = updates(repo(), 7, None)
        assert told(due) == {"APPROVAL": "manual", "TEST": "no", "TEST_END": "no", "RELEASE": "yes"}
        assert due.notes == ("there is no endpoint yet, so version 7 is released without guardrails",)

    def test_what_cannot_be_read_is_said_and_a_person_asked(self):
        due = updates(repo(), 7, Unread("its endpoint is in another account"))
        assert told(due) == {"APPROVAL": "manual", "TEST": "no", "TEST_END": "no", "RELEASE": "yes"}
        assert due.notes[0].startswith("its endpoint is in another account; so a person is asked")

    def test_a_variant_of_another_name_would_switch_the_guardrails_off(self):
        with pytest.raises(TidegateError, match=r"stage prod: .* is called `AllTraffic` here and `Old` .* \[TG090\]$"):
            updates(repo(), 7, live("", 6, variant="Old"))

    def test_a_variant_may_take_another_name_where_nothing_is_to_be_guarded(self):
        due = updates(repo(release={"strategy": "all_at_once"}), 7, live("", 6, variant="Old"))
        assert "has no variant `AllTraffic` but Old" in due.notes[0]

    def test_a_rolling_update_waits_for_no_challenger_that_is_taken_away(self):
        made = repo(release=ROLLING, test=AB)
        assert told(updates(made, 7, live(trial_of(made, 6, 7), 6, 7), 6))["RELEASE"] == "yes"

    def test_an_endpoint_that_failed_serves_nothing(self):
        made = repo()
        due = updates(made, 7, live(released(made, 7), 7, status="Failed"))
        assert due.approval == "manual"
        assert due.notes == ("the endpoint is Failed and serves nothing",)

    def test_a_test_that_is_left_over_is_taken_away_though_the_file_has_none_any_more(self):
        before, after = repo(test=SHADOW), repo()
        due = updates(after, 7, live(trial_of(before, 6, 7), 6, 7), 6)
        assert told(due) == {"APPROVAL": "manual", "TEST": "no", "TEST_END": "yes", "RELEASE": "yes"}
        assert due.live is not None
        assert due.live.record.model_package_version == 6


class TestWithATest:
    @pytest.mark.parametrize("trial", [SHADOW, AB])
    def test_a_new_version_is_tested_and_then_released(self, trial):
        made = repo(test=trial)
        due = updates(made, 7, live(released(made, 6), 6), 6)
        assert told(due) == {"APPROVAL": "manual", "TEST": "yes", "TEST_END": "yes", "RELEASE": "yes"}
        assert due.test is not None
        assert due.live is not None
        assert due.test.record.trial is not None
        versions = [
            due.test.record.model_package_version,
            due.test.record.trial.model_package_version,
            due.live.record.model_package_version,
            due.release.record.model_package_version,
        ]
        assert versions == [6, 7, 6, 7]
        kinds = ("config.json", "release.json", "template.yaml")
        assert set(due.files) == {f"prod.{phase}{kind}" for phase in ("", "live.", "test.") for kind in kinds}

    def test_the_version_that_serves_is_not_tested_against_itself(self):
        made = repo(test=SHADOW)
        due = updates(made, 7, live(released(made, 7), 7), 7)
        assert told(due) == {"APPROVAL": "none", "TEST": "no", "TEST_END": "no", "RELEASE": "yes"}
        assert due.notes == ("version 7 serves already, so there is nothing to test",)

    def test_a_first_release_is_not_tested(self):
        due = updates(repo(test=SHADOW), 7, None)
        assert told(due) == {"APPROVAL": "manual", "TEST": "no", "TEST_END": "no", "RELEASE": "yes"}
        assert "without the test: there is nothing to compare version 7 with" in due.notes[0]

    def test_nobody_is_asked_again_while_the_same_test_is_in_place(self):
        made = repo(test=SHADOW)
        due = updates(made, 7, live(trial_of(made, 6, 7), 6, 7), 6)
        assert told(due) == {"APPROVAL": "none", "TEST": "yes", "TEST_END": "yes", "RELEASE": "yes"}

    def test_a_newer_challenger_takes_the_place_of_the_one_in_test_and_a_person_is_asked(self):
        made = repo(test=SHADOW)
        due = updates(made, 8, live(trial_of(made, 6, 7), 6, 7), 6)
        assert told(due) == {"APPROVAL": "manual", "TEST": "yes", "TEST_END": "yes", "RELEASE": "yes"}

    def test_a_challenger_that_was_declined_is_taken_away_and_nobody_asked(self):
        made = repo(test=SHADOW)
        due = updates(made, 6, live(trial_of(made, 6, 7), 6, 7), 6)
        assert told(due) == {"APPROVAL": "none", "TEST": "no", "TEST_END": "yes", "RELEASE": "no"}
        assert due.notes == ("a test is in place and is taken away: version 6 serves alone",)

    def test_a_change_of_the_fleet_is_not_slipped_in_where_a_challenger_was_declined(self):
        serving = live(trial_of(repo(test=SHADOW), 6, 7), 6, 7)
        due = updates(repo(test=SHADOW, instances=FLEET | {"count": 8}), 6, serving, 6)
        assert told(due) == {"APPROVAL": "manual", "TEST": "no", "TEST_END": "yes", "RELEASE": "no"}

    def test_a_challenger_that_won_is_released_after_its_test(self):
        made = repo(test=SHADOW)
        due = updates(made, 7, live(released(made, 6), 6), 6)
        assert due.live is not None
        assert due.live.record.release_id == released(made, 6)
        assert due.release.record.release_id == released(made, 7)


class TestThePhases:
    def test_only_a_release_is_guarded(self):
        made = repo(test=SHADOW)
        (stage,) = made.stages
        test, end = render_test(made, stage, package(6), package(7)), render_live(made, stage, package(6))
        for unguarded in (test, end):
            assert (unguarded.record.deployment_config, unguarded.record.alarms, unguarded.record.waits) == ({}, (), 0)
            assert not any("DeploymentConfig:" in text for name, text in unguarded.files.items() if "template" in name)

    def test_the_end_of_a_test_is_the_champions_release_but_for_its_guardrails(self):
        made = repo(test=SHADOW)
        (stage,) = made.stages
        assert render_live(made, stage, package(6)).record.release_id == released(made, 6)

    def test_a_tests_id_tells_what_is_left_without_it(self):
        made = repo(test=SHADOW)
        assert trial_of(made, 6, 7).partition(".")[0] == released(made, 6)
        assert len({trial_of(made, 6, 7), trial_of(made, 6, 8), trial_of(made, 5, 7)}) == 3

    @pytest.mark.parametrize(
        ("trial", "percent", "weights", "instances"),
        [
            ({"shadow": {"sampling": "50%", "duration": "2h"}}, 50, [1.0, 0.5], [4, 2]),
            ({"shadow": {"sampling": "1%", "duration": "2h"}}, 1, [1.0, 0.01], [4, 1]),
            ({"shadow": {"sampling": "100%", "duration": "2h", "instance_count": 3}}, 100, [1.0, 1.0], [4, 3]),
            ({"ab": {"challenger_weight": "30%", "duration": "1d"}}, 30, [0.7, 0.3], [4, 2]),
            ({"ab": {"challenger_weight": "99%", "duration": "1d"}}, 99, [0.01, 0.99], [4, 4]),
        ],
    )
    def test_a_challenger_has_its_share_of_requests_and_the_instances_for_it(self, trial, percent, weights, instances):
        from tidegate.render.document import parse, resources

        made = repo(test=trial)
        rendered = render_test(made, made.stages[0], package(6), package(7))
        document = parse(rendered.files["prod.test.template.yaml"], str)
        (config,) = resources(document, "AWS::SageMaker::EndpointConfig").values()
        variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]
        assert [each["InitialVariantWeight"] for each in variants] == weights
        assert [each["InitialInstanceCount"] for each in variants] == instances
        assert rendered.record.trial is not None
        assert rendered.record.trial.percent == percent
        assert json.loads(rendered.files["prod.test.config.json"])["Parameters"] == {
            "ModelPackageArn": package(6).arn,
            "ChallengerPackageArn": package(7).arn,
        }

    def test_a_stage_without_a_test_has_none_to_render(self):
        made = repo()
        with pytest.raises(ValueError, match="stage prod has no test"):
            render_test(made, made.stages[0], package(6), package(7))


def test_the_pipelines_file_holds_a_line_a_question_that_a_shell_can_read():
    made = repo_of(
        {name: {"instances": FLEET, "release": CANARY} for name in ("prod", "staging")},
    )
    text = pipeline_file(updates_of(made, stage, Situation(None, package(7))) for stage in made.stages)
    assert text.splitlines() == [
        "PROD_APPROVAL=manual",
        "PROD_TEST=no",
        "PROD_TEST_END=no",
        "PROD_RELEASE=yes",
        "STAGING_APPROVAL=manual",
        "STAGING_TEST=no",
        "STAGING_TEST_END=no",
        "STAGING_RELEASE=yes",
    ]
    assert text.endswith("\n")
