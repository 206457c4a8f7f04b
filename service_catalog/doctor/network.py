"""The network of a launch: subnets and security groups of one VPC, with a way to AWS."""

from collections.abc import Mapping
from dataclasses import dataclass

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import Missing, Rim, Unread, look, read
from service_catalog.doctor.question import Question
from service_catalog.doctor.topic import Topic

SUBNETS = Subject("subnets", "Subnets")
GROUPS = Subject("security-groups", "Security groups")
WAY = Subject("way-out", "Way out of the network")
# What a build or an endpoint talks to at the least; S3 by a gateway.
ENDPOINTS = ("s3", "logs", "sts")
# EC2 API reference, "Error codes for the Amazon EC2 API", which spells the first two both ways.
NO_SUBNET = ("InvalidSubnetID.NotFound", "InvalidSubnetId.Malformed", "InvalidSubnetID.Malformed")
NO_GROUP = ("InvalidGroup.NotFound", "InvalidGroupId.Malformed", "InvalidSecurityGroupID.NotFound")


@dataclass(frozen=True)
class Subnet:
    """A subnet and where it lies; `way_out` is the kind of its default route's target, empty if it has none."""

    id: str
    vpc: str
    zone: str
    free: int
    way_out: str


@dataclass(frozen=True)
class Laid:
    """What was found of the network."""

    subnets: tuple[Subnet, ...] | Missing | Unread
    groups: Mapping[str, str] | Missing | Unread
    """By security group, its VPC."""
    endpoints: frozenset[str] | Unread
    """The services that the VPC has endpoints for."""


def gather(rim: Rim, question: Question) -> Laid:
    """Describe what the launch names."""
    ec2, network = rim.client("ec2"), question.network
    subnets = look(lambda: ec2.describe_subnets(SubnetIds=list(network.subnets))["Subnets"], missing=NO_SUBNET)
    routes = read(
        lambda: ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [network.vpc]}])["RouteTables"]
    )
    groups = look(
        lambda: {
            each["GroupId"]: str(each["VpcId"])
            for each in ec2.describe_security_groups(GroupIds=list(network.security_groups))["SecurityGroups"]
        },
        missing=NO_GROUP,
    )
    endpoints = read(
        lambda: frozenset(
            str(each["ServiceName"]).rsplit(".", 1)[-1]
            for each in ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [network.vpc]}])[
                "VpcEndpoints"
            ]
        )
    )
    if isinstance(subnets, Missing | Unread):
        return Laid(subnets, groups, endpoints)
    if isinstance(routes, Unread):
        return Laid(routes, groups, endpoints)
    return Laid(
        tuple(
            Subnet(
                each["SubnetId"], each["VpcId"], each["AvailabilityZone"], int(each["AvailableIpAddressCount"]),
                _way_out(each["SubnetId"], routes),
            )
            for each in subnets
        ),
        groups,
        endpoints,
    )  # fmt: skip


def _way_out(subnet: str, tables: list[dict[str, object]]) -> str:
    """Say where the default route of the subnet's own table, or else of the main one, leads."""
    own, main = None, None
    for table in tables:
        for association in _list(table, "Associations"):
            if association.get("SubnetId") == subnet:
                own = table
            elif association.get("Main"):
                main = table
    for route in _list(own or main or {}, "Routes"):
        if route.get("DestinationCidrBlock") == "0.0.0.0/0" and route.get("State", "active") == "active":
            if route.get("NatGatewayId"):
                return "nat"
            if str(route.get("GatewayId", "")).startswith("igw-"):
                return "internet"
            return "other"
    return ""


def _list(of: Mapping[str, object], key: str) -> list[dict[str, object]]:
    found = of.get(key, [])
    return found if isinstance(found, list) else []


def judge(facts: Laid, question: Question) -> list[Check]:
    """Judge whether builds, jobs and endpoints could work in the network."""
    return [_subnets(facts, question), _groups(facts, question), *_way(facts)]


