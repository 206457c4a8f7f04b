"""The names of ministack that have to do with faults: its services' calls, and events on their way.

A part of `hooks`, whose `check` asserts these too.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack import app as _app
from ministack.core import iam_actions as _actions
from ministack.core import responses as _responses
from ministack.services import eventbridge as _eventbridge

from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.hooks import handlers
from tidegate_sandbox.hooks import iam as iam_hooks

RELIED_ON: list[tuple[Any, str]] = [
    (_actions, "access_denied_response"),
    (_app, "_routing_params"),
    (_eventbridge, "_invoke_target"),
    (_responses, "get_account_id"),
    (_responses, "get_region"),
]

Refuse = Callable[[str, str, Mapping[str, str]], AwsError | None]
"""Takes a service and an operation in IAM's spelling, and headers; says how the call is refused, None where not."""


def refuse_calls(own: Sequence[str], refuse: Refuse, is_asked: Callable[[], bool]) -> None:
    """Let `refuse` refuse calls of services but the sandbox's `own`; it is asked nothing unless `is_asked`."""
    handlers.wrap(own, lambda name, handler: _refusing(name, handler, refuse, is_asked))


def _refusing(name: str, handler: Any, refuse: Refuse, is_asked: Callable[[], bool]) -> Any:
    async def serve(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], **more: Any
    ) -> Any:
        if is_asked():
            params = _app._routing_params(method, path, headers, body, query)
            sent = handlers.headers_of(name, headers, query)
            request = iam_hooks.Request(name, method, path, sent, body, params)
            checks = iam_hooks.checks(request, _responses.get_account_id(), _responses.get_region())
            if checks:
                action, resource, _ = checks[0]
                service, _, operation = action.partition(":")
                if error := refuse(service, operation, headers):
                    return _answer(name, action, resource, error, headers)
        return await handler(method, path, headers, body, query, **more)

    return serve


def _answer(
    name: str, action: str, resource: str, error: AwsError, headers: Mapping[str, str]
) -> tuple[int, dict[str, str], bytes]:
    """Return the refusal in the service's own form."""
    code = "" if error.code == "AccessDeniedException" else error.code
    status, sent, body = _actions.access_denied_response(
        name, action, "", "00000000-0000-0000-0000-000000000000", error_code=code, message=error.message,
        headers=dict(headers), resource_arn=resource,
    )  # fmt: skip
    return status if not code else error.status, sent, body


Deliveries = Callable[[str, str, str], int]
"""Takes an event's source, its detail-type and the name of a rule; says how often it reaches the rule's target."""


def decide_deliveries(deliveries: Deliveries) -> None:
    """Deliver each event to a target as often as `deliveries` says."""
    invoke = _eventbridge._invoke_target

    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: Any, view: Any = None) -> Any:
        told = None
        for _ in range(deliveries(event.get("Source", ""), event.get("DetailType", ""), (rule or {}).get("Name", ""))):
            told = invoke(target, event, rule, view)
        return told

    _eventbridge._invoke_target = invoke_target
