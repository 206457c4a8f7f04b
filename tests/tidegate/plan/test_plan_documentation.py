"""docs/plan.md names every key of the JSON form and every remark, and none that is not there."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from tests.tidegate.plan.situations import planned
from tests.tidegate.plan.test_golden_plans import CASES
from tidegate.plan import document, remarks
from tidegate.plan.document import FORMAT

TEXT = (Path(__file__).parents[3] / "docs" / "plan.md").read_text()
FORM = TEXT.partition("## As JSON")[2]
KEYS, _, REMARKS = FORM.partition("| remark | level | when |")
ROWS = re.findall(r"^\| (`.+?) \| (.+) \|$", KEYS, re.MULTILINE)


def words(text: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", text))


def keys_of(value: Any) -> set[str]:
    """Return every key of a document, but those of `settings`, which are paths of the stage file."""
    if isinstance(value, dict):
        inside = (keys_of(each) for name, each in value.items() if name != "settings")
        return set(value).union(*inside)
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("case", CASES)
def test_every_key_at_the_top_is_documented_in_its_order(case):
    told = [name for names, _ in ROWS for name in re.findall(r"`([a-z_]+)`", names)]
    assert list(document(CASES[case]())) == told


@pytest.mark.parametrize("case", CASES)
def test_every_key_below_is_documented_beside_its_own(case):
    for names, means in ROWS:
        name = re.findall(r"`([a-z_]+)`", names)[0]
        assert keys_of(document(CASES[case]())[name]) <= words(means), name


def test_the_documented_format_is_the_present_one():
    assert f"| `format` | the version of this form, `{FORMAT}` |" in FORM


def test_every_remark_is_documented_at_its_level_and_no_other():
    made = {
        (node.args[0].value, {"_warning": "warning", "_note": "note"}.get(node.func.id, "important"))
        for node in ast.walk(ast.parse(Path(remarks.__file__).read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"_warning", "_note", "Remark"}
        and isinstance(node.args[0], ast.Constant)
    }
    told = {
        (name, level)
        for names, level in re.findall(r"^\| (`.+?) \| ([a-z]+) \|", REMARKS, re.MULTILINE)
        for name in re.findall(r"`([a-z-]+)`", names)
    }
    assert told == made


def test_a_document_has_the_same_keys_whatever_is_known():
    assert {tuple(document(make())) for make in CASES.values()} == {tuple(document(planned()))}
