"""What of a request ministack would pass over: the operation itself, or members of it.

operations.json has, by ministack's name of a service, the operations that are not there and the members that no word of
ministack's names, with where they stand in a request: `header:` and `querystring:` names, or a path in the body. It is
derived (tests/tidegate_sandbox/unheeded/derivation.py says how and writes it), and `decisions` says what is done.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

import cbor2

from tidegate_sandbox.unheeded.decisions import ALSO, KEPT, UNCHECKED, decision
from tidegate_sandbox.unheeded.members import Member, Tree, given, put

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Operation:
    """The members of an operation that are passed over, by where they are looked for."""

    headers: Mapping[str, Member]
    query: Mapping[str, Member]
    body: Tree


@dataclass(frozen=True)
class Route:
    """Which requests of a REST service are an operation: by path, and keys or pairs of the query."""

    path: re.Pattern[str]
    query: Mapping[str, str]
    operation: str


class Served:
    """What is known of a service of ministack's; of an operation, worked out when it is first asked for."""

    def __init__(self, service: str, derived: Mapping[str, Any]) -> None:
        self.service = service
        self.form = str(derived["form"])
        self.absent = frozenset[str](derived["absent"])
        self.subresources = {place: frozenset(each) for place, each in derived.get("subresources", {}).items()}
        self._passed_over: Mapping[str, Mapping[str, str]] = derived["passed over"]
        self._routes: list[str] = derived.get("routes", [])
        self._operations: dict[str, Operation | None] = {}

    def operation(self, name: str) -> Operation | None:
        """Return what is passed over of an operation, None where nothing is."""
        if name not in self._operations:
            members = {**self._passed_over.get(name, {}), **ALSO.get((self.service, name), {})}
            self._operations[name] = _operation(self.service, name, members) if members else None
        return self._operations[name]

    @cached_property
    def routes(self) -> Mapping[tuple[str, str], Sequence[Route]]:
        """The routes by method and the first key that their query has, empty where it has none."""
        found: dict[tuple[str, str], list[Route]] = {}
        for method, route in map(_route, self._routes):
            found.setdefault((method, next(iter(route.query), "")), []).append(route)
        return found

    def subresource(self, operation: str) -> Mapping[str, str]:
        """Return what the query of a request for `operation` has to have."""
        return next(
            (each.query for routes in self.routes.values() for each in routes if each.operation == operation), {}
        )


@dataclass(frozen=True)
class Request:
    """A request as ministack is about to serve it; `params` are its query, and a form's fields."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    params: Mapping[str, Any]


@cache
def services() -> Mapping[str, Served]:
    """Return what is known of each service, by ministack's name."""
    derived = json.loads((files(__package__) / "operations.json").read_text("utf-8"))
    return {name: Served(name, each) for name, each in derived.items()}


def _operation(service: str, name: str, members: Mapping[str, str]) -> Operation | None:
    headers, query, body = dict[str, Member](), dict[str, Member](), Tree()
    for path, wire in members.items():
        member = Member(path, decision(service, name, path))
        if member.decision.does == "nothing":
            continue
        location, _, name_there = wire.partition(":")
        if location == "header":
            headers[name_there] = member
        elif location == "querystring":
            query[name_there] = member
        else:
            put(body, wire.split("/"), member)
    return Operation(headers, query, body) if headers or query or body else None


def _route(text: str) -> tuple[str, Route]:
    method, uri, operation = text.split(" ")
    path, _, query = uri.partition("?")
    pattern = re.sub(r"\\\{\w+(\\\+)?\\\}", lambda each: "(.+)" if each[1] else "([^/]+)", re.escape(path.rstrip("/")))
    pairs = (each.partition("=") for each in query.split("&") if each)
    return method, Route(re.compile(f"{pattern}/?", re.DOTALL), {key: value for key, _, value in pairs}, operation)


# ---------------------------------------------------------------- a request
def refusal(service: str, request: Request) -> tuple[str, str] | None:
    """Return the operation that is refused and the sentence that says why, or None; what is only said is logged."""
    served = services().get(service)
    if served is None:
        return None
    name = _named(served, request)
    if name is None:
        return None
    if name in served.absent or _is_lost(served, name, request):
        return name, f"{service}:{name} is not in the local simulation"
    if why := UNCHECKED.get((service, name)):
        return name, f"{service}:{name} is not in the local simulation: {why}"
    if why := KEPT.get((service, name)):
        _say(service, name, "", f"is kept and has no effect in the local simulation: {why}")
    operation = served.operation(name)
    if operation is None:
        return None
    for member in _given(served, operation, request):
        if member.decision.does == "refuse":
            return name, f"{service}:{name} with {member.path} is not in the local simulation: {member.decision.why}"
        said = f"has no effect in the local simulation: {member.decision.why}"
        _say(service, name, member.path, said)
    return None


