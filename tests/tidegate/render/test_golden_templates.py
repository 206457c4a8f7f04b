"""What a stage becomes, kept as files, and held to what CloudFormation and the APIs themselves accept.

`ACCEPT_GOLDEN=1 pytest tests/tidegate/render` writes the files anew; read the difference before committing it.
"""

import json
import os
from pathlib import Path

import pytest
from cfnlint.api import ManualArgs, lint

from tests.tidegate.render import cases
from tests.tidegate.render.cases import CASES
from tests.tidegate.render.payloads import calls, dashboard_faults, faults, settled
from tidegate.render import Phase
from tidegate.render.document import parse, resources

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(params=CASES)
def case(request) -> str:
    return request.param


@pytest.fixture
def rendered(case):
    return cases.rendered(case)


@pytest.fixture
def files(rendered) -> dict[str, str]:
    """The files by their kind: template.yaml, config.json, release.json."""
    return {".".join(name.rsplit(".", 2)[-2:]): text for name, text in rendered.files.items()}


@pytest.fixture
def document(files) -> dict:
    return parse(files["template.yaml"], lambda line: f"line {line}")


def test_the_files_are_those_that_were_accepted_byte_for_byte(case, rendered):
    folder = GOLDEN / case
    if os.environ.get("ACCEPT_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name, text in rendered.files.items():
            (folder / name).write_bytes(text.encode())
    assert {path.name: path.read_bytes().decode() for path in folder.iterdir()} == dict(rendered.files)


def test_there_is_no_golden_file_of_a_case_that_is_gone():
    assert {folder.name for folder in GOLDEN.iterdir()} == set(CASES)


@pytest.mark.parametrize("kind", ["Model", "EndpointConfig", "DataQualityJobDefinition", "ModelQualityJobDefinition"])
def test_what_cloudformation_names_carries_the_projects_id_by_which_it_may_be_created(document, kind):
    for properties in resources(document, f"AWS::SageMaker::{kind}").values():
        assert {"Key": "sagemaker:project-id", "Value": "p-abc123def456"} in properties["Tags"]


def test_cfn_lint_finds_nothing(files, rendered):
    assert lint(files["template.yaml"], config=ManualArgs(regions=[rendered.record.region])) == []


def test_every_call_that_cloudformation_makes_is_valid_for_its_api(document, files):
    parameters = json.loads(files["config.json"])["Parameters"]
    made = list(calls(document, parameters))
    assert {"CreateModel", "CreateEndpointConfig", "UpdateEndpoint", "PutDashboard"} <= {name for _, name, _ in made}
    assert [fault for call in made for fault in faults(*call)] == []


def test_the_dashboard_is_one_that_cloudwatch_knows(document):
    (dashboard,) = resources(document, "AWS::CloudWatch::Dashboard").values()
    assert dashboard_faults(dashboard["DashboardBody"]) == []


def test_the_dashboard_shows_every_variant_and_alarm(document, rendered):
    (dashboard,) = resources(document, "AWS::CloudWatch::Dashboard").values()
    (config,) = resources(document, "AWS::SageMaker::EndpointConfig").values()
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    shown = {
        metric[5]
        for widget in widgets
        for metric in widget["properties"].get("metrics", [])
        if metric[1:2] == ["Invocations"]
    }
    variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]
    assert shown == {variant["VariantName"] for variant in variants}
    arns = [arn for widget in widgets for arn in widget["properties"].get("alarms", [])]
    names = [alarm["AlarmName"] for alarm in resources(document, "AWS::CloudWatch::Alarm").values()]
    assert [arn.rpartition(":")[2] for arn in arns] == names
    assert all(f":{rendered.record.region}:{rendered.record.account}:" in arn for arn in arns)


def test_the_record_says_what_the_template_does(document, rendered):
    alarms = resources(document, "AWS::CloudWatch::Alarm")
    (endpoint,) = resources(document, "AWS::SageMaker::Endpoint").values()
    (config,) = resources(document, "AWS::SageMaker::EndpointConfig").values()
    names = {logical_id: alarm["AlarmName"] for logical_id, alarm in alarms.items()}
    record = rendered.record
    assert settled(endpoint.get("DeploymentConfig", {}), names) == record.deployment_config
    assert {"Key": "tidegate:release", "Value": record.release_id} in config["Tags"]
    assert list(record.alarms) == (list(names.values()) if record.phase is Phase.RELEASE else [])
    assert document["Outputs"]["Phase"]["Value"] == record.phase


def test_the_production_variant_and_its_model_are_called_the_same_in_every_phase(document, rendered):
    (config,) = resources(document, "AWS::SageMaker::EndpointConfig").values()
    production = config["ProductionVariants"][0]
    assert (production["VariantName"], production["ModelName"]) == (
        rendered.record.variant,
        {"Fn::GetAtt": ["Model", "ModelName"]},
    )


def test_an_endpoint_is_updated_after_its_alarms_are_there(document):
    """A reference is what CloudFormation orders resources by; no dependency is written out but where there is none."""
    (endpoint,) = resources(document, "AWS::SageMaker::Endpoint").values()
    rollback = endpoint.get("DeploymentConfig", {}).get("AutoRollbackConfiguration", {"Alarms": []})
    assert [alarm["AlarmName"] for alarm in rollback["Alarms"]] == [
        {"Ref": logical_id}
        for logical_id in resources(document, "AWS::CloudWatch::Alarm")
        if "DeploymentConfig" in endpoint
    ]


def test_the_new_fleets_alarms_follow_the_endpoint_config(document):
    dimension = {"Name": "EndpointConfigName", "Value": {"Fn::GetAtt": ["EndpointConfig", "EndpointConfigName"]}}
    alarms = resources(document, "AWS::CloudWatch::Alarm")
    isolated = [logical_id for logical_id, alarm in alarms.items() if dimension in alarm["Dimensions"]]
    assert isolated == [logical_id for logical_id in alarms if logical_id.endswith("NewFleet")]


def test_an_arn_is_in_the_partition_of_the_stage(case, rendered):
    partition = {"china": "aws-cn", "gov": "aws-us-gov"}.get(case, "aws")
    for text in rendered.files.values():
        arns = text.replace("arn:aws[a-z-]*:", "").split("arn:")[1:]
        assert {arn.partition(":")[0] for arn in arns} == {partition}
