"""The names of ministack that change stacks: an operation on a stack that a sandbox left is gone on with in the next.

A part of `hooks`, whose `check` asserts these too; no other module imports ministack.

CloudFormation walks a template's resources in their order. What has been done of an operation is kept beside the
stack, so that going on with it walks the same way again and finds most of it done.
"""

import asyncio
import contextlib
import contextvars
import logging
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from ministack.core import responses as _responses
from ministack.services import cloudformation as _cloudformation
from ministack.services.cloudformation import changesets as _changesets
from ministack.services.cloudformation import custom_resource as _custom_resource
from ministack.services.cloudformation import handlers as _handlers
from ministack.services.cloudformation import stacks as _stacks

from tidegate_sandbox import credentials
from tidegate_sandbox.credentials import Credentials
from tidegate_sandbox.state import changing, keep, touch

RELIED_ON: list[tuple[Any, str]] = [
    (_cloudformation, "_stacks"),
    (_changesets, "_deploy_stack_async"),
    *((module, name) for module in (_handlers, _stacks) for name in ("_deploy_stack_async", "_delete_stack_async")),
    *((_stacks, name) for name in ("_add_event", "_provision_resource", "_update_resource", "_delete_resource")),
    (_stacks, "_roll_back_operation"),
    (_handlers, "_roll_back_operation"),
    (_stacks, "_NAME_SEED"),
    (_stacks, "_region_from_stack_id"),
    (_custom_resource, "_pending"),
    (_custom_resource, "deliver_response"),
    (_custom_resource, "invoke_custom_resource"),
    (_custom_resource, "register_token"),
]

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Request:
    """What a custom resource's function was asked for, to be answered under `token`."""

    token: str
    left: bool = False
    """Whether the function has returned: then somebody else will answer, such as a build that it started."""
    answer: dict[str, Any] | None = None


@dataclass(eq=False)
class Operation:
    """An operation on a stack: a coroutine of ministack's, by name, with its arguments, and what has been done of it.

    `made` has the outcome of each resource that was created or updated, by logical id; `deleted` those that are gone.
    """

    name: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    account: str
    region: str
    acting: Credentials | None
    made: dict[str, tuple[Any, str]] = field(default_factory=dict)
    deleted: set[tuple[str, str]] = field(default_factory=set)
    asked: dict[str, Request] = field(default_factory=dict)
    """What custom resources' functions were asked for last, by logical id."""
    told: set[str] = field(default_factory=set)
    """Logical ids whose events have been told by a sandbox before this one."""
    goes_on: bool = False
    """Whether a sandbox before this one began it."""

    @property
    def stack(self) -> str:
        """The name of the stack."""
        return str(self.arguments[0])


_operations: list[Operation] = keep("stack operations", [])
_current: contextvars.ContextVar[Operation | None] = contextvars.ContextVar("stack_operation", default=None)
_stock: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {}


def _kept(name: str) -> Callable[..., Coroutine[Any, Any, None]]:
    stock = _stock[name] = getattr(_stacks, name)

    def begin(*arguments: Any, **options: Any) -> Coroutine[Any, Any, None]:
        return _begin(name, arguments, options, stock(*arguments, **options))

    return begin


def _begin(
    name: str, arguments: tuple[Any, ...], options: dict[str, Any], work: Coroutine[Any, Any, None]
) -> Coroutine[Any, Any, None]:
    # At once, not when the coroutine first runs: the stack says already that it is in progress.
    region = _stacks._region_from_stack_id(arguments[1]) or _responses.get_region()
    operation = Operation(name, arguments, options, _responses.get_account_id(), region, credentials.acting())
    _operations.append(operation)
    return _run(operation, work)


async def _run(operation: Operation, work: Coroutine[Any, Any, None]) -> None:
    _current.set(operation)
    try:
        await work
    finally:
        _operations.remove(operation)
        touch()


