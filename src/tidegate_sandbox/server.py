"""The sandbox's one server: ministack with our services in it, and raw routes beside it, on 127.0.0.1 only.

ministack reads its settings from the environment when it is imported, so nothing here imports it (nor what imports
it) before `serve` has set them.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidegate_sandbox import processes, wire
from tidegate_sandbox.clock import ScaledClock
from tidegate_sandbox.ministack_version import check_version, lacks
from tidegate_sandbox.routes import AsgiApp, Message, Receive, Send, route, routed
from tidegate_sandbox.state.changing import touch

if TYPE_CHECKING:
    from tidegate_sandbox.context import AfterRollback
    from tidegate_sandbox.disk.tidying import Tidying
    from tidegate_sandbox.disk.use import Measured
    from tidegate_sandbox.enforcement import Iam
    from tidegate_sandbox.state.keeper import Keeper
    from tidegate_sandbox.state.snapshot import Snapshot

ACCOUNT = "111122223333"
"""The account of a caller whose access key is not itself an account id of twelve digits."""


LONGEST_LOG = 16 * 2**20
"""Bytes of the server's log, after which it begins anew; the one before it is kept beside it."""

MOST_OPEN = 10_240
"""Files and connections that are open at most where the machine sets no limit: as many as macOS lets a process have."""


@dataclass(frozen=True)
class Settings:
    """How a sandbox is run. `speed` is how many times the wall its clock runs; `iam`, whether IAM is enforced."""

    home: Path
    port: int
    speed: float
    after_rollback: "AfterRollback"
    iam: "Iam" = "enforce"


def listen(port: int) -> socket.socket:
    """Bind 127.0.0.1 (`port` 0 takes a free one); OSError where the port is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(1024)
    except OSError:
        listening.close()
        raise
    return listening


def serve(
    settings: Settings, listening: socket.socket, ready: Callable[[int], None], left: "Snapshot | None" = None
) -> None:
    """Serve on `listening` until SIGTERM or SIGINT, then end every child.

    It goes on from what the sandbox before it `left`: UnreadableError where it cannot. `ready` is called once it
    answers, with how much was under way then.
    """
    _set_environment(settings)
    _allow_connections()
    _log_to(settings.home / "log" / "sandbox.log")

    check_version()
    try:
        from tidegate_sandbox import hooks
    except (AttributeError, ImportError) as missing:
        raise lacks(f"a name: {missing}") from missing
    from tidegate_sandbox import context, credentials, enforcement, journal, page, services
    from tidegate_sandbox.disk.tidying import Tidying
    from tidegate_sandbox.disk.use import Measured
    from tidegate_sandbox.faults.install import install as install_faults
    from tidegate_sandbox.hooks import history as history_hooks
    from tidegate_sandbox.hooks import managed as managed_hooks
    from tidegate_sandbox.hooks import quicker as quicker_hooks
    from tidegate_sandbox.hooks import stacks as stack_hooks
    from tidegate_sandbox.hooks import unheeded as unheeded_hooks
    from tidegate_sandbox.state import keeper

    hooks.check()
    processes.watch()
    clock = ScaledClock(settings.speed, left.clock if left else None)
    context.start(context.Sandbox(settings.home, settings.port, clock, settings.after_rollback))
    hooks.time_stacks_by(clock.now)
    history_hooks.time_events_by(clock.now)
    managed_hooks.install()
    quicker_hooks.install()
    page.install(settings.port)
    services.install()
    credentials.install()
    journal.install(settings.home, hooks.own_services)
    unheeded_hooks.refuse_what_is_passed_over(hooks.own_services)
    enforcement.start(settings.iam)
    install_faults(settings.port, hooks.own_services)
    stack_hooks.install()
    if left is not None:
        keeper.fill(left)
    keeping = keeper.Keeper(settings.home, settings.port, clock)
    measured = Measured(settings.home)
    tidying = Tidying(measured)
    route("/_tidegate/status", _status_page(settings, keeping, measured))
    try:
        with asyncio.Runner(loop_factory=wire.Loop) as runner:
            gate = _Gate(hooks.asgi_app, page.PAGE, page.wants_page, page.follows_link)
            runner.run(_serve(gate, listening, keeping, tidying, ready))
    finally:
        processes.end_all()


def _allow_connections() -> None:
    """Take as many open files as the user may have: a request in flight takes two, and many may wait for a model."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS says that there is no limit, and has one
        resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_OPEN if most == resource.RLIM_INFINITY else most, most))


