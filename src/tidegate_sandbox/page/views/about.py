"""The sandbox itself: where it is, how fast its clock runs, which accounts it has, and what it takes of the disk."""

import os
from typing import Any

from tidegate_sandbox import context, lifecycle, processes
from tidegate_sandbox.faults import standing

_GLOBAL_REGION = lifecycle.REGION


def about() -> dict[str, Any]:
    """Return the sandbox's own account of itself."""
    sandbox = context.sandbox()
    scopes = context.scopes_in_use()
    return {
        "status": lifecycle.Running(os.getpid(), sandbox.port, processes.RUN).status(),
        "url": sandbox.url,
        "scopes": [[scope.account, scope.region] for scope in scopes],
        "home": {"account": _home_account(), "region": _GLOBAL_REGION},
        "faults": [entry.describe(sandbox.clock.now()) for entry in standing.book.every()],
    }


def _home_account() -> str:
    from tidegate_sandbox.server import ACCOUNT

    return ACCOUNT
