"""Stages in other accounts: exactly the roles that need it are let in, by both sides; at home nothing changes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.service_catalog.launched import HOME, Template, launched, text

STAGING, PRODUCTION = "222222222222", "333333333333"
ID, REGION = "p-abc123def456", "eu-west-1"
KNOWN = {
    "AWS_Partition": "aws", "AWS_Region": REGION, "AWS_URLSuffix": "amazonaws.com",
    "SageMakerProjectId": ID, "SageMakerProjectName": "demo", "ProjectId": ID,
}  # fmt: skip
ACCOUNTS = {
    "both": (STAGING, PRODUCTION),
    "equal": (STAGING, STAGING),
    "production alone": ("", PRODUCTION),
    "staging alone": (STAGING, HOME),
}


def role(account: str, purpose: str) -> str:
    return f"arn:aws:iam::{account}:role/tidegate/sagemaker-{ID}-{purpose}-{REGION}"


@pytest.fixture(scope="module", params=ACCOUNTS)
def accounts(request: pytest.FixtureRequest) -> tuple[str, str]:
    return ACCOUNTS[request.param]


@pytest.fixture(scope="module")
def elsewhere(accounts: tuple[str, str]) -> list[str]:
    """The accounts besides home, each once."""
    return sorted({each for each in accounts if each not in ("", HOME)})


@pytest.fixture(scope="module")
def project(product_template: Template, accounts: tuple[str, str]) -> Template:
    """What a launch with these accounts creates at home."""
    given = {"StagingAccount": accounts[0], "ProductionAccount": accounts[1]}
    made: Template = text(launched(product_template, **given)["Resources"], AWS_AccountId=HOME, **KNOWN, **given)
    return made


def of_others(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the statements of a resource policy about accounts of stages."""
    for statement in document["Statement"]:
        principal = statement["Principal"]
        if isinstance(principal, dict) and HOME not in str(principal) and "Service" not in principal:
            yield statement


def shared(document: dict[str, Any]) -> dict[str, set[str]]:
    """What each role may do by a resource policy."""
    may: dict[str, set[str]] = {}
    for statement in of_others(document):
        named = statement["Condition"]["StringEquals"]["aws:PrincipalArn"]
        for each in [named] if isinstance(named, str) else named:
            assert statement["Principal"]["AWS"] == f"arn:aws:iam::{each.split(':')[4]}:root"
            actions = statement["Action"]
            may.setdefault(each, set()).update([actions] if isinstance(actions, str) else actions)
    return may


POLICIES = {
    "BucketPolicy": lambda resource: resource["Properties"]["PolicyDocument"],
    "Key": lambda resource: resource["Properties"]["KeyPolicy"],
    "ModelPackageGroup": lambda resource: resource["Properties"]["ModelPackageGroupPolicy"],
    "Images": lambda resource: resource["Properties"]["RepositoryPolicyText"],
}
LET_IN = {
    "BucketPolicy": {"deploy", "cloudformation", "execution"},
    "Key": {"deploy", "cloudformation", "execution"},
    "ModelPackageGroup": {"cloudformation"},
    "Images": {"execution"},
}


@pytest.mark.parametrize("name", POLICIES)
def test_then_a_policy_lets_in_exactly_the_roles_that_need_it(
    name: str, project: Template, elsewhere: list[str]
) -> None:
    may = shared(POLICIES[name](project[name]))

    assert set(may) == {role(account, purpose) for account in elsewhere for purpose in LET_IN[name]}


@pytest.mark.parametrize("name", POLICIES)
def test_then_no_statement_is_there_twice(name: str, project: Template) -> None:
    statements = [json.dumps(each, sort_keys=True) for each in POLICIES[name](project[name])["Statement"]]

    assert len(set(statements)) == len(statements)


def test_then_only_serving_writes_to_the_bucket_and_only_what_it_captures(project: Template) -> None:
    for statement in of_others(project["BucketPolicy"]["Properties"]["PolicyDocument"]):
        if "s3:PutObject" in statement["Action"]:
            assert "-execution-" in statement["Condition"]["StringEquals"]["aws:PrincipalArn"]
            assert [each.rpartition("/")[0].rpartition("/")[2] for each in statement["Resource"]] == [
                "data-capture", "monitoring",
            ]  # fmt: skip