def operation_of(service: str, request: Request) -> str | None:
    """Return the operation that a request is for, None where nothing is known of it."""
    served = services().get(service)
    return _named(served, request) if served else None


_said: set[tuple[str, str, str]] = set()


def _say(service: str, operation: str, member: str, sentence: str) -> None:
    if (service, operation, member) not in _said:
        _said.add((service, operation, member))
        _log.warning("%s:%s%s %s", service, operation, f" with {member}" if member else "", sentence)


_RPC = re.compile(r"/service/[^/]+/operation/(\w+)")


def _named(served: Served, request: Request) -> str | None:
    """Return the operation that a request is for, None where nothing is known that could be said of it."""
    if served.form == "rest":
        return _routed(served, request)
    if rpc := _RPC.fullmatch(request.path):
        return rpc[1]
    if target := request.headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    action = request.params.get("Action")
    return (action[0] if isinstance(action, list) else action) if action else None


_S3_BY_WHAT_ELSE: tuple[tuple[str, Callable[[Request], bool]], ...] = (
    ("UploadPartCopy", lambda request: "uploadId" in request.params and "x-amz-copy-source" in request.headers),
    ("UploadPart", lambda request: "uploadId" in request.params),
    ("CopyObject", lambda request: "x-amz-copy-source" in request.headers),
    ("PutObject", lambda request: request.method == "PUT"),
    ("ListParts", lambda request: request.method == "GET" and "uploadId" in request.params),
    ("AbortMultipartUpload", lambda request: request.method == "DELETE" and "uploadId" in request.params),
    ("ListBuckets", lambda request: request.path == "/"),
)
"""Operations of S3 that share method and path, and how a request is told to be one of them; the first that fits."""


def _routed(served: Served, request: Request) -> str | None:
    found = [
        route
        for key in (*request.params, "")
        for route in served.routes.get((request.method, key), ())
        if _asks_for(route, request)
    ]
    found.sort(key=lambda route: -len(route.query))
    names = [route.operation for route in found if len(route.query) == len(found[0].query)]
    if len(names) > 1 and served.service == "s3":
        return next((name for name, fits in _S3_BY_WHAT_ELSE if name in names and fits(request)), names[-1])
    return names[0] if names else None


def _asks_for(route: Route, request: Request) -> bool:
    asked = route.query.items()
    if not all(key in request.params and value in ("", _first(request, key)) for key, value in asked):
        return False
    return route.path.fullmatch(request.path) is not None


def _first(request: Request, key: str) -> str:
    value = request.params[key]
    return str(value[0] if isinstance(value, list) else value)


def _is_lost(served: Served, name: str, request: Request) -> bool:
    """Whether ministack would take the request for one about the whole object or bucket, and do that instead."""
    if not served.subresources:
        return False
    asked = served.subresource(name) if request.params else {}
    whose = "object" if "/" in request.path.strip("/") else "bucket"
    heeded = served.subresources.get(f"{whose} {request.method}")
    return bool(asked) and heeded is not None and not heeded & set(asked)


def _given(served: Served, operation: Operation, request: Request) -> Iterator[Member]:
    for name, member in operation.headers.items():
        if member.given(request.headers.get(name)):
            yield member
    for name, member in operation.query.items():
        if member.given(request.params.get(name)):
            yield member
    if not operation.body:
        return
    if served.service == "s3":
        yield from _in_xml(operation.body, request.body)
    elif "cbor" in request.headers.get("content-type", ""):
        yield from given(operation.body, cbor2.loads(request.body) if request.body else {})
    elif request.params.get("Action"):
        yield from _in_form(operation.body, request.params)
    else:
        yield from given(operation.body, _decoded(request.body))


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except ValueError:  # ministack says what it is
        return {}


_OF_LISTS = frozenset({"member", "entry"})


def _in_form(tree: Tree, params: Mapping[str, Any]) -> Iterator[Member]:
    for key, value in params.items():
        at: Tree | Member | None = tree
        for part in key.split("."):
            if not part.isdigit() and part not in _OF_LISTS and isinstance(at, dict):
                at = at.get(part)
        if isinstance(at, Member) and at.given(value):
            yield at


def _in_xml(tree: Tree, body: bytes) -> Iterator[Member]:
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - its reader stops at entities that grow
    except ElementTree.ParseError:  # ministack says what it is
        return
    below = tree.get(_local(root))
    if isinstance(below, dict):
        yield from _in_element(below, root)


def _in_element(tree: Tree, element: ElementTree.Element) -> Iterator[Member]:
    for child in element:
        below = tree.get(_local(child))
        if isinstance(below, dict):
            yield from _in_element(below, child)
        elif below is not None and (len(child) or below.given((child.text or "").strip())):
            yield below


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
