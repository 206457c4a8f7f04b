"""The examination: every topic that the question has to do with, all at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from service_catalog.doctor import (
    codecommit,
    connection,
    identity,
    keys,
    linked_roles,
    machine,
    network,
    permissions,
    published,
    quotas,
    stage_accounts,
    studio,
)
from service_catalog.doctor.check import Check
from service_catalog.doctor.looking import Rim
from service_catalog.doctor.question import Question
from service_catalog.doctor.topic import Topic

# As people read it: who and where, what is there, what a project takes.
TOPICS: tuple[Topic, ...] = (
    identity.TOPIC,
    machine.TOPIC,
    permissions.TOPIC,
    published.TOPIC,
    studio.TOPIC,
    codecommit.TOPIC,
    connection.TOPIC,
    stage_accounts.TOPIC,
    network.TOPIC,
    keys.TOPIC,
    linked_roles.TOPIC,
    quotas.TOPIC,
)


def examine(rim: Rim, question: Question, looked: Callable[[int, int], None] | None = None) -> Sequence[Check]:
    """Return every finding, in the order of TOPICS; `looked` is told how many topics of how many are done."""
    topics = [each for each in TOPICS if each.wanted(question)]
    with ThreadPoolExecutor(max_workers=len(topics)) as pool:
        asked = [pool.submit(_look, each, rim, question) for each in topics]
        for done, _ in enumerate(as_completed(asked), start=1):
            if looked:
                looked(done, len(asked))
    return [check for each in asked for check in each.result()]


def _look(topic: Topic, rim: Rim, question: Question) -> Sequence[Check]:
    """Look at one topic; what nobody thought of must not hide what the others found."""
    try:
        return topic.look(rim, question)
    except Exception as error:
        return [
            topic.subject.unknown(
                f"Looking at this broke: {type(error).__name__}: {error}.",
                "Report it with the version in pyproject.toml.",
            )
        ]
