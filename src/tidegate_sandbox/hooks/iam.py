"""The names of ministack that have to do with who calls what: sessions, requests, stacks' roles, policies.

A part of `hooks`, whose `check` asserts these too; only `hooks` imports ministack.
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import cbor2
from ministack import app as _app
from ministack.core import iam_actions as _actions
from ministack.core import iam_evaluator as _evaluator
from ministack.core import lambda_runtime as _lambda_runtime
from ministack.core import router as _router
from ministack.services import cloudwatch_logs as _logs
from ministack.services import iam as _iam
from ministack.services import lambda_svc as _lambda
from ministack.services import s3 as _s3
from ministack.services import sts as _sts
from ministack.services.cloudformation import handlers as _handlers
from ministack.services.cloudformation import stacks as _stacks

from tidegate_sandbox import enforcement
from tidegate_sandbox.checks import Check
from tidegate_sandbox.errors import AwsError, UnknownKeyError
from tidegate_sandbox.hooks import handlers
from tidegate_sandbox.hooks import policies as policy_hooks
from tidegate_sandbox.unheeded import operations

RELIED_ON: list[tuple[Any, str]] = [
    (_app, "_routing_params"),
    (_actions, "extract_iam_action"),
    (_actions, "extract_resource_arn"),
    (_actions, "request_tag_context"),
    (_actions, "_s3_action"),
    (_actions, "s3_additional_checks"),
    (_actions, "s3_service_context"),
    (_actions, "SERVICE_TO_IAM_NAMESPACE"),
    (_evaluator, "_ALWAYS_ALLOWED_ACTIONS"),
    (_evaluator, "EvalContext"),
    (_evaluator, "_conditions_met"),
    (_evaluator, "_gather_role_policies"),
    (_evaluator, "_service_principal_matches"),
    (_evaluator, "evaluate"),
    (_evaluator, "evaluate_resource_policy"),
    (_evaluator, "evaluate_trust_policy"),
    (_evaluator, "parse_policy_document"),
    (_lambda, "_emit_lambda_logs"),
    (_lambda, "execution_credentials"),
    (_lambda_runtime, "execution_credentials"),
    (_router, "extract_access_key_id"),
    (_iam, "_roles"),
    (_logs, "_log_groups"),
    (_s3, "_bucket_encryption"),
    (_s3, "_bucket_policies"),
    (_s3, "_foreign_bucket_allows"),
    (_s3, "_parse_bucket_key"),
    (_s3, "_request_access_key"),
    (_sts, "_session_expired"),
    (_sts, "_sessions"),
    (_sts, "register_session"),
    (_handlers, "_ACTION_HANDLERS"),
    (_stacks, "_provision_resource"),
    (_stacks, "_update_resource"),
    (_stacks, "_delete_resource"),
]


# ---------------------------------------------------------------- sessions
def register_session(access_key: str, secret: str, token: str, assumed_role: str) -> None:
    """Let requests that are signed with these keys act as `assumed_role`, an STS ARN; they never expire."""
    _sts.register_session(
        access_key,
        {
            "Arn": assumed_role,
            "UserId": f"AROA{access_key[-16:]}:{assumed_role.rpartition('/')[2]}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "AccountId": assumed_role.split(":")[4],
            "PrincipalType": "AssumedRole",
        },
    )


def session_of(access_key: str) -> tuple[str, bool] | None:
    """Return the ARN of the session that a key belongs to, and whether it has expired; None where it is no session's.

    A session is of a role (`assumed-role`), of a user, of an account's root or of somebody federated.
    """
    session = _sts._sessions.get(access_key)
    return (str(session["Arn"]), bool(_sts._session_expired(session))) if session else None


def access_key_of(headers: Mapping[str, str], query: Mapping[str, Any] | None = None) -> str:
    """Return the access key id that a request is signed with, in its `headers` (lower case) or in its address."""
    return str(_router.extract_access_key_id(headers, query))


def access_key_of_request(request: "Request") -> str:
    """Return the access key id that a request is signed with; a form that a browser posts to S3 is, in a field."""
    if request.service != "s3":
        return access_key_of(request.headers, request.params)
    _, key = _s3._parse_bucket_key(request.path, request.headers)
    return str(_s3._request_access_key(request.method, key, request.headers, request.params, request.body))


def role_named(account: str, name: str) -> Mapping[str, Any] | None:
    """Return IAM's record of a role, or None where the account has none of that name."""
    role: Mapping[str, Any] | None = _iam._roles.get_scoped(account, None, name)
    return role


