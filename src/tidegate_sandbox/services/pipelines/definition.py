"""A pipeline's definition as typed values, and what is wrong with one. Pure.

The schema is the one that the SageMaker Python SDK writes (version 2020-12-01).
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_pascal

from tidegate_sandbox.services.pipelines import conditions
from tidegate_sandbox.services.pipelines.expressions import (
    EXECUTION_VARIABLES,
    ExpressionError,
    Reference,
    property_files,
    references,
)

RUNNABLE = ("Processing", "Training", "Condition", "Fail", "RegisterModel")
CACHED = ("Processing", "Training")

FAULTS = (
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
)
"""What a retry policy can be for:
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html"""

_DURATION = re.compile(
    r"P?(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?",
    re.IGNORECASE,
)


class DefinitionError(Exception):
    """A definition that cannot be a pipeline: a sentence."""


class UnsupportedError(Exception):
    """A definition that SageMaker may run and the local simulation cannot: a sentence."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_pascal)


class Parameter(_Model):
    """A parameter of a pipeline; without a default an execution must give it."""

    name: str
    type: Literal["String", "Integer", "Float", "Boolean"]
    default_value: str | bool | int | float | None = None
    enum_values: tuple[str | bool | int | float, ...] | None = None

    def read(self, text: str) -> Any:
        """Return the value that an execution gives as `text`; DefinitionError where it is not of the type."""
        value: Any = text
        try:
            if self.type == "Integer":
                value = int(text)
            elif self.type == "Float":
                value = float(text)
            elif self.type == "Boolean":
                value = {"true": True, "false": False}[text.lower()]
        except (ValueError, KeyError):
            raise DefinitionError(f"the parameter {self.name} is of type {self.type}, and {text!r} is not") from None
        return self.checked(value)

    def checked(self, value: Any) -> Any:
        """Return `value`; DefinitionError where it is not among the parameter's EnumValues."""
        if self.enum_values is not None and value not in self.enum_values:
            allowed = ", ".join(map(str, self.enum_values))
            raise DefinitionError(f"the parameter {self.name} is one of {allowed}, not {value!r}")
        return value


class Cache(_Model):
    """Whether and for how long a step's results are used again."""

    enabled: bool = False
    expire_after: timedelta | None = None

    @field_validator("expire_after", mode="before")
    @classmethod
    def _duration(cls, text: object) -> object:
        match = _DURATION.fullmatch(text) if isinstance(text, str) else None
        if match is None or not any(match.groups()):
            raise ValueError(f"ExpireAfter {text!r} is not a duration such as P30D or PT1H")
        given = {unit: int(amount) for unit, amount in match.groupdict(default="0").items()}
        days = 365 * given["years"] + 30 * given["months"] + 7 * given["weeks"] + given["days"]
        return timedelta(days=days, hours=given["hours"], minutes=given["minutes"])

    @model_validator(mode="after")
    def _has_timeout(self) -> "Cache":
        if self.enabled and self.expire_after is None:
            raise ValueError("CacheConfig is Enabled without ExpireAfter")
        return self


