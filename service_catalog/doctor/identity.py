"""Who is asking, and whether the region has what a project needs."""

from dataclasses import dataclass

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import Rim, Unread, read
from service_catalog.doctor.question import Question
from service_catalog.doctor.topic import Topic

IDENTITY = Subject("identity", "Identity")
REGION = Subject("region", "Region")
# What a project is made of, wherever its code lives.
SERVICES = (
    "cloudformation",
    "codebuild",
    "codepipeline",
    "ecr",
    "events",
    "kms",
    "lambda",
    "s3",
    "sagemaker",
    "servicecatalog",
)


@dataclass(frozen=True)
class Identity:
    """The caller's ARN, and the services that the region lacks."""

    arn: str | Unread
    account: str
    region: str
    lacking: tuple[str, ...]


def gather(rim: Rim, _question: Question) -> Identity:
    """Ask who is asking, and botocore which services the region has."""
    arn = read(lambda: str(rim.client("sts").get_caller_identity()["Arn"]))
    lacking = tuple(each for each in SERVICES if not rim.available(each))
    return Identity(arn, rim.account.id, rim.account.region, lacking)


def judge(facts: Identity, _question: Question) -> list[Check]:
    """Judge who is asking, and where."""
    return [_who(facts), _where(facts)]


def _who(facts: Identity) -> Check:
    if isinstance(facts.arn, Unread):
        return IDENTITY.unknown(
            f"Who is asking could not be told: {facts.arn.why}.", "Sign in (aws sso login, or the AWS_* variables)."
        )
    if facts.arn.endswith(":root"):
        return IDENTITY.warning(
            f"The root user of account {facts.account} is asking, whom no policy bounds and no simulation knows.",
            "Sign in as a role that has what docs/doctor.md lists.",
        )
    return IDENTITY.ok(f"{facts.arn} in account {facts.account}.")


def _where(facts: Identity) -> Check:
    if facts.lacking:
        return REGION.failed(
            f"{facts.region} has no {', '.join(facts.lacking)}.",
            "Choose a region that has: --region, or AWS_DEFAULT_REGION.",
        )
    return REGION.ok(f"{facts.region} has the services that a project is made of.")


TOPIC = Topic(IDENTITY, ("sts:GetCallerIdentity",), gather, judge)
