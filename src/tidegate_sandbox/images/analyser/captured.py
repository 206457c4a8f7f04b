"""What an endpoint captured, and the truth that came since, as rows."""

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

Row = dict[str, str]
Record = dict[str, Any]

OUTPUT = Path("/opt/ml/output")


def moment(text: str) -> datetime:
    """Return a moment of the contract or of a captured record."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def lines(folder: Path) -> Iterator[Record]:
    """Yield the records of the files below `folder`."""
    for file in sorted(folder.rglob("*.jsonl")):
        for line in file.read_text().splitlines():
            yield json.loads(line)


def table(captured: Mapping[str, str] | None) -> list[Row]:
    """Return the rows of a captured body: of CSV by position, of JSON by name, `_c0` first where there is no name."""
    if captured is None:
        return []
    if captured["encoding"] == "CSV":
        return [_by_position(cells) for cells in csv.reader(io.StringIO(captured["data"])) if cells]
    if captured["encoding"] != "JSON":
        fail(
            f"Error: Encoding mismatch: Encoding is {captured['encoding']} for a captured body, but "
            "Model Monitor reads CSV and JSON: name the content types in the capture's CaptureContentTypeHeader."
        )
    try:
        documents = [json.loads(captured["data"])]
    except ValueError:  # one document a line
        documents = [json.loads(line) for line in captured["data"].splitlines() if line.strip()]
    return [row for document in documents for row in _rows_of(document)]


def _rows_of(document: Any) -> Iterator[Row]:
    if isinstance(document, list):
        if all(isinstance(each, list | dict) for each in document):
            for each in document:
                yield from _rows_of(each)
        else:
            yield _by_position(["" if each is None else str(each) for each in document])
    elif isinstance(document, dict):
        yield dict(_flat(document, ""))
    else:
        yield _by_position([str(document)])


def _flat(document: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{where}{name}_")
        elif isinstance(value, list):
            yield from _flat({str(index): each for index, each in enumerate(value)}, f"{where}{name}_")
        else:
            yield where + name, "" if value is None else str(value)


def _by_position(cells: Sequence[str]) -> Row:
    return {f"_c{index}": cell.strip() for index, cell in enumerate(cells)}


def joined(record: Record) -> Iterator[Row]:
    """Yield a request's rows with its answer's before them, as columns of one table."""
    data = record["captureData"]
    answers, requests = table(data.get("endpointOutput")), table(data.get("endpointInput"))
    for index in range(max(len(answers), len(requests))):
        answer = answers[index] if index < len(answers) else {}
        request = requests[index] if index < len(requests) else {}
        if all(name.startswith("_c") for name in (*answer, *request)):
            yield _by_position([*answer.values(), *request.values()])
        else:
            yield {**answer, **request}


def fail(sentence: str) -> NoReturn:
    """End, with a sentence that becomes the job's FailureReason."""
    (OUTPUT / "failure").write_text(sentence)
    sys.exit(sentence)