class RetryPolicy(_Model):
    """When and how often a step is tried again after one of the faults in `exception_type`."""

    exception_type: tuple[str, ...]
    interval_seconds: float = Field(default=1, ge=0)
    backoff_rate: float = Field(default=2, ge=0)
    max_attempts: int | None = Field(default=None, ge=1)
    expire_after_min: float | None = Field(default=None, ge=0)

    @field_validator("exception_type")
    @classmethod
    def _known(cls, faults: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [fault for fault in faults if fault not in FAULTS]
        if unknown:
            raise ValueError(f"a retry policy is for {', '.join(FAULTS)}, not {', '.join(unknown)}")
        return faults


class PropertyFile(_Model):
    """A JSON file among a step's outputs that expressions read."""

    property_file_name: str
    output_name: str
    file_path: str


class Step(_Model):
    """A step. `arguments` hold expressions; those of a Condition step hold further steps."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    type: str
    arguments: Mapping[str, Any] = Field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    display_name: str | None = None
    description: str | None = None
    cache_config: Cache = Cache(Enabled=False)
    retry_policies: tuple[RetryPolicy, ...] = ()
    property_files: tuple[PropertyFile, ...] = ()

    def branch(self, outcome: bool) -> "tuple[Step, ...]":
        """Return the steps that run where a Condition step's conditions hold, or do not."""
        given = self.arguments.get("IfSteps" if outcome else "ElseSteps") if self.type == "Condition" else None
        return tuple(Step.model_validate(each) for each in given or ())

    @property
    def own_arguments(self) -> Mapping[str, Any]:
        """The arguments without the steps of branches."""
        if self.type != "Condition":
            return self.arguments
        return {"Conditions": self.arguments.get("Conditions", [])}

    def needs(self) -> frozenset[str]:
        """Return the steps that must have succeeded before this one: depended on, or referred to."""
        referred = (each.name for each in references(dict(self.own_arguments)) if each.root == "Steps")
        return frozenset([*self.depends_on, *referred])

    def and_below(self) -> "Iterator[Step]":
        """Yield this step and those of its branches, at any depth."""
        yield self
        for outcome in (True, False):
            for step in self.branch(outcome):
                yield from step.and_below()


class Definition(_Model):
    """A pipeline's definition."""

    version: Literal["2020-12-01"]
    parameters: tuple[Parameter, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=1)

    def every_step(self) -> Iterator[Step]:
        """Yield all steps, those of branches too."""
        for step in self.steps:
            yield from step.and_below()

    def values(self, given: Mapping[str, str]) -> dict[str, Any]:
        """Return the parameters' values for an execution that gives some; DefinitionError where they do not fit."""
        known = {parameter.name: parameter for parameter in self.parameters}
        unknown = sorted(given.keys() - known.keys())
        if unknown:
            raise DefinitionError(
                f"the pipeline has no parameter {', '.join(unknown)}; it has {', '.join(sorted(known)) or 'none'}"
            )
        missing = [name for name, each in known.items() if name not in given and each.default_value is None]
        if missing:
            raise DefinitionError(f"no value is given for {', '.join(missing)}, which has no default")
        return {
            name: each.read(given[name]) if name in given else each.checked(each.default_value)
            for name, each in known.items()
        }


_SAID = {"missing": "it is missing", "too_short": "there is none, and a pipeline has at least one"}
"""Sentences for what pydantic says in words of its own."""


def parse(text: str) -> Definition:
    """Read a definition; DefinitionError, as a sentence, where it cannot be a pipeline's."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise DefinitionError(f"the pipeline definition is not JSON: {error}") from None
    if isinstance(content, dict):
        # The SDK writes null for what it leaves out.
        content = {key: value for key, value in content.items() if value is not None}
    try:
        definition = Definition.model_validate(content)
        _check(definition)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the pipeline definition"
        said = _SAID.get(first["type"], first["msg"].removeprefix("Value error, "))
        raise DefinitionError(f"{where}: {said}") from None
    except ExpressionError as error:
        raise DefinitionError(str(error)) from None
    return definition


def _check(definition: Definition) -> None:
    steps = {}
    for step in definition.every_step():
        if step.name in steps:
            raise DefinitionError(f"two steps are called {step.name}")
        steps[step.name] = step
    parameters = {parameter.name for parameter in definition.parameters}
    if len(parameters) < len(definition.parameters):
        raise DefinitionError("two parameters have the same name")
    known: Mapping[str, Any] = {"Parameters": parameters, "Execution": EXECUTION_VARIABLES, "Steps": steps}
    for step in steps.values():
        for reference in (*references(dict(step.own_arguments)), *(Reference("Steps", n) for n in step.depends_on)):
            if reference.name not in known[reference.root]:
                raise DefinitionError(
                    f"step {step.name} refers to {reference.root}.{reference.name}, which is not there"
                )
        for other, file in property_files(dict(step.own_arguments)):
            if file not in {each.property_file_name for each in steps[other].property_files}:
                raise DefinitionError(f"step {step.name} reads the property file {file}, which step {other} has not")
        if step.type == "Condition":
            given = step.arguments.get("Conditions") or ["none at all"]
            wrong = next(filter(None, map(conditions.problem, given)), None)
            if wrong:
                raise DefinitionError(f"step {step.name}: {wrong}")
    _check_order(steps)


def _check_order(steps: Mapping[str, Step]) -> None:
    """Refuse steps that wait for one another, the step of a branch for its condition too."""
    needs = {name: set(step.needs()) for name, step in steps.items()}
    for step in steps.values():
        for outcome in (True, False):
            for inner in step.branch(outcome):
                needs[inner.name].add(step.name)
    while free := [name for name, needed in needs.items() if not needed & needs.keys()]:
        for name in free:
            del needs[name]
    if needs:
        raise DefinitionError(f"the steps {', '.join(sorted(needs))} wait for one another")


def check_runnable(definition: Definition) -> None:
    """Raise UnsupportedError for what SageMaker may know and the simulation does not."""
    for step in definition.every_step():
        if step.type not in RUNNABLE:
            raise UnsupportedError(
                f"step {step.name} is of type {step.type}, which is not in the local simulation; "
                f"it runs {', '.join(RUNNABLE)}"
            )
        if step.model_extra:
            raise UnsupportedError(
                f"step {step.name} has {', '.join(sorted(step.model_extra))}, which is not in the local simulation"
            )
