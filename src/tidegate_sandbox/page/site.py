"""Serves the page: its files, what it shows as JSON, and what its buttons do."""

import hashlib
import json
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.exceptions import BotoCoreError, ClientError

from tidegate_sandbox import context, hooks
from tidegate_sandbox.context import Scope
from tidegate_sandbox.page import calls, documents, views
from tidegate_sandbox.page.reading import NotFoundError, Reader
from tidegate_sandbox.page.visitor import Visitors
from tidegate_sandbox.routes import BodyError, Message, Receive, Send, read_body

PAGE = "/_tidegate/"
"""Where the page is; what else the sandbox tells of itself lies beside its files and its API."""
_FILES, _API = f"{PAGE}page/", f"{PAGE}api/"
_IN_SCOPE = re.compile(rf"{_API}(?P<account>\d{{12}})/(?P<region>[a-z]{{2}}(-[a-z]+)+-\d)/(?P<rest>.+)")
_LARGEST_CHANGE = 100_000  # bytes

# Nothing from elsewhere, no script in the document, and no way for a script to make text into elements.
_PAGE_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
# Somebody's document: it may look as it likes, and do nothing.
_DOCUMENT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True)
class Answer:
    """An answer before it is sent."""

    body: bytes
    media_type: str = "application/json"
    status: int = HTTPStatus.OK
    policy: str = _PAGE_POLICY


class Site:
    """The page as an ASGI application."""

    def __init__(self, port: int, static: Path) -> None:
        self._visitors = Visitors(port)
        self._files = {each.relative_to(static).as_posix(): each for each in static.rglob("*") if each.is_file()}

    async def __call__(self, http: Message, receive: Receive, send: Send) -> None:
        """Answer a request; what was asked for with the tag of what would be answered is answered by 304."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in http["headers"]}
        answer = await self._answer(http, headers, receive)
        tag = f'"{hashlib.sha256(answer.body).hexdigest()[:24]}"'
        known = answer.status == HTTPStatus.OK and http["method"] == "GET" and headers.get("if-none-match") == tag
        sent = {
            "content-type": answer.media_type,
            "cache-control": "no-cache",
            "etag": tag,
            "content-security-policy": answer.policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-resource-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            # The sandbox's own time, in epoch seconds: it may run faster than the browser's.
            "x-tidegate-time": f"{context.sandbox().clock.now().timestamp():.3f}",
        }
        body = b"" if known else answer.body
        status = HTTPStatus.NOT_MODIFIED if known else answer.status
        encoded = [(name.encode(), value.encode()) for name, value in sent.items()]
        if not known:
            encoded.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": int(status), "headers": encoded})
        await send({"type": "http.response.body", "body": b"" if http["method"] == "HEAD" else body})

    async def _answer(self, http: Message, headers: Mapping[str, str], receive: Receive) -> Answer:
        if refusal := self._visitors.refusal(headers, to_page=http["path"] == PAGE):
            return _said(HTTPStatus.FORBIDDEN, refusal)
        # As it was sent: a name may have a slash in it, which is then escaped.
        path, method = (http.get("raw_path") or http["path"].encode()).decode("ascii", "replace"), http["method"]
        if method in ("GET", "HEAD"):
            if not path.startswith(_API):
                return self._file(path)
            query = dict(parse_qsl(http["query_string"].decode()))
            seen: Answer = await hooks.run_blocking(self._view, path, query)
            return seen
        if method != "POST":
            return _said(HTTPStatus.METHOD_NOT_ALLOWED, "The page is asked with GET, and changes with POST.")
        if refusal := self._visitors.refusal_of_change(headers):
            return _said(HTTPStatus.FORBIDDEN, refusal)
        try:
            body = await read_body(receive, _LARGEST_CHANGE)
        except BodyError as error:
            return _said(error.status, str(error))
        changed: Answer = await hooks.run_blocking(_change, path, body)
        return changed

    def _file(self, path: str) -> Answer:
        name = "index.html" if path == PAGE else path.removeprefix(_FILES)
        if name not in self._files:
            return _said(HTTPStatus.NOT_FOUND, f"The page has no file {name}.")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        kind = "text/javascript" if name.endswith(".js") else kind
        text = kind.startswith("text/") or kind.endswith("+xml")
        return Answer(self._files[name].read_bytes(), f"{kind}; charset=utf-8" if text else kind)

    def _view(self, path: str, query: dict[str, str]) -> Answer:
        try:
            if path == f"{_API}sandbox":
                return _json({**views.about(), "token": self._visitors.token})
            asked = _IN_SCOPE.fullmatch(path)
            if asked is None:
                return _said(HTTPStatus.NOT_FOUND, f"The page shows nothing at {path}.")
            reader = Reader(Scope(asked["account"], asked["region"]))
            if asked["rest"] == "document":
                text = documents.read(reader, query.get("bucket", ""), query.get("key", ""))
                return Answer(text, "text/html; charset=utf-8", policy=_DOCUMENT_POLICY)
            return _json(views.view(reader, [unquote(part) for part in asked["rest"].split("/")], query))
        except NotFoundError as error:
            return _said(HTTPStatus.NOT_FOUND, str(error))
        except ClientError as error:
            return _client_error(error)
        except BotoCoreError as error:
            return _said(HTTPStatus.BAD_REQUEST, str(error))


def serves(path: str) -> bool:
    """Whether a request of this path is the page's."""
    return path == PAGE or path.startswith((_FILES, _API))


def wants_page(http: Message, headers: Mapping[str, str]) -> bool:
    """Whether a request to the sandbox's address is a browser's: an AWS client signs it, and asks for no HTML."""
    if http["method"] != "GET" or http["path"] not in ("/", PAGE.rstrip("/")) or http["query_string"]:
        return False
    return "text/html" in headers.get("accept", "") and "authorization" not in headers


def _change(path: str, body: bytes) -> Answer:
    asked = _IN_SCOPE.fullmatch(path)
    parts = asked["rest"].split("/") if asked else []
    if asked is None or len(parts) != 3 or parts[0] != "call":
        return _said(HTTPStatus.NOT_FOUND, f"The page changes nothing at {path}.")
    try:
        parameters = json.loads(body)
        if not isinstance(parameters, dict):
            return _said(HTTPStatus.BAD_REQUEST, "An operation's parameters are an object.")
        return _json(calls.call(Reader(Scope(asked["account"], asked["region"])), parts[1], parts[2], parameters))
    except calls.NotOfferedError as error:
        return _said(HTTPStatus.NOT_FOUND, str(error))
    except ClientError as error:
        return _client_error(error)
    except (ValueError, BotoCoreError) as error:
        return _said(HTTPStatus.BAD_REQUEST, str(error))


def _client_error(error: ClientError) -> Answer:
    told = error.response["Error"]
    status = int(error.response["ResponseMetadata"]["HTTPStatusCode"])
    return _said(status, str(told.get("Message", error)), str(told.get("Code", "")))


def _said(status: int, message: str, code: str = "") -> Answer:
    return Answer(_encoded({"code": code, "message": message}), status=status)


def _json(value: Any) -> Answer:
    return Answer(_encoded(value))


def _encoded(value: Any) -> bytes:
    return json.dumps(value, default=_plain, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    """Return what JSON has no word for: times as epoch seconds."""
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no place in an answer to the page")