def _subnets(facts: Laid, question: Question) -> Check:
    vpc = question.network.vpc
    if isinstance(facts.subnets, Unread):
        return SUBNETS.unknown(
            f"The subnets could not be looked at: {facts.subnets.why}.",
            facts.subnets.remedy("ec2:DescribeSubnets", "ec2:DescribeRouteTables"),
        )
    if isinstance(facts.subnets, Missing):
        return SUBNETS.failed(
            "At least one of the subnets does not exist in this account and region.",
            f"aws ec2 describe-subnets --filters Name=vpc-id,Values={vpc}",
        )
    foreign = [each.id for each in facts.subnets if each.vpc != vpc]
    if foreign:
        return SUBNETS.failed(f"{', '.join(foreign)} are not in {vpc}.", f"Give subnets of {vpc}.")
    public = [each.id for each in facts.subnets if each.way_out == "internet"]
    if public:
        return SUBNETS.failed(
            f"{', '.join(public)} are public: CodeBuild and SageMaker get no public address in them, so no way out.",
            "Give private subnets, whose default route leads to a NAT gateway.",
        )
    zones = {each.zone for each in facts.subnets}
    if len(zones) < 2:
        return SUBNETS.warning(
            f"All subnets are in {', '.join(zones)}: SageMaker spreads an endpoint's instances over zones if it can.",
            "Give subnets in two zones or more.",
        )
    full = [each.id for each in facts.subnets if each.free < 10]
    if full:
        return SUBNETS.warning(
            f"{', '.join(full)} have fewer than 10 free addresses; each instance and each build takes one.",
            "Give larger subnets.",
        )
    return SUBNETS.ok(f"{len(facts.subnets)} subnets of {vpc} in {len(zones)} zones.")


def _groups(facts: Laid, question: Question) -> Check:
    if isinstance(facts.groups, Unread):
        return GROUPS.unknown(
            f"The security groups could not be looked at: {facts.groups.why}.",
            facts.groups.remedy("ec2:DescribeSecurityGroups"),
        )
    if isinstance(facts.groups, Missing):
        return GROUPS.failed(
            "At least one of the security groups does not exist in this account and region.",
            f"aws ec2 describe-security-groups --filters Name=vpc-id,Values={question.network.vpc}",
        )
    foreign = [group for group, vpc in facts.groups.items() if vpc != question.network.vpc]
    if foreign:
        return GROUPS.failed(
            f"{', '.join(foreign)} are not in {question.network.vpc}.", f"Give groups of {question.network.vpc}."
        )
    return GROUPS.ok(f"{len(facts.groups)} security groups of {question.network.vpc}.")


def _way(facts: Laid) -> list[Check]:
    if isinstance(facts.subnets, Missing | Unread):
        return []
    shut = [each.id for each in facts.subnets if not each.way_out]
    if not shut:
        return [WAY.ok("Each subnet has a way out.")]
    if isinstance(facts.endpoints, Unread):
        return [
            WAY.unknown(
                f"{', '.join(shut)} have no default route, and the VPC's endpoints could not be looked at: "
                f"{facts.endpoints.why}.",
                facts.endpoints.remedy("ec2:DescribeVpcEndpoints"),
            )
        ]
    lacking = [each for each in ENDPOINTS if each not in facts.endpoints]
    if lacking:
        return [
            WAY.failed(
                f"{', '.join(shut)} have no default route, and the VPC has no endpoint of {', '.join(lacking)}.",
                "Route them to a NAT gateway, or add the endpoints.",
            )
        ]
    return [
        WAY.warning(
            f"{', '.join(shut)} have no default route: builds cannot reach a package index.",
            "Route them to a NAT gateway, or see that builds reach an index of your own (docs/publish.md).",
        )
    ]


TOPIC = Topic(
    SUBNETS,
    (
        "ec2:DescribeSubnets", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcEndpoints",
    ),
    gather,
    judge,
    wanted=lambda question: bool(question.network),
)  # fmt: skip
