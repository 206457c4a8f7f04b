"""`validate --show`: every value of a stage, and where it comes from."""

import re
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings

from tests.tidegate.stage.valid_stages import ENDPOINT, stage_files, yaml_text
from tidegate.stage.document import plain
from tidegate.stage.load import RepoFiles, read_files, type_repo
from tidegate.stage.origin import shown_json, shown_yaml, values_of
from tidegate.stage.reading import parse_document


def values(repo, name="prod"):
    files = read_files(repo.root)
    loaded = type_repo(repo.root, files)
    return values_of(loaded, loaded.stage(name), files)


def origins(repo) -> dict[str, str]:
    return {".".join(map(str, each.path)): each.origin for each in values(repo)}


def test_each_value_names_the_line_that_it_was_written_in(repo, good_stage):
    repo.default("tags: {team: bikes}\n").write("stages/prod.yml", good_stage + "tags: {tier: prod}\n")

    found = origins(repo)

    assert found["release.wait_interval"] == "stages/prod.yml:5"
    assert found["release.rollback_on.0.metric"] == "stages/prod.yml:6"
    assert found["tags.team"] == "endpoint.yml:6"
    assert found["tags.tier"] == "stages/prod.yml:7"
    assert found["project.name"] == "endpoint.yml:1"


def test_what_nobody_wrote_is_a_default_with_its_source_or_computed(repo, good_stage):
    repo.write("stages/prod.yml", good_stage)

    found = origins(repo)

    assert found["release.termination_wait"] == ("default (limits: botocore, in the text of TerminationWaitInSeconds)")
    assert found["release.rollback_on.0.statistic"] == "default"
    assert found["region"] == "computed: project.region"
    assert found["endpoint"] == "computed: project.name, project.id and the stage's name"
    assert "capture" not in found


def test_a_default_that_was_taken_away_is_shown_as_nothing(repo, good_stage):
    repo.default("capture: {sampling: 100%}\n").write("stages/prod.yml", good_stage + "capture: null\n")

    assert origins(repo)["capture"] == "stages/prod.yml:7"


def test_comments_stand_in_one_column(repo, good_stage):
    repo.write("stages/prod.yml", good_stage)

    lines = shown_yaml(values(repo)).splitlines()
    comments = [line.index(" # ") for line in lines if " # " in line]

    assert re.fullmatch(r"  count: 4 +# stages/prod.yml:1", next(line for line in lines if " count:" in line))
    assert len({column for column in comments if column <= 61}) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stage_files())
def test_what_is_printed_is_yaml_of_what_the_stage_is(content):
    endpoint, prod = (yaml_text(each).encode() for each in (ENDPOINT, content))
    stages = {"prod": parse_document("stages/prod.yml", prod)}
    files = RepoFiles(parse_document("endpoint.yml", endpoint), stages, ())
    loaded = type_repo(Path(), files)
    shown = values_of(loaded, loaded.stages[0], files)

    printed = parse_document("shown", shown_yaml(shown).encode())

    assert not printed.problems
    tree = plain(printed.root)
    for each in shown:
        found = tree
        for part in each.path:
            found = found[part]
        assert found == each.value
    for key, value in content.items():
        assert_within(value, tree[key])
    assert [each["from"] for each in shown_json(shown)["values"]] == [each.origin for each in shown]


def assert_within(part, whole):
    """Everything that was written is there; sections may have defaults besides."""
    if isinstance(part, dict):
        for key, value in part.items():
            assert_within(value, whole[key])
    elif isinstance(part, list):
        for one, other in zip(part, whole, strict=True):
            assert_within(one, other)
    else:
        assert part == whole


def test_other_readers_of_yaml_read_the_same(repo, good_stage):
    repo.write(
        "stages/prod.yml", good_stage + 'environment: {A: "no", B: "007", C: "a: b # c", D: "é\\u00a0", E: "1e3"}\n'
    )

    read = yaml.safe_load(shown_yaml(values(repo)))

    assert read["environment"] == {"A": "no", "B": "007", "C": "a: b # c", "D": "é\u00a0", "E": "1e3"}
