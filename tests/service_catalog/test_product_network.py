"""A launch may name a network: builds, jobs and endpoints are then in it, and without one nothing asks for any."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from service_catalog.project.parameters import NETWORK
from service_catalog.publishing.bundle import CHECKOUT, SEED_CODE
from service_catalog.seed import bake
from tests.service_catalog.launched import launched
from tidegate.stage.load import load_repo

Template = dict[str, Any]
VPC, SUBNETS, GROUPS = "vpc-0123456789abcdef0", "subnet-0123456789abcdef0,subnet-89abcdef", "sg-0123456789abcdef0"


def builds(template: Template) -> dict[str, Any]:
    return {name: each for name, each in template["Resources"].items() if each["Type"] == "AWS::CodeBuild::Project"}


@pytest.fixture(scope="module", params=["product_template", "hosted_template"])
def networked(request: pytest.FixtureRequest) -> Template:
    """What one launch creates that names a network, in either variant."""
    return launched(request.getfixturevalue(request.param), VpcId=VPC, SubnetIds=SUBNETS, SecurityGroupIds=GROUPS)


def test_given_no_network_then_nothing_asks_for_one(either: Template) -> None:
    assert "NetworkPolicy" not in either["Resources"]
    assert not [name for name, build in builds(either).items() if "VpcConfig" in build["Properties"]]


def test_given_a_network_then_every_build_is_in_it(networked: Template) -> None:
    assert builds(networked)
    for name, build in builds(networked).items():
        network = build["Properties"]["VpcConfig"]
        assert {"VpcId", "Subnets", "SecurityGroupIds"} == set(network), name
        # CodeBuild makes sure, when it makes the project, that the role may put builds there.
        assert {"Ref": "NetworkPolicy"} in network["VpcId"]["Fn::Select"][1]


def test_then_only_the_roles_of_builds_and_only_for_that_network_may_join_it(networked: Template) -> None:
    policy = networked["Resources"]["NetworkPolicy"]
    builders = {build["Properties"]["ServiceRole"]["Fn::GetAtt"][0] for build in builds(networked).values()}
    assert {role["Ref"] for role in policy["Properties"]["Roles"]} == builders
    [joining] = [
        each
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
        if "ec2:CreateNetworkInterfacePermission" in each["Action"]
    ]
    assert joining["Condition"]["StringEquals"] == {"ec2:AuthorizedService": "codebuild.amazonaws.com"}
    assert joining["Condition"]["ArnEquals"]["ec2:Vpc"]["Fn::Sub"].endswith(":vpc/${VpcId}")


# What the documents that network.py and endpoint_roles.py name say each needs, to make, hand over and take away the
# interfaces of a container in a network.
OF_BUILDS = {
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
}
OF_CONTAINERS = OF_BUILDS | {"ec2:DeleteNetworkInterfacePermission"}


def in_ec2(resource: dict[str, Any]) -> set[str]:
    """What its policies allow in EC2."""
    return set(re.findall(r"ec2:[A-Z]\w+(?=\")", json.dumps(resource))) - {"ec2:AuthorizedService", "ec2:Vpc"}


def test_then_builds_and_containers_may_do_in_ec2_what_aws_documents_and_no_more(
    networked: Template, stage_roles_template: Template
) -> None:
    allowed = {name: found for name, each in networked["Resources"].items() if (found := in_ec2(each))}
    assert allowed == {"NetworkPolicy": OF_BUILDS, "ExecutionRole": OF_CONTAINERS}
    elsewhere = {name: found for name, each in stage_roles_template["Resources"].items() if (found := in_ec2(each))}
    assert elsewhere == {"ExecutionRole": OF_CONTAINERS}


def test_then_a_network_is_named_whole_or_not_at_all(either: Template) -> None:
    [rule] = either["Rules"]["WholeNetwork"]["Assertions"]
    asked = [{"Fn::Equals": [{"Ref": name}, ""]} for name in ("VpcId", "SubnetIds", "SecurityGroupIds")]
    named = [{"Fn::Not": [each]} for each in asked]
    assert rule["Assert"] == {"Fn::Or": [{"Fn::And": asked}, {"Fn::And": named}]}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "VpcId",
            ["", "vpc-0123456789abcdef0", "vpc-01234567"],
            ["vpc-", "vpc-0123456789abcdef0,vpc-89abcdef", "default"],
        ),
        ("SubnetIds", ["", SUBNETS], ["subnet-1", f"{SUBNETS},", f" {SUBNETS}", ",".join(["subnet-89abcdef"] * 17)]),
        ("SecurityGroupIds", ["", GROUPS], ["sg-g", f"{GROUPS}\n", ",".join([GROUPS] * 6)]),
    ],
)
def test_then_only_ids_are_taken(name: str, good: list[str], bad: list[str]) -> None:
    [parameter] = [each for each in NETWORK.parameters if each.name == name]
    for answer in good:
        assert re.fullmatch(parameter.pattern, answer)
        assert len(answer) <= parameter.max_length
    for answer in bad:
        # CloudFormation's pattern has to match the whole answer.
        assert not re.fullmatch(parameter.pattern.removesuffix("$"), answer)


@pytest.mark.parametrize("named", [True, False])
def test_then_both_repositories_know_the_network(tmp_path: Path, named: bool) -> None:
    context = {"subnets": SUBNETS if named else "", "security_groups": GROUPS if named else ""}
    build = bake(CHECKOUT / SEED_CODE / "build", context, tmp_path)
    deploy = bake(CHECKOUT / SEED_CODE / "deploy", context, tmp_path)
    project = json.loads((build / "project.json").read_text())
    endpoint = yaml.safe_load((deploy / "endpoint.yml").read_text())
    subnets, groups = (SUBNETS.split(","), [GROUPS]) if named else ([], [])
    assert (project["subnets"], project["security_groups"]) == (subnets, groups)
    assert endpoint.get("network") == ({"subnets": subnets, "security_groups": groups} if named else None)
    for stage in load_repo(deploy).stages:
        assert (stage.network.subnets, stage.network.security_groups) == (tuple(subnets), tuple(groups))
