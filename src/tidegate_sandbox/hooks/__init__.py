"""Every name of ministack that the sandbox relies on, private ones too: in this package alone.

ministack 1.5.33 offers no extension interface, so services, CloudFormation resource types, event targets and alarm
evaluation are put in by replacing entries of its module tables. `check()` asserts each name at start, so that
another version fails with a sentence instead of half working.
"""

import contextvars
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypedDict

import yaml
from ministack import app as _app
from ministack.core import concurrency as _concurrency
from ministack.core import responses as _responses
from ministack.core import router as _router
from ministack.services import cloudformation as _cloudformation
from ministack.services import cloudwatch as _cloudwatch
from ministack.services import eventbridge as _eventbridge
from ministack.services import s3 as _s3
from ministack.services.cloudformation import changesets as _changesets
from ministack.services.cloudformation import engine as _engine
from ministack.services.cloudformation import handlers as _handlers
from ministack.services.cloudformation import provisioners as _provisioners
from ministack.services.cloudformation import stacks as _stacks

from tidegate_sandbox.hooks import faults as _fault_hooks
from tidegate_sandbox.hooks import handlers as _handler_hooks
from tidegate_sandbox.hooks import history as _history_hooks
from tidegate_sandbox.hooks import iam as _iam_hooks
from tidegate_sandbox.hooks import managed as _managed_hooks
from tidegate_sandbox.hooks import metrics as _metric_hooks
from tidegate_sandbox.hooks import policies as _policy_hooks
from tidegate_sandbox.hooks import quicker as _quicker_hooks
from tidegate_sandbox.hooks import simulation as _simulation_hooks
from tidegate_sandbox.hooks import stacks as _stack_hooks
from tidegate_sandbox.hooks import state as _state_hooks
from tidegate_sandbox.hooks import templates as _template_hooks
from tidegate_sandbox.hooks import unheeded as _unheeded_hooks
from tidegate_sandbox.ministack_version import check_version, lacks
from tidegate_sandbox.service_models import loader

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Response]]
"""An ASGI-free request handler: method, path, headers (lower case), body, query → status, headers, body."""

asgi_app = _app.app


def relied_on() -> list[tuple[Any, str]]:
    """Return every module of ministack with each of its names that the sandbox uses: the one list of its hooks."""
    return [
        (_app, "SERVICE_HANDLERS"),
        (_app, "app"),
        (_concurrency, "spawn_background"),
        (_provisioners, "_physical_name"),
        (_router, "SERVICE_PATTERNS"),
        (_router, "extract_access_key_id"),
        (_router, "extract_region"),
        (_provisioners, "_RESOURCE_HANDLERS"),
        (_stacks, "_runs_on_worker_thread"),
        (_cloudformation, "_stacks"),
        (_stacks, "_delete_resource"),
        (_stacks, "_with_dependencies"),
        (_stacks, "now_iso"),
        (_handlers, "now_iso"),
        (_changesets, "now_iso"),
        (_engine, "_parse_template"),
        (_handlers, "_capabilities_enforced"),
        (_s3, "_version_entry_from_record"),
        (_router, "_KNOWN_AWS_SERVICE_NAMES"),
        (_eventbridge, "_apply_input_transformer"),
        (_eventbridge, "_invoke_target"),
        (_eventbridge, "_pattern_event_view"),
        (_eventbridge, "_put_events"),
        (_cloudwatch, "_alarms"),
        (_cloudwatch, "_calc_stats"),
        (_cloudwatch, "_dims_key"),
        (_cloudwatch, "_dispatch_alarm_actions"),
        (_cloudwatch, "_evaluate_parent_alarms"),
        (_cloudwatch, "_evict_old_metrics"),
        (_cloudwatch, "_metric_bucket"),
        (_cloudwatch, "_metrics"),
        (_cloudwatch, "_record_history"),
        (_cloudwatch, "_stat_value"),
        (_cloudwatch, "TWO_WEEKS_SECONDS"),
        (_cloudwatch, "time"),
        (_responses, "request_scope"),
        (_responses, "set_request_account_id"),
        (_concurrency, "run_reentrant"),
        *_fault_hooks.RELIED_ON,
        *_handler_hooks.RELIED_ON,
        *_history_hooks.RELIED_ON,
        *_iam_hooks.RELIED_ON,
        *_managed_hooks.RELIED_ON,
        *_metric_hooks.RELIED_ON,
        *_policy_hooks.RELIED_ON,
        *_quicker_hooks.RELIED_ON,
        *_simulation_hooks.RELIED_ON,
        *_stack_hooks.RELIED_ON,
        *_state_hooks.RELIED_ON,
        *_template_hooks.RELIED_ON,
        *_unheeded_hooks.RELIED_ON,
    ]