def _roll_back(stack_name: str, stack_id: str, stack: Any, failed: dict[str, Any], reason: str = "") -> Any:
    """Roll back: from now on this is what the operation is, for it must not be tried forwards again."""
    operation, work = _current.get(), _stock_roll_back(stack_name, stack_id, stack, failed, reason)
    if operation is not None:
        operation.name, operation.arguments = "_roll_back_operation", (stack_name, stack_id)
        operation.options = {"failed": failed, "reason": reason}
        operation.made.clear()
        return work
    options = {"failed": failed, "reason": reason}
    return _begin("_roll_back_operation", (stack_name, stack_id), options, work)


async def _roll_back_again(operation: Operation) -> None:
    stack = _cloudformation._stacks[operation.stack]
    failed = dict(operation.options["failed"])
    # What was deleted is not in the stack any more.
    failed["created"] = [name for name in failed.get("created", ()) if name in stack.get("_resources", {})]
    await _stock_roll_back(*operation.arguments, stack, failed, operation.options["reason"])


# ---------------------------------------------------------------- resources
waiting: set[str] = {"AWS::CloudFormation::CustomResource", "AWS::CloudFormation::Stack"}
"""The types of resources whose making may take long, so that a snapshot may be taken meanwhile."""


def _provision(kind: str, logical_id: str, properties: Any, stack: str) -> Any:
    return _once(kind, stack, logical_id, lambda: _stock_provision(kind, logical_id, properties, stack))


def _update(kind: str, physical_id: str, old: Any, new: Any, stack: str, logical_id: str, *rest: Any) -> Any:
    return _once(kind, stack, logical_id, lambda: _stock_update(kind, physical_id, old, new, stack, logical_id, *rest))


def _once(kind: str, stack: str, logical_id: str, make: Callable[[], Any]) -> Any:
    operation = _current.get()
    if operation is None or operation.stack != stack or operation.name == "_roll_back_operation":
        return make()
    if logical_id not in operation.made:
        _logical_id.set(logical_id)
        with contextlib.nullcontext() if kind in waiting or kind.startswith("Custom::") else changing():
            outcome = make()
            operation.made[logical_id] = outcome, _stacks._NAME_SEED.get()
        return outcome
    outcome, seed = operation.made[logical_id]
    _stacks._NAME_SEED.set(seed)
    return outcome


def _delete(kind: str, physical_id: str, properties: Any, stack: str = "", logical_id: str = "") -> None:
    operation = _current.get()
    if operation is not None and (kind, physical_id) in operation.deleted:
        return
    _logical_id.set(logical_id)
    _stock_delete(kind, physical_id, properties, stack, logical_id)
    if operation is not None and operation.stack == stack:
        operation.deleted.add((kind, physical_id))


def _event(stack_id: str, stack: str, logical_id: str, kind: str, status: str, *rest: Any, **named: Any) -> None:
    operation = _current.get()
    if operation is not None and operation.stack == stack and logical_id in operation.told:
        if not status.endswith("_IN_PROGRESS"):
            operation.told.discard(logical_id)
        return
    _stock_event(stack_id, stack, logical_id, kind, status, *rest, **named)


def goes_on() -> bool:
    """Whether the resource that is being made or changed may have been begun by a sandbox before this one."""
    operation = _current.get()
    return operation is not None and operation.goes_on


# ---------------------------------------------------------------- custom resources
_logical_id: contextvars.ContextVar[str] = contextvars.ContextVar("logical_id", default="")


