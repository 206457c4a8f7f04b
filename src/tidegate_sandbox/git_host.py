"""Asks a running sandbox's stand-ins for git hosts for what a person does at a host's web pages."""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

PAGE = "/_tidegate/git-hosts"


class GitHostError(Exception):
    """The stand-in refused; the message is its sentence."""


def create(url: str, provider: str, repository: str, *, readme: bool = False) -> dict[str, Any]:
    """Make a repository at `provider` (GitHub, GitLab, ...), empty or begun with a README."""
    return _ask(url, {"provider": provider, "repository": repository, "readme": readme})


def open_pull_request(url: str, provider: str, repository: str, head: str, base: str = "main") -> int:
    """Open a pull request of the branch `head` into `base`; return its number."""
    return int(_ask(url, {"provider": provider, "repository": repository, "head": head, "base": base})["number"])


def show(url: str, provider: str, repository: str) -> dict[str, Any]:
    """Return a repository's branches, pull requests, and the checks on its commits."""
    asked = urllib.parse.urlencode({"provider": provider, "repository": repository})
    return _send(urllib.request.Request(f"{url}{PAGE}?{asked}"))  # noqa: S310


def address(url: str, provider: str, repository: str) -> str:
    """Return where git finds the repository at the stand-in, as a person has it."""
    return f"{url}/git-hosts/{provider}/{repository}.git"


def _ask(url: str, body: dict[str, Any]) -> dict[str, Any]:
    return _send(urllib.request.Request(f"{url}{PAGE}", data=json.dumps(body).encode()))  # noqa: S310


def _send(request: urllib.request.Request) -> dict[str, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this machine
    try:
        with opener.open(request, timeout=60) as answer:
            told: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as refused:
        raise GitHostError(json.load(refused).get("message", str(refused))) from None
    return told
