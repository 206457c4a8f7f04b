"""IAM's simulation of a role's policies in the sandbox, and service-linked roles by AWS's names."""

import json

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "710000000003"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/Engineers"
LINKED = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"


def document(*actions, resource="*", **more):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource} | more
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def iam(sandbox):
    iam = sandbox.client("iam", account=ACCOUNT)
    boundary = iam.create_policy(PolicyName="bounds", PolicyDocument=document("s3:*", "kms:*"))["Policy"]["Arn"]
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="Engineers",
        Path="/team/",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        PermissionsBoundary=boundary,
    )
    iam.put_role_policy(
        RoleName="Engineers",
        PolicyName="s3",
        PolicyDocument=document("s3:GetObject", "sqs:SendMessage", resource=["arn:aws:s3:::mine/*", "arn:aws:sqs:*"]),
    )
    tagged = {"StringEquals": {"aws:RequestTag/team": "ml"}}
    keys = iam.create_policy(PolicyName="keys", PolicyDocument=document("kms:CreateKey", Condition=tagged))
    iam.attach_role_policy(RoleName="Engineers", PolicyArn=keys["Policy"]["Arn"])
    return iam


def simulated(iam, actions, resources, **context):
    entries = [
        {"ContextKeyName": f"aws:RequestTag/{key}", "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in context.items()
    ]
    found = iam.simulate_principal_policy(
        PolicySourceArn=ROLE, ActionNames=actions, ResourceArns=resources, ContextEntries=entries
    )
    return {
        (each["EvalActionName"], each["EvalResourceName"]): each["EvalDecision"] for each in found["EvaluationResults"]
    }


def test_given_a_role_with_a_path_then_each_action_is_decided_on_each_resource(iam):
    mine, other = "arn:aws:s3:::mine/a", "arn:aws:s3:::other/a"
    assert simulated(iam, ["s3:GetObject", "s3:PutObject"], [mine, other]) == {
        ("s3:GetObject", mine): "allowed",
        ("s3:GetObject", other): "implicitDeny",
        ("s3:PutObject", mine): "implicitDeny",
        ("s3:PutObject", other): "implicitDeny",
    }


def test_given_a_boundary_then_what_it_leaves_out_is_denied(iam):
    queue = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:queue"
    assert simulated(iam, ["sqs:SendMessage"], [queue])["sqs:SendMessage", queue] == "implicitDeny"


def test_given_a_condition_then_the_keys_that_are_given_decide(iam):
    assert simulated(iam, ["kms:CreateKey"], ["*"], team="ml")["kms:CreateKey", "*"] == "allowed"
    assert simulated(iam, ["kms:CreateKey"], ["*"], team="hr")["kms:CreateKey", "*"] == "implicitDeny"
    assert simulated(iam, ["kms:CreateKey"], ["*"])["kms:CreateKey", "*"] == "implicitDeny"


def test_given_a_role_that_is_not_there_then_there_is_no_such_entity(iam):
    with pytest.raises(ClientError) as refused:
        iam.simulate_principal_policy(PolicySourceArn=ROLE.replace("/team", ""), ActionNames=["s3:GetObject"])
    assert refused.value.response["Error"]["Code"] == "NoSuchEntity"


def test_given_a_service_linked_role_then_it_has_the_name_that_its_service_gives_it_and_is_made_once(iam):
    service = "sagemaker.application-autoscaling.amazonaws.com"
    made = iam.create_service_linked_role(AWSServiceName=service)["Role"]
    assert made["RoleName"] == LINKED
    found = iam.get_role(RoleName=LINKED)["Role"]
    assert found["Arn"] == made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/{LINKED}"
    with pytest.raises(ClientError, match="has been taken"):
        iam.create_service_linked_role(AWSServiceName=service)
