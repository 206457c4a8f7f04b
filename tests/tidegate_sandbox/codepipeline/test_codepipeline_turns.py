"""How executions take their turns in a stage, and what a retry runs: the pure part of CodePipeline."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox.services.codepipeline.actions.cloudformation import failed, failure
from tidegate_sandbox.services.codepipeline.execution import Turn
from tidegate_sandbox.services.codepipeline.structure import Mode

MODES: list[Mode] = ["QUEUED", "SUPERSEDED"]
steps = st.lists(st.sampled_from(["arrive", "leave"]), max_size=40)


@given(steps)
def test_queued_executions_come_in_one_at_a_time_in_the_order_in_which_they_arrived(moves: list[str]) -> None:
    turn, arrived, served = Turn(), 0, []
    for move in moves:
        if move == "arrive":
            turn, superseded = turn.arrive(str(arrived), "QUEUED")
            arrived += 1
            assert superseded == ()
        elif turn.inside is not None:
            turn = turn.leave(turn.inside)
        if turn.inside is not None and (not served or served[-1] != turn.inside):
            served.append(turn.inside)

    assert served == [str(number) for number in range(len(served))]
    assert len(served) + len(turn.waiting) == arrived


@given(steps)
def test_in_superseded_mode_the_newest_waits_and_replaces_who_waited(moves: list[str]) -> None:
    turn, arrived, gone = Turn(), 0, set()
    for move in moves:
        if move == "arrive":
            turn, superseded = turn.arrive(str(arrived), "SUPERSEDED")
            gone.update(superseded)
            newest = str(arrived)
            arrived += 1
            assert turn.waiting in ((), (newest,))
        elif turn.inside is not None:
            turn = turn.leave(turn.inside)
        assert turn.inside not in gone
        assert not gone & set(turn.waiting)


def test_one_that_waits_can_go_away_without_disturbing_who_is_inside() -> None:
    turn = Turn("a", ("b", "c"))

    assert turn.leave("b") == Turn("a", ("c",))
    assert turn.leave("a") == Turn("b", ("c",))
    assert turn.leave("nobody") == turn


@given(st.lists(st.sampled_from(["arrive", "leave", "open", "close"]), max_size=40), st.sampled_from(MODES))
def test_nobody_comes_in_while_it_is_closed_and_nobody_waits_before_one_that_is_open_and_empty(
    moves: list[str], mode: Mode
) -> None:
    turn = Turn()
    for number, move in enumerate(moves):
        before = turn
        if move == "arrive":
            turn, _ = turn.arrive(str(number), mode)
        elif move == "leave":
            turn = turn.leave(turn.inside or "")
        else:
            turn = turn.opened(move == "open")
        if turn.closed:
            assert turn.inside in (before.inside, None)
        elif turn.inside is None:
            assert turn.waiting == ()


def test_a_rollback_waits_before_all_others_and_supersedes_none() -> None:
    assert Turn("a", ("b",)).arrive("back", "SUPERSEDED", ahead=True) == (Turn("a", ("back", "b")), ())
    assert Turn("a", ("b", "c")).arrive("back", "QUEUED", ahead=True)[0].leave("a").inside == "back"


def _event(resource: str, status: str, reason: str = "", kind: str = "AWS::S3::Bucket") -> dict[str, str]:
    return {
        "LogicalResourceId": resource,
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_the_reason_of_a_failed_stack_is_what_failed_first_in_its_latest_operation() -> None:
    stack = "AWS::CloudFormation::Stack"
    newest_first = [
        _event("demo", "UPDATE_ROLLBACK_COMPLETE", kind=stack),
        _event("Other", "CREATE_FAILED", "Resource creation cancelled"),
        _event("Second", "UPDATE_FAILED", "came later"),
        _event("Endpoint", "UPDATE_FAILED", "alarm 5xx fired", kind="AWS::SageMaker::Endpoint"),
        _event("demo", "UPDATE_IN_PROGRESS", "User Initiated", kind=stack),
        _event("Old", "CREATE_FAILED", "of the operation before"),
    ]

    assert failure(newest_first) == "Endpoint (AWS::SageMaker::Endpoint): alarm 5xx fired"
    assert failure([]) == ""


class _Refusing:
    """CloudFormation, to a role that may not do what is asked, or to which something else happens."""

    def __init__(self, code: str) -> None:
        self.code = code

    def describe_stack_events(self, **_given: Any) -> Any:
        raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "DescribeStackEvents")


def test_where_the_role_may_not_see_a_failed_stacks_events_the_action_says_what_the_stack_says() -> None:
    stack = {"StackName": "s", "StackId": "arn", "StackStatus": "ROLLBACK_COMPLETE", "StackStatusReason": "see events"}
    assert "Stack s is ROLLBACK_COMPLETE. see events" in str(failed(_Refusing("AccessDenied"), stack))
    with pytest.raises(ClientError):
        failed(_Refusing("Throttling"), stack)
