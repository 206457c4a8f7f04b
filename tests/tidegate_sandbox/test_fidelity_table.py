"""docs/sandbox-fidelity.md says of each behaviour where it comes from, how sure that is, and which test holds it."""

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tidegate_sandbox.service_models import service_model

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "sandbox-fidelity.md"
HEADER = ["behaviour", "source", "status", "test"]

CERTAIN = {"documented", "seen", "ours"}
DOUBTFUL = {"differs", "guess", "not verified"}

REFERENCE = re.compile(r"\[[^\]]+\]")
BOTOCORE = re.compile(r"bc `([a-z0-9-]+)\.(\w+)(?:\.(\w+))?`")
SCHEMA = re.compile(r"cfn `(\w+::\w+::\w+)(?:\.(\w+))?`")
TEST = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
DEFINITION = re.compile(r'^(\[[^\]]+\]): (https://\S+) "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True)
class Row:
    line: int
    cells: tuple[str, ...]

    @property
    def statuses(self) -> dict[str, str]:
        """What is said of how sure it is: a word of CERTAIN, or one of DOUBTFUL with its sentence."""
        parts = [part.partition(": ") for part in self.cells[2].split("; ")]
        return {word: sentence for word, _, sentence in parts}

    @property
    def sources(self) -> list[str]:
        return [] if self.cells[1] == "" else self.cells[1].split("; ")

    @property
    def tests(self) -> list[str]:
        return [] if self.cells[3] == "" else self.cells[3].split(", ")

    def __str__(self) -> str:
        return f"{FILE.name}:{self.line}: {self.cells[0]}"


def rows(text: str) -> list[Row]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("|") and not line.startswith("|---"):
            cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
            if list(cells) != HEADER:
                found.append(Row(number, cells))
    return found


TEXT = FILE.read_text()
HEAD, _, _ = TEXT.partition("\n## ")
ROWS = [row for row in rows(TEXT) if row.line > len(HEAD.splitlines())]
DEFINED = {name: (url, title) for name, url, title in DEFINITION.findall(TEXT)}


@cache
def functions_of(file: str) -> frozenset[str]:
    found = list((ROOT / "tests").rglob(file))
    if not found:
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(ast.parse(found[0].read_text())) if isinstance(node, functions))


def wrong_test(named: str) -> str | None:
    found = TEST.fullmatch(named)
    if found is None:
        return f"{named} is not `test_file.py::test_function`"
    return None if found[2] in functions_of(found[1]) else f"there is no {named}"


def wrong_source(source: str) -> str | None:
    if REFERENCE.fullmatch(source):
        return None if source in DEFINED else f"{source} is not defined at the end of the file"
    if found := BOTOCORE.fullmatch(source):
        return None if is_in_botocore(*found.groups()) else f"botocore knows no {source}"
    if found := SCHEMA.fullmatch(source):
        return None if is_in_a_schema(*found.groups()) else f"CloudFormation's schemas have no {source}"
    return f"{source} is no [reference], bc `service.Shape.Member` or cfn `Type::Of::Resource.Property`"


def is_in_botocore(service: str, name: str, member: str | None) -> bool:
    try:
        model = service_model(service)
    except UnknownServiceError:
        return False
    if name in model.operation_names:
        operation = model.operation_model(name)
        shapes = [operation.input_shape, operation.output_shape]
        return member is None or any(member in shape.members for shape in shapes if shape)
    if name not in model.shape_names:
        return False
    shape = model.shape_for(name)
    return member is None or member in (getattr(shape, "members", None) or getattr(shape, "enum", ()))


def is_in_a_schema(name: str, member: str | None) -> bool:
    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema
    except Exception:  # cfn-lint raises a class of its own for each way of not finding one
        return False
    return member is None or member in schema["properties"] or member in schema.get("definitions", {})


def wrong_status(row: Row) -> str | None:
    for word, sentence in row.statuses.items():
        if word not in CERTAIN | DOUBTFUL:
            return f"{word!r} is none of {', '.join(sorted(CERTAIN | DOUBTFUL))}"
        if word in DOUBTFUL and not sentence:
            return f"{word} needs a sentence that says what"
        if word in CERTAIN and sentence:
            return f"{word} stands alone: what is less sure is a part of its own"
    if "documented" in row.statuses and not row.sources:
        return "what is documented has a source"
    if "seen" in row.statuses and not any("//github.com/" in DEFINED.get(each, ("",))[0] for each in row.sources):
        return "what was seen has the address of the public project or issue where it was"
    return None


def test_every_row_has_the_columns_that_the_head_of_the_file_names():
    assert [f"{row}: {len(row.cells)} columns" for row in ROWS if len(row.cells) != len(HEADER)] == []


def test_the_table_is_read():
    assert len(ROWS) > 150
    assert len(DEFINED) > 50


def test_every_source_can_be_found():
    wrong = [f"{row}: {reason}" for row in ROWS for each in row.sources if (reason := wrong_source(each))]
    assert wrong == []


def test_every_reference_is_defined_once_and_used():
    names = Counter(name for name, _, _ in DEFINITION.findall(TEXT))
    assert [name for name, count in names.items() if count > 1] == []
    used = {each for row in ROWS for each in row.sources}
    assert sorted(set(DEFINED) - used) == []


def test_every_status_says_how_sure_it_is():
    assert [f"{row}: {reason}" for row in ROWS if (reason := wrong_status(row))] == []


def test_every_test_that_is_named_is_there():
    wrong = [f"{row}: {reason}" for row in ROWS for each in row.tests if (reason := wrong_test(each))]
    assert wrong == []


def test_what_is_done_as_documented_or_seen_has_a_test():
    wrong = [str(row) for row in ROWS if not row.tests and CERTAIN & set(row.statuses)]
    assert wrong == []


def test_no_behaviour_has_two_rows():
    assert [name for name, count in Counter(row.cells[0] for row in ROWS).items() if count > 1] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("| x | bc `sagemaker.CreateEndpoint.NoSuch` | documented | |", "botocore knows no"),
        ("| x | bc `nosuch.CreateEndpoint` | documented | |", "botocore knows no"),
        ("| x | cfn `AWS::SageMaker::NoSuch` | documented | |", "schemas have no"),
        ("| x | cfn `AWS::SageMaker::Endpoint.NoSuch` | documented | |", "schemas have no"),
        ("| x | [No such page] | documented | |", "is not defined"),
        ("| x | dg | documented | |", "is no [reference]"),
        ("| x | | perhaps | |", "is none of"),
        ("| x | | differs | |", "needs a sentence"),
        ("| x | | documented | |", "has a source"),
        ("| x | bc `sagemaker.CreateEndpoint` | seen | |", "public project or issue"),
        ("| x | | ours | `test_fidelity_table.py` |", "is not `test_file.py::test_function`"),
        ("| x | | ours | `test_fidelity_table.py::test_no_such` |", "there is no"),
        ("| x | | ours | `test_no_such.py::test_it` |", "there is no"),
    ],
)
def test_a_row_that_is_wrong_is_told(line, said):
    (row,) = rows(line)
    told = [*map(wrong_source, row.sources), wrong_status(row), *map(wrong_test, row.tests)]
    assert any(said in each for each in told if each), told
