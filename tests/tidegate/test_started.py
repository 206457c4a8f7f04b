"""What started a run, in words."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tidegate.answering import answering, refusal
from tidegate.started import in_words, started_by

RULE = "arn:aws:events:eu-west-1:111122223333:rule/sagemaker-p-abc123def456-"


@pytest.mark.parametrize(
    ("kind", "detail", "said"),
    [
        ("CloudWatchEvent", RULE + "approval", "the approval of a version in the model registry"),
        ("CloudWatchEvent", RULE + "rejection", "the rejection of a version in the model registry"),
        ("CloudWatchEvent", RULE + "deploy-push", "a push to the repository"),
        ("CloudWatchEvent", "arn:aws:events:eu-west-1:111122223333:rule/nightly", "the event rule nightly"),
        ("WebhookV2", "{}", "a push to the repository"),
        ("CreatePipeline", "arn:aws:iam::111122223333:root", "the creation of the pipeline"),
        (
            "StartPipelineExecution",
            "arn:aws:sts::111122223333:assumed-role/Admin/ana",
            "hand: assumed-role/Admin/ana",
        ),
        ("SomethingNew", "", "SomethingNew"),
    ],
)
def test_every_way_in_which_a_run_starts_has_words(kind: str, detail: str, said: str) -> None:
    assert in_words({"triggerType": kind, "triggerDetail": detail}) == said


def test_a_run_of_which_nothing_is_told_is_said_to_be_one() -> None:
    assert in_words({}) == "something that CodePipeline does not name"


@given(st.text(), st.text())
def test_nothing_that_is_said_means_anything_to_a_shell_but_its_spaces(kind: str, detail: str) -> None:
    for trigger in ("CloudWatchEvent", "StartPipelineExecution", kind):
        said = in_words({"triggerType": trigger, "triggerDetail": detail})
        assert said
        assert all(shlex.quote(word) == word for word in said.split(" "))


def test_it_is_asked_of_the_execution() -> None:
    asked: dict[str, str] = {}

    def get(**request: str) -> dict[str, object]:
        asked.update(request)
        return {
            "pipelineExecution": {"trigger": {"triggerType": "CloudWatchEvent", "triggerDetail": RULE + "approval"}}
        }

    client = answering("codepipeline", {"GetPipelineExecution": get})
    execution = "01234567-0123-0123-0123-012345678901"

    assert started_by(client, "deploy", execution).startswith("the approval")
    assert asked == {"pipelineName": "deploy", "pipelineExecutionId": execution}


def test_no_release_hangs_on_what_started_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tidegate.cli.started import started

    def refused(**_: str) -> dict[str, object]:
        raise refusal("AccessDeniedException", "not you", "GetPipelineExecution")

    client = answering("codepipeline", {"GetPipelineExecution": refused})
    monkeypatch.setattr("tidegate.aws.client", lambda _: client)
    started("deploy", "01234567-0123-0123-0123-012345678901")
    printed = capsys.readouterr()
    assert printed.out == "what could not be found out\n"
    assert "not you" in printed.err
