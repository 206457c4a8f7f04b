"""The accounts of stages: bootstrapped for this one, as this checkout does it, and reached by the role of stack sets.

Only a stage account can tell what was bootstrapped there. So each is looked at with a profile of its own, if one is
given; the home account's side is looked at in any case.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ProfileNotFound

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import MISSING, Missing, Rim, Unread, look, read
from service_catalog.doctor.question import Question
from service_catalog.doctor.simulating import SIMULATE, Denied, simulate
from service_catalog.doctor.topic import Topic
from service_catalog.names import STAGE_ACCOUNT_STACK, stack_set_administration, stack_set_execution
from service_catalog.publishing.account import Account
from service_catalog.publishing.difference import difference
from service_catalog.publishing.synth import NodeMissingError, synthesise_stage_account

ADMINISTRATION = Subject("stack-set-administration", "Role for stage accounts")
STAGE = Subject("stage-account", "Stage account")
GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}


@dataclass(frozen=True)
class Bootstrapped:
    """A stage account as seen from inside: its bootstrap stack, the home that it is for, and the role's trust."""

    account: str
    status: str
    home: str
    trust: Mapping[str, Any] | Missing | Unread = MISSING
    differs: tuple[str, ...] | Unread = ()
    """What bootstrapping it with this checkout would change there."""


@dataclass(frozen=True)
class StageAccounts:
    """The home's administration role, what it may not assume, and each stage account; `stages` by account."""

    home: str
    region: str
    administration: str | Missing | Unread
    denied: tuple[Denied, ...] | Unread
    stages: Mapping[str, Bootstrapped | Missing | Unread]


def gather(rim: Rim, question: Question) -> StageAccounts:
    """Look at the home's role, and at each stage account that a profile reaches."""
    account = rim.account
    accounts = question.stage_accounts(account.id)
    role = look(
        lambda: str(rim.client("iam").get_role(RoleName=stack_set_administration(account.region))["Role"]["Arn"]),
        missing=["NoSuchEntity"],
    )
    denied: tuple[Denied, ...] | Unread = ()
    if isinstance(role, str):
        execution = stack_set_execution(account.region)
        targets = {f"arn:{account.partition}:iam::{each}:role/{execution}": ["sts:AssumeRole"] for each in accounts}
        denied = simulate(rim, role, targets)
    stages = {each: _stage(account, each, question.stage_profiles.get(each)) for each in accounts}
    return StageAccounts(account.id, account.region, role, denied, stages)


def _stage(home: Account, account: str, profile: str | None) -> Bootstrapped | Missing | Unread:
    if profile is None:
        return Unread("no profile was given that reaches it")
    try:
        session = boto3.Session(profile_name=profile, region_name=home.region)
    except ProfileNotFound:
        return Unread(f"there is no profile {profile}")
    there = Rim(Account(session, account, home.region))
    reached = read(lambda: str(there.client("sts").get_caller_identity()["Account"]))
    if isinstance(reached, Unread):
        return reached
    if reached != account:
        return Unread(f"the profile {profile} reaches account {reached}")
    stack = look(
        lambda: there.client("cloudformation").describe_stacks(StackName=STAGE_ACCOUNT_STACK)["Stacks"][0],
        missing=["ValidationError"],
    )
    if isinstance(stack, Missing | Unread):
        return stack
    trust = look(
        lambda: there.client("iam").get_role(RoleName=stack_set_execution(home.region))["Role"][
            "AssumeRolePolicyDocument"
        ],
        missing=["NoSuchEntity"],
    )
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    return Bootstrapped(account, str(stack["StackStatus"]), outputs.get("Home", ""), trust, _differs(there, home.id))


def _differs(there: Rim, home: str) -> tuple[str, ...] | Unread:
    found = read(lambda: there.client("cloudformation").get_template(StackName=STAGE_ACCOUNT_STACK)["TemplateBody"])
    if isinstance(found, Unread):
        return found
    if not isinstance(found, Mapping):
        return Unread("its template is not one that bootstrapping wrote")
    # Only the CDK knows what this checkout would put there, and the CDK takes Node.
    os.environ.setdefault("CDK_VALIDATION", "false")
    try:
        ours = synthesise_stage_account(home)
    except (NodeMissingError, ImportError) as error:
        return Unread(f"what this checkout would put there cannot be synthesised: {str(error).rstrip('.')}")
    return tuple(f"{each.verb} {each.logical_id}" for each in difference(found, ours))