def check() -> None:
    """Raise MinistackError, as a sentence, where the installed ministack is not the one these hooks were made for."""
    check_version()
    missing = [f"{module.__name__}.{name}" for module, name in relied_on() if not hasattr(module, name)]
    if missing:
        raise lacks(", ".join(missing))


# ---------------------------------------------------------------- whom a call acts for
def current_account_and_region() -> tuple[str, str]:
    """Return the account and the region of the request that is being served."""
    return _responses.get_account_id(), _responses.get_region()


def account_and_region_of(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the account and the region that a request with these `headers` (lower case) is signed for."""

    def read() -> tuple[str, str]:
        _responses.set_request_account_id(_router.extract_access_key_id(headers))
        return _responses.get_account_id(), _router.extract_region(headers)

    return contextvars.copy_context().run(read)


def acting_in(account: str, region: str) -> AbstractContextManager[None]:
    """Return a context in which the calling thread acts in `account` and `region`."""
    scope: AbstractContextManager[None] = _responses.request_scope(account, region)
    return scope


async def run_blocking(function: Callable[..., Any], *args: Any) -> Any:
    """Run `function` on a thread of its own, so that it may wait and may call the sandbox itself."""
    return await _concurrency.run_reentrant(function, *args)


def run_in_background(function: Callable[..., Any], *args: Any, name: str) -> threading.Thread:
    """Run `function` on a daemon thread that acts in the caller's account and region; exceptions are logged."""
    thread: threading.Thread = _concurrency.spawn_background(function, *args, thread_name=name)
    return thread


# ---------------------------------------------------------------- services
# ministack would load every service's model, several hundred megabytes, to learn whether an unknown service exists.
_router._KNOWN_AWS_SERVICE_NAMES = frozenset(loader().list_available_services("service-2"))


own_services: list[str] = []
"""The signing names of the services that the sandbox registered."""


def register_service(signing_name: str, target_prefix: str, handler: Handler) -> None:
    """Serve requests that are signed for `signing_name`, or whose X-Amz-Target starts with `target_prefix`."""
    _router.SERVICE_PATTERNS[signing_name] = {
        "target_prefixes": [target_prefix],
        "credential_scope": signing_name,
    }
    _app.SERVICE_HANDLERS[signing_name] = handler
    own_services.append(signing_name)


# ---------------------------------------------------------------- S3
_stock_version_entry = _s3._version_entry_from_record


def _version_entry_without_body(record: dict[str, Any], version_id: str, _body: bytes | None) -> dict[str, Any]:
    # With S3_PERSIST bodies are on disk; ministack keeps those of a versioned bucket's objects in memory as well.
    entry: dict[str, Any] = _stock_version_entry(record, version_id, None)
    return entry


_s3._version_entry_from_record = _version_entry_without_body


# ---------------------------------------------------------------- CloudFormation
Attributes = dict[str, Any]
"""What Fn::GetAtt finds, by attribute name."""


class ResourceType(Protocol):
    """A CloudFormation resource type. Properties come resolved. Raise ValueError(reason) to fail the resource.

    Methods may block (each runs on a worker thread, in the stack's account and region).
    """

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, Attributes]:
        """Create it; return the physical id (what Ref gives) and its attributes."""
        ...

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, Attributes]:
        """Update it; another physical id means that it was replaced (the old one is deleted or retained later)."""
        ...

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete it; what is already gone is no error."""
        ...


class _ResourceHandlers(TypedDict):
    create: Callable[..., tuple[str, Attributes]]
    update: Callable[..., tuple[str, Attributes]]
    update_with_logical_id: bool
    delete: Callable[..., None]


_own_types: set[str] = set()
_stock_runs_on_worker_thread = _stacks._runs_on_worker_thread


def _runs_on_worker_thread(resource_type: str) -> bool:
    # Without this a handler that waits would block the whole server.
    return resource_type in _own_types or bool(_stock_runs_on_worker_thread(resource_type))


_stacks._runs_on_worker_thread = _runs_on_worker_thread

_stock_delete_resource = _stacks._delete_resource


def _delete_resource(kind: str, physical_id: str, properties: Any, stack: str = "", logical_id: str = "") -> None:
    # ministack goes on with what a resource depends on that could not be deleted; AWS leaves that as it is.
    known = _cloudformation._stacks.get(stack) or {}
    resources, definitions = known.get("_resources", {}), (known.get("_template") or {}).get("Resources", {})
    for name, resource in resources.items():
        needs = resource.get("ResourceStatus") == "DELETE_FAILED" and name != logical_id
        if needs and logical_id in _stacks._with_dependencies([name], definitions, set(resources)):
            raise RuntimeError(f"Not deleted, because {name} needs it, which could not be deleted.")
    _stock_delete_resource(kind, physical_id, properties, stack, logical_id)


_stacks._delete_resource = _delete_resource

# ministack asks for them only where it evaluates IAM; AWS always does.
_handlers._capabilities_enforced = lambda: True


def register_resource_type(name: str, resource_type: ResourceType, *, waits: bool = False) -> None:
    """Let CloudFormation provision resources of type `name`, such as AWS::SageMaker::Endpoint.

    One that `waits` for what it makes must, where `stack_hooks.goes_on()`, go on with what it finds made or begun.
    """
    if waits:
        _stack_hooks.waiting.add(name)
    handlers: _ResourceHandlers = {
        "create": resource_type.create,
        "update": resource_type.update,
        "update_with_logical_id": True,
        "delete": resource_type.delete,
    }
    _provisioners._RESOURCE_HANDLERS[name] = handlers
    _own_types.add(name)


def time_stacks_by(now: Callable[[], datetime]) -> None:
    """Let stacks, their events and change sets bear the time of `now`, an aware UTC datetime."""

    def iso() -> str:
        return now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    for module in (_stacks, _handlers, _changesets):
        module.now_iso = iso


def parse_template(text: str) -> dict[str, Any]:
    """Return what a JSON or YAML template says, !Ref and its like written out; ValueError where it is none."""
    try:
        template: dict[str, Any] = _engine._parse_template(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    return template


def physical_name(stack: str, logical_id: str, max_length: int) -> str:
    """Return a name as CloudFormation would make one for an unnamed resource: stack, logical id, random suffix."""
    return str(_provisioners._physical_name(stack, logical_id, max_len=max_length))


# ---------------------------------------------------------------- EventBridge
@dataclass(frozen=True)
class Delivery:
    """An event on its way to the target `arn` of the rule `rule`.

    `input` is the text that the target's Input or InputTransformer makes of it, None where it has neither; `role` is
    the ARN of the role that the target is called with, None where it names none.
    """

    arn: str
    role: str | None
    rule: str
    event: Mapping[str, Any]
    input: str | None


EventTarget = Callable[[Delivery], None]

_event_targets: dict[str, EventTarget] = {}
_stock_invoke_target = _eventbridge._invoke_target


def _invoke_target(target: dict[str, Any], event: dict[str, Any], rule: Any, view: Any = None) -> Any:
    service = target.get("Arn", "").split(":")[2:3]
    own = _event_targets.get(service[0]) if service else None
    if own is None:
        return _stock_invoke_target(target, event, rule, view)
    try:
        name, given = (rule or {}).get("Name", ""), _input(target, event, rule, view)
        own(Delivery(target["Arn"], target.get("RoleArn"), name, event, given))
    except Exception:
        # As with ministack's own targets, one that fails keeps an event from no other.
        logging.getLogger(__name__).exception("an event could not be delivered to %s", target["Arn"])
    return None


def _input(target: dict[str, Any], event: dict[str, Any], rule: Any, view: Any) -> str | None:
    if target.get("InputPath"):
        raise NotImplementedError("InputPath is not in the local simulation: use InputTransformer")
    if transformer := target.get("InputTransformer"):
        view = view or _eventbridge._pattern_event_view(event)
        return str(_eventbridge._apply_input_transformer(transformer, rule, view))
    given: str | None = target.get("Input")
    return given


_eventbridge._invoke_target = _invoke_target


def register_event_target(service: str, deliver: EventTarget) -> None:
    """Deliver events to targets whose ARN names `service`, such as codepipeline."""
    _event_targets[service] = deliver


def emit_event(source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str] = ()) -> None:
    """Put an event of an AWS service (`source` such as aws.sagemaker) on the default bus."""
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail, default=str),
        "Resources": list(resources),
    }
    _eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


# ---------------------------------------------------------------- CloudWatch
Alarm = dict[str, Any]
"""A metric alarm as PutMetricAlarm and DescribeAlarms know it, live: what is changed in it is changed."""


class MetricPoint(TypedDict):
    """A stored value of a metric, seen `Count` times; `Timestamp` in epoch seconds. May be counted up in place."""

    Timestamp: float
    Value: float
    Count: float
    Unit: str
    Dimensions: dict[str, str]


class _Time:
    """Stands in for the module `time` where ministack's CloudWatch asks it for the time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.time = now


