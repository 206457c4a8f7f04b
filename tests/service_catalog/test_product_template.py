"""What one launch creates, read off its template."""

import json
import re
from typing import Any

import pytest

from service_catalog.names import PROJECT_NAME_PATTERN
from service_catalog.publishing.synth import synthesise_product, to_json
from service_catalog.seed import CONTEXT_KEYS
from tidegate.stage.limits import TEST_DURATION_MAX

KEPT = {
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::CodeCommit::Repository",
    "AWS::SageMaker::ModelPackageGroup",
}

PIPELINE_ARN = "arn:${{AWS::Partition}}:codepipeline:${{AWS::Region}}:${{AWS::AccountId}}:${{{}}}"

Template = dict[str, Any]


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in template["Resources"].items() if each["Type"] == kind}


def properties(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def stages(template: Template, pipeline: str) -> dict[str, list[dict[str, Any]]]:
    return {stage["Name"]: stage["Actions"] for stage in properties(template, pipeline)["Stages"]}


def test_given_the_same_bundle_then_the_template_has_the_same_bytes(product: Template, published: Any) -> None:
    assert to_json(synthesise_product(published.seed_bucket, published.seed_key)) == to_json(product)


def test_then_the_template_is_no_larger_than_one_from_s3_may_be_and_has_no_assets(either: Template) -> None:
    text = to_json(either)
    assert len(text.encode()) <= 1_048_576
    assert len(either["Resources"]) <= 500
    assert "cdk-" not in text
    assert "BootstrapVersion" not in text
    assert "ImportValue" not in text


def test_then_launch_parameters_are_the_two_that_sagemaker_gives(product: Template) -> None:
    assert set(product["Parameters"]) == {"SageMakerProjectName", "SageMakerProjectId"}
    for parameter in product["Parameters"].values():
        assert parameter["ConstraintDescription"].endswith(".")
        assert not re.fullmatch(parameter["AllowedPattern"], "p-{{7*7}}")
        assert not re.fullmatch(parameter["AllowedPattern"], "p-a\n")


def test_then_a_name_of_33_characters_is_refused_and_one_of_32_is_not(product: Template) -> None:
    name = product["Parameters"]["SageMakerProjectName"]
    assert name["MaxLength"] == 32
    assert name["AllowedPattern"] == PROJECT_NAME_PATTERN
    assert re.fullmatch(name["AllowedPattern"], "a" * 32)


def test_then_what_holds_work_outlives_the_project_but_not_a_failed_launch(either: Template) -> None:
    for name, resource in either["Resources"].items():
        if resource["Type"] in KEPT:
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
            assert resource["UpdateReplacePolicy"] == "Retain", name
        else:
            assert resource.get("DeletionPolicy", "Delete") == "Delete", name


def test_then_everything_that_takes_tags_carries_the_project_id(either: Template) -> None:
    untagged = {"AWS::S3::BucketPolicy", "Custom::TidegateConnection", "Custom::TidegateSeeds"}
    for name, resource in either["Resources"].items():
        if resource["Type"] not in untagged:
            tags = {tag["Key"]: tag["Value"] for tag in resource["Properties"]["Tags"]}
            assert tags["sagemaker:project-id"] == {"Ref": "SageMakerProjectId"}, name
            assert tags["sagemaker:project-name"] == {"Ref": "SageMakerProjectName"}, name


def test_then_artefacts_are_encrypted_versioned_private_logged_and_tls_only(product: Template) -> None:
    bucket = properties(product, "Bucket")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
    }
    assert properties(product, "Key")["EnableKeyRotation"] is True
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["LoggingConfiguration"]["DestinationBucketName"] == {"Ref": "AccessLog"}
    for name, policy in (("Bucket", "BucketPolicy"), ("AccessLog", "AccessLogPolicy")):
        assert set(properties(product, name)["PublicAccessBlockConfiguration"].values()) == {True}
        deny = properties(product, policy)["PolicyDocument"]["Statement"][0]
        assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_then_every_log_group_forgets(either: Template) -> None:
    groups = of_type(either, "AWS::Logs::LogGroup")
    writers = [*of_type(either, "AWS::CodeBuild::Project"), *of_type(either, "AWS::Lambda::Function")]
    assert len(groups) == len(writers)
    assert all(group["Properties"]["RetentionInDays"] for group in groups.values())