def trusts(role: Mapping[str, Any], service: str, keys: Mapping[str, str]) -> bool:
    """Whether the trust policy of a `role` lets `service` (such as codebuild.amazonaws.com) assume it.

    `keys` are the condition keys that the service sends, in lower case.
    """
    document = role.get("AssumeRolePolicyDocument") or "{}"
    document = json.loads(document) if isinstance(document, str) else document
    named = [
        statement
        for statement in _listed(document.get("Statement"))
        if _evaluator._service_principal_matches(statement.get("Principal"), service)
    ]
    account = str(role["Arn"]).split(":")[4]
    context = _evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{account}:root",
        principal_type="Root",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role["Arn"],
        region="",
        service_context=dict(keys),
    )
    met = [
        statement["Effect"]
        for statement in named
        if "sts:AssumeRole" in _listed(statement.get("Action"))
        and _evaluator._conditions_met(statement.get("Condition", {}), context)
    ]
    return "Allow" in met and "Deny" not in met


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def lend_functions(credentials: Callable[[str, str], Mapping[str, str]]) -> None:
    """Let a Lambda function run with the variables that `credentials` gives for its role's ARN and its name."""

    def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
        return dict(credentials(config["Role"], config["FunctionName"]))

    _lambda.execution_credentials = _lambda_runtime.execution_credentials = execution_credentials


def hold_function_logs_to_roles() -> None:
    """Let a function make its log group only where its role may, as Lambda does, which writes with that role.

    ministack makes it for any: a group that went with its stack a moment before the function ended would be back.
    """
    emit = _lambda._emit_lambda_logs

    def emitted(function: dict[str, Any], *told: Any, **more: Any) -> None:
        config = function.get("config") or function
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        if group in _logs._log_groups or _may_make(config, group):
            emit(function, *told, **more)

    _lambda._emit_lambda_logs = emitted


def _may_make(config: Mapping[str, Any], group: str) -> bool:
    _, _, _, region, account, *_ = config["FunctionArn"].split(":")
    role, resource = str(config["Role"]), f"arn:aws:logs:{region}:{account}:log-group:{group}"
    policies = _evaluator._gather_role_policies(role.rpartition("/")[2], account)
    context = policy_hooks.asked(role, ("logs:CreateLogGroup", resource, {}), region)
    return bool(_evaluator.evaluate(context, policies).decision == "Allow")


# ---------------------------------------------------------------- requests
@dataclass(frozen=True)
class Request:
    """A request for one of ministack's own services; `params` are a query protocol's, whichever way they came."""

    service: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    params: Mapping[str, Any]


def observe_requests(own: Sequence[str], observe: Callable[[Request], AbstractContextManager[None]]) -> None:
    """Serve each request for a service within what `observe` returns, but for the sandbox's `own` services."""
    handlers.wrap(own, lambda name, handler: _observed(name, handler, observe))


def _observed(name: str, handler: Any, observe: Callable[[Request], AbstractContextManager[None]]) -> Any:
    async def serve(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], **more: Any
    ) -> Any:
        params = _app._routing_params(method, path, headers, body, query)
        sent = handlers.headers_of(name, headers, query)
        try:
            with observe(Request(name, method, path, sent, body, params)):
                return await handler(method, path, headers, body, query, **more)
        except enforcement.AccessDeniedError as denied:
            return policy_hooks.answer(name, denied.check, denied.message, headers)
        except UnknownKeyError as unknown:
            return policy_hooks.answer(name, ("", "*", {}), unknown.message, headers, code=unknown.code)

    return serve


_RPC = re.compile(r"/service/[^/]+/operation/(\w+)")


