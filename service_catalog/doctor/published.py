"""What is published: in the way of publishing, or there to be launched."""

import json
from dataclasses import dataclass

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import Missing, Rim, Unread, look, read
from service_catalog.doctor.question import Question
from service_catalog.doctor.topic import Topic
from service_catalog.names import PORTFOLIO_STACK, admin_bucket
from service_catalog.publishing import published

STACK = Subject("portfolio", "Portfolio")
BUCKET = Subject("admin-bucket", "Admin bucket")
LAUNCHERS = Subject("launchers", "Who may launch")
GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
NO_STACK = ["ValidationError"]
NO_BUCKET = ["404", "NoSuchBucket", "NotFound"]


@dataclass(frozen=True)
class Published:
    """The stack's status, the bucket (true if it is this account's), and the portfolio's principals."""

    region: str
    stack: str | Missing | Unread
    bucket_name: str
    bucket: bool | Missing | Unread
    principals: tuple[str, ...] | Unread = ()


def gather(rim: Rim, question: Question) -> Published:
    """Look at the stack and the bucket, and before a launch at who may launch."""
    account, name = rim.account, admin_bucket(rim.account.id, rim.account.region)
    described = look(
        lambda: rim.client("cloudformation").describe_stacks(StackName=PORTFOLIO_STACK)["Stacks"][0], missing=NO_STACK
    )
    bucket = look(
        lambda: bool(rim.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=account.id)), missing=NO_BUCKET
    )
    if isinstance(described, Missing | Unread):
        return Published(account.region, described, name, bucket)
    principals: tuple[str, ...] | Unread = ()
    if question.before == "launch":
        principals = read(lambda: _principals(rim))
    return Published(account.region, described["StackStatus"], name, bucket, principals)


def _principals(rim: Rim) -> tuple[str, ...]:
    template = rim.client("cloudformation").get_template(StackName=PORTFOLIO_STACK)["TemplateBody"]
    return published.Published(template if isinstance(template, dict) else json.loads(template)).principals


def judge(facts: Published, question: Question) -> list[Check]:
    """Judge what is published already, for publishing again or for launching."""
    if question.before == "publish":
        return [_stack_to_change(facts), _bucket_to_fill(facts)]
    return [_stack_to_launch(facts), *_launchers(facts, question)]


def _stack_to_change(facts: Published) -> Check:
    if isinstance(facts.stack, Unread):
        return _stack_unknown(facts.stack)
    if isinstance(facts.stack, Missing):
        return STACK.ok(f"Nothing is published in {facts.region} yet.")
    if facts.stack.endswith("_IN_PROGRESS"):
        return STACK.failed(f"The stack {PORTFOLIO_STACK} is being changed ({facts.stack}).", "Wait until it is done.")
    if facts.stack == "UPDATE_ROLLBACK_FAILED":
        return STACK.failed(
            f"The stack {PORTFOLIO_STACK} is {facts.stack}, from which it takes no update.",
            f"aws cloudformation continue-update-rollback --stack-name {PORTFOLIO_STACK}",
        )
    if facts.stack == "DELETE_FAILED":
        return STACK.failed(
            f"The stack {PORTFOLIO_STACK} is DELETE_FAILED.", "Look at its events, then run scripts/unpublish again."
        )
    return STACK.ok(f"The stack {PORTFOLIO_STACK} is {facts.stack}, and can be changed.")


def _bucket_to_fill(facts: Published) -> Check:
    if isinstance(facts.bucket, Unread):
        if facts.bucket.denied:
            return BUCKET.failed(
                f"The bucket {facts.bucket_name} is another account's, or s3:ListBucket on it is not allowed.",
                "Allow s3:ListBucket; if the bucket is another account's, publish in another region.",
            )
        return BUCKET.unknown(
            f"The bucket {facts.bucket_name} could not be looked at: {facts.bucket.why}.", "Run this again."
        )
    if isinstance(facts.bucket, Missing):
        return BUCKET.ok(f"The name {facts.bucket_name} is free.")
    return BUCKET.ok(f"The bucket {facts.bucket_name} is this account's.")


def _stack_to_launch(facts: Published) -> Check:
    if isinstance(facts.stack, Unread):
        return _stack_unknown(facts.stack)
    if isinstance(facts.stack, Missing):
        return STACK.failed(f"Nothing is published in {facts.region}.", "Run scripts/publish first.")
    if facts.stack not in GOOD:
        return STACK.failed(
            f"The stack {PORTFOLIO_STACK} is {facts.stack}.", "Run scripts/publish again, and look at what it says."
        )
    return STACK.ok(f"The product is published (stack {PORTFOLIO_STACK}, {facts.stack}).")


def _launchers(facts: Published, question: Question) -> list[Check]:
    if isinstance(facts.stack, Missing | Unread):
        return []
    if isinstance(facts.principals, Unread):
        return [
            LAUNCHERS.unknown(
                f"Who may launch could not be looked at: {facts.principals.why}.",
                facts.principals.remedy("cloudformation:GetTemplate"),
            )
        ]
    lacking = [each for each in question.principals if each not in facts.principals]
    if lacking:
        return [
            LAUNCHERS.failed(
                f"{', '.join(lacking)} may not launch.",
                f"scripts/publish {' '.join(f'--principal {each}' for each in lacking)}",
            )
        ]
    if not facts.principals:
        return [
            LAUNCHERS.failed(
                "Nobody may launch.", "scripts/publish --principal with the role of those who are to launch."
            )
        ]
    return [LAUNCHERS.ok(f"{', '.join(question.principals or facts.principals)} may launch.")]


def _stack_unknown(unread: Unread) -> Check:
    return STACK.unknown(
        f"The stack {PORTFOLIO_STACK} could not be looked at: {unread.why}.",
        unread.remedy("cloudformation:DescribeStacks"),
    )


TOPIC = Topic(
    STACK,
    ("cloudformation:DescribeStacks", "cloudformation:GetTemplate", "s3:ListBucket"),
    gather,
    judge,
)
