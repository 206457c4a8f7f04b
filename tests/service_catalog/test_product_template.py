"""What one launch creates, read off its template."""

import re
from typing import Any

import pytest

from service_catalog.names import PROJECT_NAME_PATTERN
from service_catalog.seed import CONTEXT_KEYS
from service_catalog.synth import synthesise_product, to_json

KEPT = {
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::CodeCommit::Repository",
    "AWS::SageMaker::ModelPackageGroup",
}

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


def test_then_the_template_fits_in_a_request_body_and_has_no_assets(product: Template) -> None:
    text = to_json(product)
    assert len(text.encode()) <= 51_200
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


def test_then_what_holds_work_outlives_the_project_but_not_a_failed_launch(product: Template) -> None:
    for name, resource in product["Resources"].items():
        if resource["Type"] in KEPT:
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
            assert resource["UpdateReplacePolicy"] == "Retain", name
        else:
            assert resource.get("DeletionPolicy", "Delete") == "Delete", name


def test_then_everything_that_takes_tags_carries_the_project_id(product: Template) -> None:
    untagged = {"AWS::S3::BucketPolicy", "Custom::TidegateSeeds"}
    for name, resource in product["Resources"].items():
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


def test_then_every_log_group_forgets(product: Template) -> None:
    groups = of_type(product, "AWS::Logs::LogGroup")
    assert len(groups) == len(of_type(product, "AWS::CodeBuild::Project")) + 1
    assert all(group["Properties"]["RetentionInDays"] for group in groups.values())


def test_then_the_pipelines_begin_after_the_seeds_and_rules_after_the_pipelines(product: Template) -> None:
    for pipeline in ("ModelBuild", "ModelDeploy"):
        assert product["Resources"][pipeline]["DependsOn"] == ["Seeds"]
    for name, rule in of_type(product, "AWS::Events::Rule").items():
        pipeline = "ModelBuild" if name == "BuildPushRule" else "ModelDeploy"
        (target,) = rule["Properties"]["Targets"]
        assert f"${{{pipeline}}}" in target["Arn"]["Fn::Sub"]


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
    assert len(properties(product, "SeedStarter")["Code"]["ZipFile"]) <= 4096


def test_then_the_build_pipeline_builds_what_was_pushed(product: Template) -> None:
    found = stages(product, "ModelBuild")
    assert list(found) == ["Source", "Build"]
    assert [action["Name"] for action in found["Build"]] == ["Build"]
    assert properties(product, "BuildProject")["Source"]["BuildSpec"] == "buildspec.yml"


def test_then_the_deploy_pipeline_verifies_beside_deploying_and_asks_before_production(product: Template) -> None:
    found = stages(product, "ModelDeploy")
    assert list(found) == ["Source", "Render", "Staging", "Approve", "Production"]
    assert properties(product, "ModelDeploy")["ExecutionMode"] == "QUEUED"
    assert found["Render"][0]["OutputArtifacts"] == [{"Name": "Rendered"}]
    assert found["Approve"][0]["ActionTypeId"]["Provider"] == "Manual"
    for stage, name in (("staging", "Staging"), ("prod", "Production")):
        deploy, verify = found[name]
        assert (deploy["Name"], verify["Name"]) == ("Deploy", "Verify")
        assert deploy["RunOrder"] == verify["RunOrder"] == 1
        assert deploy["Configuration"] == {
            "ActionMode": "CREATE_UPDATE",
            "StackName": {"Fn::Sub": f"sagemaker-${{SageMakerProjectId}}-{stage}"},
            "RoleArn": {"Fn::GetAtt": ["CloudformationRole", "Arn"]},
            "TemplatePath": f"Rendered::{stage}.template.yaml",
            "TemplateConfiguration": f"Rendered::{stage}.config.json",
        }
        assert verify["Configuration"]["PrimarySource"] == "Source"
        assert [each["Name"] for each in verify["InputArtifacts"]] == ["Source", "Rendered"]
        assert f'"STAGE", "value": "{stage}"' in verify["Configuration"]["EnvironmentVariables"]
        assert "#{codepipeline.PipelineExecutionId}" in verify["Configuration"]["EnvironmentVariables"]
    (pipeline_name,) = properties(product, "VerifyProject")["Environment"]["EnvironmentVariables"]
    assert pipeline_name["Name"] == "PIPELINE_NAME"


@pytest.mark.parametrize("pipeline", ["ModelBuild", "ModelDeploy"])
def test_then_pipelines_are_v2_and_do_not_poll(product: Template, pipeline: str) -> None:
    assert properties(product, pipeline)["PipelineType"] == "V2"
    (source,) = stages(product, pipeline)["Source"]
    assert source["Configuration"]["PollForSourceChanges"] is False
    assert source["Configuration"]["BranchName"] == "main"
