"""What every part of a running sandbox shares: its folder, its address, its clock, and whom a call acts for."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, Generic, Literal, TypeVar

from tidegate.clock import Clock
from tidegate_sandbox import credentials
from tidegate_sandbox.credentials import Credentials

S = TypeVar("S")

AfterRollback = Literal["fail", "succeed"]
"""What CloudFormation makes of an update whose endpoint SageMaker rolled back: whether AWS fails the stack is
not verified, so the sandbox can do either."""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox.

    `home` holds all it writes; `port` is on 127.0.0.1; `clock` may run faster than the wall.
    """

    home: Path
    port: int
    clock: Clock
    after_rollback: AfterRollback = "fail"

    @property
    def url(self) -> str:
        """The endpoint that AWS clients are pointed at."""
        return f"http://127.0.0.1:{self.port}"


_running: Sandbox | None = None


def start(sandbox: Sandbox) -> None:
    """Make `sandbox` the one that this process runs."""
    global _running
    _running = sandbox


def sandbox() -> Sandbox:
    """Return the sandbox that this process runs; RuntimeError where none was started."""
    if _running is None:
        raise RuntimeError("no sandbox runs in this process: call context.start first")
    return _running


@dataclass(frozen=True)
class Scope:
    """The account and region that a call acts in, and the session that it acts with, if it does with one.

    Scopes of the same account and region are equal.
    """

    account: str
    region: str
    credentials: Credentials | None = field(default=None, compare=False, repr=False)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of `resource` (such as `pipeline/demo`) in this scope."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def client(self, service: str) -> Any:
        """Return a boto3 client that calls this sandbox in this scope; threads may share it."""
        return _client(sandbox().url, self, service)

    def environment(self) -> dict[str, str]:
        """Return the environment that points a child process's AWS clients at this sandbox."""
        return {
            "AWS_ENDPOINT_URL": sandbox().url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            **self.keys(),
            "AWS_EC2_METADATA_DISABLED": "true",
            # What the user keeps for the real AWS, profiles and endpoints, must not come in between.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def keys(self) -> dict[str, str]:
        """Return the variables from which AWS clients take the keys of this scope."""
        if self.credentials is not None:
            return self.credentials.environment()
        # ministack reads the account from a key of twelve digits; nothing checks the secret.
        return {"AWS_ACCESS_KEY_ID": self.account, "AWS_SECRET_ACCESS_KEY": "local"}


MOST_CLIENTS = 64
"""Clients that are kept, up to 0.7 MB each, those that were asked for last: sessions come and go with what they run."""

OWN_CALLS = "tidegate-sandbox-service"
"""What the User-Agent of the calls says that the sandbox's services make."""

_clients: dict[tuple[str, Scope, Credentials | None, str], Any] = {}
_making_a_client = Lock()


def _client(url: str, scope: Scope, service: str) -> Any:
    key = (url, scope, scope.credentials, service)
    # Clients may be shared by threads, but not made by two at once.
    with _making_a_client:
        client = _clients.pop(key, None)
        if client is None:
            from botocore.config import Config

            from tidegate_sandbox.service_models import session

            while len(_clients) >= MOST_CLIENTS:
                del _clients[next(iter(_clients))]
            keys = scope.keys()
            client = session().client(
                service,
                endpoint_url=url,
                region_name=scope.region,
                aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=keys.get("AWS_SESSION_TOKEN"),
                config=Config(
                    retries={"max_attempts": 0},
                    s3={"addressing_style": "path"},
                    max_pool_connections=50,
                    user_agent_extra=OWN_CALLS,
                ),
            )
        _clients[key] = client  # at the end: the first is the one that was not asked for longest
        return client


def scope() -> Scope:
    """Return the scope of the request (or background task) that is being served, with the session it acts with."""
    # Imported late: ministack reads its settings from the environment when it is imported.
    from tidegate_sandbox import hooks

    return Scope(*hooks.current_account_and_region(), credentials.acting())


class Scoped(Generic[S]):
    """State that each account and region has for itself, made by `factory` on first use."""

    _every: ClassVar[list["Scoped[Any]"]] = []

    def __init__(self, factory: Callable[[], S]) -> None:
        self._factory = factory
        self.states: dict[Scope, S] = {}
        """What each has; it is kept, see `state`."""
        self._every.append(self)

    def here(self) -> S:
        """Return the state of the scope that is being served."""
        # What is kept belongs to the scope, whoever acts in it.
        return self.states.setdefault(replace(scope(), credentials=None), self._factory())

    def of(self, scope: Scope) -> S | None:
        """Return the state of `scope`, if it has any."""
        return self.states.get(scope)

    def everywhere(self) -> list[tuple[Scope, S]]:
        """Return every scope that has state, with it."""
        return list(self.states.items())

    @classmethod
    def scopes(cls) -> set[Scope]:
        """Return every scope for which anything is kept."""
        return {scope for each in cls._every for scope in list(each.states)}


def scopes_in_use() -> list[Scope]:
    """Return the accounts and regions that somebody has used, by their names."""
    return sorted(Scoped.scopes(), key=lambda scope: (scope.account, scope.region))
