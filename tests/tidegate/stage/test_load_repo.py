from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tidegate.errors import TidegateError
from tidegate.stage import (
    CapacityType,
    Instances,
    Latency,
    Metric,
    Periods,
    Rate,
    Size,
    Strategy,
    load_repo,
)


def test_a_stage_file_becomes_typed_values(repo):
    repo.write(
        "stages/prod.yml",
        """\
instances: {type: ml.c7g.2xlarge, count: 4}
capture: {sampling: 20%}
environment: {OMP_NUM_THREADS: "1"}
tags: {team: bikes}
release:
  strategy: canary
  canary_size: 25%
  wait_interval: 10m
  termination_wait: 90s
  maximum_execution_timeout: 2h
  rollback_on:
    - {metric: Invocation5XXErrors, above: 0.5%, periods: 2 of 3}
    - {metric: ModelLatency, above: 250ms}
""",
    )

    loaded = repo.load()
    (stage,) = loaded.stages

    assert stage.name == "prod"
    assert (stage.account, stage.region) == ("111122223333", "eu-west-1")
    assert stage.instances == Instances(type="ml.c7g.2xlarge", count=4)
    assert stage.capture.sampling == 20
    assert stage.environment == {"OMP_NUM_THREADS": "1"}
    assert stage.tags == {"team": "bikes"}
    assert stage.release.strategy is Strategy.CANARY
    assert stage.release.canary_size == Size(CapacityType.CAPACITY_PERCENT, 25)
    assert stage.release.wait_interval == timedelta(minutes=10)
    assert stage.release.termination_wait == timedelta(seconds=90)
    assert stage.release.maximum_execution_timeout == timedelta(hours=2)
    errors, latency = stage.release.rollback_on
    assert (errors.metric, errors.statistic) == (Metric.INVOCATION_5XX_ERRORS, "Average")
    assert (errors.above, errors.threshold) == (Rate(Decimal("0.5")), 0.005)
    assert errors.periods == Periods(2, 3)
    assert (latency.statistic, latency.above, latency.threshold) == ("p99", Latency(250_000), 250_000.0)
    assert latency.periods == Periods(1, 1)
    assert loaded.endpoint_name(stage) == "bikeshare-p-abc123def456-prod"
    assert loaded.stack_name(stage) == "sagemaker-p-abc123def456-prod"
    assert loaded.variant == "AllTraffic"


def test_stages_come_in_the_order_of_their_names_and_are_found_by_them(repo, good_stage):
    repo.write("stages/staging.yml", good_stage).write("stages/prod.yml", good_stage)

    loaded = repo.load()

    assert [stage.name for stage in loaded.stages] == ["prod", "staging"]
    assert loaded.stage("staging") is loaded.stages[1]
    with pytest.raises(TidegateError, match=r"no stage `dev` in .*; it has prod, staging"):
        loaded.stage("dev")


class TestMerge:
    def test_mappings_are_merged_key_by_key_and_the_stage_wins(self, repo, good_stage):
        repo.default("instances: {type: ml.m5.large, count: 1}\ntags: {team: bikes, tier: any}\n")
        repo.write("stages/prod.yml", good_stage.replace("type: ml.m5.large, ", "") + "tags: {tier: prod}\n")

        (stage,) = repo.load().stages

        assert stage.instances == Instances(type="ml.m5.large", count=4)
        assert stage.tags == {"team": "bikes", "tier": "prod"}

    def test_lists_are_replaced_whole(self, repo, good_stage):
        repo.default("release: {rollback_on: [{metric: ModelLatency, above: 1s}]}\n")
        repo.write("stages/prod.yml", good_stage)

        (stage,) = repo.load().stages

        assert [rule.metric for rule in stage.release.rollback_on] == [Metric.INVOCATION_5XX_ERRORS]

    def test_nothing_takes_an_optional_default_away(self, repo, good_stage):
        repo.default("capture: {sampling: 100%}\n")
        repo.write("stages/prod.yml", good_stage + "capture: null\n")

        assert repo.load().stages[0].capture is None

    def test_a_wrong_default_is_said_once_where_it_stands(self, repo, good_stage):
        repo.default("tags: {team: 7}\n")
        repo.write("stages/staging.yml", good_stage).write("stages/prod.yml", good_stage)

        assert repo.problems() == ["endpoint.yml:6:14: 7 is not text; put it in quotes [TG009]"]

    def test_a_default_that_is_wrong_for_one_stage_names_the_stage(self, repo, good_stage):
        repo.default("instances: {type: ml.m5.large, count: 1}\n")
        repo.write("stages/prod.yml", "\n".join(good_stage.splitlines()[1:]))
        repo.write("stages/staging.yml", "release: {strategy: all_at_once}\n")

        (problem,) = repo.problems()

        assert problem.startswith("endpoint.yml:6:39: a canary needs at least 2 instances")
        assert "(in stage prod)" in problem

    def test_a_missing_key_is_said_where_the_stage_has_the_mapping(self, repo, good_stage):
        repo.default("instances: {type: ml.m5.large}\n")
        repo.write("stages/prod.yml", good_stage.replace("type: ml.m5.large, count: 4", ""))

        assert repo.problems() == ["stages/prod.yml:1:1: `count` is missing; add it, such as `count: 4` [TG008]"]

    def test_a_default_that_lacks_a_key_for_one_stage_names_the_stage(self, repo, good_stage):
        repo.default("instances: {type: ml.m5.large}\n")
        repo.write("stages/staging.yml", good_stage)
        repo.write("stages/prod.yml", "\n".join(good_stage.splitlines()[1:]))

        (problem,) = repo.problems()

        assert problem == "endpoint.yml:6:1: `count` is missing (in stage prod); add it, such as `count: 4` [TG008]"

    def test_a_default_that_is_a_list_lacks_a_key_for_all_of_them(self, repo, good_stage):
        head, _ = good_stage.split("release:")
        rule = "{metric: Invocation5XXErrors}"
        repo.default(f"release: {{strategy: all_at_once, termination_wait: 5m, rollback_on: [{rule}]}}\n")
        repo.write("stages/staging.yml", head).write("stages/prod.yml", head)

        (problem,) = repo.problems()

        assert "`above` is missing; add it" in problem