def judge(facts: StageAccounts, _question: Question) -> list[Check]:
    """Judge whether a launch could put its roles into each account."""
    return [_administration(facts), *(_judge_stage(facts, *each) for each in facts.stages.items())]


def _administration(facts: StageAccounts) -> Check:
    name = stack_set_administration(facts.region)
    if isinstance(facts.administration, Unread):
        return ADMINISTRATION.unknown(
            f"The role {name} could not be looked at: {facts.administration.why}.",
            facts.administration.remedy("iam:GetRole"),
        )
    if isinstance(facts.administration, Missing):
        return ADMINISTRATION.failed(
            f"There is no role {name}, with which stack sets reach the accounts of stages.", "Run scripts/publish."
        )
    if isinstance(facts.denied, Unread):
        return ADMINISTRATION.unknown(
            f"Whether {name} may reach the accounts could not be simulated: {facts.denied.why}.",
            facts.denied.remedy(SIMULATE),
        )
    if facts.denied:
        return ADMINISTRATION.failed(
            f"{name} may not assume {', '.join(each.resource for each in facts.denied)}.",
            "Run scripts/publish again; if a policy of the organisation forbids it, have the role excepted.",
        )
    return ADMINISTRATION.ok(f"{name} may reach {', '.join(facts.stages)}.")


def _judge_stage(facts: StageAccounts, account: str, found: Bootstrapped | Missing | Unread) -> Check:
    bootstrap = f"With credentials of {account}: scripts/bootstrap-account --home {facts.home}"
    if isinstance(found, Unread):
        return STAGE.unknown(
            f"Account {account} could not be looked at: {found.why}.",
            f"Give a profile that reaches it: --stage-profile {account}=PROFILE. If nobody has yet: {bootstrap}",
        )
    if isinstance(found, Missing):
        return STAGE.failed(f"Account {account} is not bootstrapped in {facts.region}.", bootstrap)
    if found.status not in GOOD:
        return STAGE.failed(f"The stack {STAGE_ACCOUNT_STACK} of account {account} is {found.status}.", bootstrap)
    if found.home != facts.home:
        return STAGE.failed(
            f"Account {account} is bootstrapped for the projects of {found.home or 'nobody'}.", bootstrap
        )
    if isinstance(found.trust, Unread):
        return STAGE.unknown(
            f"The role of account {account} could not be looked at: {found.trust.why}.",
            found.trust.remedy("iam:GetRole"),
        )
    trusted = "" if isinstance(found.trust, Missing) else str(dict(found.trust))
    if facts.home not in trusted or stack_set_administration(facts.region) not in trusted:
        return STAGE.failed(
            f"The role {stack_set_execution(facts.region)} of account {account} does not trust "
            f"{stack_set_administration(facts.region)} of {facts.home}.",
            bootstrap,
        )
    if isinstance(found.differs, Unread):
        return STAGE.unknown(
            f"Account {account} trusts this one, but whether it is bootstrapped as this checkout does it is not known: "
            f"{found.differs.why}.",
            found.differs.remedy("cloudformation:GetTemplate", otherwise=f"{bootstrap} --dry-run"),
        )
    if found.differs:
        return STAGE.warning(
            f"Account {account} was bootstrapped by another version: this checkout's differs in "
            f"{', '.join(found.differs)}, and a launch may be refused what its roles there need.",
            bootstrap,
        )
    return STAGE.ok(f"Account {account} is bootstrapped for this one as this checkout does it, and trusts it.")


TOPIC = Topic(
    STAGE,
    (
        "iam:GetRole",
        SIMULATE,
        "sts:GetCallerIdentity",
        "cloudformation:DescribeStacks",
        "cloudformation:GetTemplate",
    ),
    gather,
    judge,
    wanted=lambda question: question.before == "launch" and bool(question.staging or question.production),
)
