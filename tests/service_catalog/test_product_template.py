"""What one launch creates, read off its template."""

import json
import re
from typing import Any

import pytest

from service_catalog.names import PROJECT_NAME_PATTERN
from service_catalog.publishing.synth import synthesise_product, to_json, to_yaml
from service_catalog.seed import CONTEXT_KEYS
from tidegate.stage.limits import TEST_DURATION_MAX

KEPT = {
    "AWS::ECR::Repository",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
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


def test_given_the_same_bundle_then_the_template_has_the_same_bytes(product_template: Template, published: Any) -> None:
    assert to_json(synthesise_product(published.seed_bucket, published.seed_key, "codecommit")) == to_json(
        product_template
    )


def test_then_the_template_is_no_larger_than_one_from_s3_may_be_and_has_no_assets(either: Template) -> None:
    text = to_json(either)
    # Of the megabyte that CloudFormation takes at an address: docs/publish.md, "Size".
    assert len(to_yaml(either).encode()) <= 200_000
    assert len(either["Resources"]) <= 500
    assert "cdk-" not in text
    assert "BootstrapVersion" not in text
    assert "ImportValue" not in text


def test_then_a_launch_has_to_be_given_only_what_sagemaker_gives(product: Template) -> None:
    required = {name for name, each in product["Parameters"].items() if "Default" not in each}
    assert required == {"SageMakerProjectName", "SageMakerProjectId"}


HOSTILE = ["p-{{7*7}}", "p-a\n", "\np-a", "{% x %}", "$(id)", "`id`", "'", '"', "a b", "a;b", "../..", "é", "x" * 4097]


@pytest.mark.parametrize("value", HOSTILE)
def test_given_a_hostile_answer_then_every_parameter_refuses_it(either: Template, value: str) -> None:
    for name, parameter in either["Parameters"].items():
        taken = (
            value in parameter["AllowedValues"]
            if "AllowedValues" in parameter
            else re.fullmatch(parameter["AllowedPattern"], value) and len(value) <= parameter["MaxLength"]
        )
        assert not taken, f"{name} takes {value!r}"


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
        if resource["Type"] == "AWS::CodeCommit::Repository":
            assert resource["UpdateReplacePolicy"] == "Retain", name


def test_then_everything_that_takes_tags_carries_the_project_id(either: Template) -> None:
    untagged = {
        "AWS::IAM::Policy",
        "AWS::Lambda::Permission",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SNS::TopicPolicy",
        "Custom::TidegateConnection",
        "Custom::TidegateGoodbye",
        "Custom::TidegateSeeds",
    }
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


def test_then_images_are_encrypted_and_scanned_and_a_tag_stays_what_it_is(either: Template) -> None:
    images = properties(either, "Images")
    assert images["EncryptionConfiguration"] == {"EncryptionType": "KMS", "KmsKey": {"Fn::GetAtt": ["Key", "Arn"]}}
    assert images["ImageTagMutability"] == "IMMUTABLE"
    assert images["ImageScanningConfiguration"] == {"ScanOnPush": True}
    (rule,) = json.loads(images["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert (rule["selection"]["tagStatus"], rule["action"]) == ("untagged", {"type": "expire"})
    assert images["EmptyOnDelete"] is True, "a launch that failed keeps nothing, whatever was pushed meanwhile"


def test_then_every_log_group_forgets(either: Template) -> None:
    groups = of_type(either, "AWS::Logs::LogGroup")
    writers = [*of_type(either, "AWS::CodeBuild::Project"), *of_type(either, "AWS::Lambda::Function")]
    assert len(groups) == len(writers)
    assert all(group["Properties"]["RetentionInDays"] for group in groups.values())


def test_then_the_pipelines_begin_after_the_seeds_and_rules_after_what_they_start(product: Template) -> None:
    for pipeline in ("ModelBuild", "ModelDeploy"):
        assert set(product["Resources"][pipeline]["DependsOn"]) == {"Seeds", "Goodbye"}
    starts = {
        "BuildPushRule": {"Fn::Sub": PIPELINE_ARN.format("ModelBuild")},
        "DeployPushRule": {"Fn::Sub": PIPELINE_ARN.format("ModelDeploy")},
        "ApprovalRule": {"Fn::Sub": PIPELINE_ARN.format("ModelDeploy")},
        "RejectionRule": {"Fn::Sub": PIPELINE_ARN.format("ModelDeploy")},
        "FailedRule": {"Ref": "Notices"},
        "BuildEndedRule": {"Fn::GetAtt": ["StarterFunction", "Arn"]},
        "ReviewRule": {"Fn::GetAtt": ["ReviewProject", "Arn"]},
        "DeclineStagingRule": {"Fn::GetAtt": ["DeclineProject", "Arn"]},
        "DeclineProdRule": {"Fn::GetAtt": ["DeclineProject", "Arn"]},
    }
    rules = of_type(product, "AWS::Events::Rule")
    assert {name: rule["Properties"]["Targets"][0]["Arn"] for name, rule in rules.items()} == starts
    assert all(len(rule["Properties"]["Targets"]) == 1 for rule in rules.values())


@pytest.mark.parametrize(
    ("rule", "condition", "parameter"),
    [
        ("ApprovalRule", "ReleasesOnApproval", "ReleaseOnApproval"),
        ("RejectionRule", "ReleasesOnRejection", "ReleaseOnRejection"),
        ("DeployPushRule", "ReleasesOnPush", "ReleaseOnPush"),
    ],
)
def test_then_whoever_launches_chooses_what_starts_a_deploy(
    product_template: Template, rule: str, condition: str, parameter: str
) -> None:
    assert product_template["Parameters"][parameter]["Default"] == "yes"
    assert product_template["Conditions"][condition] == {"Fn::Equals": [{"Ref": parameter}, "yes"]}
    assert properties(product_template, rule)["State"] == {"Fn::If": [condition, "ENABLED", "DISABLED"]}
    others = of_type(product_template, "AWS::Events::Rule").keys() - {"ApprovalRule", "RejectionRule", "DeployPushRule"}
    assert {properties(product_template, each)["State"] for each in others} == {"ENABLED"}


def test_then_a_seed_build_that_is_killed_is_answered_for_from_its_very_start(either: Template) -> None:
    assert {"BuildEndedRule", "BuildEndedPermission"} <= set(either["Resources"]["Seeds"]["DependsOn"])
    permission = properties(either, "BuildEndedPermission")
    assert permission["SourceArn"] == {"Fn::GetAtt": ["BuildEndedRule", "Arn"]}
    assert permission["Principal"] == "events.amazonaws.com"


def test_then_notices_are_encrypted_and_come_from_the_pipelines_and_from_eventbridge_alone(either: Template) -> None:
    assert properties(either, "Notices")["KmsMasterKeyId"] == {"Ref": "Key"}
    allow, deny = properties(either, "NoticesPolicy")["PolicyDocument"]["Statement"]
    assert (allow["Effect"], allow["Principal"]) == ("Allow", {"Service": "events.amazonaws.com"})
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    of_eventbridge = properties(either, "Key")["KeyPolicy"]["Statement"][1]
    assert of_eventbridge["Principal"] == {"Service": "events.amazonaws.com"}
    assert of_eventbridge["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    publishing = {
        name
        for name, role in of_type(either, "AWS::IAM::Role").items()
        if "sns:Publish" in json.dumps(role["Properties"]["Policies"])
    }
    assert publishing == {"PipelineRole"}


def test_given_no_address_then_nobody_is_subscribed(either_template: Template) -> None:
    subscription = either_template["Resources"]["NoticesByEmail"]
    assert subscription["Condition"] == "HasNotifyEmail"
    given = {"Fn::Not": [{"Fn::Equals": [{"Ref": "NotifyEmail"}, ""]}]}
    assert either_template["Conditions"]["HasNotifyEmail"] == given
    assert subscription["Properties"]["Endpoint"] == {"Ref": "NotifyEmail"}
    assert either_template["Parameters"]["NotifyEmail"]["Default"] == ""


@pytest.mark.parametrize("address", ["", "ml-team@example.com", "a.b+c_d%e@sub.example.co"])
def test_given_an_address_then_it_is_taken(product: Template, address: str) -> None:
    assert re.fullmatch(product["Parameters"]["NotifyEmail"]["AllowedPattern"], address)


@pytest.mark.parametrize(
    "address", ["a", "@example.com", "a@", "a@b", "a@-b.c", "a@b..c", '"a b"@b.c', "a@[1.2.3.4]", "a@b.c\n"]
)
def test_given_no_address_of_a_person_then_it_is_refused(product: Template, address: str) -> None:
    assert not re.fullmatch(product["Parameters"]["NotifyEmail"]["AllowedPattern"], address)


def test_then_a_failure_says_where_to_look_and_what_to_do_and_takes_from_an_event_only_what_codepipeline_made_up(
    product: Template,
) -> None:
    (target,) = properties(product, "FailedRule")["Targets"]
    transformer = target["InputTransformer"]
    assert set(transformer["InputPathsMap"].values()) == {
        "$.detail.pipeline", "$.detail.stage", "$.detail.action", "$.detail.execution-id",
    }  # fmt: skip
    text = json.loads(transformer["InputTemplate"]["Fn::Sub"])
    assert "RoleArn" not in target, "EventBridge publishes to SNS by the topic's policy only"
    for word in ("<action>", "<stage>", "/executions/<execution>/", "what to do", "Retry stage"):
        assert word in text


RUN_AGAIN = {"Render", "StagingTestEnd", "ProductionTestEnd"}


def test_then_only_what_decides_and_releases_nothing_is_run_again_by_itself_and_nothing_is_rolled_back_by_codepipeline(
    either: Template,
) -> None:
    for pipeline in ("ModelBuild", "ModelDeploy"):
        for stage in properties(either, pipeline)["Stages"]:
            again = {"Result": "RETRY", "RetryConfiguration": {"RetryMode": "FAILED_ACTIONS"}}
            assert stage.get("OnFailure") == (again if stage["Name"] in RUN_AGAIN else None), stage["Name"]
            assert "OnSuccess" not in stage


def test_then_builds_run_on_the_newest_standard_image(either: Template) -> None:
    images = {
        each["Properties"]["Environment"]["Image"] for each in of_type(either, "AWS::CodeBuild::Project").values()
    }
    assert images == {"aws/codebuild/amazonlinux-x86_64-standard:6.0"}


def test_then_no_build_takes_packages_from_where_other_roles_may_write(either: Template) -> None:
    for name, project in of_type(either, "AWS::CodeBuild::Project").items():
        assert project["Properties"]["Cache"] == {"Type": "LOCAL", "Modes": ["LOCAL_CUSTOM_CACHE"]}, name


def test_then_nothing_but_what_begins_work_is_deleted_before_the_goodbye(either: Template) -> None:
    """CloudFormation deletes what depends on a thing before the thing itself."""
    on: dict[str, set[str]] = {
        name: depends_on(each) & set(either["Resources"]) for name, each in either["Resources"].items()
    }

    def reaches(name: str) -> set[str]:
        return on[name].union(*map(reaches, on[name]))

    later = {name for name in either["Resources"] if name in reaches("Goodbye")}
    earlier = {name for name in either["Resources"] if "Goodbye" in reaches(name)}
    assert later | earlier | {"Goodbye"} == set(either["Resources"])
    kinds = {either["Resources"][name]["Type"] for name in earlier}
    assert kinds == {"AWS::CodePipeline::Pipeline", "AWS::Events::Rule"}


def depends_on(resource: dict[str, Any]) -> set[str]:
    """Return what a resource refers to, parameters among it."""
    text = json.dumps(resource)
    found = {*re.findall(r'{"Ref": "(\w+)"}', text), *re.findall(r'{"Fn::GetAtt": \["(\w+)"', text)}
    found |= set(re.findall(r"\${(\w+)(?:\.\w+)?}", text)) | set(resource.get("DependsOn", ()))
    return found


def test_then_the_goodbye_knows_all_that_a_launch_named(product: Template, hosted: Template) -> None:
    told = properties(product, "Goodbye")
    assert (told["Build"], told["BuildOn"]) == ({"Ref": "GoodbyeProject"}, "Delete")
    assert told["OnDeletion"] == {"Ref": "OnDeletion"}
    assert told["ServiceTimeout"] > properties(product, "GoodbyeProject")["TimeoutInMinutes"] * 60
    builds = set(of_type(product, "AWS::CodeBuild::Project")) - {"GoodbyeProject"}
    assert {each["Ref"] for each in told["Builds"]} == builds
    assert [each["Stack"]["Fn::Sub"].rpartition("-")[2] for each in told["Stacks"]] == ["staging", "prod"]
    assert set(told["Repositories"]) == {"build", "deploy"}
    assert properties(hosted, "Goodbye")["Repositories"] == {}
    assert properties(product, "GoodbyeProject")["Source"]["BuildSpec"] == "buildspec.goodbye.yml"


def test_then_people_are_told_at_launch_what_a_deletion_keeps(either: Template) -> None:
    asked = either["Parameters"]["OnDeletion"]
    assert (asked["Default"], asked["AllowedValues"]) == ("keep", ["keep", "remove"])
    for word in ("repository that is deleted", "bundle", "had back"):
        assert word in asked["Description"]


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

    assert (seeds["Build"], seeds["BuildOn"]) == ({"Ref": "SeedProject"}, "Create")
    assert len(properties(product, "StarterFunction")["Code"]["ZipFile"]) <= 4096


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
    assert "#{Render.STARTED_BY}" in approve["Configuration"]["CustomData"]


@pytest.mark.parametrize("stage", RELEASES)
def test_then_whoever_has_to_decide_is_told(product: Template, stage: str) -> None:
    found, title = stages(product, "ModelDeploy"), RELEASES[stage]
    for action in (*found[f"{title}Approve"], found[f"{title}Test"][1]):
        assert action["Configuration"]["NotificationArn"] == {"Ref": "Notices"}


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


def test_then_a_pull_request_is_reviewed_by_a_build_that_is_told_nothing_a_person_wrote(product: Template) -> None:
    (target,) = properties(product, "ReviewRule")["Targets"]
    paths = target["InputTransformer"]["InputPathsMap"]
    assert set(paths.values()) == {"$.detail.pullRequestId", "$.detail.destinationCommit", "$.detail.sourceCommit"}
    given = json.loads(target["InputTransformer"]["InputTemplate"]["Fn::Sub"])
    assert given["sourceVersion"] == "<sourceCommit>"
    assert {each["name"]: each["value"] for each in given["environmentVariablesOverride"]} == {
        "PULL_REQUEST_ID": "<pullRequestId>",
        "BEFORE_COMMIT": "<destinationCommit>",
        "AFTER_COMMIT": "<sourceCommit>",
        "REPOSITORY": "${SageMakerProjectName}-${SageMakerProjectId}-modeldeploy",
    }
    project = properties(product, "ReviewProject")
    assert (project["Source"]["Type"], project["Source"]["BuildSpec"]) == ("CODECOMMIT", "buildspec.review.yml")
    assert "GitCloneDepth" not in project["Source"]
    assert "Triggers" not in project


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
