"""KMS: each launch makes a key, which policies of an organisation often forbid."""

from dataclasses import dataclass
from functools import partial

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import MISSING, Missing, Rim, Unread, look, read
from service_catalog.doctor.question import Question
from service_catalog.doctor.simulating import SIMULATE, Denied, simulate
from service_catalog.doctor.topic import Topic
from service_catalog.names import launch_role, s3_launch_role

KEYS = Subject("kms", "Keys")
# What the launch role's policy asks of the tags of a key that is made.
TAG = "aws:RequestTag/sagemaker:project-id"


@dataclass(frozen=True)
class Keys:
    """Whether KMS answers, and whether the launch role may make a key; Missing is that there is no such role yet."""

    answers: bool | Unread
    role: str | Missing | Unread = MISSING
    denied: tuple[Denied, ...] | Unread = ()


def gather(rim: Rim, question: Question) -> Keys:
    """Ask KMS for anything, and before a launch IAM for whether the launch role may make a key."""
    answers = read(lambda: bool(rim.client("kms").list_aliases(Limit=1)))
    if question.before == "publish":
        return Keys(answers)
    role: str | Missing | Unread = MISSING
    for name in (launch_role(rim.account.region), s3_launch_role(rim.account.region)):
        if isinstance(role, Missing):
            role = look(partial(_role, rim, name), missing=["NoSuchEntity"])
    if isinstance(role, Missing | Unread):
        return Keys(answers, role)
    return Keys(answers, role, simulate(rim, role, {"*": ["kms:CreateKey"]}, {TAG: "p-0"}))


def _role(rim: Rim, name: str) -> str:
    return str(rim.client("iam").get_role(RoleName=name)["Role"]["Arn"])


def judge(facts: Keys, _question: Question) -> list[Check]:
    """Judge whether a launch could make its key."""
    if isinstance(facts.role, str) and not isinstance(facts.denied, Unread):
        if any(each.organisation for each in facts.denied):
            return [
                KEYS.failed(
                    "A policy of the organisation forbids the launch role to make a key (kms:CreateKey).",
                    f"Let whoever administers the organisation except {facts.role}.",
                )
            ]
        if facts.denied:
            return [
                KEYS.unknown(
                    f"The simulation does not allow kms:CreateKey to {facts.role}, whose policy does: it may not have "
                    "taken the tag into account that the policy asks for.",
                    "If a launch cannot make its key, look at the policies of the organisation.",
                )
            ]
        return [KEYS.ok("The launch role may make a project's key.")]
    why = facts.answers if isinstance(facts.answers, Unread) else facts.denied
    why = facts.role if isinstance(facts.role, Unread) else why
    if isinstance(why, Unread):
        return [
            KEYS.unknown(
                f"Whether a key could be made is not known: {why.why}.",
                why.remedy(SIMULATE, "iam:GetRole", "kms:ListAliases"),
            )
        ]
    return [KEYS.ok("KMS answers. Whether a launch may make a key is told once the product is published.")]


TOPIC = Topic(KEYS, ("kms:ListAliases", "iam:GetRole", SIMULATE), gather, judge)