def test_then_the_pipelines_begin_after_the_seeds_and_rules_after_what_they_start(product: Template) -> None:
    for pipeline in ("ModelBuild", "ModelDeploy"):
        assert product["Resources"][pipeline]["DependsOn"] == ["Seeds"]
    starts = {
        "BuildPushRule": {"Fn::Sub": PIPELINE_ARN.format("ModelBuild")},
        "DeployPushRule": {"Fn::Sub": PIPELINE_ARN.format("ModelDeploy")},
        "ApprovalRule": {"Fn::Sub": PIPELINE_ARN.format("ModelDeploy")},
        "DeclineStagingRule": {"Fn::GetAtt": ["DeclineProject", "Arn"]},
        "DeclineProdRule": {"Fn::GetAtt": ["DeclineProject", "Arn"]},
    }
    rules = of_type(product, "AWS::Events::Rule")
    assert {name: rule["Properties"]["Targets"][0]["Arn"] for name, rule in rules.items()} == starts
    assert all(len(rule["Properties"]["Targets"]) == 1 for rule in rules.values())


def test_then_the_seeds_get_the_whole_context_and_both_repositories(product: Template, published: Any) -> None:
    seeds = properties(product, "Seeds")
    assert set(seeds["Context"]) == set(CONTEXT_KEYS)
    assert seeds["Repositories"] == {
        part: {"Fn::GetAtt": [f"{part.title()}Repository", "CloneUrlHttp"]} for part in ("build", "deploy")
    }
    assert properties(product, "SeedProject")["Source"] == {
        "Type": "S3",
        "Location": f"{published.seed_bucket}/{published.seed_key}",
    }
    assert len(properties(product, "SeedStarterFunction")["Code"]["ZipFile"]) <= 4096


def test_then_the_build_pipeline_builds_what_was_pushed(product: Template) -> None:
    found = stages(product, "ModelBuild")
    assert list(found) == ["Source", "Build"]
    assert [action["Name"] for action in found["Build"]] == ["Build"]
    assert properties(product, "BuildProject")["Source"]["BuildSpec"] == "buildspec.yml"


RELEASES = {"staging": "Staging", "prod": "Production"}


def test_then_the_deploy_pipeline_renders_and_takes_each_stage_in_turn(product: Template) -> None:
    of_a_release = [f"{title}{step}" for title in RELEASES.values() for step in ("Approve", "Test", "TestEnd", "")]
    assert list(stages(product, "ModelDeploy")) == ["Source", "Render", *of_a_release]
    assert properties(product, "ModelDeploy")["ExecutionMode"] == "QUEUED"
    (render,) = stages(product, "ModelDeploy")["Render"]
    assert render["OutputArtifacts"] == [{"Name": "Rendered"}]
    assert render["Namespace"] == "Render"


@pytest.mark.parametrize("stage", RELEASES)
def test_then_what_a_stage_does_not_need_is_skipped(product: Template, stage: str) -> None:
    asked = {
        f"{RELEASES[stage]}{step}": (f"#{{Render.{stage.upper()}_{variable}}}", value)
        for step, variable, value in (
            ("Approve", "APPROVAL", "manual"),
            ("Test", "TEST", "yes"),
            ("TestEnd", "TEST_END", "yes"),
            ("", "RELEASE", "yes"),
        )
    }
    for declared in properties(product, "ModelDeploy")["Stages"]:
        if declared["Name"] in asked:
            (condition,) = declared["BeforeEntry"]["Conditions"]
            (rule,) = condition["Rules"]
            variable, value = asked[declared["Name"]]
            assert condition["Result"] == "SKIP"
            assert rule["RuleTypeId"]["Provider"] == "VariableCheck"
            assert rule["Configuration"] == {"Variable": variable, "Operator": "EQ", "Value": value}


@pytest.mark.parametrize("stage", RELEASES)
def test_then_a_release_is_deployed_and_verified_side_by_side(product: Template, stage: str) -> None:
    deploy, verify = stages(product, "ModelDeploy")[RELEASES[stage]]
    assert (deploy["Name"], verify["Name"]) == ("Deploy", "Verify")
    assert deploy["RunOrder"] == verify["RunOrder"] == 1
    assert deploy["Configuration"] == deploys(stage, stage)
    assert verify["Configuration"]["PrimarySource"] == "Source"
    assert [each["Name"] for each in verify["InputArtifacts"]] == ["Source", "Rendered"]
    assert f'"STAGE", "value": "{stage}"' in verify["Configuration"]["EnvironmentVariables"]
    assert "#{codepipeline.PipelineExecutionId}" in verify["Configuration"]["EnvironmentVariables"]
    (pipeline_name,) = properties(product, "VerifyProject")["Environment"]["EnvironmentVariables"]
    assert pipeline_name["Name"] == "PIPELINE_NAME"


