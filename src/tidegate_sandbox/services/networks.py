"""The networks that builds, jobs and models are asked to be in: looked up in EC2, and nothing is put into them.

What EC2 says of a network is said with the session of whoever asks, as AWS asks with the role of the build, job or
model: a role that may not look is told so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate_sandbox import context
from tidegate_sandbox.errors import AwsError


class NetworkError(Exception):
    """EC2 has an objection; `code` and the message are its own, `operation` is what it was asked."""

    def __init__(self, code: str, message: str, operation: str) -> None:
        super().__init__(message)
        self.code = code
        self.operation = operation

    @property
    def forbidden(self) -> bool:
        """Whether the objection is to who asks."""
        return self.code in ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")


def check(subnets: Sequence[str], groups: Sequence[str], vpc: str | None = None) -> None:
    """Raise NetworkError unless these subnets and security groups are there, and all of one VPC: of `vpc`, if given."""
    from botocore.exceptions import ClientError

    ec2 = context.scope().client("ec2")
    try:
        if vpc is not None:
            ec2.describe_vpcs(VpcIds=[vpc])
        found = {each["SubnetId"]: each["VpcId"] for each in ec2.describe_subnets(SubnetIds=list(subnets))["Subnets"]}
        behind = {
            each["GroupId"]: each["VpcId"]
            for each in ec2.describe_security_groups(GroupIds=list(groups))["SecurityGroups"]
        }
    except ClientError as error:
        said = error.response["Error"]
        raise NetworkError(said["Code"], said["Message"], error.operation_name) from None
    wanted = vpc or found[subnets[0]]
    for subnet, its in found.items():
        if its != wanted:
            sentence = f"The subnet ID '{subnet}' does not exist in the VPC '{wanted}'"
            raise NetworkError("InvalidSubnetID.NotFound", sentence, "DescribeSubnets")
    for group, its in behind.items():
        if its != wanted:
            sentence = f"Security group {group} and subnet {subnets[0]} belong to different networks."
            raise NetworkError("InvalidParameter", sentence, "DescribeSecurityGroups")


def check_of_sagemaker(vpc_config: Mapping[str, Any] | None) -> None:
    """Raise AwsError(ValidationException), in EC2's words, where a job's or model's VpcConfig is of no one network."""
    if not vpc_config:
        return
    try:
        check(vpc_config["Subnets"], vpc_config["SecurityGroupIds"])
    except NetworkError as error:
        raise AwsError("ValidationException", str(error)) from None