class _Answered(threading.Event):
    """The event of an answer: whoever waits for it has called the function, which has returned."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._request = request

    def wait(self, timeout: float | None = None) -> bool:
        self._request.left = True
        touch()
        return super().wait(timeout)


def _register_token(token: str) -> threading.Event:
    _stock_register_token(token)
    operation = _current.get()
    if operation is not None:
        request = operation.asked[_logical_id.get()] = Request(token)
        _custom_resource._pending[token]["event"] = _Answered(request)
    event: threading.Event = _custom_resource._pending[token]["event"]
    return event


def _deliver_response(token: str, response: dict[str, Any]) -> bool:
    for operation in list(_operations):
        for request in list(operation.asked.values()):
            if request.token == token:
                request.answer = response
                touch()
    return bool(_stock_deliver_response(token, response))


def _invoke(
    request_type: str,
    logical_id: str,
    props: dict[str, Any],
    stack_name: str,
    stack_id: str,
    resource_type: str,
    physical_id: str | None = None,
    old_props: dict[str, Any] | None = None,
) -> Any:
    """Ask a custom resource's function, but not again where it was asked before and will be answered."""
    operation = _current.get()
    before = operation.asked.get(logical_id) if operation is not None and operation.goes_on else None
    if before is None or not (before.left or before.answer):
        return _stock_invoke(
            request_type, logical_id, props, stack_name, stack_id, resource_type, physical_id, old_props
        )
    if before.answer is None:
        event: threading.Event = _stock_register_token(before.token)
        try:
            event.wait(float(props.get("ServiceTimeout", 3600)))
        finally:
            _custom_resource._pending.pop(before.token, None)
    if before.answer is None:
        raise TimeoutError(f"Custom resource {logical_id!r} was not answered in time")
    if before.answer.get("Status") == "FAILED":
        raise RuntimeError(before.answer.get("Reason", "Custom resource reported FAILED"))
    return before.answer.get("PhysicalResourceId") or physical_id or before.token, before.answer.get("Data") or {}


# ---------------------------------------------------------------- in and out
_stock_provision, _stock_update = _stacks._provision_resource, _stacks._update_resource
_stock_delete, _stock_event = _stacks._delete_resource, _stacks._add_event
_stock_roll_back = _stacks._roll_back_operation
_stock_register_token = _custom_resource.register_token
_stock_deliver_response = _custom_resource.deliver_response
_stock_invoke = _custom_resource.invoke_custom_resource


def install() -> None:
    """Keep what is done of operations on stacks. Call it last: what is done about a resource includes its watchers."""
    global _stock_provision, _stock_update, _stock_delete
    _stock_provision, _stock_update = _stacks._provision_resource, _stacks._update_resource
    _stock_delete = _stacks._delete_resource
    _stacks._provision_resource, _stacks._update_resource = _provision, _update
    _stacks._delete_resource, _stacks._add_event = _delete, _event
    _stacks._roll_back_operation = _handlers._roll_back_operation = _roll_back
    _handlers._deploy_stack_async = _changesets._deploy_stack_async = _kept("_deploy_stack_async")
    _handlers._delete_stack_async = _kept("_delete_stack_async")
    _custom_resource.register_token = _register_token
    _custom_resource.deliver_response = _deliver_response
    _custom_resource.invoke_custom_resource = _invoke


def go_on(loop: asyncio.AbstractEventLoop) -> int:
    """Go on with the operations that a sandbox before this one left under way; return how many they are."""
    left = list(_operations)
    for operation in left:
        operation.told, operation.goes_on = set(operation.made), True
        _log.info("going on with %s of stack %s", operation.name, operation.stack)
        loop.call_soon_threadsafe(_begin_again, operation)
    return len(left)


def _begin_again(operation: Operation) -> None:
    where = _responses.request_scope(operation.account, operation.region)
    with credentials.acting_with(operation.acting), where:
        if operation.name == "_roll_back_operation":
            work: Coroutine[Any, Any, None] = _roll_back_again(operation)
        else:
            stack = _cloudformation._stacks.get(operation.stack)
            if stack is not None:
                # It was found fit when it was begun; now the names that it takes are its own.
                stack["_disable_validation"] = True
            work = _stock[operation.name](*operation.arguments, **operation.options)
        task = asyncio.get_running_loop().create_task(_run(operation, work))
    _going.add(task)
    task.add_done_callback(_going.discard)


_going: set[asyncio.Task[None]] = set()
