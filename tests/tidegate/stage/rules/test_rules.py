"""What all rules have in common, and which of them see a stage that is wrong elsewhere."""

import importlib
import pkgutil
import re
from datetime import timedelta
from pathlib import Path
from typing import get_type_hints

import pytest
from botocore.loaders import Loader

from tests.tidegate.stage.valid_stages import ENDPOINT, repo_of
from tidegate.stage import Project, Stage, StageFileError, rules
from tidegate.stage.limits import ROLLBACK_RULES_MAX
from tidegate.stage.rules import ALL, check_against_live
from tidegate.stage.rules.explain import page

DOCS = Path(__file__).parents[4] / "docs"
CANARY = {
    "strategy": "canary",
    "canary_size": "25%",
    "wait_interval": "10m",
    "rollback_on": [{"metric": "Invocation5XXErrors", "above": "1%"}],
}
STAGE = {"instances": {"type": "ml.m5.large", "count": 4}, "release": CANARY}


def broken(stage: dict, endpoint: dict = ENDPOINT) -> list[str]:
    """The rules that a stage breaks."""
    with pytest.raises(StageFileError) as caught:
        repo_of({"prod": stage}, endpoint)
    return [problem.rule for problem in caught.value.problems]


class TestEveryRule:
    def test_no_two_have_the_same_id(self):
        modules = [
            importlib.import_module(f"{rules.__name__}.{module.name}")
            for module in pkgutil.iter_modules(rules.__path__)
        ]
        found = [rule.id for module in modules for rule in getattr(module, "RULES", ())]

        assert sorted(found) == list(ALL)

    @pytest.mark.parametrize("rule", ALL.values(), ids=lambda rule: rule.id)
    def test_it_says_why_and_what_is_right_and_where_that_is_from(self, rule):
        assert all(text.endswith(".") for text in (rule.why, rule.right))
        assert rule.title
        assert not rule.title.endswith(".")
        assert rule.source
        assert "  " not in rule.why + rule.right + rule.source + rule.title

    @pytest.mark.parametrize("rule", [rule for rule in ALL.values() if rule.check], ids=lambda rule: rule.id)
    def test_what_it_reads_is_what_the_file_has(self, rule):
        hints = get_type_hints(rule.check)
        fields = {name: field.annotation for name, field in Stage.model_fields.items()}
        fields |= {"project": Project, "variant": str, "live_variants": hints.get("live_variants")}

        assert {name: hints[name] for name in rule.reads if name != "environment"} == {
            name: fields[name] for name in rule.reads if name != "environment"
        }


class TestAStageThatIsWrongElsewhere:
    def test_is_held_against_the_rules_on_what_is_right(self):
        stage = STAGE | {"capture": {"sampling": 50}, "release": CANARY | {"canary_size": "51%"}, "version": "live"}

        assert sorted(broken(stage)) == ["TG009", "TG013", "TG081"]

    def test_is_not_held_against_rules_that_need_what_is_wrong(self):
        stage = STAGE | {"instances": {"type": "ml.m5.large", "count": 0}, "release": CANARY | {"canary_size": "60%"}}

        assert sorted(broken(stage)) == ["TG009", "TG013"]

    def test_one_wrong_part_does_not_hide_what_is_wrong_with_the_others(self):
        rules = [{"metric": "CPUUtilization", "above": "1%"}, {"metric": "Invocation5XXErrors", "above": "100%"}]
        release = CANARY | {"wait_interval": 600, "canary_size": "51%", "termination_wiat": "5m", "rollback_on": rules}

        assert sorted(broken(STAGE | {"release": release})) == ["TG007", "TG009", "TG013", "TG034", "TG039"]

    def test_what_would_follow_from_a_wrong_part_is_not_said(self):
        stage = STAGE | {"release": {**CANARY, "strategy": "cannary"}, "test": {"shadow": {"sampling": 5}}}

        assert sorted(broken(stage)) == ["TG008", "TG009", "TG009", "TG050"]

    def test_what_it_leaves_out_is_there_as_its_default(self):
        stage = STAGE | {"tags": [], "monitoring": {"data_quality": {"schedule": "hourly"}}}

        assert sorted(broken(stage)) == ["TG009", "TG051"]

    def test_is_not_placed_while_the_project_is_wrong(self):
        endpoint = ENDPOINT | {"project": ENDPOINT["project"] | {"account": "1"}}

        assert broken(STAGE | {"region": "us-east-1", "version": "live"}, endpoint) == ["TG009", "TG081"]

    def test_says_of_an_unreachable_place_only_that(self):
        assert broken(STAGE | {"account": "999999999999"}) == ["TG070"]


