import json
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.tidegate.render.payloads import CloudFormationLoader
from tidegate.errors import TidegateError
from tidegate.render import (
    UnsafeValueError,
    read_release,
    render_stage,
    write_files,
)
from tidegate.render.encode import encode
from tidegate.stage import Instances


def template_of(repo, package, version: int = 7) -> dict:
    return yaml.load(
        render_stage(repo, repo.stages[0], package(version)).files["prod.template.yaml"], CloudFormationLoader
    )


def changed(repo, **values):
    """Return the repository with other values of its stage, which no stage file could hold."""
    return repo.model_copy(update={"stages": (repo.stages[0].model_copy(update=values),)})


def environment_of(template: dict) -> dict:
    return template["Resources"]["Model"]["Properties"]["Containers"][0]["Environment"]


def release_id_of(repo, package, version: int = 7) -> str:
    return json.loads(render_stage(repo, repo.stages[0], package(version)).files["prod.release.json"])["release_id"]


# Strings survive

HOSTILE = [
    "no", "007", "1e3", "~", "null", "'", '"', '"}', "\\", "{{ 7 * 7 }}", "{% raw %}", "{# x #}", "a: b", "- a", "# a",
    "!Ref Model", "&a", "*a", "${AWS::Region}", "line\nbreak", "tab\t", "\r", "\x07", "\x7f", "\x85", "\u2028",
    "\ufeff", "é", "日本", "🎉", " ", "", "Fn::Sub", "<<", "=", "%",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_string_reaches_cloudformation_as_it_was_written(text, repo, package):
    assert environment_of(template_of(changed(repo(), environment={"VALUE": text}), package)) == {"VALUE": text}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)


@given(values.filter(lambda value: "{{resolve:" not in repr(value)))
def test_every_value_survives_encoding(value):
    assert yaml.safe_load(f"key: {encode(value)}\n") == {"key": value}


@given(st.text())
def test_every_string_stays_on_its_line(text):
    if "{{resolve:" not in text:
        assert len(encode(text).splitlines()) == 1


def test_a_small_threshold_stays_a_number():
    assert yaml.safe_load(encode(0.00001)) == 0.00001


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(UnsafeValueError):
        encode(value)


@pytest.mark.parametrize("value", ["{{resolve:ssm:name}}", {"A": ["x {{resolve:secretsmanager:prod}}"]}])
def test_a_dynamic_reference_is_refused_since_it_cannot_be_quoted(value):
    with pytest.raises(UnsafeValueError, match="dynamic reference"):
        encode(value)


# The release id


def test_equal_input_gives_equal_bytes(repo, package):
    first, second = repo(environment={"A": "1", "B": "2"}), repo(environment={"B": "2", "A": "1"})
    assert (
        render_stage(first, first.stages[0], package(7)).files
        == render_stage(second, second.stages[0], package(7)).files
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"instances": {"type": "ml.m5.large", "count": 5}},
        {"instances": {"type": "ml.m5.xlarge", "count": 4}},
        {"capture": {"sampling": "1%"}},
        {"environment": {"A": "1"}},
        {"shared": {"variant": "Main"}},
        {"execution_role": "arn:aws:iam::111122223333:role/another"},
    ],
)
def test_whatever_replaces_the_endpoint_config_has_another_release_id(changed, repo, package):
    assert release_id_of(repo(**changed), package) != release_id_of(repo(), package)


def test_another_version_has_another_release_id(repo, package):
    assert release_id_of(repo(), package, 7) != release_id_of(repo(), package, 8)


def test_tags_and_guardrails_alone_are_no_new_release(repo, package):
    assert release_id_of(repo(tags={"team": "rides"}), package) == release_id_of(repo(), package)
    assert release_id_of(repo("all_at_once"), package) == release_id_of(repo("canary"), package)


def test_a_canary_that_does_not_fit_the_fleet_is_refused(repo, package):
    made = changed(repo(), instances=Instances(type="ml.m5.large", count=1))
    with pytest.raises(TidegateError, match="use at least 2 instances"):
        render_stage(made, made.stages[0], package(7))


def test_the_stack_is_tagged_with_its_project_and_the_stages_own_tags(repo, package):
    made = repo(tags={"team": "rides", "cost centre": "42"})
    configuration = json.loads(render_stage(made, made.stages[0], package(7)).files["prod.config.json"])
    assert configuration == {
        "Parameters": {"ModelPackageArn": package(7).arn},
        "Tags": {
            "cost centre": "42",
            "sagemaker:deployment-stage": "prod",
            "sagemaker:project-id": "p-abc123def456",
            "sagemaker:project-name": "bikeshare",
            "team": "rides",
        },
    }


# Files


def test_the_record_is_read_back_as_it_was_written(repo, package, tmp_path):
    made = repo()
    write_files(render_stage(made, made.stages[0], package(7)).files, tmp_path / "rendered")
    record = read_release(tmp_path / "rendered", "prod")
    assert record.endpoint_name == "bikeshare-p-abc123def456-prod"
    assert record.stack_name == "sagemaker-p-abc123def456-prod"
    assert (record.model_package_version, record.waits, record.maximum_execution_timeout) == (7, 900, 3600)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "there is no .*prod.release.json; render the stage first"),
        ("{", "is not a release record"),
        ('{"release_id": 1}', "release_id: Input should be a valid string"),
    ],
)
def test_a_record_that_cannot_be_read_says_what_to_do(text, sentence, tmp_path):
    if text is not None:
        (tmp_path / "prod.release.json").write_text(text)
    with pytest.raises(TidegateError, match=sentence):
        read_release(tmp_path, "prod")


def test_a_record_of_another_stage_is_refused(repo, package, tmp_path):
    made = repo()
    files = render_stage(made, made.stages[0], package(7)).files
    write_files({"staging.release.json": files["prod.release.json"]}, tmp_path)
    with pytest.raises(TidegateError, match="is the release of stage prod, not of staging"):
        read_release(tmp_path, "staging")


def test_writing_replaces_what_was_there_and_leaves_nothing_else_behind(tmp_path):
    out = tmp_path / "rendered"
    write_files({"a": "1"}, out)
    write_files({"a": "2", "b": "3"}, out)
    assert {path.name: path.read_text() for path in out.iterdir()} == {"a": "2", "b": "3"}
    assert [path.name for path in tmp_path.iterdir()] == ["rendered"]


def test_nothing_is_written_if_anything_cannot_be(tmp_path):
    out = tmp_path / "rendered"
    write_files({"a": "1"}, out)
    with pytest.raises(OSError):
        write_files({"a": "2", "no/such/folder": "3"}, out)
    assert {path.name: path.read_text() for path in out.iterdir()} == {"a": "1"}


def test_a_package_is_named_by_its_arn_alone(repo, package):
    moved = replace(package(7), stage="staging", stage_status="Retry")
    made = repo()
    assert render_stage(made, made.stages[0], moved) == render_stage(made, made.stages[0], package(7))
