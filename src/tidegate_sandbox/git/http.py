"""Serves git's smart http protocol through `git http-backend`."""

import asyncio
import base64
import binascii
import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

from tidegate_sandbox import processes
from tidegate_sandbox.git.bare import GIT_SETTINGS, BareRepository
from tidegate_sandbox.routes import Message, Receive, Send

SERVICES = r"(info/refs|git-upload-pack|git-receive-pack)"
"""What git asks for after a repository's address, as a regular expression."""


def is_push(service: str, scope: Message) -> bool:
    """Whether a request for `service` (of SERVICES) is about to push."""
    return "git-receive-pack" in (service, scope["query_string"].decode().removeprefix("service="))


async def serve(
    one: BareRepository, service: str, user: str, scope: Message, receive: Receive, send: Send
) -> list[tuple[str, str, str]]:
    """Stream one request for `service` (of SERVICES) through; return the references it moved: old, new, name."""
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    with _pushed_file(one) as pushed:
        await _backend(one, service, user, scope, headers, pushed, receive, send)
        lines = pushed.read_text().splitlines() if pushed.exists() else []
    return [(old, new, reference) for old, new, reference in (line.split(" ", 2) for line in lines)]


@contextlib.contextmanager
def _pushed_file(one: BareRepository) -> Iterator[Path]:
    path = one.path / f"pushed-{uuid.uuid4().hex}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


NOT_UNASKED = "X-Tidegate-Not-Unasked"
"""The header by which git says that it is to be served only with credentials; without it, it is the account's own."""


def wants_to_be_asked(scope: Message) -> bool:
    """Whether a request carries the header NOT_UNASKED."""
    return any(name.decode().lower() == NOT_UNASKED.lower() for name, _ in scope["headers"])


def basic_user(scope: Message) -> str | None:
    """Return the user name that a request gives in an `Authorization: Basic` header, or None where it gives none.

    The AWS CLI's credential helper writes a session's token behind its key, after a percent sign.
    """
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    with contextlib.suppress(binascii.Error, UnicodeDecodeError):
        return base64.b64decode(encoded, validate=True).decode().partition(":")[0].partition("%")[0]
    return None


async def _backend(
    one: BareRepository,
    service: str,
    user: str,
    scope: Message,
    headers: dict[str, str],
    pushed: Path,
    receive: Receive,
    send: Send,
) -> None:
    environment = GIT_SETTINGS | {
        "GIT_PROJECT_ROOT": str(one.path),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{service}",
        "QUERY_STRING": scope["query_string"].decode(),
        "REQUEST_METHOD": scope["method"],
        "CONTENT_TYPE": headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
        "REMOTE_USER": user,
        "PUSHED_REFERENCES": str(pushed),
    }
    if "content-length" in headers:
        environment["CONTENT_LENGTH"] = headers["content-length"]
    process = await asyncio.create_subprocess_exec(
        "git",
        "http-backend",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=processes.environment(environment),
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    feeding = asyncio.create_task(_feed(process.stdin, receive))
    try:
        status, answer_headers = _cgi_head(await process.stdout.readuntil(b"\r\n\r\n"))
        await send({"type": "http.response.start", "status": status, "headers": answer_headers})
        while chunk := await process.stdout.read(1 << 16):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await process.wait()
        await send({"type": "http.response.body", "body": b""})
    except asyncio.IncompleteReadError:
        await answer(send, 500, "git http-backend gave no answer.")
    finally:
        feeding.cancel()
        # A client that went away ends the backend by closing its input; git then accepts nothing of the push.
        process.stdin.close()
        await process.wait()


async def _feed(stdin: asyncio.StreamWriter, receive: Receive) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            message = await receive()
            if message["type"] != "http.request":
                break
            stdin.write(message.get("body", b""))
            await stdin.drain()
            if not message.get("more_body"):
                break
    stdin.close()


def _cgi_head(head: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    status, headers = 200, []
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name.lower() == b"status":
            status = int(value.split()[0])
        elif name:
            headers.append((name.lower(), value))
    return status, headers


async def answer(send: Send, status: int, sentence: str) -> None:
    """Answer with a sentence; with status 401 git comes again with credentials."""
    headers = [(b"content-type", b"text/plain")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="git (local simulation)"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode() + b"\n"})
