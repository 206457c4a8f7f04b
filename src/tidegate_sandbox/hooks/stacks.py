"""The names of ministack that change stacks: an operation on a stack that a sandbox left is gone on with in the next.

A part of `hooks`, whose `check` asserts these too; only `hooks` imports ministack.

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
from ministack.services.cloudformation import provisioners as _provisioners
from ministack.services.cloudformation import stacks as _stacks

from tidegate_sandbox import credentials
from tidegate_sandbox.credentials import Credentials
from tidegate_sandbox.state import changing, keep, touch

RELIED_ON: list[tuple[Any, str]] = [
    (_cloudformation, "_change_sets"),
    (_cloudformation, "_stacks"),
    (_changesets, "_deploy_stack_async"),
    (_changesets, "_track_change_set_execution"),
    *((module, "_create_then_delete_on_failure") for module in (_changesets, _handlers, _stacks)),
    *((_provisioners, name) for name in ("_cfn_nested_stack_deploy", "_provision_resource", "_update_resource")),
    (_responses, "new_uuid"),
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

Place = tuple[str, str]
"""A stack's name, that of the operation or of one nested in it, and a logical id in it."""


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

    `made` has the outcome of each resource that was created or updated; `deleted` those that are gone.
    """

    name: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    account: str
    region: str
    acting: Credentials | None
    made: dict[Place, tuple[Any, str]] = field(default_factory=dict)
    deleted: set[tuple[str, str]] = field(default_factory=set)
    asked: dict[tuple[Place, str, str | None], Request] = field(default_factory=dict)
    """What custom resources' functions were asked for, by what it was (such as Delete) and the physical id."""
    unmade: dict[Place, dict[str, Any]] = field(default_factory=dict)
    """Custom resources whose functions were asked to make them and failed, as ministack keeps what was made."""
    told: set[Place] = field(default_factory=set)
    """Those whose events have been told by a sandbox before this one."""
    before: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What nested stacks that it updates were before it, by name."""
    begun_again: set[str] = field(default_factory=set)
    """Names of nested stacks that a sandbox before this one began, and has told of."""
    then_deletes: bool = False
    """Whether the stack is deleted where it cannot be created: OnFailure or OnStackFailure is DELETE."""
    goes_on: bool = False
    """Whether a sandbox before this one began it."""

    @property
    def stack(self) -> str:
        """The name of the stack."""
        return str(self.arguments[0])


_operations: list[Operation] = keep("stack operations", [])
_current: contextvars.ContextVar[Operation | None] = contextvars.ContextVar("stack_operation", default=None)
_stock: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {}


def under_way() -> list[Operation]:
    """Return the operations that have not ended."""
    return list(_operations)


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


def _then_delete(name: str, stack_id: str, deploy: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
    for operation in _operations:
        if operation.arguments[:2] == (name, stack_id):
            operation.then_deletes = True
    both: Coroutine[Any, Any, None] = _stock_then_delete(name, stack_id, deploy)
    return both


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
        _take_back_what_failed(operation, stack, failed)
        operation.name, operation.arguments = "_roll_back_operation", (stack_name, stack_id)
        operation.options = {"failed": failed, "reason": reason}
        operation.made.clear()
        operation.asked.clear()  # to change a resource back is another request than to change it
        return work
    options = {"failed": failed, "reason": reason}
    return _begin("_roll_back_operation", (stack_name, stack_id), options, work)


def _take_back_what_failed(operation: Operation, stack: Any, failed: dict[str, Any]) -> None:
    """Let a custom resource that could not be made be deleted by the rollback, before what was made."""
    logical_id = failed.get("failed_logical_id")
    unmade = operation.unmade.get((operation.stack, str(logical_id)))
    if unmade is not None and failed.get("failed_update") is None:
        stack.setdefault("_resources", {})[logical_id] = unmade
        failed["created"] = [*failed.get("created", ()), logical_id]


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
    try:
        return _once(kind, stack, logical_id, lambda: _stock_provision(kind, logical_id, properties, stack))
    except Exception:
        _keep_unmade(kind, logical_id, properties, stack)
        raise


def _keep_unmade(kind: str, logical_id: str, properties: Any, stack: str) -> None:
    operation, place = _current.get(), (stack, logical_id)
    asked = operation.asked.get((place, "Create", None)) if operation is not None else None
    if operation is not None and asked is not None:
        operation.unmade[place] = {
            "PhysicalResourceId": (asked.answer or {}).get("PhysicalResourceId") or asked.token,
            "ResourceType": kind,
            "ResourceStatus": "CREATE_FAILED",
            "LogicalResourceId": logical_id,
            "Properties": properties,
            "Attributes": {},
        }


def _update(kind: str, physical_id: str, old: Any, new: Any, stack: str, logical_id: str, *rest: Any) -> Any:
    return _once(kind, stack, logical_id, lambda: _stock_update(kind, physical_id, old, new, stack, logical_id, *rest))


def _once(kind: str, stack: str, logical_id: str, make: Callable[[], Any]) -> Any:
    operation = _current.get()
    if operation is None or operation.name == "_roll_back_operation":
        return make()
    place = (stack, logical_id)
    if place not in operation.made:
        with contextlib.nullcontext() if kind in waiting or kind.startswith("Custom::") else changing():
            outcome = make()
            operation.made[place] = outcome, _stacks._NAME_SEED.get()
        return outcome
    outcome, seed = operation.made[place]
    _stacks._NAME_SEED.set(seed)
    return outcome


def _delete(kind: str, physical_id: str, properties: Any, stack: str = "", logical_id: str = "") -> None:
    operation = _current.get()
    if operation is not None and (kind, physical_id) in operation.deleted:
        return
    _stock_delete(kind, physical_id, properties, stack, logical_id)
    if operation is not None and operation.stack == stack:
        operation.deleted.add((kind, physical_id))


def _event(stack_id: str, stack: str, logical_id: str, kind: str, status: str, *rest: Any, **named: Any) -> None:
    operation = _current.get()
    if operation is not None and (stack, logical_id) in operation.told:
        if not status.endswith("_IN_PROGRESS"):
            operation.told.discard((stack, logical_id))
        return
    if operation is not None and stack == logical_id in operation.begun_again:
        operation.begun_again.discard(stack)
        return
    _stock_event(stack_id, stack, logical_id, kind, status, *rest, **named)


def goes_on() -> bool:
    """Whether the resource that is being made or changed may have been begun by a sandbox before this one."""
    operation = _current.get()
    return operation is not None and operation.goes_on


# ---------------------------------------------------------------- nested stacks
_REPLACED = ("_template", "_conditions", "_resolved_params", "Tags")
_uuids: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("uuids", default=None)


def _deploy_nested(logical_id: str, properties: Any, parent: str, **previous: Any) -> Any:
    """Make or change a nested stack; one that a sandbox before this one began goes on under its name and id."""
    operation, uuids = _current.get(), list[str]()
    if operation is not None and operation.name != "_roll_back_operation":
        if name := previous.get("previous_physical_id"):
            if (child := _cloudformation._stacks.get(name)) is not None:
                if name in operation.before:
                    operation.begun_again.add(name)
                # How it was, to tell what is new, and what is no more; its resources tell for themselves.
                child.update(operation.before.setdefault(name, {key: child[key] for key in _REPLACED if key in child}))
        elif operation.goes_on:
            begins = f"{parent}-{logical_id}-"
            for child in list(_cloudformation._stacks.values()):
                if child.get("_parent_stack_name") == parent and child["StackName"].startswith(begins):
                    operation.begun_again.add(child["StackName"])
                    uuids = [child["StackName"].removeprefix(begins), child["StackId"].rpartition("/")[2]]
    token = _uuids.set(uuids)
    try:
        return _stock_deploy_nested(logical_id, properties, parent, **previous)
    finally:
        _uuids.reset(token)


def _new_uuid() -> str:
    # A nested stack's name and its id have one each, the first that are asked for while it is made.
    given = _uuids.get()
    return given.pop(0) if given else str(_stock_new_uuid())


def _provision_nested(kind: str, logical_id: str, properties: Any, stack: str) -> Any:
    def make() -> Any:
        return _stock_provision_nested(kind, logical_id, properties, stack)

    return _once(kind, stack, logical_id, make) if _is_nested(stack) else make()


def _update_nested(
    kind: str, physical_id: str, old: Any, new: Any, stack: str, logical_id: str = "", *rest: Any
) -> Any:
    def make() -> Any:
        return _stock_update_nested(kind, physical_id, old, new, stack, logical_id, *rest)

    return _once(kind, stack, logical_id, make) if _is_nested(stack) else make()


def _is_nested(stack: str) -> bool:
    operation = _current.get()
    return operation is not None and operation.stack != stack


# ---------------------------------------------------------------- custom resources
_asking: contextvars.ContextVar[tuple[Place, str, str | None]] = contextvars.ContextVar("asking")


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
        request = operation.asked[_asking.get()] = Request(token)
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
    asking = (stack_name, logical_id), request_type, physical_id
    _asking.set(asking)
    before = operation.asked.get(asking) if operation is not None and operation.goes_on else None
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
_stock_roll_back, _stock_then_delete = _stacks._roll_back_operation, _stacks._create_then_delete_on_failure
_stock_deploy_nested, _stock_new_uuid = _provisioners._cfn_nested_stack_deploy, _responses.new_uuid
_stock_provision_nested, _stock_update_nested = _provisioners._provision_resource, _provisioners._update_resource
_stock_register_token = _custom_resource.register_token
_stock_deliver_response = _custom_resource.deliver_response
_stock_invoke = _custom_resource.invoke_custom_resource


def install() -> None:
    """Keep what is done of operations on stacks. Call it last: what is done about a resource includes its watchers."""
    global _stock_provision, _stock_update, _stock_delete, _stock_event, _stock_provision_nested, _stock_update_nested
    _stock_provision, _stock_update = _stacks._provision_resource, _stacks._update_resource
    _stock_delete, _stock_event = _stacks._delete_resource, _stacks._add_event
    _stacks._provision_resource, _stacks._update_resource = _provision, _update
    _stacks._delete_resource, _stacks._add_event = _delete, _event
    _stacks._roll_back_operation = _handlers._roll_back_operation = _roll_back
    _handlers._deploy_stack_async = _changesets._deploy_stack_async = _kept("_deploy_stack_async")
    _stacks._delete_stack_async = _handlers._delete_stack_async = _kept("_delete_stack_async")
    _handlers._create_then_delete_on_failure = _changesets._create_then_delete_on_failure = _then_delete
    _stock_provision_nested, _stock_update_nested = _provisioners._provision_resource, _provisioners._update_resource
    _provisioners._provision_resource, _provisioners._update_resource = _provision_nested, _update_nested
    _provisioners._cfn_nested_stack_deploy, _responses.new_uuid = _deploy_nested, _new_uuid
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
        task = asyncio.get_running_loop().create_task(_see_through(operation, work))
    _going.add(task)
    task.add_done_callback(_going.discard)


async def _see_through(operation: Operation, work: Coroutine[Any, Any, None]) -> None:
    stack, stack_id = _cloudformation._stacks.get(operation.stack), operation.arguments[1]
    work = _run(operation, work)
    if operation.then_deletes:
        work = _stock_then_delete(operation.stack, stack_id, work)
    of_stack = {key: each for key, each in _cloudformation._change_sets.items() if each.get("StackId") == stack_id}
    for change_set in of_stack.values():
        if stack is not None and change_set.get("ExecutionStatus") == "EXECUTE_IN_PROGRESS":
            work = _changesets._track_change_set_execution(change_set, stack, work)
    await work
    if stack is not None and stack.get("StackStatus") == "DELETE_COMPLETE":
        for key in of_stack:
            _cloudformation._change_sets.pop(key, None)  # they go with their stack


_going: set[asyncio.Task[None]] = set()