def test_then_a_stage_pulls_images_and_does_nothing_else_to_them(project: Template) -> None:
    statements = project["Images"]["Properties"]["RepositoryPolicyText"]["Statement"]

    assert statements == list(of_others(project["Images"]["Properties"]["RepositoryPolicyText"])), "and nobody else"
    for statement in statements:
        assert statement["Action"] == [
            "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
        ]  # fmt: skip
        assert "Resource" not in statement, "a repository's policy is of that repository"


def test_then_each_account_has_the_roles_once(project: Template, elsewhere: list[str]) -> None:
    groups = project["StageAccounts"]["Properties"]["StackInstancesGroup"]

    assert sorted(account for group in groups for account in group["DeploymentTargets"]["Accounts"]) == elsewhere
    assert {region for group in groups for region in group["Regions"]} == {REGION}


@pytest.mark.parametrize(("stage", "index"), [("Staging", 0), ("Production", 1)])
def test_then_the_pipeline_deploys_where_the_stage_is(
    stage: str, index: int, project: Template, accounts: tuple[str, str]
) -> None:
    account = accounts[index]
    stages = {each["Name"]: each["Actions"] for each in project["ModelDeploy"]["Properties"]["Stages"]}

    for name in (stage, f"{stage}Test", f"{stage}TestEnd"):
        (deploy,) = [action for action in stages[name] if action["Name"] == "Deploy"]
        if account in ("", HOME):
            assert "RoleArn" not in deploy
            assert deploy["Configuration"]["RoleArn"] == {"Fn::GetAtt": ["CloudformationRole", "Arn"]}
        else:
            assert deploy["RoleArn"] == role(account, "deploy")
            assert deploy["Configuration"]["RoleArn"] == role(account, "cloudformation")


@pytest.mark.parametrize(
    ("name", "purpose"), [("Pipeline", "deploy"), ("Render", "look"), ("Verify", "look"), ("Decline", "look")]
)
def test_then_a_role_at_home_may_assume_its_counterparts_and_no_other(
    name: str, purpose: str, project: Template, elsewhere: list[str]
) -> None:
    (policy,) = project[f"{name}Role"]["Properties"]["Policies"]
    assumed = [
        each["Resource"] for each in policy["PolicyDocument"]["Statement"] if each["Action"] == ["sts:AssumeRole"]
    ]

    assert sorted(assumed) == [role(account, purpose) for account in elsewhere]


def test_given_its_own_account_for_both_stages_then_it_is_as_if_none_were_given(product_template: Template) -> None:
    assert launched(product_template, StagingAccount=HOME, ProductionAccount=HOME) == launched(product_template)


