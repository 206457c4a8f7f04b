"""CodeConnections, and stand-ins for the git hosts that they reach: real git, pushes, pull requests, checks.

A connection reaches every repository of its provider's stand-in. What a host would need a web page for (making a
repository, opening a pull request) is asked of `/_tidegate/git-hosts` (`tidegate sandbox git-host`).
"""

from tidegate_sandbox.git_host import PAGE
from tidegate_sandbox.routes import route
from tidegate_sandbox.services.connections import pages
from tidegate_sandbox.services.connections.api import Connection, connection, reach, services, used
from tidegate_sandbox.services.connections.git_http import GIT_HTTP, connection_git, host_git
from tidegate_sandbox.services.connections.hosts import (
    HOSTS,
    Check,
    HostedRepository,
    PullRequest,
    PullRequestEvent,
    Push,
    subscribe,
)

__all__ = [
    "GIT_HTTP",
    "Check",
    "Connection",
    "HostedRepository",
    "PullRequest",
    "PullRequestEvent",
    "Push",
    "connection",
    "install",
    "reach",
    "subscribe",
    "used",
]


def install() -> None:
    """Serve the API under both of its names, git over http, and the pages."""
    for service in services:
        service.serve()
    route(GIT_HTTP, connection_git)
    route(HOSTS, host_git)
    route(PAGE, pages.git_hosts)