def _set_environment(settings: Settings) -> None:
    """Set what ministack reads at import, and cut the process off from the user's own AWS settings."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    temporary = settings.home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(temporary)
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SECRET_ACCESS_KEY": "local",  # of every account, as `up` says: addresses of S3 are signed with it
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{settings.port}",
        "GATEWAY_PORT": str(settings.port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "S3_PERSIST": "1",  # bodies go to disk and leave memory
        "S3_DATA_DIR": str(settings.home / "s3"),
        "STATE_DIR": str(settings.home / "ministack"),
        "LAMBDA_EXECUTOR": "local",
        "DOCKER_HOST": f"unix://{temporary / 'no-docker.sock'}",  # no container of the user's is ours to tidy
        "TMPDIR": str(temporary),
        "NO_PROXY": processes.environment()["NO_PROXY"],
        "no_proxy": processes.environment()["no_proxy"],
    }


def _log_to(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = RotatingFileHandler(path, maxBytes=LONGEST_LOG, backupCount=1)
    logging.basicConfig(
        handlers=[file], level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )


async def _serve(
    app: AsgiApp, listening: socket.socket, keeping: "Keeper", tidying: "Tidying", ready: Callable[[int], None]
) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listening.detach()}"]
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.wsgi_max_body_size = 0

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    async def announce_then_wait() -> None:
        from tidegate_sandbox.state import keeper

        keeping.open(loop)
        ready(keeper.go_on(loop))
        tidying.open(loop)
        await stop.wait()
        tidying.close()
        # Before anything that runs is ended: that it ended with the sandbox is none of its records' business.
        await asyncio.to_thread(keeping.close)
        wire.close()

    # hypercorn asks for the trigger only once the application has started.
    await serve(app, config, shutdown_trigger=announce_then_wait)


class _Gate:
    """Turns away what is not meant for this machine's own programs, then finds who serves the path."""

    def __init__(
        self,
        aws: AsgiApp,
        page: str,
        wants_page: Callable[[Message, Mapping[str, str]], bool],
        follows_link: Callable[[Mapping[str, str]], bool],
    ) -> None:
        """`page` is where a browser is sent whose request `wants_page`: one that no AWS client makes.

        `follows_link` tells by its headers that a request is a person's who goes from one page to another.
        """
        self._aws = aws
        self._page, self._wants_page, self._follows_link = page, wants_page, follows_link

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._aws(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        wants_page = scope["type"] == "http" and self._wants_page(scope, headers)
        by_link = (wants_page or scope["path"] == self._page) and self._follows_link(headers)
        if _of_a_foreign_page(headers, by_link):
            return await _answer(send, 403, {"message": "The local simulation answers programs on this machine only."})
        if wants_page:
            return await _send_to(send, self._page)
        app = routed(scope["path"]) if scope["type"] == "http" else None
        await (app or self._aws)(scope, receive, send)
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD") and app is None:
            touch()
        return None


def _of_a_foreign_page(headers: Mapping[str, str], by_link: bool) -> bool:
    """Return whether a page from elsewhere sent this, or one that reached 127.0.0.1 through a name of its own.

    A GET that asks for no leave, as an image's does, has no Origin, and may well be an operation (?Action=CreateStack):
    of such a one the browser tells in Sec-Fetch-Site whose page it is. https://www.w3.org/TR/fetch-metadata/
    `by_link`: somebody goes from there to the sandbox's page, and does nothing else.
    """
    origin = headers.get("origin")
    if not _is_loopback(headers.get("host", "")):
        return True
    if origin is not None:
        return not _is_loopback(origin)
    return not by_link and headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def _is_loopback(authority: str) -> bool:
    from urllib.parse import urlsplit

    host = urlsplit(authority if "//" in authority else f"//{authority}").hostname or ""
    return host in processes.LOOPBACK or host.endswith(".localhost")


def _status_page(settings: Settings, keeping: "Keeper", measured: "Measured") -> AsgiApp:
    from tidegate_sandbox.disk.limits import told_of_records
    from tidegate_sandbox.disk.use import told

    started = time.monotonic()

    async def app(_scope: Message, _receive: Receive, send: Send) -> None:
        disk = await asyncio.to_thread(measured.used)
        status = {
            "what": "local simulation",
            "pid": os.getpid(),
            "home": str(settings.home),
            "speed": settings.speed,
            "after_rollback": settings.after_rollback,
            "iam": settings.iam,
            "uptime_seconds": time.monotonic() - started,
            "memory_bytes": memory(),
            "disk": disk,
            "disk_told": told(disk, settings.home),
            "snapshot": {
                "bytes": keeping.size,
                "seconds": keeping.took,
                "seconds_of_all": keeping.spent,
                "failure": keeping.failure,
                "bounds": told_of_records(),
            },
            "children": [{"pid": child.pid, "name": child.name} for child in processes.children()],
        }
        await _answer(send, 200, status)

    return app


async def _answer(send: Send, status: int, body: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def _send_to(send: Send, path: str) -> None:
    headers = [(b"location", path.encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 302, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def memory() -> int:
    """Return this process's resident memory in bytes: now on Linux, its peak elsewhere."""
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * resource.getpagesize()