def test_given_no_account_then_nothing_is_shared_and_nobody_assumes_anything(product: Template) -> None:
    resources = json.dumps(product["Resources"])

    assert "StageAccounts" not in product["Resources"]
    assert "sts:AssumeRole" not in {
        action
        for each in product["Resources"].values()
        for policy in each["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }
    assert "aws:PrincipalArn" not in resources
    assert "ModelPackageGroupPolicy" not in resources
    assert "RepositoryPolicyText" not in resources


@pytest.mark.parametrize("parameter", ["StagingAccount", "ProductionAccount"])
@pytest.mark.parametrize("value", ["22222222222", "2222222222222", "22222222222a", "222222222222\n", "{{7*7}}", "*"])
def test_given_what_is_no_account_then_it_is_refused(parameter: str, value: str, product: Template) -> None:
    import re

    asked = product["Parameters"][parameter]
    assert len(value) > asked["MaxLength"] or not re.fullmatch(asked["AllowedPattern"], value)


# ---------------------------------------------------------------- in the stage's account
@pytest.fixture(scope="module")
def there(stage_roles_template: Template) -> Template:
    """A project's roles in an account of its stages, by their purposes."""
    known = {
        **KNOWN,
        "AWS_AccountId": STAGING,
        "HomeAccount": HOME,
        "KeyArn": "arn:aws:kms:eu-west-1:111111111111:key/k",
    }
    return {
        each["Properties"]["RoleName"].removeprefix(f"sagemaker-{ID}-").removesuffix(f"-{REGION}"): each["Properties"]
        for each in text(stage_roles_template["Resources"], **known).values()
    }


def statements(properties: dict[str, Any]) -> list[dict[str, Any]]:
    (policy,) = properties["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def test_then_a_stage_has_these_roles_within_the_boundary_of_its_account(there: Template) -> None:
    assert set(there) == {"deploy", "look", "goodbye", "cloudformation", "execution"}
    for properties in there.values():
        assert properties["PermissionsBoundary"] == f"arn:aws:iam::{STAGING}:policy/tidegate/tidegate-stage-{REGION}"


@pytest.mark.parametrize(
    ("purpose", "by"), [("deploy", ["pipeline"]), ("goodbye", ["goodbye"]), ("look", ["render", "verify", "decline"])]
)
def test_then_only_the_same_projects_roles_at_home_may_assume_one(purpose: str, by: list[str], there: Template) -> None:
    (trust,) = there[purpose]["AssumeRolePolicyDocument"]["Statement"]
    named = trust["Condition"]["StringEquals"]["aws:PrincipalArn"]

    assert trust["Principal"] == {"AWS": f"arn:aws:iam::{HOME}:root"}
    assert ([named] if isinstance(named, str) else named) == [role(HOME, each) for each in by]


def test_then_both_sides_agree_on_the_bucket_and_the_key(there: Template, product_template: Template) -> None:
    """What a role there may do to what is at home, the policy at home lets it; and what it is let, it may do."""
    given = {"StagingAccount": STAGING, "ProductionAccount": STAGING}
    home = text(launched(product_template, **given)["Resources"], AWS_AccountId=HOME, **KNOWN, **given)
    let = [shared(POLICIES[name](home[name])) for name in POLICIES]
    for purpose, properties in there.items():
        may = {
            action
            for statement in statements(properties)
            for action in statement["Action"]
            if any(HOME in str(one) or ":s3:" in str(one) for one in _list(statement["Resource"]))
        }
        assert may == set().union(*(each.get(role(STAGING, purpose), set()) for each in let)), purpose


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_then_who_looks_changes_nothing_that_serves(there: Template) -> None:
    may = {action for statement in statements(there["look"]) for action in statement["Action"]}

    assert not may & {
        "sagemaker:UpdateEndpoint",
        "sagemaker:DeleteEndpoint",
        "sagemaker:CreateEndpoint",
        "iam:PassRole",
    }
    assert not {action for action in may if action.startswith(("s3:", "kms:"))}


def test_then_the_stack_sets_role_makes_roles_of_projects_within_the_boundary_and_nothing_else(
    stage_account: Template,
) -> None:
    resources = text(stage_account["Resources"], **KNOWN, AWS_AccountId=STAGING, HomeAccount=HOME)
    properties = resources["StackSetExecution"]["Properties"]
    (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
    admin = f"arn:aws:iam::{HOME}:role/tidegate/tidegate-stackset-admin-{REGION}"
    assert trust["Condition"] == {"StringEquals": {"aws:PrincipalArn": admin}}
    assert properties["RoleName"] == f"tidegate-stackset-{REGION}"
    assert "Path" not in properties  # a stack set knows it by its name alone
    for statement in statements(properties):
        for action in statement["Action"]:
            if action.startswith("iam:"):
                assert statement["Resource"] == f"arn:aws:iam::{STAGING}:role/tidegate/sagemaker-p-*-*-{REGION}"
            if action in {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}:
                boundary = f"arn:aws:iam::{STAGING}:policy/tidegate/tidegate-stage-{REGION}"
                assert statement["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": boundary}}
        assert not {
            action for action in statement["Action"] if action.partition(":")[0] not in ("cloudformation", "iam")
        }


def test_then_every_role_there_lies_within_the_boundary(
    stage_roles_template: Template, stage_account: Template
) -> None:
    bounds = {
        action
        for statement in stage_account["Resources"]["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }
    for name, resource in stage_roles_template["Resources"].items():
        for statement in statements(resource["Properties"]):
            for action in statement["Action"]:
                service = action.partition(":")[0]
                assert {action, f"{service}:*"} & bounds or service == "ec2", (name, action)


def test_then_only_a_projects_stack_set_of_this_account_reaches_other_accounts(portfolio: Template) -> None:
    properties = text(portfolio["Resources"]["StackSetAdministration"]["Properties"], **KNOWN, AWS_AccountId=HOME)
    (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": HOME}
    assert trust["Condition"]["ArnLike"]["aws:SourceArn"].endswith(f":{HOME}:stackset/sagemaker-p-*-accounts:*")
    (statement,) = statements(properties)
    assert statement["Resource"] == f"arn:aws:iam::*:role/tidegate-stackset-{REGION}"