class TestRounding:
    """How SageMaker rounds is not verified, so both answers have to be safe."""

    @pytest.mark.parametrize(
        ("size", "count", "accepted"),
        [
            ("10%", 3, True),  # 1 of 3 whichever way: no part is smaller than an instance
            ("33%", 3, True),
            ("34%", 3, False),  # 1 or 2 of 3
            ("50%", 3, False),
            ("50%", 4, True),
            ("50%", 5, False),  # 2 or 3 of 5
            ("40%", 5, True),
            ("45%", 5, False),  # 2 or 3 of 5
            ("49%", 100, True),
            ("49%", 51, True),  # 24 or 25 of 51
            ("50%", 999, False),
        ],
    )
    @pytest.mark.parametrize("strategy", ["canary", "linear", "rolling"])
    def test_a_percentage_that_may_be_more_than_half_is_refused(self, strategy, size, count, accepted):
        key = {"canary": "canary_size", "linear": "linear_step_size", "rolling": "maximum_batch_size"}[strategy]
        release = {**CANARY, "strategy": strategy, key: size, "wait_interval": "60s"}
        if strategy != "canary":
            del release["canary_size"]
        stage = {"instances": {"type": "ml.m5.large", "count": count}, "release": release}

        if accepted:
            assert repo_of({"prod": stage}).stages
        else:
            assert broken(stage) == ["TG015"]

    def test_every_fleet_that_autoscaling_may_leave_is_looked_at(self):
        scaled = STAGE | {"release": CANARY | {"canary_size": "50%"}}
        scaling = {"min": 4, "max": 5, "invocations_per_instance": 1}

        assert repo_of({"prod": scaled}).stages
        assert broken(scaled | {"autoscaling": scaling}) == ["TG015"]
        assert broken(STAGE | {"autoscaling": scaling | {"min": 1}}) == ["TG014"]

    def test_the_steps_of_the_smaller_rounding_are_waited_for(self):
        # 10% of 19 instances is 1 or 2: 10 steps, or 19.
        release = CANARY | {"strategy": "linear", "linear_step_size": "10%", "wait_interval": "5m"}
        del release["canary_size"]
        stage = {"instances": {"type": "ml.m5.large", "count": 19}, "release": release}

        assert broken(stage | {"release": release | {"maximum_execution_timeout": "95m"}}) == ["TG020"]
        assert repo_of({"prod": stage | {"release": release | {"maximum_execution_timeout": "96m"}}}).stages


class TestTheLiveEndpoint:
    def release(self, **changes):
        return repo_of({"prod": STAGE | {"release": {**CANARY, **changes}}}).stages[0].release

    def test_the_variant_keeps_its_name(self):
        assert check_against_live(self.release(), variant="AllTraffic", live_variants=["AllTraffic"]) == ()

    def test_a_renamed_variant_is_said_with_its_rule(self):
        (violation,) = check_against_live(self.release(), variant="Blue", live_variants=["AllTraffic"])

        assert (violation.rule, violation.path) == ("TG090", ("variant",))
        assert str(violation).startswith(
            "the production variant is called `Blue` here and `AllTraffic` on the endpoint"
        )
        assert str(violation).endswith("[TG090]")

    def test_a_name_can_be_changed_by_a_release_that_asks_for_no_guardrails(self):
        plain = repo_of({"prod": STAGE | {"release": {"strategy": "all_at_once"}}}).stages[0].release

        assert check_against_live(plain, variant="Blue", live_variants=["AllTraffic"]) == ()

    def test_there_is_nothing_to_break_before_the_first_release(self):
        assert check_against_live(self.release(), variant="Blue", live_variants=[]) == ()


def test_a_rollback_of_all_its_rules_has_as_many_alarms_as_sagemaker_takes():
    rule = {"metric": "Invocation5XXErrors"}
    most = [rule | {"above": f"{share}%"} for share in range(1, ROLLBACK_RULES_MAX + 1)]

    assert repo_of({"prod": STAGE | {"release": CANARY | {"rollback_on": most}}}).stages
    assert broken(STAGE | {"release": CANARY | {"rollback_on": [*most, rule | {"above": "50%"}]}}) == ["TG031"]


def test_the_pipeline_waits_as_long_for_a_decision_as_codepipeline_lets_it():
    timeout = Loader().load_service_model("codepipeline", "service-2")["shapes"]["ActionTimeout"]
    (minutes,) = re.findall(
        r"DECIDE_MINUTES = ([0-9_]+)", (DOCS.parent / "service_catalog/project/releases.py").read_text()
    )

    assert int(minutes) == timeout["max"]
    assert f"waits for the decision for {timedelta(minutes=timeout['max']).days} days" in ALL["TG048"].why


def test_a_person_is_said_to_decide_where_a_criterion_is_written():
    test = {"shadow": {"sampling": "50%", "duration": "2h"}, "pass_when": {"agreement": ">= 98%"}}
    with pytest.raises(StageFileError, match="`pass_when` is not known here; take it out: a person decides how a test"):
        repo_of({"prod": STAGE | {"capture": {"sampling": "100%"}, "test": test}})


def test_docs_explain_every_rule_as_the_command_does():
    assert (DOCS / "rules.md").read_text("utf-8") == page()
