"""The expressions of a pipeline definition: what they refer to, and what they come to. Pure, but for what is passed in.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-pipelines-define.html and, for the forms that are
written, the SageMaker Python SDK (sagemaker.core.workflow.functions, .properties, .execution_variables).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

FUNCTIONS = ("Get", "Std:Join", "Std:JsonGet")

EXECUTION_VARIABLES = (
    "CurrentDateTime",
    "PipelineArn",
    "PipelineExecutionArn",
    "PipelineExecutionId",
    "PipelineName",
    "StartDateTime",
)

_NAMES = ("OutputName", "InputName", "ChannelName", "MetricName", "Name")
"""The member by which an element of a list is referred to, as in Outputs['train']."""

_HEAD = re.compile(r"(Parameters|Execution|Steps)\.([A-Za-z0-9_-]+)")
_PART = re.compile(r"""\.?([A-Za-z0-9_-]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")

Part = str | int


class ExpressionError(Exception):
    """An expression that cannot be read or has no value: a sentence."""


@dataclass(frozen=True)
class Reference:
    """What a Get refers to: a parameter, a variable of the execution, or a property of a step at `path`."""

    root: Literal["Parameters", "Execution", "Steps"]
    name: str
    path: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Values:
    """What expressions come to: parameters and execution variables by name, the properties of finished steps.

    `read_property_file` gives the content of a step's property file, `read_json` that of an object in S3; both raise
    ExpressionError.
    """

    parameters: Mapping[str, Any]
    execution: Mapping[str, str]
    steps: Mapping[str, Mapping[str, Any]]
    read_property_file: Callable[[str, str], Any]
    read_json: Callable[[str], Any]


def parse(get: object) -> Reference:
    """Read the text of a Get, such as Steps.Train.ModelArtifacts.S3ModelArtifacts."""
    head = _HEAD.match(get) if isinstance(get, str) else None
    if head is None:
        raise ExpressionError(f"Get {get!r} refers to no parameter, execution variable or step")
    text = str(get)
    path = _path(text[head.end() :], f"Get {text!r}")
    if path and head[1] != "Steps":
        raise ExpressionError(f"Get {text!r} goes into a value that has no parts")
    return Reference(head[1], head[2], path)  # type: ignore[arg-type] # the pattern allows no other root


def _path(text: str, where: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    position = 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise ExpressionError(f"{where} cannot be read from {text[position:]!r} on")
        number = part[2]
        parts.append(
            int(number) if number is not None else next(g for g in (part[1], part[3], part[4]) if g is not None)
        )
        position = part.end()
    return tuple(parts)


def function(value: object) -> tuple[str, Any] | None:
    """Return the name and the argument of the function that `value` calls, None where it is plain data."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, argument),) = value.items()
        if name in FUNCTIONS:
            return name, argument
        if isinstance(name, str) and name.startswith("Std:"):
            raise ExpressionError(f"the function {name} is not in the local simulation")
    return None


def _calls(value: object) -> Iterator[tuple[str, Any]]:
    """Yield every call of a function in `value`, at any depth, as `function` returns it."""
    call = function(value)
    if call is not None:
        yield call
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _calls(each)
    elif isinstance(value, list):
        for each in value:
            yield from _calls(each)


def references(value: object) -> Iterator[Reference]:
    """Yield everything that `value` refers to, at any depth."""
    return (parse(argument) for name, argument in _calls(value) if name == "Get")


def resolve(value: Any, values: Values) -> Any:
    """Return `value` with every expression in it replaced by what it comes to; ExpressionError where one has none."""
    call = function(value)
    if call is not None:
        name, argument = call
        if name == "Get":
            return _get(parse(argument), values)
        return _join(argument, values) if name == "Std:Join" else _json_get(argument, values)
    if isinstance(value, Mapping):
        return {key: resolve(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [resolve(each, values) for each in value]
    return value


def _get(reference: Reference, values: Values) -> Any:
    known: Mapping[str, Any] = {
        "Parameters": values.parameters,
        "Execution": values.execution,
        "Steps": values.steps,
    }[reference.root]
    where = f"{reference.root}.{reference.name}"
    if reference.name not in known:
        raise ExpressionError(f"{where} has no value")
    return _follow(known[reference.name], reference.path, where)


def _follow(value: Any, path: Sequence[Part], where: str) -> Any:
    for part in path:
        found = _part(value, part)
        if found is None:
            raise ExpressionError(f"{where} has no part {part!r}")
        (value,) = found
        where += f"[{part}]" if isinstance(part, int) else f".{part}"
    return value


def _part(value: Any, part: Part) -> tuple[Any] | None:
    """Return the part in a tuple of its own, so that a part which is null is still one."""
    if isinstance(value, Mapping):
        return (value[str(part)],) if str(part) in value else None
    if not isinstance(value, list):
        return None
    if isinstance(part, int) or part.isdigit():
        return (value[int(part)],) if int(part) < len(value) else None
    named = [each for each in value if isinstance(each, Mapping) and part in map(each.get, _NAMES)]
    return (named[0],) if named else None


def _join(argument: Any, values: Values) -> str:
    if not isinstance(argument, Mapping) or not isinstance(argument.get("Values"), list):
        raise ExpressionError(f"Std:Join needs On and a list of Values, not {argument!r}")
    return str(argument.get("On", "")).join(as_text(resolve(each, values)) for each in argument["Values"])


def as_text(value: Any) -> str:
    """Return a scalar as Std:Join writes it: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise ExpressionError(f"Std:Join can join text, numbers and booleans, not {value!r}")


def _json_get(argument: Any, values: Values) -> Any:
    if not isinstance(argument, Mapping) or "Path" not in argument:
        raise ExpressionError(f"Std:JsonGet needs a Path, not {argument!r}")
    if "S3Uri" in argument:
        uri = resolve(argument["S3Uri"], values)
        content, where = values.read_json(uri), str(uri)
    else:
        step, file = property_file(argument)
        content, where = values.read_property_file(step, file), f"the property file {file} of step {step}"
    text = as_text(resolve(argument["Path"], values))
    return _follow(content, _path(text.removeprefix("$"), f"the Path {text!r}"), where)


def property_file(argument: Mapping[str, Any]) -> tuple[str, str]:
    """Return the step and the property file that a Std:JsonGet reads."""
    call = function(argument.get("PropertyFile"))
    reference = parse(call[1]) if call is not None and call[0] == "Get" else None
    match reference:
        case Reference("Steps", step, ("PropertyFiles", str(file))):
            return step, file
    raise ExpressionError(f"Std:JsonGet names no property file of a step: {argument.get('PropertyFile')!r}")


def property_files(value: object) -> Iterator[tuple[str, str]]:
    """Yield the step and the property file of every Std:JsonGet in `value` that reads one."""
    for name, argument in _calls(value):
        if name == "Std:JsonGet" and isinstance(argument, Mapping) and "S3Uri" not in argument:
            yield property_file(argument)