class TestEveryProblemInOneRun:
    def test_they_come_in_the_order_of_the_files_and_lines(self, repo, good_stage):
        repo.default("varient: Blue\n")
        repo.write("stages/prod.yml", "instance: {}\n" + good_stage.replace("25%", "80%").replace("ml.m5", "m5"))
        repo.write("stages/staging.yml", "a: [")

        places = [problem.split(": ")[0] for problem in repo.problems()]

        assert places == [
            "endpoint.yml:6:1",
            "stages/prod.yml:1:1",
            "stages/prod.yml:2:19",
            "stages/prod.yml:5:16",
            "stages/staging.yml:1:5",
        ]

    def test_rules_are_applied_to_the_sections_that_are_right(self, repo, good_stage):
        repo.write("stages/prod.yml", good_stage.replace("25%", "80%") + "tags: []\n")

        assert len(repo.problems()) == 2

    def test_a_project_that_is_wrong_does_not_hide_what_is_wrong_with_a_stage(self, repo, good_stage):
        _, *others = (repo.root / "endpoint.yml").read_text().splitlines(keepends=True)
        repo.write("endpoint.yml", "project: {name: bike share}\n" + "".join(others))
        repo.write("stages/prod.yml", good_stage + "x: 1\n")

        problems = repo.problems()

        assert any(problem.startswith("endpoint.yml:1:17: `bike share` is not a project name") for problem in problems)
        assert problems[-1].startswith("stages/prod.yml:7:1: `x` is not known here")
        assert len([problem for problem in problems if problem.startswith("stages/")]) == 1

    def test_what_endpoint_yml_would_have_given_is_not_called_missing_when_it_cannot_be_read(self, repo):
        repo.write("endpoint.yml", "project: {").write("stages/prod.yml", "relase: {}\n")

        first, second = repo.problems()

        assert first.startswith("endpoint.yml:1:11: this is not YAML")
        assert second == "stages/prod.yml:1:1: `relase` is not known here; did you mean `release`? [TG007]"


class TestWhatIsNotThere:
    def test_no_repository(self, tmp_path):
        with pytest.raises(TidegateError, match=r"there is no endpoint.yml in .*; run this in a deploy repository"):
            load_repo(tmp_path)

    def test_no_stages(self, repo):
        (repo.root / "stages").rmdir()

        assert repo.problems() == ["stages:1:1: there is no stage; add a file such as stages/prod.yml [TG006]"]

    def test_an_empty_stage_file_says_what_it_needs(self, repo):
        repo.write("stages/prod.yml", "# nothing yet\n")

        assert [problem.split(";")[0] for problem in repo.problems()] == [
            "stages/prod.yml:1:1: `instances` is missing",
            "stages/prod.yml:1:1: `release` is missing",
        ]

    @pytest.mark.parametrize("name", ["Prod.yml", "prod.yaml", "production1.yml", "1st.yml", "pro\nd.yml", "a-b.yml"])
    def test_a_file_that_is_called_otherwise_is_not_passed_over(self, repo, good_stage, name):
        repo.write("stages/prod.yml", good_stage).write(f"stages/{name}", good_stage)

        (problem,) = repo.problems()

        assert problem.startswith(f"stages:1:1: `{name.replace(chr(10), ' ')}` is not the name of a stage file")

    def test_a_folder_that_is_called_as_a_stage_file(self, repo):
        (repo.root / "stages/prod.yml").mkdir()

        assert repo.problems() == ["stages/prod.yml:1:1: this is not a file; put a file of YAML here [TG001]"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("execution_role", "arn:aws:iam::111122223333:user/me"),
        ("execution_role", "arn:aws:iam::111122223333:role/a b"),
        ("bucket", "s3://bucket"),
        ("bucket", "Bucket"),
        ("bucket", "a..b"),
        ("kms_key", "alias/key"),
        ("model_package_group", "a/b"),
        ("variant", "-blue"),
        ("variant", '"a\\nb"'),
    ],
)
def test_what_all_stages_share_is_checked_at_its_place(repo, good_stage, key, value):
    lines = [line for line in (repo.root / "endpoint.yml").read_text().splitlines() if not line.startswith(f"{key}:")]
    repo.write("endpoint.yml", "\n".join([*lines, f"{key}: {value}"])).write("stages/prod.yml", good_stage)

    assert all(problem.startswith(f"endpoint.yml:{len(lines) + 1}:{len(key) + 3}: ") for problem in repo.problems())


def test_files_are_named_from_where_the_repository_was_named(repo, monkeypatch):
    repo.write("stages/prod.yml", "x: 1\ninstances: {type: ml.m5.large, count: 1}\nrelease: {strategy: all_at_once}\n")
    monkeypatch.chdir(repo.root)
    repo.root = Path()

    assert repo.problems()[0].startswith("stages/prod.yml:1:1: ")
