"""A project's network is looked at when the project is made and when a build starts; a build is not put into it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from test_codebuild_builds import Builds, commands, phases, unique

from tests.tidegate_sandbox.networks import Network, lay


@pytest.fixture(scope="module")
def network(sandbox: Any) -> Network:
    return lay(sandbox.client)


@pytest.fixture(scope="module")
def another(sandbox: Any) -> Network:
    return lay(sandbox.client)


@pytest.fixture
def builds(sandbox: Any, eventually: Callable[..., Any]) -> Builds:
    return Builds(sandbox, eventually)


def kept(builds: Builds, name: str) -> Any:
    return builds.client.batch_get_projects(names=[name])["projects"][0].get("vpcConfig")


def test_a_project_and_its_builds_say_which_network_they_are_in(builds: Builds, network: Network) -> None:
    name = builds.project(commands("true"), vpcConfig=network.of_builds)

    build = builds.finished(builds.client.start_build(projectName=name)["build"]["id"])

    assert build["buildStatus"] == "SUCCEEDED"
    assert kept(builds, name) == build["vpcConfig"] == network.of_builds


def test_an_update_takes_a_project_into_a_network_and_out_again(builds: Builds, network: Network) -> None:
    name = builds.project(commands("true"))
    builds.client.update_project(name=name, vpcConfig=network.of_builds)
    builds.client.update_project(name=name, description="still there")
    assert kept(builds, name) == network.of_builds
    builds.client.update_project(name=name, vpcConfig={})
    assert kept(builds, name) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"vpcId": "vpc-0123456789abcdef0"}, "The vpc ID 'vpc-0123456789abcdef0' does not exist"),
        ({"subnets": ["subnet-0123456789abcdef0"]}, "The subnet ID 'subnet-0123456789abcdef0' does not exist"),
        ({"securityGroupIds": ["sg-0123456789abcdef1"]}, "The security group 'sg-0123456789abcdef1' does not exist"),
        ({"subnets": []}, "subnets must be given"),
    ],
)
def test_a_network_that_is_not_there_or_not_whole_is_refused(
    builds: Builds, network: Network, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ClientError, match=sentence) as refused:
        builds.project(commands("true"), vpcConfig=network.of_builds | change)
    assert refused.value.response["Error"]["Code"] == "InvalidInputException"


def test_what_is_of_two_networks_is_refused(builds: Builds, network: Network, another: Network) -> None:
    mixed = network.of_builds | {"subnets": list(another.subnets)}
    with pytest.raises(ClientError, match=f"'{another.subnets[0]}' does not exist in the VPC '{network.vpc}'"):
        builds.project(commands("true"), vpcConfig=mixed)
    mixed = network.of_builds | {"securityGroupIds": [another.group]}
    with pytest.raises(ClientError, match=f"{another.group} and subnet {network.subnets[0]} belong to different"):
        builds.project(commands("true"), vpcConfig=mixed)


def test_a_build_whose_subnet_has_gone_fails_in_provisioning_and_runs_nothing(builds: Builds, sandbox: Any) -> None:
    network = lay(sandbox.client)
    name = builds.project(commands("echo never"), vpcConfig=network.of_builds)
    sandbox.client("ec2").delete_subnet(SubnetId=network.subnets[1])

    build = builds.finished(builds.client.start_build(projectName=name)["build"]["id"])

    assert build["buildStatus"] == "FAILED"
    assert list(phases(build))[2:] == ["PROVISIONING", "FINALIZING", "COMPLETED"]
    [context] = build["phases"][2]["contexts"]
    assert context == {
        "statusCode": "VPC_CLIENT_ERROR",
        "message": "Unexpected EC2 error: InvalidSubnetID.NotFound",
    }


def test_a_stack_whose_network_is_not_there_says_so(
    sandbox: Any, network: Network, eventually: Callable[..., Any]
) -> None:
    name = unique("stack")
    properties = {
        "Name": name,
        "ServiceRole": "arn:aws:iam::111122223333:role/build",
        "Source": {"Type": "NO_SOURCE", "BuildSpec": commands("true")},
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {"Type": "LINUX_CONTAINER", "Image": "any", "ComputeType": "BUILD_GENERAL1_SMALL"},
        "VpcConfig": {"VpcId": network.vpc, "Subnets": ["subnet-01234567"], "SecurityGroupIds": [network.group]},
    }
    stacks = sandbox.client("cloudformation")
    body = {"Resources": {"Project": {"Type": "AWS::CodeBuild::Project", "Properties": properties}}}
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(body))

    def reason() -> str:
        events = stacks.describe_stack_events(StackName=name)["StackEvents"]
        return next((each["ResourceStatusReason"] for each in events if each["ResourceStatus"] == "CREATE_FAILED"), "")

    assert "The subnet ID 'subnet-01234567' does not exist" in eventually(reason)
