"""Given values, when an expression of a pipeline definition is resolved, then it comes to what SageMaker's would."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox.services.pipelines.expressions import (
    ExpressionError,
    Reference,
    Values,
    function,
    parse,
    property_files,
    references,
    resolve,
)

STEPS = {
    "Prepare": {
        "ProcessingOutputConfig": {
            "Outputs": [
                {"OutputName": "train", "S3Output": {"S3Uri": "s3://b/train"}},
                {"OutputName": "test", "S3Output": {"S3Uri": "s3://b/test"}},
            ]
        }
    },
    "Train-it_1": {
        "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"},
        "FinalMetricDataList": [{"MetricName": "rmse", "Value": 7.5}],
        "HyperParameters": {"max_depth": "6"},
        "ExitMessage": None,
    },
}
REPORT = {"metrics": {"rmse": {"value": 40.5}, "by.month": [1, 2, {"three": True}]}}


def values(**changes: Any) -> Values:
    def read_property_file(step: str, name: str) -> Any:
        if (step, name) != ("Prepare", "Report"):
            raise ExpressionError("no such file")
        return REPORT

    def read_json(uri: str) -> Any:
        return {"s3://b/report.json": REPORT}[uri]

    known: dict[str, Any] = {
        "parameters": {"Depth": 6, "Eta": 0.1, "Name": "demo", "Fast": True},
        "execution": {"PipelineExecutionId": "abc123"},
        "steps": STEPS,
        "read_property_file": read_property_file,
        "read_json": read_json,
    }
    return Values(**known | changes)


@pytest.mark.parametrize(
    ("get", "comes_to"),
    [
        ("Parameters.Depth", 6),
        ("Execution.PipelineExecutionId", "abc123"),
        ("Steps.Prepare.ProcessingOutputConfig.Outputs['test'].S3Output.S3Uri", "s3://b/test"),
        ('Steps.Prepare.ProcessingOutputConfig.Outputs["test"].S3Output.S3Uri', "s3://b/test"),
        ("Steps.Prepare.ProcessingOutputConfig.Outputs[0].OutputName", "train"),
        ("Steps.Train-it_1.FinalMetricDataList['rmse'].Value", 7.5),
        ("Steps.Train-it_1.HyperParameters['max_depth']", "6"),
        ("Steps.Train-it_1.ExitMessage", None),
    ],
)
def test_a_get_comes_to_what_it_refers_to(get: str, comes_to: Any) -> None:
    assert resolve({"Get": get}, values()) == comes_to


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ({"Get": "Parameters.Missing"}, "Parameters.Missing has no value"),
        ({"Get": "Steps.Later.ModelName"}, "Steps.Later has no value"),
        ({"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['none']"}, "Outputs has no part 'none'"),
        ({"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs[2]"}, "has no part 2"),
        ({"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs[x"}, "cannot be read from '[x' on"),
        ({"Get": "Depth"}, "refers to no parameter"),
        ({"Get": 5}, "refers to no parameter"),
        ({"Get": "Parameters.Depth.More"}, "has no parts"),
        ({"Std:Join": {"On": "/", "Values": [{"Get": "Steps.Prepare.ProcessingOutputConfig"}]}}, "can join text"),
        ({"Std:Join": "x"}, "needs On and a list of Values"),
        ({"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Prepare.Other.Report"}, "Path": "a"}}, "no property file"),
        ({"Std:JsonGet": {"S3Uri": "s3://b/report.json", "Path": "metrics.mae"}}, "has no part 'mae'"),
        ({"Std:JsonGet": {"S3Uri": "s3://b/report.json"}}, "needs a Path"),
        ({"Std:Length": [1]}, "Std:Length is not in the local simulation"),
    ],
)
def test_an_expression_without_a_value_is_told_in_a_sentence(expression: Any, says: str) -> None:
    with pytest.raises(ExpressionError) as error:
        resolve(expression, values())
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("path", "comes_to"),
    [
        ("metrics.rmse.value", 40.5),
        ("$.metrics.rmse.value", 40.5),
        ("metrics['by.month'][2].three", True),
        ({"Std:Join": {"On": ".", "Values": ["metrics", "rmse", "value"]}}, 40.5),
    ],
)
def test_a_json_get_reads_a_property_file_or_an_object_of_s3(path: Any, comes_to: Any) -> None:
    by_file = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.Report"}, "Path": path}}
    by_address = {
        "Std:JsonGet": {"S3Uri": {"Std:Join": {"On": "/", "Values": ["s3:/", "b", "report.json"]}}, "Path": path}
    }
    assert resolve(by_file, values()) == comes_to
    assert resolve(by_address, values()) == comes_to
    assert list(property_files([{"deep": by_file}, by_address])) == [("Prepare", "Report")]


def test_a_join_writes_numbers_and_booleans_as_json() -> None:
    parts = [{"Get": f"Parameters.{name}"} for name in ("Depth", "Eta", "Name", "Fast")]
    assert resolve({"Std:Join": {"On": ",", "Values": parts}}, values()) == "6,0.1,demo,true"


def test_references_are_found_at_any_depth() -> None:
    found = references(
        {"a": [{"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Depth"}]}}, {"Get": "Steps.Prepare.X"}]}
    )
    assert list(found) == [Reference("Parameters", "Depth"), Reference("Steps", "Prepare", ("X",))]


names = st.text(alphabet="abcXYZ019_-", min_size=1, max_size=6)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


@given(plain)
def test_plain_data_comes_to_itself(data: Any) -> None:
    assert resolve(data, values()) == data
    assert list(references(data)) == []


@given(plain, st.randoms())
def test_every_part_of_a_steps_properties_can_be_referred_to(properties: Any, random: Any) -> None:
    value, text = {"Top": properties}, ""
    part: Any = "Top"
    while True:
        text += f"[{part}]" if isinstance(part, int) else random.choice([f".{part}", f"['{part}']"])
        value = value[part]
        if not isinstance(value, dict | list) or not value:
            break
        part = random.choice(list(value) if isinstance(value, dict) else range(len(value)))
    assert resolve({"Get": f"Steps.S{text}"}, values(steps={"S": {"Top": properties}})) == value


@given(st.lists(st.text(max_size=5), max_size=4), st.text(max_size=2))
def test_a_join_of_texts_is_pythons(parts: list[str], on: str) -> None:
    assert resolve({"Std:Join": {"On": on, "Values": parts}}, values()) == on.join(parts)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert parse(f"Steps.{text}").root == "Steps"
    assert function({"Get": text}) == ("Get", text)
