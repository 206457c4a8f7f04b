"""What a launch creates holds together, wherever its code, its stages and its builds are."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.service_catalog.launched import HOME
from tests.service_catalog.resolved import (
    ACCOUNTS,
    LAUNCHES,
    NETWORKS,
    PRODUCTION,
    PSEUDO,
    STAGING,
    Template,
    launches,
    references,
)

ELSEWHERE = {
    "own": [],
    "own, by its number": [],
    "staging elsewhere": [STAGING],
    "production elsewhere": [PRODUCTION],
    "equal": [STAGING],
    "different": [STAGING, PRODUCTION],
}
NAMES = {
    "AWS::CodeBuild::Project": "Name",
    "AWS::CodeCommit::Repository": "RepositoryName",
    "AWS::CodePipeline::Pipeline": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
}


@pytest.fixture(scope="module")
def created(either_template: Template) -> dict[str, Template]:
    """What each launch creates, to the last pseudo parameter."""
    return launches(either_template, PSEUDO)


@pytest.fixture(params=LAUNCHES)
def launch(request: pytest.FixtureRequest, created: dict[str, Template]) -> Template:
    return created[request.param]


def of_type(template: Template, kind: str) -> dict[str, Any]:
    return {name: each for name, each in template["Resources"].items() if each["Type"] == kind}


def documents(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every policy document in `value`."""
    if isinstance(value, dict):
        if "Statement" in value:
            yield value
        else:
            for each in value.values():
                yield from documents(each)
    elif isinstance(value, list):
        for each in value:
            yield from documents(each)


def empty(value: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield where `value` has nothing: an empty text, list or map."""
    if value in ("", [], {}):
        yield ".".join(path)
    elif isinstance(value, dict):
        for key, each in value.items():
            # The first argument of Fn::Join is what stands between the others: nothing, as a rule.
            yield from empty(each[1] if key == "Fn::Join" else each, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from empty(each, (*path, str(number)))


def test_then_every_reference_is_to_something_that_is_there(launch: Template) -> None:
    there = launch["Resources"].keys()
    missing = {
        name: absent
        for name, each in [*launch["Resources"].items(), ("Outputs", launch["Outputs"])]
        if (absent := set(references(each)) - there)
    }
    assert missing == {}


def test_then_nothing_is_left_undecided(launch: Template) -> None:
    text = json.dumps(launch)
    for undecided in ("Fn::If", "AWS::NoValue", '"Condition": "', "Fn::Split", "Fn::Select"):
        assert undecided not in text


def test_then_nothing_is_empty_but_what_a_custom_resource_is_told(launch: Template) -> None:
    found = {
        name: where
        for name, each in launch["Resources"].items()
        if not each["Type"].startswith("Custom::") and (where := list(empty(each)))
    }
    assert found == {}


def test_then_no_policy_says_a_thing_twice_or_names_a_principal_twice(launch: Template) -> None:
    for name, resource in launch["Resources"].items():
        for document in documents(resource.get("Properties")):
            said = [json.dumps(statement, sort_keys=True) for statement in document["Statement"]]
            assert said, name
            assert not [text for text, times in Counter(said).items() if times > 1], name
            for statement in document["Statement"]:
                principal = statement.get("Principal", {})
                for principals in principal.values() if isinstance(principal, dict) else [principal]:
                    named = principals if isinstance(principals, list) else [principals]
                    assert named, name
                    assert len(named) == len(set(map(str, named))), name


def test_then_no_two_resources_have_one_name(launch: Template) -> None:
    for kind, key in NAMES.items():
        names = Counter(str(each["Properties"][key]) for each in of_type(launch, kind).values())
        assert names or kind == "AWS::CodeCommit::Repository"
        assert set(names.values()) <= {1}, names


@pytest.mark.parametrize("accounts", ACCOUNTS)
@pytest.mark.parametrize("network", NETWORKS)
def test_then_each_other_account_is_the_target_of_one_stack_and_is_let_in_and_no_third_one_is(
    created: dict[str, Template], accounts: str, network: str
) -> None:
    launch = created[f"{accounts}, {network}"]
    targets = [
        account
        for stack_set in of_type(launch, "AWS::CloudFormation::StackSet").values()
        for group in stack_set["Properties"]["StackInstancesGroup"]
        for account in group["DeploymentTargets"]["Accounts"]
    ]
    assert targets == ELSEWHERE[accounts]
    bucket = json.dumps(launch["Resources"]["BucketPolicy"])
    assert {each for each in (STAGING, PRODUCTION) if each in bucket} == set(targets)
    policy = launch["Resources"]["ModelPackageGroup"]["Properties"].get("ModelPackageGroupPolicy", {"Statement": []})
    assert [each["Principal"]["AWS"] for each in policy["Statement"]] == [f"arn:aws:iam::{it}:root" for it in targets]


def test_then_an_account_that_is_the_projects_own_makes_no_difference(created: dict[str, Template]) -> None:
    def but_the_answers(launch: Template) -> Any:
        return {name: each for name, each in launch["Resources"].items() if not each["Type"].startswith("Custom::")}

    for network in NETWORKS:
        assert but_the_answers(created[f"own, {network}"]) == but_the_answers(created[f"own, by its number, {network}"])


def test_then_a_network_changes_builds_and_what_lets_them_in_and_nothing_else(created: dict[str, Template]) -> None:
    for accounts in ACCOUNTS:
        without, within = (created[f"{accounts}, {network}"]["Resources"] for network in NETWORKS)
        changed = {name for name in within if within[name] != without.get(name)}
        kinds = {within[name]["Type"] for name in changed}
        assert kinds == {
            "AWS::CodeBuild::Project",
            "AWS::IAM::Policy",
            "Custom::TidegateSeeds",
            "Custom::TidegateGoodbye",
        }
        for name in changed & of_type(created[f"{accounts}, network"], "AWS::CodeBuild::Project").keys():
            assert within[name]["Properties"]["VpcConfig"] == {
                "VpcId": NETWORKS["network"]["VpcId"],
                "Subnets": NETWORKS["network"]["SubnetIds"].split(","),
                "SecurityGroupIds": NETWORKS["network"]["SecurityGroupIds"].split(","),
            }
        assert without.keys() == within.keys() - {"NetworkPolicy"}


def test_then_no_launch_names_its_own_account_as_another(created: dict[str, Template]) -> None:
    for launch in created.values():
        for name, resource in launch["Resources"].items():
            for document in documents(resource.get("Properties")):
                for statement in document["Statement"]:
                    assumed = statement.get("Action") == ["sts:AssumeRole"] and str(statement.get("Resource"))
                    assert not assumed or HOME not in assumed, name
