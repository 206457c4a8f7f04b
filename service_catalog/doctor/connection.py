"""The CodeConnection of a launch, and the repositories that it is to reach.

Whether a connection reaches a repository, no public call tells. So each repository is asked for at its host, with the
git credentials of whoever runs the doctor, which may see more or less than the connection.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import Missing, Rim, Unread, look, read
from service_catalog.doctor.question import Question
from service_catalog.doctor.topic import Topic
from service_catalog.project.connection_lookup import HOSTS

CONNECTION = Subject("connection", "CodeConnection")
TAG = Subject("connection-tag", "Tag of the CodeConnection")
REPOSITORY = Subject("repository", "Repository")
GIT_SECONDS = 15


@dataclass(frozen=True)
class Found:
    """A connection: what it reaches, in which state, with which tags."""

    provider: str
    status: str
    account: str
    tags: Mapping[str, str] | Unread
    host: str | Unread


@dataclass(frozen=True)
class Repository:
    """A repository at its address: its branches, or why they could not be listed."""

    part: str
    address: str
    branches: tuple[str, ...] | Unread


@dataclass(frozen=True)
class Connected:
    """The connection, if it is there, and what was found of the repositories."""

    home: str
    connection: Found | Missing | Unread
    repositories: tuple[Repository, ...] = field(default=())


def gather(rim: Rim, question: Question) -> Connected:
    """Look the connection up by the name that its ARN has, and ask git for each repository."""
    home = rim.account.id
    if not question.connection:
        return Connected(home, Missing())
    client = rim.client(question.connection.split(":")[2])
    found = look(
        lambda: client.get_connection(ConnectionArn=question.connection)["Connection"],
        missing=["ResourceNotFoundException"],
    )
    if isinstance(found, Missing | Unread):
        return Connected(home, found)
    tags = read(lambda: client.list_tags_for_resource(ResourceArn=question.connection).get("Tags", []))
    host = HOSTS.get(found["ProviderType"], ("", ""))[1] or read(
        lambda: str(client.get_host(HostArn=found["HostArn"])["ProviderEndpoint"]).rstrip("/")
    )
    connection = Found(
        str(found["ProviderType"]),
        str(found["ConnectionStatus"]),
        str(found.get("OwnerAccountId", home)),
        tags if isinstance(tags, Unread) else {each["Key"]: each["Value"] for each in tags},
        host,
    )
    if isinstance(host, Unread):
        return Connected(home, connection)
    named = tuple((part, f"{host}/{name}.git") for part, name in question.repositories.items() if name)
    return Connected(home, connection, tuple(Repository(*each, _branches(each[1])) for each in named))


def _branches(address: str) -> tuple[str, ...] | Unread:
    git = shutil.which("git")
    if git is None:
        return Unread("there is no git on this machine")
    # Nobody is there to be asked for a password, by git or by ssh.
    environment = os.environ | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GCM_INTERACTIVE": "never",
    }
    try:
        answer = subprocess.run(
            [git, "-c", "core.askPass=", "ls-remote", "--heads", "--", address],
            capture_output=True, text=True, check=False, timeout=GIT_SECONDS, env=environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Unread(f"git had no answer within {GIT_SECONDS} seconds")
    if answer.returncode:
        said = answer.stderr.strip().splitlines() or ["git failed"]
        return Unread(said[-1].removeprefix("fatal: ").rstrip("."))
    return tuple(line.split("refs/heads/", 1)[1] for line in answer.stdout.splitlines() if "refs/heads/" in line)


def judge(facts: Connected, question: Question) -> list[Check]:
    """Judge whether seeding and the pipelines could use the connection."""
    found = facts.connection
    if isinstance(found, Unread):
        service = question.connection.split(":")[2]
        return [
            CONNECTION.unknown(
                f"The connection could not be looked at: {found.why}.",
                found.remedy(f"{service}:GetConnection"),
            )
        ]
    if isinstance(found, Missing):
        if question.before == "publish":
            return []
        if not question.connection:
            return [CONNECTION.failed("A launch needs the ARN of a CodeConnection.", "Give it: --connection ARN.")]
        return [
            CONNECTION.failed(
                f"There is no connection {question.connection}.",
                "aws codeconnections list-connections shows which there are; make one in the console (Developer Tools, "
                "Connections).",
            )
        ]
    return [_state(found, facts.home), _tag(found, question), *_repositories(facts, question)]


def _state(found: Found, home: str) -> Check:
    if found.provider not in HOSTS:
        return CONNECTION.failed(
            f"The connection is to {found.provider}, which CodeBuild cannot clone from.",
            f"Use one to {', '.join(HOSTS)}.",
        )
    if found.status != "AVAILABLE":
        return CONNECTION.failed(
            f"The connection to {found.provider} is {found.status}.",
            "Open it in the console (Developer Tools, Connections, Update pending connection) and sign in at the host.",
        )
    if found.account != home:
        return CONNECTION.warning(
            f"The connection to {found.provider} is account {found.account}'s, shared with this one.",
            "See that the share stays for as long as the project does, or make a connection in this account.",
        )
    return CONNECTION.ok(f"The connection to {found.provider} is AVAILABLE.")


def _tag(found: Found, question: Question) -> Check:
    add = f"aws codeconnections tag-resource --resource-arn {question.connection} --tags Key=sagemaker,Value=true"
    if isinstance(found.tags, Unread):
        return TAG.unknown(
            f"The connection's tags could not be looked at: {found.tags.why}.", f"If it is not tagged: {add}"
        )
    # AWS's own policies for projects take the value in any case, and so does the launch role.
    if found.tags.get("sagemaker", "").lower() != "true":
        return TAG.failed("The connection lacks the tag sagemaker=true, without which no project may use it.", add)
    return TAG.ok("The connection carries the tag sagemaker=true.")


def _repositories(facts: Connected, question: Question) -> list[Check]:
    unnamed = [part for part in ("build", "deploy") if not question.repositories.get(part)]
    checks = [
        REPOSITORY.failed(
            f"A launch needs the repository that {part}s the model.", f"Give it: --{part}-repository OWNER/NAME."
        )
        for part in unnamed
        if question.before == "launch"
    ]
    names = [name.lower() for name in question.repositories.values() if name]
    if len(set(names)) < len(names):
        checks.append(REPOSITORY.failed("Both repositories are the same.", "Give two, which both are to exist."))
    return checks + [_repository(each) for each in facts.repositories]


def _repository(found: Repository) -> Check:
    if isinstance(found.branches, Unread):
        return REPOSITORY.unknown(
            f"{found.address} could not be looked at with your own git credentials: {found.branches.why}.",
            "See that it exists, is empty, and that the connection's app may use it.",
        )
    if found.branches:
        return REPOSITORY.warning(
            f"{found.address} has branches already ({', '.join(found.branches[:3])}): what was committed there by "
            "people is left alone, and then nothing is seeded; another project's seed fails the launch.",
            "Give an empty repository, or one that has only what its host began it with (README, licence, .gitignore).",
        )
    return REPOSITORY.ok(f"{found.address} exists and is empty.")


TOPIC = Topic(
    CONNECTION,
    (
        "codeconnections:GetConnection",
        "codeconnections:GetHost",
        "codeconnections:ListTagsForResource",
        "codestar-connections:GetConnection",
        "codestar-connections:GetHost",
        "codestar-connections:ListTagsForResource",
    ),
    gather,
    judge,
    wanted=lambda question: question.git == "connection",
)  # fmt: skip