def checks(request: Request, account: str, region: str) -> list[Check]:
    """Return what AWS would check a request for, as far as ministack knows it; nothing where it does not."""
    parts = (request.service, request.method, request.path, request.headers, request.body, request.params)
    rpc = _RPC.fullmatch(request.path)
    if rpc:
        action: str | None = f"{_actions.SERVICE_TO_IAM_NAMESPACE[request.service]}:{rpc[1]}"
    else:
        action = _actions.extract_iam_action(*parts)
    if action is None:
        # S3's actions have other names than its operations; all of them are known.
        name = None if request.service == "s3" else operations.operation_of(request.service, _as_served(request))
        return [(f"{_actions.SERVICE_TO_IAM_NAMESPACE[request.service]}:{name}", "*", {})] if name else []
    arn = _actions.extract_resource_arn(*parts, region, account)
    keys = _actions.request_tag_context(request.service, action, request.body, request.params)
    if action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        arn = f"{arn}:log-stream:{json.loads(request.body)['logStreamName']}"
    elif action == "cloudwatch:DescribeAlarms":  # of which IAM knows any alarm, whichever is asked for
        arn = f"arn:aws:cloudwatch:{region}:{account}:alarm:*"
    elif action == "cloudwatch:PutMetricData":
        keys |= {"cloudwatch:namespace": _namespace(request)}
    elif action == "sts:AssumeRole":
        named = {f"sts:{name}": _first(request.params, name) for name in ("ExternalId", "RoleSessionName")}
        keys |= {key: value for key, value in named.items() if value}
        tagging = [("sts:TagSession", arn, keys)] if "aws:TagKeys" in keys else []
        return [(action, arn, keys), *tagging]
    if request.service == "ecr":
        return [(action, each, keys) for each in _repositories(request.body, region, account) or [arn]]
    if request.service != "s3":
        return [(action, arn, keys)]
    keys |= _actions.s3_service_context(action, request.params, request.path, request.headers)
    more = _actions.s3_additional_checks(request.method, request.path, request.headers, request.body, request.params)
    return [(action, arn, keys), *((also, on, {}) for also, on in more)]


def _as_served(request: Request) -> operations.Request:
    return operations.Request(request.method, request.path, request.headers, request.body, request.params)


def _namespace(request: Request) -> str:
    """Return the namespace of the metrics that a request puts, in whichever of CloudWatch's protocols it does."""
    kind = request.headers.get("content-type", "")
    if "cbor" in kind:
        return str(cbor2.loads(request.body).get("Namespace", ""))
    if "json" in kind:
        return str(json.loads(request.body).get("Namespace", ""))
    return _first(request.params, "Namespace")


def _repositories(body: bytes, region: str, account: str) -> list[str]:
    """Return the ARNs of the repositories that a request to ECR names as several, or by an ARN."""
    given = json.loads(body or b"{}")
    if "resourceArn" in given:
        return [given["resourceArn"]]
    return [f"arn:aws:ecr:{region}:{account}:repository/{name}" for name in given.get("repositoryNames") or ()]


_KEY = re.compile(rb"<KMSMasterKeyID>([^<]+)</KMSMasterKeyID>")


def default_key(bucket: str) -> str | None:
    """Return the KMS key that a bucket of the current scope encrypts its objects with by default."""
    config = _s3._bucket_encryption.get(bucket)
    if config is None:
        return None
    found = _KEY.search(config if isinstance(config, bytes) else str(config).encode())
    return found[1].decode() if found else None


# ---------------------------------------------------------------- stacks
def replace_stack_operations(acting: Callable[[str, str | None], AbstractContextManager[None]]) -> None:
    """Change stacks within what `acting` returns for the stack's name and the role that was given, if one was."""
    for name in ("CreateStack", "UpdateStack", "DeleteStack"):
        _handlers._ACTION_HANDLERS[name] = _acting(_handlers._ACTION_HANDLERS[name], acting)


def _acting(handler: Any, acting: Callable[[str, str | None], AbstractContextManager[None]]) -> Any:
    def handle(params: dict[str, Any]) -> Any:
        # What the handler starts in the background copies its context, so it goes on acting so.
        with acting(_first(params, "StackName"), _first(params, "RoleARN") or None):
            return handler(params)

    return handle


def _first(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name) or ""
    return str(value[0] if isinstance(value, list) else value)


@dataclass(frozen=True)
class StackResource:
    """What is about to be done, or is `done`, about a resource of a stack: `operation` is create, update or delete."""

    operation: str
    type: str
    physical_id: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any]
    done: bool = True


