"""Given the text of a pipeline definition, when it is read, then it is a pipeline or a sentence says why not."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tidegate_sandbox.services.pipelines.definition import (
    Definition,
    DefinitionError,
    UnsupportedError,
    check_runnable,
    parse,
)

PARAMETERS = [
    {"Name": "Depth", "Type": "Integer", "DefaultValue": 6},
    {"Name": "Eta", "Type": "Float", "DefaultValue": 0.1},
    {"Name": "Fast", "Type": "Boolean", "DefaultValue": False},
    {"Name": "Approval", "Type": "String", "DefaultValue": "Pending", "EnumValues": ["Pending", "Approved"]},
    {"Name": "Data", "Type": "String"},
]


def step(name: str, **members: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Processing", "Arguments": {}, **members}


def condition(name: str, *conditions: Any, **arguments: Any) -> dict[str, Any]:
    return step(name, Type="Condition", Arguments={"Conditions": list(conditions), **arguments})


def read(*steps: Any, parameters: Any = PARAMETERS, **members: Any) -> Definition:
    return parse(json.dumps({"Version": "2020-12-01", "Parameters": parameters, "Steps": list(steps), **members}))


HOLDS = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
READS_S = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.A.PropertyFiles.S"}, "Path": "x"}}
FROM_A = {"Input": {"Get": "Steps.A.Output"}}


def test_a_step_needs_what_it_depends_on_and_what_it_refers_to() -> None:
    definition = read(step("A"), step("B"), step("C", Arguments=FROM_A, DependsOn=["B"]))
    assert definition.steps[2].needs() == {"A", "B"}


def test_a_condition_needs_what_its_conditions_refer_to_and_not_what_its_branches_do() -> None:
    branch = condition("If", {**HOLDS, "LeftValue": {"Get": "Steps.A.X"}}, IfSteps=[step("Inner", DependsOn=["B"])])
    definition = read(step("A"), step("B"), branch)
    assert definition.steps[2].needs() == {"A"}
    assert [each.name for each in definition.every_step()] == ["A", "B", "If", "Inner"]


@pytest.mark.parametrize(
    ("text", "days"),
    [("P30D", 30), ("PT1H", 1 / 24), ("30d", 30), ("5y", 1825), ("T16m", 16 / 1440), ("30dT5h", 30 + 5 / 24)],
)
def test_a_cache_timeout_is_read_in_both_notations(text: str, days: float) -> None:
    cached = read(step("A", CacheConfig={"Enabled": True, "ExpireAfter": text})).steps[0].cache_config
    assert cached.expire_after == timedelta(days=days)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([], "Steps: there is none, and a pipeline has at least one"),
        ([{"Name": "A"}], "Steps.0.Type: it is missing"),
        ([step("A"), step("A")], "two steps are called A"),
        ([step("A"), condition("If", HOLDS, IfSteps=[step("A")])], "two steps are called A"),
        ([step("not a name")], "should match pattern"),
        ([step("A", DependsOn=["B"])], "step A refers to Steps.B, which is not there"),
        ([step("A", Arguments={"X": {"Get": "Parameters.No"}})], "refers to Parameters.No"),
        ([step("A", Arguments={"X": {"Get": "Execution.TrainingJobName"}})], "refers to Execution.TrainingJobName"),
        ([step("A", Arguments={"X": {"Get": "nonsense"}})], "refers to no parameter"),
        ([step("A", DependsOn=["B"]), step("B", DependsOn=["A"]), step("C")], "the steps A, B wait for one another"),
        ([{**condition("If", HOLDS, IfSteps=[step("In")]), "DependsOn": ["In"]}], "If, In wait for one another"),
        ([condition("If")], "step If: the condition 'none at all' is none of"),
        ([condition("If", {"Type": "LessThan", "LeftValue": 1})], "step If: the condition LessThan lacks RightValue"),
        ([step("A", CacheConfig={"Enabled": True})], "Enabled without ExpireAfter"),
        ([step("A", CacheConfig={"Enabled": True, "ExpireAfter": "soon"})], "'soon' is not a duration"),
        ([step("A", RetryPolicies=[{"ExceptionType": ["Bad.LUCK"]}])], "not Bad.LUCK"),
        (
            [
                step("A", PropertyFiles=[{"PropertyFileName": "R", "OutputName": "o", "FilePath": "r.json"}]),
                step("B", Arguments={"X": READS_S}),
            ],
            "step B reads the property file S, which step A has not",
        ),
    ],
)  # fmt: skip
def test_a_definition_that_cannot_be_a_pipeline_is_refused(steps: list[Any], says: str) -> None:
    with pytest.raises(DefinitionError) as error:
        read(*steps)
    assert says in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"Version": "2019-01-01", "Steps": []}', '"text"'])
def test_text_that_is_no_definition_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError):
        parse(text)


def test_values_are_of_their_types_and_defaults_fill_what_is_not_given() -> None:
    given = {"Depth": "8", "Fast": "True", "Data": "s3://b/k", "Approval": "Approved"}
    values = read(step("A")).values(given)
    assert values == {"Depth": 8, "Eta": 0.1, "Fast": True, "Approval": "Approved", "Data": "s3://b/k"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "no value is given for Data"),
        ({"Data": "x", "Deep": "1"}, "the pipeline has no parameter Deep; it has Approval, Data, Depth, Eta, Fast"),
        ({"Data": "x", "Depth": "6.5"}, "the parameter Depth is of type Integer, and '6.5' is not"),
        ({"Data": "x", "Eta": "low"}, "the parameter Eta is of type Float, and 'low' is not"),
        ({"Data": "x", "Fast": "yes"}, "the parameter Fast is of type Boolean, and 'yes' is not"),
        ({"Data": "x", "Approval": "Maybe"}, "the parameter Approval is one of Pending, Approved, not 'Maybe'"),
    ],
)
def test_values_that_do_not_fit_are_refused(given: dict[str, str], says: str) -> None:
    with pytest.raises(DefinitionError) as error:
        read(step("A")).values(given)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        (step("Odd", Type="QualityCheck"), "step Odd is of type QualityCheck, which is not in the local simulation"),
        (step("Odd", Surprise=1), "step Odd has Surprise, which is not in the local simulation"),
        (condition("If", HOLDS, ElseSteps=[step("Odd", Type="Lambda")]), "step Odd is of type Lambda"),
    ],
)
def test_a_pipeline_that_only_aws_can_run_is_read_and_then_refused(odd: Any, says: str) -> None:
    definition = read(step("A"), odd)
    with pytest.raises(UnsupportedError) as error:
        check_runnable(definition)
    assert says in str(error.value)
