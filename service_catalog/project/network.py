"""The network that a launch may name: its builds, jobs and endpoints are then in these subnets, behind these groups."""

from collections.abc import Sequence
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from service_catalog.policy import Statement, allow, allow_on_any, arn, document, reasons, sub
from service_catalog.project.parameters import SECURITY_GROUPS, SUBNETS, VPC

IN_NETWORK, POLICY = "InNetwork", "NetworkPolicy"


def add_network(stack: cdk.Stack) -> None:
    """Add the condition that a network is named, and the rule that it is named whole or not at all."""
    asked = [cdk.Fn.condition_equals(cdk.Fn.ref(name), "") for name in (VPC, SUBNETS, SECURITY_GROUPS)]
    cdk.CfnCondition(stack, IN_NETWORK, expression=cdk.Fn.condition_not(asked[0]))
    named = [cdk.Fn.condition_not(each) for each in asked]
    cdk.CfnRule(
        stack,
        "WholeNetwork",
        assertions=[
            cdk.CfnRuleAssertion(
                assert_=cdk.Fn.condition_or(cdk.Fn.condition_and(*asked), cdk.Fn.condition_and(*named)),
                assert_description=(
                    f"A network is named by all of {VPC}, {SUBNETS} and {SECURITY_GROUPS}, or by none of them."
                ),
            )
        ],
    )


def of_builds() -> Any:
    """Return the VpcConfig of a CodeBuild project: none where no network is named.

    CodeBuild makes sure of its policy when it makes the project. DependsOn does not know of conditions, and a reference
    within this one does: of the two, the first is taken.
    """
    network = {
        "VpcId": cdk.Fn.select(0, [_ref(VPC), _ref(POLICY)]),
        "Subnets": _listed(SUBNETS),
        "SecurityGroupIds": _listed(SECURITY_GROUPS),
    }
    return _if_named(network)


def add_policy_of_builds(stack: cdk.Stack, roles: Sequence[iam.CfnRole]) -> None:
    """Add to the `roles` of builds the policy with which CodeBuild puts these into the network, where one is named."""
    statements = _put_builds_into_it()
    policy = iam.CfnPolicy(
        stack,
        POLICY,
        policy_name="network",
        policy_document=document(statements),
        roles=[role.ref for role in roles],
    )
    policy.cfn_options.condition = cast(cdk.CfnCondition, stack.node.find_child(IN_NETWORK))
    for action, because in reasons(statements).items():
        policy.add_metadata(action, because)


def subnets() -> str:
    """Return the ids of the subnets with commas between them: nothing where no network is named."""
    return _ref(SUBNETS)


def security_groups() -> str:
    """Return the ids of the security groups with commas between them: nothing where no network is named."""
    return _ref(SECURITY_GROUPS)


def look_at_networks() -> Statement:
    """See what an interface in a network is made of, as builds, jobs and endpoints each have to."""
    return allow_on_any(
        [
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ],
        because="EC2's Describe calls take no restriction by resource",
    )


def _put_builds_into_it() -> list[Statement]:
    """CodeBuild user guide, "Allow CodeBuild access to AWS services required to create a VPC network interface"."""
    interfaces = arn("ec2", "network-interface/*")
    vpc = {"ArnEquals": {"ec2:Vpc": sub(arn("ec2", f"vpc/${{{VPC}}}"))}}
    return [
        allow(
            ["ec2:CreateNetworkInterfacePermission"],
            on=[interfaces],
            when={"StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"}, **vpc},
        ),
        allow(
            ["ec2:CreateNetworkInterface"],
            on=[interfaces, arn("ec2", "subnet/*"), arn("ec2", "security-group/*")],
        ),
        allow(["ec2:DeleteNetworkInterface"], on=[interfaces]),
        look_at_networks(),
    ]


def _if_named(value: dict[str, Any]) -> Any:
    return cdk.Fn.condition_if(IN_NETWORK, value, cdk.Fn.ref("AWS::NoValue"))


def _listed(name: str) -> list[str]:
    ids: list[str] = cdk.Fn.split(",", _ref(name))
    return ids


def _ref(name: str) -> str:
    return str(cdk.Fn.ref(name))
