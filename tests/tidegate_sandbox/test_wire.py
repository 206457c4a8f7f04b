"""Requests that go the short way, and those that do not: on one connection, in any order, each answered alike."""

import json
import re
import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

INVOCATION = "/endpoints/nobodys/invocations"


@pytest.fixture
def connection(sandbox: Any) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", urlsplit(sandbox.url).port), timeout=10) as opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield opened


def post(path: str = INVOCATION, body: bytes = b"1,2", **headers: str) -> bytes:
    given = {"host": "127.0.0.1", "content-length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items() if value]
    return "\r\n".join((f"POST {path} HTTP/1.1", *lines, "", "")).encode() + body


def get(path: str = "/_tidegate/status") -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()


def answer(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    response = HTTPResponse(connection)
    response.begin()
    return response.status, json.loads(response.read())


def says_that_it_is_not_there(status: int, page: dict[str, Any]) -> bool:
    return status == 400 and page["Message"].startswith("Endpoint nobodys of account")


def test_an_invocation_is_answered(connection: socket.socket) -> None:
    connection.sendall(post())

    assert says_that_it_is_not_there(*answer(connection))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, len(post()) - 1), max_size=4, unique=True))
def test_it_may_come_in_any_pieces(connection: socket.socket, cuts: list[int]) -> None:
    request, edges = post(), [0, *sorted(cuts), len(post())]

    for begin, end in pairwise(edges):
        connection.sendall(request[begin:end])

    assert says_that_it_is_not_there(*answer(connection))


def test_requests_of_both_kinds_take_turns_on_a_connection(connection: socket.socket) -> None:
    for _ in range(2):
        connection.sendall(post())
        assert says_that_it_is_not_there(*answer(connection))
        connection.sendall(get())
        assert answer(connection)[1]["what"] == "local simulation"


def test_requests_that_do_not_wait_for_their_answers_are_answered_in_turn(connection: socket.socket) -> None:
    names = ["one", "two", "three"]

    connection.sendall(b"".join(post(f"/endpoints/{name}/invocations") for name in names))
    said = b""
    while (found := re.findall(r"Endpoint (\w+) of", said.decode())) != names:
        part = connection.recv(65536)
        assert part, f"the connection was closed after {found}"
        said += part


@pytest.mark.parametrize(
    "request_", [post(host="attacker.example"), post(origin="https://attacker.example")], ids=["host", "origin"]
)
def test_one_from_elsewhere_is_turned_away(connection: socket.socket, request_: bytes) -> None:
    connection.sendall(request_)

    assert answer(connection)[0] == 403


def test_one_that_does_not_tell_its_length_takes_the_long_way(sandbox: Any) -> None:
    client = HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)

    client.request("POST", INVOCATION, iter([b"1,", b"2"]))  # in chunks

    response = client.getresponse()
    assert says_that_it_is_not_there(response.status, json.loads(response.read()))
    client.close()


def test_one_that_is_too_long_is_refused(sandbox: Any) -> None:
    client = HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)

    client.request("POST", INVOCATION, bytes(6_291_457))

    response = client.getresponse()
    assert (response.status, json.loads(response.read())["Message"]) == (413, "The body has more than 6291456 bytes.")
    client.close()


def test_a_head_without_end_is_refused(connection: socket.socket) -> None:
    connection.sendall(f"POST {INVOCATION} HTTP/1.1\r\nx: ".encode() + b"x" * 70_000)

    assert connection.recv(1000).startswith(b"HTTP/1.1 431")