def keep_metrics(now: Callable[[], float], seconds: float) -> None:
    """Let CloudWatch read the time (epoch seconds) from `now`, and forget values that are older than `seconds`."""
    _cloudwatch.time = _Time(now)
    _cloudwatch.TWO_WEEKS_SECONDS = seconds


def forget_old_metrics() -> None:
    """Drop values of the current scope that are too old. Call it on the server's event loop, as CloudWatch does."""
    _cloudwatch._evict_old_metrics()


def metric_points(namespace: str, name: str, dimensions: Mapping[str, str]) -> list[MetricPoint]:
    """Return the stored values of one metric in the current scope."""
    return list(_cloudwatch._metrics.get((namespace, name, _cloudwatch._dims_key(dict(dimensions)))) or ())


def add_metric_point(namespace: str, name: str, point: MetricPoint) -> None:
    """Store a value in the current scope. Call it on the server's event loop, where CloudWatch itself stores."""
    _cloudwatch._metric_bucket((namespace, name, _cloudwatch._dims_key(point["Dimensions"]))).append(point)


def statistic(points: Sequence[MetricPoint], name: str) -> tuple[float | None, float]:
    """Return a statistic (`Average`, `p99`, …) of `points`, None where it cannot be had, and their sample count."""
    totals = _cloudwatch._calc_stats(points)
    if not totals:
        return None, 0.0
    value: float | None = _cloudwatch._stat_value(totals, name, points)
    return value, totals["SampleCount"]


