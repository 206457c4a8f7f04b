"""What people do at a git host's web pages, as JSON: making repositories, opening pull requests, seeing checks."""

import json
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs

from tidegate_sandbox import hooks
from tidegate_sandbox.routes import Message, Receive, Send, read_body
from tidegate_sandbox.service_models import service_model
from tidegate_sandbox.services.connections import hosts
from tidegate_sandbox.services.connections.hosts import HostedRepository

_LARGEST_REQUEST = 100_000  # bytes


async def git_hosts(scope: Message, receive: Receive, send: Send) -> None:
    """GET ?provider=&repository= shows a repository; POST makes one, or with `head` opens a pull request in it."""
    try:
        if scope["method"] == "POST":
            told = await hooks.run_blocking(_post, json.loads(await read_body(receive, _LARGEST_REQUEST)))
        else:
            query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
            told = await hooks.run_blocking(_show, _repository(query))
        status = 200
    except (ValueError, KeyError) as error:
        status, told = 400, {"message": str(error)}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


def _post(asked: dict[str, Any]) -> dict[str, Any]:
    if "head" in asked:
        pull = hosts.open_pull_request(_repository(asked), asked["head"], asked.get("base", "main"))
        return {"number": pull.number}
    provider = str(asked.get("provider"))
    known = service_model("codeconnections").shape_for("ProviderType").enum
    if provider not in known:
        raise ValueError(f"{provider} is no provider of a connection: {', '.join(known)}")
    return _show(hosts.create(provider, str(asked.get("repository")), bool(asked.get("readme"))))


def _repository(asked: dict[str, Any]) -> HostedRepository:
    provider, name = str(asked.get("provider")), str(asked.get("repository"))
    found = hosts.find(provider, name)
    if found is None:
        raise ValueError(f"{provider} has no repository named {name}")
    return found


def _show(repository: HostedRepository) -> dict[str, Any]:
    return {
        "provider": repository.provider,
        "repository": repository.name,
        "branches": repository.branches(),
        "pull_requests": [asdict(pull) for pull in repository.pulls.values()],
        "checks": {
            commit: [asdict(check) for check in checks.values()] for commit, checks in repository.checks.items()
        },
    }
