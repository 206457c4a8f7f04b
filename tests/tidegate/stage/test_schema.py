"""The JSON Schemas that editors complete and check stage files with."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from tests.tidegate.stage.models import every_model
from tests.tidegate.stage.valid_stages import endpoint_files, stage_files
from tidegate.stage.document import plain
from tidegate.stage.documented import fields_of, limit_sources
from tidegate.stage.model import Shared, Stage
from tidegate.stage.reading import read_document
from tidegate.stage.schema import endpoint_schema, stage_schema

ROOT = Path(__file__).parents[3]
SEED = ROOT / "seed_code/deploy/{{cookiecutter.project_name}}-modeldeploy"
REFUSED = Path(__file__).with_name("refused")

STAGE = Draft202012Validator(stage_schema())
ENDPOINT = Draft202012Validator(endpoint_schema())

GOOD: dict[str, Any] = {
    "instances": {"type": "ml.m5.large", "count": 4},
    "release": {"strategy": "canary", "canary_size": "25%", "wait_interval": "10m"},
}


@pytest.mark.parametrize(("name", "schema"), [("stage", stage_schema), ("endpoint", endpoint_schema)])
def test_the_deploy_seed_ships_what_the_model_gives(name, schema):
    shipped = SEED / "schema" / f"{name}.schema.json"

    assert shipped.read_text() == json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", (
        f"write it anew: tidegate validate --schema {name} > {shipped.relative_to(ROOT)}"
    )


@pytest.mark.parametrize("schema", [stage_schema, endpoint_schema])
def test_it_is_a_schema(schema):
    Draft202012Validator.check_schema(schema())


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stage_files())
def test_every_valid_stage_file_passes(content):
    assert list(STAGE.iter_errors(content)) == []


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(endpoint_files(), stage_files())
def test_every_valid_endpoint_file_passes_with_the_defaults_of_stages_in_it(endpoint, defaults):
    assert list(ENDPOINT.iter_errors(endpoint | defaults)) == []


@pytest.mark.parametrize("file", sorted((SEED / "stages").glob("*.yml")), ids=lambda file: file.name)
def test_the_seeds_stages_pass_and_name_their_schema(file):
    assert list(STAGE.iter_errors(plain(read_document(file).root))) == []
    assert file.read_text().startswith("# yaml-language-server: $schema=../schema/stage.schema.json\n")
    assert (file.parent / "../schema/stage.schema.json").is_file()


def test_the_seeds_endpoint_file_names_its_schema():
    first, *_ = (SEED / "endpoint.yml").read_text().splitlines()

    assert first == "# yaml-language-server: $schema=schema/endpoint.schema.json"


@pytest.mark.parametrize(
    "changed",
    [
        {"replicas": 4},
        {"project": {}},
        {"name": "prod"},
        {"instances": {"type": "m5.large"}},
        {"instances": {"count": "4"}},
        {"instances": {"count": 0}},
        {"instances": {"cuont": 4}},
        {"instances": []},
        {"instances": {"price_per_hour": "0.134"}},
        {"autoscaling": {"min": 1.5}},
        {"capture": {"sampling": 100}},
        {"capture": {"sampling": "12.5%"}},
        {"capture": "100%"},
        {"environment": {"A B": "x"}},
        {"environment": {"A": 1}},
        {"tags": {"": "x"}},
        {"timeouts": {"model_download": 600}},
        {"network": {"subnets": ["sg-0123456789abcdef0"]}},
        {"network": {"isolation": "no"}},
        {"version": "newest"},
        {"version": "7"},
        {"account": 111122223333},
        {"account": "11112222333"},
        {"expect": {"requests_per_minute": 0}},
        {"test": {"shadow": {"sampling": 50, "duration": "2h"}}},
        {"release": {"strategy": "blue_green"}},
        {"release": {"strategy": "canary", "canary_size": 0.25}},
        {"release": {"wait_interval": "10 minutes"}},
        {"release": {"rollback_on": {}}},
        {"release": {"rollback_on": [{"metric": "CPUUtilization", "above": "80%"}]}},
        {"release": {"rollback_on": [{"metric": "ModelLatency"}]}},
        {"release": {"rollback_on": [{"metric": "ModelLatency", "above": "250ms", "periods": "2/3"}]}},
        {"monitoring": {"data_quality": {"schedule": "rate(1 hour)"}}},
        {"notifications": {"topic": "releases"}},
        {"approval": "yes"},
    ],
    ids=json.dumps,
)
def test_what_validate_refuses_of_a_single_value_does_not_pass(changed):
    assert STAGE.is_valid(GOOD)
    assert not STAGE.is_valid(GOOD | changed)


def test_a_stage_may_leave_out_what_endpoint_yml_gives_but_lists_are_complete():
    assert STAGE.is_valid({})
    assert STAGE.is_valid(None)
    assert STAGE.is_valid({"instances": {"count": 2}, "capture": None})
    assert not STAGE.is_valid({"release": {"rollback_on": [{"above": "1%"}]}})


def test_what_only_endpoint_yml_says_is_complete_there():
    project = {"name": "bikeshare", "id": "p-1", "account": "111122223333", "region": "eu-west-1"}

    assert ENDPOINT.is_valid({"project": project, "instances": {"type": "ml.m5.large"}})
    assert not ENDPOINT.is_valid({"instances": {"type": "ml.m5.large"}})
    assert not ENDPOINT.is_valid({"project": {key: value for key, value in project.items() if key != "id"}})
    assert not ENDPOINT.is_valid({"project": project | {"places": [{"account": "222222222222"}]}})


def test_editors_are_told_what_each_key_is_its_default_and_an_example():
    wait = stage_schema()["properties"]["release"]["properties"]["termination_wait"]

    assert wait["description"].startswith("How long all traffic bakes on the new fleet")
    assert wait["description"].endswith("From 0s to 1h.")
    assert (wait["default"], wait["examples"]) == ("0s", ["5m"])
    assert stage_schema()["properties"]["approval"]["enum"] == ["manual", "automatic"]


@pytest.mark.parametrize("model", every_model(Stage, Shared), ids=lambda model: model.__name__)
def test_every_field_is_described(model):
    described = fields_of(model)

    assert [name for name in model.model_fields if not described[name].description] == []


def test_every_limit_has_a_source():
    assert [name for name, source in limit_sources().items() if not source] == []


def test_examples_pass_their_own_schema():
    def walk(schema):
        for example in schema.get("examples", []) + ([schema["default"]] if "default" in schema else []):
            assert Draft202012Validator(schema).is_valid(example), (schema, example)
        for each in schema.get("properties", {}).values():
            walk(each)
        if "items" in schema:
            walk(schema["items"])

    walk(stage_schema())
    walk(endpoint_schema())
