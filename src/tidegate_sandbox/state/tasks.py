"""What is under way: functions that run in the background, and that the next sandbox begins again.

A task is in the snapshot with the records that it is about, so its function finds them as they stood; it must go on
from there, and not mind that its last steps may be done already.
"""

import logging
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from tidegate_sandbox import credentials, hooks
from tidegate_sandbox.credentials import Credentials
from tidegate_sandbox.state.changing import changing
from tidegate_sandbox.state.kept import keep

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Task:
    """A call of `function`, a module's function or a record's method, in the account and region that it acts in."""

    function: Callable[..., None]
    arguments: tuple[Any, ...]
    name: str
    account: str
    region: str
    acting: Credentials | None


_under_way: list[Task] = keep("tasks", [])
_going_on: ContextVar[bool] = ContextVar("going_on", default=False)


def begin(function: Callable[..., None], *arguments: Any, name: str) -> None:
    """Run `function` in the background, now and, if the sandbox ends before it does, in the next one."""
    account, region = hooks.current_account_and_region()
    task = Task(function, arguments, name, account, region, credentials.acting())
    with changing():
        _under_way.append(task)
    hooks.run_in_background(_run, task, False, name=name)


def going_on() -> bool:
    """Whether what runs was begun by a sandbox before this one."""
    return _going_on.get()


def under_way() -> list[Task]:
    """Return what runs."""
    return list(_under_way)


def go_on() -> int:
    """Begin again what a sandbox before this one left under way; return how much that is."""
    left = list(_under_way)
    for task in left:
        _log.info("going on with %s", task.name)
        with hooks.acting_in(task.account, task.region):
            hooks.run_in_background(_run, task, True, name=task.name)
    return len(left)


def _run(task: Task, again: bool) -> None:
    _going_on.set(again)
    try:
        if again:
            with credentials.acting_with(task.acting), hooks.acting_in(task.account, task.region):
                task.function(*task.arguments)
        else:
            task.function(*task.arguments)
    finally:
        with changing():
            _under_way.remove(task)
