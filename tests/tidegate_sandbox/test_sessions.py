"""Whose a request is, by the key that it is signed with: a session's, as long as there is one."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ministack.services import sts

from tidegate_sandbox import credentials
from tidegate_sandbox.errors import UnknownKeyError

ROLE = "arn:aws:sts::111122223333:assumed-role/worker/somebody"


@pytest.fixture
def session() -> Iterator[Callable[..., str]]:
    made = []

    def make(arn: str, **more: Any) -> str:
        made.append(f"ASIA{uuid.uuid4().hex[:16].upper()}")
        sts._sessions[made[-1]] = {"Arn": arn, **more}
        return made[-1]

    yield make
    for key in made:
        sts._sessions.pop(key, None)
        credentials._sessions.pop(key, None)


def test_a_session_of_a_role_is_its_roles(session: Callable[..., str]) -> None:
    who = credentials.of_request(session(ROLE))
    assert who is not None
    assert (who.role_arn, who.name) == ("arn:aws:iam::111122223333:role/worker", "somebody")


@pytest.mark.parametrize("of", ["iam::111122223333:root", "iam::111122223333:user/path/somebody"])
def test_a_session_of_a_user_is_no_roles(session: Callable[..., str], of: str) -> None:
    assert credentials.of_request(session(f"arn:aws:{of}")) is None


def test_a_session_that_has_expired_is_refused_also_once_it_is_forgotten(session: Callable[..., str]) -> None:
    key = session(ROLE, Expiration=time.time() + 3600)
    credentials.of_request(key)
    sts._sessions[key]["Expiration"] = time.time() - 1
    for forget in (lambda: None, lambda: sts._sessions.pop(key)):
        forget()
        with pytest.raises(UnknownKeyError) as said:
            credentials.of_request(key)
        assert said.value.code == "ExpiredTokenException"


def test_a_key_of_no_session_is_refused_and_any_other_is_an_accounts() -> None:
    with pytest.raises(UnknownKeyError) as said:
        credentials.of_request("ASIAAAAAAAAAAAAAAAAA")
    assert said.value.code == "UnrecognizedClientException"
    assert credentials.of_request("111122223333") is None
    assert credentials.of_request("") is None
