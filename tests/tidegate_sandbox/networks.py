"""Networks to be in: a VPC of one's own, with subnets and a security group."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Network:
    """Ids of what makes one network."""

    vpc: str
    subnets: tuple[str, ...]
    group: str

    @property
    def of_builds(self) -> dict[str, Any]:
        """CodeBuild's vpcConfig."""
        return {"vpcId": self.vpc, "subnets": list(self.subnets), "securityGroupIds": [self.group]}

    @property
    def of_sagemaker(self) -> dict[str, Any]:
        """SageMaker's VpcConfig."""
        return {"Subnets": list(self.subnets), "SecurityGroupIds": [self.group]}


def lay(client: Any) -> Network:
    """Lay a network; `client` gives a boto3 client by the service's name."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{number}.0/24")["Subnet"]["SubnetId"] for number in range(2)
    ]
    group = ec2.create_security_group(GroupName="builds", Description="outwards only", VpcId=vpc)["GroupId"]
    return Network(vpc, tuple(subnets), group)
