"""What a stage becomes, kept as files, and held to what CloudFormation and the APIs themselves accept.

`ACCEPT_GOLDEN=1 pytest tests/tidegate/render` writes the files anew; read the difference before committing it.
"""

import json
import os
from pathlib import Path

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from cloudformation_validate import CompositeEngine, Severity

from tidegate.render import render_stage
from tidegate.render.document import parse, resources

GOLDEN = Path(__file__).parent / "golden"
CASES = {
    "all_at_once": {"strategy": "all_at_once"},
    "all_at_once-capture": {"strategy": "all_at_once", "capture": {"sampling": "20%"}},
    "canary": {"strategy": "canary", "environment": {"LOG_LEVEL": "no"}, "tags": {"team": "rides"}},
    "canary-capture": {"strategy": "canary", "capture": {"sampling": "100%"}},
}
PUT_METRIC_ALARM = ("cloudwatch", "PutMetricAlarm")


@pytest.fixture(params=CASES)
def case(request) -> str:
    return request.param


@pytest.fixture
def rendered(case, repo, package) -> dict[str, str]:
    made = repo(**CASES[case])
    return dict(render_stage(made, made.stages[0], package(7)).files)


@pytest.fixture
def document(rendered) -> dict:
    return parse(rendered["prod.template.yaml"], lambda line: f"line {line}")


def test_the_files_are_those_that_were_accepted_byte_for_byte(case, rendered):
    folder = GOLDEN / case
    if os.environ.get("ACCEPT_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in rendered.items():
            (folder / name).write_bytes(text.encode())
    assert {path.name: path.read_bytes().decode() for path in folder.iterdir()} == rendered


@pytest.mark.parametrize("kind", ["AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig"])
def test_what_cloudformation_names_carries_the_projects_id_by_which_it_may_be_created(document, kind):
    (properties,) = resources(document, kind).values()
    assert {"Key": "sagemaker:project-id", "Value": "p-abc123def456"} in properties["Tags"]


@pytest.fixture(scope="module")
def engine() -> CompositeEngine:
    return CompositeEngine()


def test_cloudformation_validate_finds_no_error(case, engine):
    found = engine.validate_template(GOLDEN / case / "prod.template.yaml").diagnostics
    assert [d.message for d in found if d.severity in {Severity.ERROR, Severity.FATAL}] == []


def test_cfn_lint_finds_nothing():
    from cfnlint.api import lint_file
    from cfnlint.config import ManualArgs

    config = ManualArgs(regions=["eu-west-1"])
    found = {case: lint_file(GOLDEN / case / "prod.template.yaml", config) for case in CASES}
    assert found == {case: [] for case in CASES}


def valid(parameters: dict, service: str, operation: str) -> bool:
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    report = ParamValidator().validate(parameters, model.operation_model(operation).input_shape)
    assert not report.has_errors(), report.generate_report()
    return True


def settled(value, names: dict[str, str]):
    """Return `value` with CloudFormation's references replaced, as it does before it calls an API."""
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            return names[value["Ref"]]
        if set(value) == {"Fn::GetAtt"}:
            return names[value["Fn::GetAtt"][0]]
        return {key: settled(item, names) for key, item in value.items()}
    return [settled(item, names) for item in value] if isinstance(value, list) else value


def test_every_payload_is_valid_for_its_api(document, rendered):
    alarms = resources(document, "AWS::CloudWatch::Alarm")
    names = {
        "ModelPackageArn": json.loads(rendered["prod.config.json"])["Parameters"]["ModelPackageArn"],
        "Model": "model-1",
        "EndpointConfig": "config-1",
        **{logical_id: alarm["AlarmName"] for logical_id, alarm in alarms.items()},
    }
    made = {
        kind: settled(resources(document, f"AWS::{kind}"), names)
        for kind in ("SageMaker::Model", "SageMaker::EndpointConfig", "SageMaker::Endpoint", "CloudWatch::Alarm")
    }
    (model,) = made["SageMaker::Model"].values()
    (config,) = made["SageMaker::EndpointConfig"].values()
    (endpoint,) = made["SageMaker::Endpoint"].values()
    assert valid({"ModelName": "model-1", **model}, "sagemaker", "CreateModel")
    assert valid({"EndpointConfigName": "config-1", **config}, "sagemaker", "CreateEndpointConfig")
    assert valid(endpoint, "sagemaker", "CreateEndpoint")
    assert valid(endpoint, "sagemaker", "UpdateEndpoint")
    assert all(valid(alarm, *PUT_METRIC_ALARM) for alarm in made["CloudWatch::Alarm"].values())


def test_the_deployment_config_of_the_record_is_that_of_the_template(document, rendered):
    alarms = resources(document, "AWS::CloudWatch::Alarm")
    (endpoint,) = resources(document, "AWS::SageMaker::Endpoint").values()
    names = {logical_id: alarm["AlarmName"] for logical_id, alarm in alarms.items()}
    record = json.loads(rendered["prod.release.json"])
    assert settled(endpoint["DeploymentConfig"], names) == record["deployment_config"]
    assert record["alarms"] == list(names.values())


def test_what_may_serve_is_never_deleted_and_never_named(document):
    for logical_id in ("Model", "EndpointConfig"):
        resource = document["Resources"][logical_id]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
        assert not any(name.endswith("Name") for name in resource["Properties"])


def test_the_new_fleets_alarms_follow_the_endpoint_config(document):
    dimension = {"Name": "EndpointConfigName", "Value": {"Fn::GetAtt": ["EndpointConfig", "EndpointConfigName"]}}
    alarms = resources(document, "AWS::CloudWatch::Alarm")
    isolated = [logical_id for logical_id, alarm in alarms.items() if dimension in alarm["Dimensions"]]
    assert isolated == [logical_id for logical_id in alarms if logical_id.endswith("NewFleet")]
