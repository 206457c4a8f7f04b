"""The journey's way with an account: it waits for what comes a moment later."""

import pytest

from tidegate_sandbox.journey import account
from tidegate_sandbox.journey.account import Account, Execution, JourneyError


class CodePipeline:
    """A pipeline whose approval gets its token between the first look and the second."""

    def __init__(self):
        self.looked, self.answers = 0, []

    def get_pipeline_state(self, name):
        self.looked += 1
        asked = {"status": "InProgress"} | ({"token": "t-1"} if self.looked > 1 else {})
        other = {"actionName": "Other", "latestExecution": {"status": "InProgress", "token": "t-0"}}
        states = [other, {"actionName": "Approve", "latestExecution": asked}]
        return {
            "stageStates": [{"stageName": "Source", "actionStates": []}, {"stageName": "S", "actionStates": states}]
        }

    def put_approval_result(self, **given):
        self.answers.append(given)


def execution(status):
    action = {"status": status, "input": {"actionTypeId": {"provider": "Manual"}}}
    return Execution("demo", "1", "InProgress", {"S/Approve": action})


def test_the_approval_that_is_waited_for_is_answered_once_it_has_its_token(monkeypatch):
    monkeypatch.setattr(account, "POLL_SECONDS", 0)
    asked = Account(print)
    asked.codepipeline = CodePipeline()

    assert asked.answer(execution("InProgress"), "fine") == "S/Approve"

    [answer] = asked.codepipeline.answers
    assert (answer["stageName"], answer["actionName"], answer["token"]) == ("S", "Approve", "t-1")
    assert answer["result"] == {"summary": "fine", "status": "Approved"}


def test_where_nobody_is_asked_there_is_nothing_to_answer():
    with pytest.raises(JourneyError, match="demo waits for no approval"):
        Account(print).answer(execution("Succeeded"), "fine")