def observe_stack_resources(observe: Callable[[StackResource], None]) -> None:
    """Tell `observe` of each resource that a stack is about to create, created, updated or is about to delete.

    What it refuses (AwsError) the resource fails with, in CloudFormation's words; what was made of it is taken away.
    """
    provision, update, delete = _stacks._provision_resource, _stacks._update_resource, _stacks._delete_resource

    def provisioned(kind: str, logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        with _refused_as_handlers_say():
            observe(StackResource("create", kind, "", properties, {}, done=False))
        made = provision(kind, logical_id, properties, stack)
        try:
            with _refused_as_handlers_say():
                observe(StackResource("create", kind, str(made[0]), properties, made[1] or {}))
        except ValueError:
            delete(kind, str(made[0]), properties, stack, logical_id)
            raise
        return made

    def updated(kind: str, physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        changed = update(kind, physical_id, old, new, *rest)
        if old == new:
            return changed
        # What takes the place of another, and has an id of its own, was created.
        replaced = str(changed[0]) != str(physical_id)
        operation = "create" if replaced else "update"
        try:
            with _refused_as_handlers_say():
                observe(StackResource(operation, kind, str(changed[0]), new, changed[1] or {}))
        except ValueError:
            if replaced:
                delete(kind, str(changed[0]), new, *rest[:2])
            raise
        return changed

    def deleted(kind: str, physical_id: str, properties: dict[str, Any], *rest: Any) -> Any:
        with _refused_as_handlers_say():
            observe(StackResource("delete", kind, str(physical_id), properties, {}))
        return delete(kind, physical_id, properties, *rest)

    _stacks._provision_resource = provisioned
    _stacks._update_resource = updated
    _stacks._delete_resource = deleted


@contextlib.contextmanager
def _refused_as_handlers_say() -> Iterator[None]:
    try:
        yield
    except AwsError as refused:
        raise ValueError(
            f'Resource handler returned message: "{refused.message}" (HandlerErrorCode: AccessDenied)'
        ) from None


# ---------------------------------------------------------------- across accounts
def lets_assume(role: Mapping[str, Any], principal: str) -> bool:
    """Whether the trust policy of a `role` lets the role with the ARN `principal` assume it."""
    document = role.get("AssumeRolePolicyDocument") or "{}"
    context = policy_hooks.asked(principal, ("sts:AssumeRole", str(role["Arn"]), {}), region="")
    return bool(_evaluator.evaluate_trust_policy(document, principal, context))


def shared_with(policy: str | Mapping[str, Any], principal: str, action: str, resource: str) -> bool:
    """Whether the policy of a resource lets a role of another account, the ARN `principal`, do `action` to it."""
    text = policy if isinstance(policy, str) else json.dumps(policy)
    context = policy_hooks.asked(principal, (action, resource, {}), region="")
    return bool(_evaluator.evaluate_resource_policy(text, context).decision == "Allow")


def hold_buckets_to_roles(role_of: Callable[[str], str | None]) -> None:
    """Ask a bucket of another account about the role that calls; `role_of` an access key tells its ARN.

    ministack asks about the caller's account as a whole, which a policy that names roles does not let in.
    """
    stock = _s3._foreign_bucket_allows

    def allows(
        owner: str, bucket: str, key: str, method: str, query: dict[str, Any], caller: str, headers: Any = None
    ) -> bool:
        role = role_of(access_key_of(headers or {}, query)) if caller else None
        if role is None:
            return bool(stock(owner, bucket, key, method, query, caller, headers))
        policy = _s3._bucket_policies.get_scoped(owner, None, bucket)
        path = f"/{bucket}/{key}" if key else f"/{bucket}"
        named = _actions._s3_action(method, path, query) or ("GetObject" if method in ("GET", "HEAD") else "PutObject")
        return bool(policy) and shared_with(policy, role, f"s3:{named}", f"arn:aws:s3:::{path[1:]}")

    _s3._foreign_bucket_allows = allows


# ---------------------------------------------------------------- policies
@dataclass(frozen=True)
class Decision:
    """Whether policies allow an action, and the identifier of the statement that decided, where it has one."""

    allowed: bool
    statement: str


def decide(
    identity: Sequence[Mapping[str, Any]],
    boundary: Mapping[str, Any] | None,
    role: str,
    check: Check,
    region: str,
) -> Decision:
    """Evaluate policy documents for a session of the role with ARN `role`: identity policies within a boundary.

    A condition on a key that `check` does not carry is evaluated as AWS does: the key is absent. A few actions need no
    permission, such as sts:GetCallerIdentity.
    """
    if check[0] in _evaluator._ALWAYS_ALLOWED_ACTIONS:
        return Decision(True, "")
    context = policy_hooks.asked(role, check, region)
    policies = [_evaluator.parse_policy_document(dict(document)) for document in identity]
    limits = [[_evaluator.parse_policy_document(dict(boundary))]] if boundary is not None else []
    result = _evaluator.evaluate(context, policies, *limits)
    return Decision(result.decision == "Allow", result.matched_sid)
