"""What CloudFormation calls for a resource is what its schema says; the permissions of the schemas are kept beside."""

import json
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

from tidegate_sandbox.authorisation.stacks import NO_SCHEMA, SPARED, handlers, needed, of_schemas
from tidegate_sandbox.managed_policies import PREFIX, all_policies

STEPS = ("create", "read", "update", "delete")


def permissions(kind: str) -> dict[str, list[str]]:
    """Return the lines of handlers.json: what the schema of a type, as cfn-lint has it, names for each step."""
    found = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"]
    return {step: sorted(set(found[step]["permissions"])) for step in STEPS if step in found}


def test_then_what_is_kept_is_what_the_schemas_say() -> None:
    assert {kind: permissions(kind) for kind in of_schemas()} == of_schemas()


@pytest.mark.parametrize("kind", sorted(NO_SCHEMA))
def test_then_a_type_that_is_described_here_has_no_permissions_in_its_schema(kind: str) -> None:
    with pytest.raises((ResourceNotFoundError, KeyError)):
        permissions(kind)


def test_then_a_custom_resource_calls_its_function_and_what_is_not_known_is_not_made_up() -> None:
    assert handlers("Custom::Anything")["create"] == {"lambda:InvokeFunction"}
    assert handlers("AWS::Nothing::Known") == {}


def needed_for(kind: str, **properties: Any) -> dict[str, Any]:
    """Return the actions without which a resource of a stack is not made, each with the last of its condition keys."""
    line = {
        "role": "arn:aws:iam::111122223333:role/launch",
        "action": f"cloudformation/create {kind}",
        "resource": "made",
        "keys": {"id": "made", "properties": properties, "attributes": {"Arn": "arn:aws:iam::111122223333:role/made"}},
        "region": "eu-west-1",
    }
    return {action: keys for action, _, keys in needed(line)}


@pytest.mark.parametrize("kind", sorted(SPARED))
def test_then_awss_own_policy_for_launching_projects_suffices_for_what_its_projects_are_made_of(kind: str) -> None:
    launch = all_policies()[f"{PREFIX}AmazonSageMakerAdmin-ServiceCatalogProductsServiceRolePolicy"]
    actions = [statement["Action"] for statement in json.loads(launch.document)["Statement"]]
    allowed = {each for named in actions for each in ([named] if isinstance(named, str) else named)}
    asked = needed_for(kind).keys()
    assert asked
    # What SageMaker's own types are read with, the roles that make them have by other policies.
    assert {action for action in asked if action != "sagemaker:ListTags"} <= allowed


@pytest.mark.parametrize(
    ("kind", "given", "action"),
    [
        ("AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "Enabled"}}, "s3:PutBucketVersioning"),
        ("AWS::S3::Bucket", {"Tags": [{"Key": "a", "Value": "b"}]}, "s3:PutBucketTagging"),
        (
            "AWS::CodePipeline::Pipeline",
            {"Stages": [{"Actions": [{"Configuration": {"ConnectionArn": "arn"}}]}]},
            "codestar-connections:PassConnection",
        ),
        ("AWS::SageMaker::EndpointConfig", {"KmsKeyId": "alias/k"}, "kms:DescribeKey"),
    ],
)
def test_then_what_a_property_is_set_with_is_needed_where_the_template_gives_it(
    kind: str, given: dict[str, Any], action: str
) -> None:
    assert action in needed_for(kind, **given)
    assert action not in needed_for(kind)


def test_then_a_role_is_made_by_who_may_attach_the_policies_that_it_is_given() -> None:
    policy = f"{PREFIX}service-role/AWSLambdaBasicExecutionRole"
    asked = needed_for("AWS::IAM::Role", ManagedPolicyArns=[policy])
    assert asked["iam:AttachRolePolicy"]["iam:PolicyARN"] == policy
    assert "iam:AttachRolePolicy" not in needed_for("AWS::IAM::Role")


def test_then_a_resource_tells_sagemakers_own_condition_keys() -> None:
    variants = [{"VariantName": name, "InstanceType": f"ml.{name}.large"} for name in ("m5", "c5")]
    keys = needed_for("AWS::SageMaker::EndpointConfig", ProductionVariants=variants, KmsKeyId="key")
    told = keys["sagemaker:CreateEndpointConfig"]
    assert told["sagemaker:InstanceTypes"] == ["ml.m5.large", "ml.c5.large"]
    assert told["sagemaker:VolumeKmsKey"] == "key"
    isolated = needed_for("AWS::SageMaker::Model", EnableNetworkIsolation=True)["sagemaker:CreateModel"]
    assert isolated["sagemaker:NetworkIsolation"] == "true"
    assert "sagemaker:VpcSubnets" not in isolated
