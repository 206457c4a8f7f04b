"""Where requests go: an endpoint's address, keys to sign with, and a clock to go by."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tidegate_sandbox import lifecycle, processes

ADDRESSES = ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "AWS_ENDPOINT_URL")


class TargetError(Exception):
    """Why nobody can be asked, as a sentence."""


@dataclass(frozen=True)
class Target:
    """An endpoint: `url` is InvokeEndpoint's. `clock` was its time when it was found, and runs at `speed`."""

    url: str
    region: str
    credentials: Any
    clock: datetime
    speed: float

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, where no proxy leads."""
        return (urlsplit(self.url).hostname or "") in processes.LOOPBACK

    def signed(self, headers: dict[str, str], body: bytes) -> dict[str, str]:
        """Return `headers` with those that sign the request (Signature Version 4)."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        request = AWSRequest("POST", self.url, headers, body)
        SigV4Auth(self.credentials.get_frozen_credentials(), "sagemaker", self.region).add_auth(request)
        return dict(request.headers.items())


def find(endpoint: str, home: Path | None, region: str | None) -> Target:
    """Return the endpoint of that name: of the sandbox in `home`, or where AWS's own settings point to.

    Without a home the settings come first, then the sandbox in the default one. TargetError where there is neither.
    """
    from botocore.credentials import Credentials
    from botocore.exceptions import BotoCoreError
    from botocore.session import get_session

    path = f"/endpoints/{quote(endpoint, safe='')}/invocations"
    if home is not None or not any(os.environ.get(name) for name in ADDRESSES):
        home = (home or lifecycle.default_home()).resolve()
        running = lifecycle.find(home)
        if running is None:
            raise TargetError(f"No sandbox runs in {home}, and AWS_ENDPOINT_URL names no other address")
        keys = running.environment()
        credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
        region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        return _timed(Target(running.url + path, region or lifecycle.REGION, credentials, datetime.now(UTC), 1.0))
    session = get_session()
    try:
        client = session.create_client("sagemaker-runtime", region_name=region)
        found = session.get_credentials()
    except (BotoCoreError, ValueError) as error:
        raise TargetError(f"AWS's settings lead nowhere: {error}") from error
    if found is None:
        raise TargetError("There are no AWS credentials to sign requests with")
    address, region = client.meta.endpoint_url.rstrip("/"), client.meta.region_name
    return _timed(Target(address + path, region, found, datetime.now(UTC), 1.0))


def _timed(target: Target) -> Target:
    """Return the target with its own clock, where it is a sandbox; others go by the wall."""
    from dataclasses import replace
    from http.client import HTTPConnection, HTTPException

    if not target.is_local:
        return target
    address = urlsplit(target.url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        told = []
        for path in ("/_tidegate/status", "/_tidegate/faults"):
            connection.request("GET", path)
            told.append(json.loads(connection.getresponse().read()))
        return replace(target, speed=float(told[0]["speed"]), clock=datetime.fromisoformat(told[1]["clock"]))
    except ConnectionError as error:
        raise TargetError(f"nothing answers at {address.scheme}://{address.netloc}: {error}") from error
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return target  # it is no sandbox
    finally:
        connection.close()
