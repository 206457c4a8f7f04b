"""What the doctor is asked: before what, and what that would be given."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from service_catalog.project.parameters import (
    CONNECTION,
    REPOSITORY,
    SECURITY_GROUPS,
    SUBNETS,
    VPC,
    Git,
    Parameter,
    parameters,
)
from service_catalog.publishing.publish import PRINCIPAL

Before: TypeAlias = Literal["publish", "launch"]
BEFORE: tuple[Before, ...] = get_args(Before)
ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True)
class Network:
    """The VPC that a launch would be given."""

    vpc: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.vpc or self.subnets or self.security_groups)


@dataclass(frozen=True)
class Question:
    """What is asked. Empty is what would be left out of the launch, or was not said."""

    before: Before = "publish"
    git: Git = "codecommit"
    connection: str = ""
    repositories: Mapping[str, str] = field(default_factory=dict)
    """By part, `build` and `deploy`: the full name at the git host."""
    staging: str = ""
    production: str = ""
    stage_profiles: Mapping[str, str] = field(default_factory=dict)
    """By account: the profile of boto3's settings that reaches it."""
    network: Network = Network()
    routes: tuple[str, ...] = ("service-catalog",)
    """The galleries that publishing offers the product by: `service-catalog`, `s3`."""
    principals: tuple[str, ...] = ()
    domain: str = ""

    def stage_accounts(self, home: str) -> tuple[str, ...]:
        """Return the accounts of stages that are not the project's own, each once."""
        return tuple(dict.fromkeys(each for each in (self.staging, self.production) if each and each != home))


def refusals(question: Question) -> list[str]:
    """Return, each as a sentence, which answers a launch would refuse before it makes anything."""
    found = []
    network = question.network
    given = {
        CONNECTION: question.connection,
        **{REPOSITORY[part]: name for part, name in question.repositories.items()},
        VPC: network.vpc,
        SUBNETS: ",".join(network.subnets),
        SECURITY_GROUPS: ",".join(network.security_groups),
    }
    known = {each.name: each for each in parameters("connection")}
    found += [_refused(known[name], answer) for name, answer in given.items() if answer and _bad(known[name], answer)]
    for account in (question.staging, question.production, *question.stage_profiles):
        if account and not ACCOUNT.fullmatch(account):
            found.append(f"{account!r} is not an account: write its 12 digits.")
    found += [
        f"{each!r} is not the ARN of a role, user or group."
        for each in question.principals
        if not PRINCIPAL.fullmatch(each)
    ]
    if network and not (network.vpc and network.subnets and network.security_groups):
        found.append("A network is a VPC, its subnets and its security groups: give all three, or none.")
    if question.git == "codecommit" and (question.connection or question.repositories):
        found.append("A connection and its repositories go with --git connection.")
    return found


def _bad(parameter: Parameter, answer: str) -> bool:
    return not (len(answer) <= parameter.max_length and re.search(parameter.pattern, answer))


def _refused(parameter: Parameter, answer: str) -> str:
    return f"{answer!r} is refused as {parameter.name}: {parameter.constraint}"
