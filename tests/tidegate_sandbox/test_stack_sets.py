"""Stack sets make real stacks in other accounts, and only where both sides let them."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest

HOME = "111122223333"


@pytest.fixture
def client(sandbox: Any) -> Callable[[str, str], Any]:
    def of(service: str, account: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=sandbox.url,
            region_name="us-east-1",
            aws_access_key_id=account,
            aws_secret_access_key="local",
        )

    return of


def trust(principal: dict[str, str], **condition: str) -> str:
    when = {"Condition": {"StringEquals": {"aws:PrincipalArn": condition["role"]}}} if condition else {}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **when}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Administration:
    """A home account with an administration role, and accounts that may trust it."""

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        self.client, self.name = client, f"set-{uuid.uuid4().hex[:8]}"
        service = trust({"Service": "cloudformation.amazonaws.com"})
        made = client("iam", HOME).create_role(RoleName=f"{self.name}-admin", AssumeRolePolicyDocument=service)
        self.arn = made["Role"]["Arn"]

    def trusted_by(self, account: str, role: str | None = None) -> None:
        document = trust({"AWS": f"arn:aws:iam::{HOME}:root"}, role=role or self.arn)
        self.client("iam", account).create_role(RoleName=f"{self.name}-execution", AssumeRolePolicyDocument=document)

    def template(self, *accounts: str) -> str:
        topic = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": self.name}}}
        properties = {
            "StackSetName": self.name,
            "PermissionModel": "SELF_MANAGED",
            "AdministrationRoleARN": self.arn,
            "ExecutionRoleName": f"{self.name}-execution",
            "TemplateBody": json.dumps({"Resources": topic}),
            "StackInstancesGroup": [
                {"DeploymentTargets": {"Accounts": [each]}, "Regions": ["us-east-1"]} for each in accounts
            ],
        }
        return json.dumps({"Resources": {"Set": {"Type": "AWS::CloudFormation::StackSet", "Properties": properties}}})

    def settle(self) -> dict[str, Any]:
        cloudformation = self.client("cloudformation", HOME)
        for _ in range(300):
            found = cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
            if not found["StackStatus"].endswith("IN_PROGRESS"):
                return dict(found)
            time.sleep(0.1)
        raise AssertionError("the stack did not settle")

    def stacks(self, account: str) -> list[str]:
        listed = self.client("cloudformation", account).list_stacks()["StackSummaries"]
        return [
            each["StackName"]
            for each in listed
            if each["StackName"].startswith(f"StackSet-{self.name}-") and each["StackStatus"] != "DELETE_COMPLETE"
        ]


@pytest.fixture
def administration(client: Callable[[str, str], Any]) -> Administration:
    return Administration(client)


def test_each_account_has_its_stack_and_loses_it_when_it_is_no_longer_named(administration: Administration) -> None:
    for account in ("222222222222", "333333333333"):
        administration.trusted_by(account)
    cloudformation = administration.client("cloudformation", HOME)

    cloudformation.create_stack(
        StackName=administration.name, TemplateBody=administration.template("222222222222", "333333333333")
    )
    assert administration.settle()["StackStatus"] == "CREATE_COMPLETE"
    assert [len(administration.stacks(each)) for each in ("222222222222", "333333333333")] == [1, 1]

    cloudformation.update_stack(StackName=administration.name, TemplateBody=administration.template("333333333333"))
    assert administration.settle()["StackStatus"] == "UPDATE_COMPLETE"
    assert [len(administration.stacks(each)) for each in ("222222222222", "333333333333")] == [0, 1]


def test_an_account_that_trusts_another_role_has_nothing_made_in_it(administration: Administration) -> None:
    administration.trusted_by("222222222222", role=f"arn:aws:iam::{HOME}:role/another")

    administration.client("cloudformation", HOME).create_stack(
        StackName=administration.name, TemplateBody=administration.template("222222222222")
    )

    assert administration.settle()["StackStatus"] in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
    events = administration.client("cloudformation", HOME).describe_stack_events(StackName=administration.name)
    said = [each.get("ResourceStatusReason", "") for each in events["StackEvents"]]
    assert any("should have" in each and "trust relationship" in each for each in said), said
    assert administration.stacks("222222222222") == []
