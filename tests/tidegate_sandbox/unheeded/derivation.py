"""Derives what ministack certainly passes over, from its source: a name that is written nowhere is read nowhere.

The names of an operation's members are botocore's, as they come over the wire. One is passed over where no text, name
or argument in the modules that serve the operation has it as a word, in any case; so what is told apart here is sound,
and not complete. `python -m tests.tidegate_sandbox.unheeded.derivation` writes the package's tables anew.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tidegate_sandbox import unheeded
from tidegate_sandbox.service_models import service_model

PACKAGE = Path(unheeded.__file__).parent
_spec = find_spec("ministack")
assert _spec is not None
assert _spec.submodule_search_locations
MINISTACK = Path(_spec.submodule_search_locations[0])
HOOKS = PACKAGE.parent / "hooks"
ALARMS = PACKAGE.parent / "services" / "alarms"

SERVED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "cloudformation": ("cloudformation", ("services/cloudformation",)),
    "dynamodb": ("dynamodb", ("services/dynamodb.py",)),
    "ec2": ("ec2", ("services/ec2.py",)),
    "ecr": ("ecr", ("services/ecr.py",)),
    "events": ("events", ("services/eventbridge.py",)),
    "firehose": ("firehose", ("services/firehose.py",)),
    "iam": ("iam", ("services/iam.py",)),
    "kinesis": ("kinesis", ("services/kinesis.py",)),
    "kms": ("kms", ("services/kms.py", "core/iam_evaluator.py")),
    "lambda": ("lambda", ("services/lambda_svc.py", "services/lambda_durable.py", "core/lambda_runtime.py")),
    "logs": ("logs", ("services/cloudwatch_logs.py",)),
    "monitoring": ("cloudwatch", ("services/cloudwatch.py",)),
    "s3": ("s3", ("services/s3.py",)),
    "scheduler": ("scheduler", ("services/scheduler.py", "services/eventbridge.py")),
    "secretsmanager": ("secretsmanager", ("services/secretsmanager.py",)),
    "sns": ("sns", ("services/sns.py",)),
    "sqs": ("sqs", ("services/sqs.py",)),
    "ssm": ("ssm", ("services/ssm.py",)),
    "states": ("stepfunctions", ("services/stepfunctions.py",)),
    "sts": ("sts", ("services/sts.py",)),
    "tagging": ("resourcegroupstaggingapi", ("services/tagging.py",)),
}
"""By ministack's name of a service: botocore's, and where in ministack it is served and what it keeps is read."""

NOT_OPERATIONS = ("services/cloudformation/provisioners.py",)
"""Serves no operation, and has the names of every type's properties."""

_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SHORT_WORD = re.compile(r"[a-z0-9]+")


def words(node: ast.AST) -> set[str]:
    """Return, in lower case, every word that the code below `node` has in a text or as a name; no docstrings."""
    found: set[str] = set()
    comments: set[int] = set()
    for each in ast.walk(node):  # what is around a text comes before it
        if isinstance(each, ast.Expr):
            comments.add(id(each.value))
        elif isinstance(each, ast.Constant) and id(each) not in comments:
            text = each.value.decode("latin-1") if isinstance(each.value, bytes) else each.value
            if isinstance(text, str):
                found |= {text.lower(), *_WORD.findall(text.lower()), *_SHORT_WORD.findall(text.lower())}
        elif isinstance(each, ast.Name):
            found.add(each.id.lower())
        elif isinstance(each, ast.Attribute):
            found.add(each.attr.lower())
        elif isinstance(each, ast.arg | ast.keyword) and each.arg:
            found.add(each.arg.lower())
    return found


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def words_of(service: str) -> frozenset[str]:
    """Return the words of what serves `service`: ministack's modules, and what the sandbox put in their place."""
    files: list[Path] = [HOOKS] if service in ("cloudformation", "iam", "s3", "events") else []
    files += [ALARMS, HOOKS / "metrics.py"] if service == "monitoring" else []
    files += [MINISTACK / each for each in SERVED[service][1]]
    found: set[str] = set()
    for file in files:
        for each in sorted(file.rglob("*.py")) if file.is_dir() else [file]:
            if not str(each).endswith(NOT_OPERATIONS):
                found |= words(parsed(each))
    return frozenset(found)


# ---------------------------------------------------------------- operations
FORMS = {"query": "form", "ec2": "form", "rest-json": "rest", "rest-xml": "rest"}
"""How a service's requests come, by botocore's name of its protocol; all others in JSON or its like."""


def operations_of(service: str) -> dict[str, Any]:
    """Return what operations.json has of a service: absent operations, and the unheeded members of each other."""
    model = service_model(SERVED[service][0])
    form = FORMS.get(model.metadata["protocol"], "json")
    known = words_of(service)
    absent = [name for name in model.operation_names if name.lower() not in known] if form != "rest" else []
    passed_over = {}
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        if name in absent or shape is None:
            continue
        if found := dict(_passed_over(shape, known, model.metadata["protocol"])):
            passed_over[name] = found
    derived: dict[str, Any] = {"form": form, "absent": absent, "passed over": passed_over}
    if form == "rest":
        derived["routes"] = [
            f"{each.http['method']} {each.http['requestUri']} {name}"
            for name in model.operation_names
            for each in [model.operation_model(name)]
        ]
    if service == "s3":
        derived["subresources"] = subresources()
    return derived