def metric_alarms() -> list[tuple[str, str, Alarm]]:
    """Return every metric alarm with its account and region."""
    return [(account, region, alarm) for (account, region, _), alarm in _cloudwatch._alarms.all_items()]


def set_alarm_state(alarm: Alarm, state: str, reason: str, reason_data: Mapping[str, Any], at: float) -> None:
    """Move `alarm` to `state` at `at` (epoch seconds): history, actions and composite alarms follow."""
    name, old = alarm["AlarmName"], alarm["StateValue"]
    if _cloudwatch._alarms.get(name) is not alarm:
        return  # deleted or put anew since it was looked at
    # In one step: who reads the state finds why.
    alarm.update(
        StateReason=reason,
        StateReasonData=json.dumps(reason_data),
        StateUpdatedTimestamp=int(at),
        StateTransitionedTimestamp=int(at),
        StateValue=state,
    )
    _cloudwatch._record_history(name, old, state, reason, reason_data=dict(reason_data))
    _cloudwatch._dispatch_alarm_actions(alarm, old, state, reason)
    _cloudwatch._evaluate_parent_alarms(alarm)


__all__ = [
    "Alarm",
    "Attributes",
    "Delivery",
    "EventTarget",
    "Handler",
    "MetricPoint",
    "ResourceType",
    "Response",
    "account_and_region_of",
    "acting_in",
    "add_metric_point",
    "asgi_app",
    "check",
    "current_account_and_region",
    "emit_event",
    "forget_old_metrics",
    "keep_metrics",
    "metric_alarms",
    "metric_points",
    "own_services",
    "parse_template",
    "physical_name",
    "register_event_target",
    "register_resource_type",
    "register_service",
    "run_blocking",
    "run_in_background",
    "set_alarm_state",
    "statistic",
    "time_stacks_by",
]
