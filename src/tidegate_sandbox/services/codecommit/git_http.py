"""Serves git's smart http protocol through `git http-backend`, and sends the events that a push causes."""

import asyncio
import base64
import binascii
import contextlib
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

from tidegate_sandbox import context, credentials, hooks, journal, processes
from tidegate_sandbox.routes import Message, Receive, Send
from tidegate_sandbox.services.codecommit.repositories import GIT_SETTINGS, ROUTE, Repository, repositories

NO_COMMIT = "0" * 40

_SERVICES = re.compile(re.escape(ROUTE) + r"([\w.-]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)")


async def git_http(scope: Message, receive: Receive, send: Send) -> None:
    """Serve git's smart http protocol (an ASGI app) by streaming through `git http-backend`."""
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    matched = _SERVICES.fullmatch(scope["path"])
    if matched is None:
        return await _answer(send, 404, "Only git's smart http protocol is served here.")
    named = [here[matched[1]] for _, here in repositories.everywhere() if matched[1] in here]
    if len(named) > 1:
        user = _basic_user(headers.get("authorization", ""))
        if user is None:
            return await _answer(send, 401, "Several accounts have it: give the account id as the user name.")
        named = [one for one in named if one.scope.account == _account_of(user)]
    if len(named) != 1:
        said = "no repository" if not named else "repositories in several regions"
        return await _answer(send, 404, f"{said} named {matched[1]}")
    _write_down(named[0], matched[2], scope, headers)
    with _pushed_file(named[0]) as pushed:
        await _backend(named[0], matched[2], scope, headers, pushed, receive, send)
        lines = pushed.read_text().splitlines() if pushed.exists() else []
    if lines:
        with hooks.acting_in(named[0].scope.account, named[0].scope.region):
            hooks.run_in_background(_references_changed, named[0], lines, name=f"pushed-{named[0].name}")
    return None


@contextlib.contextmanager
def _pushed_file(one: Repository) -> Iterator[Path]:
    path = one.path / f"pushed-{uuid.uuid4().hex}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _basic_user(authorization: str) -> str | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    with contextlib.suppress(binascii.Error, UnicodeDecodeError):
        return base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    return None


def _account_of(user: str) -> str:
    session = credentials.of_access_key(user)
    return session.account if session else user


def _write_down(one: Repository, service: str, scope: Message, headers: dict[str, str]) -> None:
    who = credentials.of_access_key(_basic_user(headers.get("authorization", "")) or "")
    pushes = "git-receive-pack" in (service, scope["query_string"].decode().removeprefix("service="))
    action = "codecommit:GitPush" if pushes else "codecommit:GitPull"
    journal.write(who, [(action, one.arn, {})], one.scope.region)


async def _backend(
    one: Repository, service: str, scope: Message, headers: dict[str, str], pushed: Path, receive: Receive, send: Send
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
        "REMOTE_USER": one.scope.account,
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
        await _answer(send, 500, "git http-backend gave no answer.")
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


async def _answer(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"text/plain")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="CodeCommit (local simulation)"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode() + b"\n"})


def _references_changed(one: Repository, lines: list[str]) -> None:
    one.modified = context.sandbox().clock.now()
    for old, new, reference in (line.split(" ", 2) for line in lines):
        if one.default_branch is None and reference.startswith("refs/heads/") and new != NO_COMMIT:
            one.default_branch = reference.removeprefix("refs/heads/")
            one.git("symbolic-ref", "HEAD", reference)
        detail = reference_event(old, new, reference) | {
            "repositoryName": one.name,
            "repositoryId": one.id,
            "callerUserArn": f"arn:aws:iam::{one.scope.account}:root",
        }
        hooks.emit_event("aws.codecommit", "CodeCommit Repository State Change", detail, [one.arn])


def reference_event(old: str, new: str, reference: str) -> dict[str, str]:
    """Return what the event says of one pushed reference (CodeCommit user guide, "Monitoring CodeCommit events")."""
    kind = "tag" if reference.startswith("refs/tags/") else "branch"
    event = {
        "referenceType": kind,
        "referenceName": reference.removeprefix("refs/tags/").removeprefix("refs/heads/"),
        "referenceFullName": reference,
    }
    if old == NO_COMMIT:
        return event | {"event": "referenceCreated", "commitId": new}
    if new == NO_COMMIT:
        return event | {"event": "referenceDeleted", "oldCommitId": old}
    return event | {"event": "referenceUpdated", "commitId": new, "oldCommitId": old}
