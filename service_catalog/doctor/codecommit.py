"""CodeCommit, where a project's repositories are unless a connection reaches them."""

from dataclasses import dataclass

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import Rim, Unread, read
from service_catalog.doctor.question import Question
from service_catalog.doctor.topic import Topic

CODECOMMIT = Subject("codecommit", "CodeCommit")
ELSEWHERE = "Launch with a CodeConnection to GitHub, GitLab or Bitbucket instead (--git connection)."


@dataclass(frozen=True)
class CodeCommit:
    """Whether the region has it, and how many repositories the first page shows."""

    in_region: bool
    repositories: int | Unread


def gather(rim: Rim, _question: Question) -> CodeCommit:
    """List repositories, which an account that may not use CodeCommit cannot."""
    if not rim.available("codecommit"):
        return CodeCommit(False, Unread("the region does not have it"))
    client = rim.client("codecommit")
    return CodeCommit(True, read(lambda: len(client.list_repositories()["repositories"])))


def judge(facts: CodeCommit, question: Question) -> list[Check]:
    """Judge whether repositories could be made here."""
    if not facts.in_region:
        # Publishing offers both variants, and the other one needs no CodeCommit.
        said = CODECOMMIT.warning if question.before == "publish" else CODECOMMIT.failed
        return [said("There is no CodeCommit in this region.", ELSEWHERE)]
    if isinstance(facts.repositories, Unread):
        return [
            CODECOMMIT.unknown(
                f"Whether this account may use CodeCommit is not known: {facts.repositories.why}.",
                facts.repositories.remedy("codecommit:ListRepositories"),
            )
        ]
    return [CODECOMMIT.ok("CodeCommit answers in this region and account.")]


TOPIC = Topic(
    CODECOMMIT, ("codecommit:ListRepositories",), gather, judge, wanted=lambda question: question.git == "codecommit"
)
