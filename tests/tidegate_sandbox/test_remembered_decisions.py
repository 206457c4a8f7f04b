"""What IAM decided is remembered, and never outlives what it was decided by: policies, boundary, session, time."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.core import iam_evaluator
from ministack.core.responses import request_scope
from ministack.services import iam, sts

from tidegate_sandbox.hooks import policies as policy_hooks

ACCOUNT, REGION = "111122223333", "eu-west-1"
ACTIONS = ("sagemaker:InvokeEndpoint", "sagemaker:DescribeEndpoint", "s3:GetObject")
RESOURCES = tuple(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{name}" for name in ("one", "two"))

Document = str


def documents() -> st.SearchStrategy[Document]:
    """Policies that agree and disagree about the same few things."""
    conditions = st.sampled_from(
        [{}, {"StringEquals": {"aws:RequestedRegion": REGION}}, {"StringLike": {"sagemaker:Asked": "y*"}}]
    )
    statement = st.fixed_dictionaries(
        {
            "Effect": st.sampled_from(["Allow", "Allow", "Deny"]),
            "Action": st.sampled_from([*ACTIONS, "sagemaker:*", "*"]),
            "Resource": st.sampled_from([*RESOURCES, "*"]),
            "Condition": conditions,
        }
    )
    return st.lists(statement, max_size=3).map(policy)


def policy(statements: list[dict[str, Any]]) -> Document:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


class Actor:
    """A role of its own name with a session, put straight into IAM's records."""

    def __init__(self) -> None:
        self.name = f"remembered-{uuid.uuid4().hex}"
        self.arn, self.key = f"arn:aws:iam::{ACCOUNT}:role/{self.name}", f"ASIA{self.name[-16:].upper()}"

    def may(self, inline: list[Document], boundary: Document | None = None, passed: Document | None = None) -> None:
        role: dict[str, Any] = {"Arn": self.arn, "InlinePolicies": {str(n): each for n, each in enumerate(inline)}}
        limit = f"arn:aws:iam::{ACCOUNT}:policy/{self.name}"
        if boundary is not None:
            role["PermissionsBoundary"] = {"PermissionsBoundaryArn": limit}
            iam._policies[limit] = {"DefaultVersionId": "v1", "Versions": {"v1": {"Document": boundary}}}
        iam._roles[self.name] = role
        sts._sessions[self.key] = {"Arn": self.arn} | ({"SessionPolicies": {"Policy": passed}} if passed else {})

    def asks(self, action: str, resource: str, **keys: Any) -> str | None:
        check = action, resource, {f"sagemaker:{name}": value for name, value in keys.items()}
        return policy_hooks.refusal(self.arn, self.key, check)

    def forget(self) -> None:
        iam._roles.pop(self.name, None)
        iam._policies.pop(f"arn:aws:iam::{ACCOUNT}:policy/{self.name}", None)
        sts._sessions.pop(self.key, None)


@pytest.fixture
def actor() -> Iterator[Actor]:
    with request_scope(ACCOUNT, REGION):
        made = Actor()
        yield made
        made.forget()


Step = tuple[list[Document], Document | None, Document | None, str, str, Any]
steps = st.lists(
    st.tuples(
        st.lists(documents(), max_size=2),
        st.none() | documents(),
        st.none() | documents(),
        st.sampled_from(ACTIONS),
        st.sampled_from(RESOURCES),
        st.sampled_from(["yes", "no", ["yes"], True, 1]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_what_is_remembered_is_what_would_be_decided_anew(changes: list[Step]) -> None:
    with request_scope(ACCOUNT, REGION):
        actor = Actor()
        for inline, boundary, passed, action, resource, value in changes * 2:
            actor.may(inline, boundary, passed)

            remembered = actor.asks(action, resource, Asked=value)

            policy_hooks._remembered.clear()
            assert remembered == actor.asks(action, resource, Asked=value)
        actor.forget()


def test_the_same_question_is_decided_once(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    actor.may([policy([{"Effect": "Allow", "Action": "*", "Resource": "*"}])])
    assert actor.asks(ACTIONS[0], RESOURCES[0]) is None
    monkeypatch.setattr(iam_evaluator, "evaluate", None)  # it cannot be asked any more

    assert actor.asks(ACTIONS[0], RESOURCES[0]) is None


@pytest.mark.parametrize("key", ["aws:CurrentTime", "aws:cURRENTtime"])
@pytest.mark.parametrize("written", [str, lambda text: text.replace("e", "\\u0065")], ids=["plain", "escaped"])
def test_a_permission_that_ends_at_a_time_ends_then(
    actor: Actor, monkeypatch: pytest.MonkeyPatch, key: str, written: Any
) -> None:
    now = datetime(2026, 11, 23, 8, tzinfo=UTC)
    clock = SimpleNamespace(now=lambda _zone: now, fromisoformat=datetime.fromisoformat)
    monkeypatch.setattr(iam_evaluator, "_dt", SimpleNamespace(datetime=clock, timezone=SimpleNamespace(utc=UTC)))
    until = {"DateLessThan": {key: "2026-11-23T09:00:00+00:00"}}
    document = policy([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": until}])
    actor.may([document.replace(key, written(key))])
    assert actor.asks(ACTIONS[0], RESOURCES[0]) is None

    now += timedelta(hours=2)

    assert actor.asks(ACTIONS[0], RESOURCES[0]) is not None