def _passed_over(shape: Any, known: frozenset[str], protocol: str) -> Iterator[tuple[str, str]]:
    """Yield each member that is passed over, such as `Targets[].RetryPolicy`, and where in a request it stands."""
    rest = protocol.startswith("rest")
    for name, member in shape.members.items():
        location = member.serialization.get("location") if rest else None
        if location in ("uri", "headers", "statusCode"):
            continue
        wire = _wire_name(name, member, protocol)
        if location in ("header", "querystring"):
            if wire.lower() not in known and name.lower() not in known and not _built(wire):
                yield name, f"{location}:{wire.lower() if location == 'header' else wire}"
            continue
        if not rest:
            yield from _below(name, member, known, protocol, (), name, ())
        elif shape.serialization.get("payload") == name:
            # It is the body: a document whose root's name nobody looks at, or JSON, which has no name for it.
            at = (wire,) if protocol == "rest-xml" else ()
            yield from _below(name, member, known, protocol, at, name, (), named=False)
        elif "payload" not in shape.serialization:
            yield from _below(name, member, known, protocol, (), name, ())


def _built(header: str) -> bool:
    # ministack reads checksums under names that it makes up of a prefix and the algorithm.
    return header.lower().startswith("x-amz-checksum-")


def _wire_name(name: str, shape: Any, protocol: str) -> str:
    names = shape.serialization
    if protocol == "ec2":
        return str(
            names.get("queryName") or (names["name"][0].upper() + names["name"][1:] if "name" in names else name)
        )
    if shape.type_name == "list" and names.get("flattened") and protocol in ("query", "rest-xml"):
        return str(shape.member.serialization.get("name") or names.get("name") or name)
    return str(names.get("name") or name)


def _below(
    name: str,
    shape: Any,
    known: frozenset[str],
    protocol: str,
    at: tuple[str, ...],
    path: str,
    seen: tuple[str, ...],
    named: bool = True,
) -> Iterator[tuple[str, str]]:
    wire = _wire_name(name, shape, protocol)
    spellings = {name.lower(), wire.lower(), str(shape.serialization.get("name", name)).lower()}
    if named:
        at = (*at, wire)
        if not spellings & known and not (protocol == "rest-xml" and _any_below(shape, known, ())):
            yield path, "/".join(at)
            return
    while shape.type_name in ("list", "map"):
        if shape.type_name == "list":
            if protocol == "rest-xml" and not shape.serialization.get("flattened"):
                at = (*at, shape.member.serialization.get("name", "member"))
            shape, path = shape.member, f"{path}[]"
        else:
            shape, path, at = shape.value, f"{path}{{}}", (*at, "{}")
    if shape.type_name == "structure" and shape.name not in seen:
        for inner, member in shape.members.items():
            yield from _below(inner, member, known, protocol, at, f"{path}.{inner}", (*seen, shape.name))


def _any_below(shape: Any, known: frozenset[str], seen: tuple[str, ...]) -> bool:
    # A document can be searched for an element wherever it is.
    while shape.type_name == "list":
        shape = shape.member
    if shape.type_name != "structure" or shape.name in seen:
        return False
    return any(
        {name.lower(), str(member.serialization.get("name", name)).lower()} & known
        or _any_below(member, known, (*seen, shape.name))
        for name, member in shape.members.items()
    )


def subresources() -> dict[str, list[str]]:
    """Return the keys of a query that ministack's S3 looks at, by whether the request names an object, and method.

    It takes a request with none of them for one about the object or the bucket itself, to the point of deleting it.
    """
    (dispatch,) = (
        each
        for each in parsed(MINISTACK / "services" / "s3.py").body
        if isinstance(each, ast.FunctionDef) and each.name == "_dispatch"
    )
    found: dict[str, set[str]] = {}

    def walk(nodes: list[ast.stmt], of: str, method: str) -> None:
        for node in nodes:
            if not isinstance(node, ast.If):
                continue
            test = ast.unparse(node.test)
            if test == "key":
                walk(node.body, "object", method)
            elif len(matched := re.findall(r"method == '(\w+)'", test)) == 1:
                walk(node.body, of, matched[0])
            else:
                asked = found.setdefault(f"{of} {method}", set())
                asked |= {*re.findall(r"'([\w-]+)' in query_params", test)}
                walk(node.body, of, method)

    walk(dispatch.body, "bucket", "")
    return {place: sorted(asked) for place, asked in sorted(found.items()) if not place.endswith(" ")}


def operations() -> str:
    """Return operations.json as it has to be."""
    lines = []
    for service in SERVED:
        derived = operations_of(service)
        inner = []
        for key, value in derived.items():
            if isinstance(value, dict):
                each = ",\n".join(f"   {json.dumps(name)}: {json.dumps(of)}" for name, of in value.items())
                inner.append(f"  {json.dumps(key)}: {{\n{each}\n  }}" if each else f"  {json.dumps(key)}: {{}}")
            else:
                inner.append(f"  {json.dumps(key)}: {json.dumps(value)}")
        lines.append(f" {json.dumps(service)}: {{\n" + ",\n".join(inner) + "\n }")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    (PACKAGE / "operations.json").write_text(operations(), "utf-8")
