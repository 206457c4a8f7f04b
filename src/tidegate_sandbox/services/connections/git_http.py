"""Git over http: at a connection's own address for AWS callers, and at the hosts' as their own people have it."""

import re

from tidegate_sandbox import credentials, journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.git import answer, basic_user, serve
from tidegate_sandbox.git.http import SERVICES
from tidegate_sandbox.routes import Message, Receive, Send
from tidegate_sandbox.services.connections import hosts
from tidegate_sandbox.services.connections.api import checks, connection, reach
from tidegate_sandbox.services.connections.hosts import FULL_NAME, HOSTS, HostedRepository, pushed
from tidegate_sandbox.state import changing
from tidegate_sandbox.state.tasks import begin

GIT_HTTP = "/git-http/"
"""A connection's git address: `/git-http/ACCOUNT/REGION/CONNECTION-ID/OWNER/NAME.git`, as under AWS's host names."""

_BY_CONNECTION = re.compile(
    re.escape(GIT_HTTP) + rf"([0-9]{{12}})/([a-z0-9-]+)/([0-9a-f-]{{36}})/({FULL_NAME}?)\.git/{SERVICES}"
)
_AT_HOST = re.compile(re.escape(HOSTS) + rf"(\w+)/({FULL_NAME}?)\.git/{SERVICES}")


async def connection_git(scope: Message, receive: Receive, send: Send) -> None:
    """Serve what a connection reaches to those whose credentials are of the connection's account."""
    matched = _BY_CONNECTION.fullmatch(scope["path"])
    if matched is None:
        return await answer(send, 404, "A connection's git address is /git-http/ACCOUNT/REGION/ID/OWNER/NAME.git.")
    account, region, identifier, name, service = matched.groups()
    user = basic_user(scope)
    if user is None:
        return await answer(send, 401, "A connection's git address asks for an AWS caller's credentials.")
    if credentials.account_of(user) != account:
        return await answer(send, 403, f"The caller is not of account {account}, which has the connection.")
    try:
        arn = f"arn:aws:codeconnections:{region}:{account}:connection/{identifier}"
        through = connection(arn)
        found = reach(through.arn, name)
        journal.write(credentials.of_request(user), checks(through.arn, found, "UseConnection"), region)
    except AwsError as error:
        return await answer(send, 403 if error.code == "AccessDeniedException" else 404, error.message)
    return await _serve(found, service, user, scope, receive, send)


async def host_git(scope: Message, receive: Receive, send: Send) -> None:
    """Serve a host's repository to anybody on this machine, as the host does to its own people."""
    matched = _AT_HOST.fullmatch(scope["path"])
    found = hosts.find(matched[1], matched[2]) if matched else None
    if matched is None or found is None:
        return await answer(send, 404, "There is no such repository: /git-hosts/PROVIDER/OWNER/NAME.git.")
    return await _serve(found, matched[3], "person", scope, receive, send)


async def _serve(
    found: HostedRepository, service: str, user: str, scope: Message, receive: Receive, send: Send
) -> None:
    if moved := await serve(found, service, user, scope, receive, send):
        _pushed(found, moved)


def _pushed(found: HostedRepository, moved: list[tuple[str, str, str]]) -> None:
    with changing():
        found.tell(moved)
        begin(pushed, found, moved, name=f"pushed-{found.name}")


def go_on() -> None:
    """Tell of what was pushed to the sandbox before this one, where that had no time to."""
    for found in hosts.every():
        if moved := found.untold():
            _pushed(found, moved)