@pytest.mark.parametrize("stage", RELEASES)
def test_then_a_test_is_put_in_place_decided_on_by_a_person_and_taken_away(product: Template, stage: str) -> None:
    found, title = stages(product, "ModelDeploy"), RELEASES[stage]
    put, decide = found[f"{title}Test"]
    (take,) = found[f"{title}TestEnd"]
    assert put["Configuration"] == deploys(stage, f"{stage}.test")
    assert take["Configuration"] == deploys(stage, f"{stage}.live")
    assert (put["RunOrder"], decide["RunOrder"]) == (1, 2)
    assert (decide["Name"], decide["ActionTypeId"]["Provider"]) == ("Decide", "Manual")
    assert decide["TimeoutInMinutes"] * 60 >= TEST_DURATION_MAX.total_seconds(), "nobody is to decide too early"
    said = decide["Configuration"]["CustomData"]["Fn::Sub"]
    assert f"s3://${{Bucket}}/data-capture/{stage}/" in said
    for word in ("Approve:", "Reject:", "evidence", "dashboard"):
        assert word in said


@pytest.mark.parametrize("stage", RELEASES)
def test_then_a_person_is_shown_the_plan_and_what_a_rejection_does(product: Template, stage: str) -> None:
    (approve,) = stages(product, "ModelDeploy")[f"{RELEASES[stage]}Approve"]
    assert approve["ActionTypeId"]["Provider"] == "Manual"
    assert approve["Configuration"]["ExternalEntityLink"] == f"#{{Render.{stage.upper()}_PLAN_URL}}"
    assert "rejection" in approve["Configuration"]["CustomData"]


def test_then_no_configuration_is_longer_than_codepipeline_takes(either: Template) -> None:
    for pipeline in ("ModelBuild", "ModelDeploy"):
        for actions in stages(either, pipeline).values():
            for action in actions:
                for key, value in action["Configuration"].items():
                    text = value["Fn::Sub"] if isinstance(value, dict) and "Fn::Sub" in value else str(value)
                    assert len(text) <= 1000 - 100, f"{action['Name']}: {key}"  # placeholders may grow


@pytest.mark.parametrize("stage", RELEASES)
def test_then_a_test_that_is_not_passed_is_declined_by_a_build_that_is_told_nothing_a_person_wrote(
    product: Template, stage: str
) -> None:
    (target,) = properties(product, f"Decline{stage.title()}Rule")["Targets"]
    assert target["InputTransformer"]["InputPathsMap"] == {"execution": "$.detail.execution-id"}
    overrides = json.loads(target["InputTransformer"]["InputTemplate"])["environmentVariablesOverride"]
    assert {each["name"]: each["value"] for each in overrides} == {
        "STAGE": stage,
        "PIPELINE_EXECUTION_ID": "<execution>",
    }
    project = properties(product, "DeclineProject")
    assert project["Artifacts"] == {"Type": "NO_ARTIFACTS"}
    assert project["SourceVersion"] == "refs/heads/main"
    assert project["Source"]["Type"] == "CODECOMMIT"
    assert project["Source"]["Location"] == {"Fn::GetAtt": ["DeployRepository", "CloneUrlHttp"]}
    assert project["Source"]["BuildSpec"] == "buildspec.decline.yml"


def deploys(stage: str, files: str) -> dict[str, Any]:
    return {
        "ActionMode": "CREATE_UPDATE",
        "StackName": {"Fn::Sub": f"sagemaker-${{SageMakerProjectId}}-{stage}"},
        "RoleArn": {"Fn::GetAtt": ["CloudformationRole", "Arn"]},
        "TemplatePath": f"Rendered::{files}.template.yaml",
        "TemplateConfiguration": f"Rendered::{files}.config.json",
    }


@pytest.mark.parametrize("pipeline", ["ModelBuild", "ModelDeploy"])
def test_then_pipelines_are_v2_and_do_not_poll(product: Template, pipeline: str) -> None:
    assert properties(product, pipeline)["PipelineType"] == "V2"
    (source,) = stages(product, pipeline)["Source"]
    assert source["Configuration"]["PollForSourceChanges"] is False
    assert source["Configuration"]["BranchName"] == "main"
