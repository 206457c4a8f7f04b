"""The names of versions, and what a template changes in a stack."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service_catalog.project.parameters import GITS
from service_catalog.publishing.difference import difference
from service_catalog.publishing.published import _TEMPLATE
from service_catalog.publishing.synth import to_yaml
from service_catalog.publishing.versions import base_name, newest_name

FIRST, SECOND = base_name("0.1.0", ["one"]), base_name("0.1.0", ["two"])


def test_then_a_version_is_of_its_release_and_of_every_template() -> None:
    assert FIRST.startswith("0.1.0-")
    assert len({FIRST, SECOND, base_name("0.2.0", ["one"]), base_name("0.1.0", ["one", ""])}) == 4


@pytest.mark.parametrize(
    ("known", "name"),
    [
        ([], FIRST),
        ([FIRST], FIRST),
        ([SECOND], FIRST),
        ([FIRST, SECOND], f"{FIRST}.2"),
        ([FIRST, SECOND, f"{FIRST}.2"], f"{FIRST}.2"),
        ([FIRST, SECOND, f"{FIRST}.2", SECOND], f"{FIRST}.3"),
    ],
)
def test_given_versions_then_a_checkout_is_the_newest_by_a_name_that_no_other_has(known: list[str], name: str) -> None:
    assert newest_name(known, FIRST) == name


@given(st.lists(st.sampled_from([FIRST, SECOND, base_name("0.1.0.2", ["three"])]), max_size=12))
def test_given_any_history_then_publishing_twice_names_it_once_and_names_stay_unique(bases: list[str]) -> None:
    known: list[str] = []
    for base in bases:
        name = newest_name(known, base)
        known += [] if name in known else [name]
        assert known[-1] == name == newest_name(known, base)
    assert len(set(known)) == len(known)


@pytest.mark.parametrize("git", GITS)
def test_then_a_template_tells_its_variant_and_version_by_its_name(git: str) -> None:
    found = _TEMPLATE.fullmatch(f"templates/tidegate-{git}-{FIRST}.2.yaml")
    assert found is not None
    assert found.groups() == (git, f"{FIRST}.2")


def test_then_yaml_says_what_json_says_and_has_no_aliases(product: dict[str, Any], hosted: dict[str, Any]) -> None:
    for template in (product, hosted):
        text = to_yaml(template)
        assert yaml.safe_load(text) == json.loads(json.dumps(template))
        assert len(text.encode()) < 1_000_000
        shared = ["same"]
        assert "&" not in to_yaml({"a": shared, "b": shared})


def resource(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def test_then_a_difference_tells_each_part_and_the_lines_that_differ() -> None:
    before = {
        "Resources": {"Kept": resource(A=1), "Changed": resource(A=1, B=[1, 2]), "Gone": resource()},
        "Outputs": {"Url": {"Value": "a"}},
        "Description": "before",
    }
    after = {
        "Resources": {"Kept": resource(A=1), "Changed": resource(A=1, B=[1, 3]), "New": resource()},
        "Parameters": {"VpcId": {"Type": "String"}},
        "Outputs": {"Url": {"Value": "b"}},
        "Description": "after",
    }
    assert [str(each) for each in difference(before, after)] == [
        "+ New (AWS::SQS::Queue)",
        "~ Changed (AWS::SQS::Queue)\n       - 1\n    -  - 2\n    +  - 3\n     Type: AWS::SQS::Queue",
        "- Gone (AWS::SQS::Queue)",
        "+ VpcId (parameter)",
        "~ Url (output)\n    -Value: a\n    +Value: b",
    ]
    assert difference(after, after) == []
    assert {each.verb for each in difference({}, after)} == {"added"}
