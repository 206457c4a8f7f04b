"""The service-linked role with which Application Auto Scaling changes endpoints."""

from dataclasses import dataclass

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import Missing, Rim, Unread, look
from service_catalog.doctor.question import Question
from service_catalog.doctor.topic import Topic

LINKED = Subject("service-linked-role", "Role of Application Auto Scaling")
SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"


@dataclass(frozen=True)
class LinkedRole:
    """The role's ARN."""

    arn: str | Missing | Unread


def gather(rim: Rim, _question: Question) -> LinkedRole:
    """Look for the role."""
    client = rim.client("iam")
    return LinkedRole(look(lambda: str(client.get_role(RoleName=ROLE)["Role"]["Arn"]), missing=["NoSuchEntity"]))


def judge(facts: LinkedRole, _question: Question) -> list[Check]:
    """Judge whether endpoints could scale."""
    make = f"aws iam create-service-linked-role --aws-service-name {SERVICE}"
    if isinstance(facts.arn, Unread):
        return [
            LINKED.unknown(
                f"Whether {ROLE} is there is not known: {facts.arn.why}.", f"If an endpoint cannot scale: {make}"
            )
        ]
    if isinstance(facts.arn, Missing):
        return [
            LINKED.warning(
                f"{ROLE} is not there yet. The first endpoint that scales makes it, unless a policy of the "
                "organisation forbids that.",
                f"To be sure before: {make}",
            )
        ]
    return [LINKED.ok(f"{ROLE} is there.")]


TOPIC = Topic(LINKED, ("iam:GetRole",), gather, judge)
