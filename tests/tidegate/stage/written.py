"""Files of a deploy repository written from plain values, with where each of them was put.

The places are reckoned here while the text is written, so that they are no echo of those that are reported.
"""

import json
import re
from typing import Any, NamedTuple

from tidegate.stage import StageFileError
from tidegate.stage.load import RepoFiles, type_repo
from tidegate.stage.reading import parse_document

KEY = "[key]"
_PLAIN = re.compile(r"(?!true|false|null)[A-Za-z_][A-Za-z0-9_]*", re.IGNORECASE)
Place = tuple[str, int, int]
Path = tuple[str | int, ...]


class Written(NamedTuple):
    """A text, and the line and column of every value in it, and of every key under its path and KEY."""

    text: str
    places: dict[Path, tuple[int, int]]


def write(content: dict[str, Any]) -> Written:
    """Write YAML in block style, each value on a line of its own."""
    lines: list[str] = []
    places: dict[Path, tuple[int, int]] = {(): (1, 1)}

    def entry(lead: str, value: Any, path: Path, indent: int) -> None:
        """Write what stands behind `key:` or `-`."""
        if not (isinstance(value, dict | list) and value):
            places[path] = (len(lines) + 1, len(lead) + 2)
            lines.append(f"{lead} {json.dumps(value, ensure_ascii=False)}")
            return
        lines.append(lead)
        places[path] = (len(lines) + 1, indent + 1)
        block(value, path, indent)

    def block(value: Any, path: Path, indent: int) -> None:
        pad = " " * indent
        if isinstance(value, list):
            for index, item in enumerate(value):
                entry(f"{pad}-", item, (*path, index), indent + 2)
        else:
            for key, item in value.items():
                places[(*path, key, KEY)] = (len(lines) + 1, indent + 1)
                name = key if _PLAIN.fullmatch(key) else json.dumps(key, ensure_ascii=False)
                entry(f"{pad}{name}:", item, (*path, key), indent + 2)

    block(content, (), 0)
    return Written("\n".join(lines) + "\n", places)


def problems(stage: str | bytes, endpoint: str | bytes) -> list[tuple[str, Place]]:
    """The rule and the place of everything that is wrong with a stage `prod` and what all stages share."""
    documents = [
        parse_document(name, text.encode() if isinstance(text, str) else text)
        for name, text in (("endpoint.yml", endpoint), ("stages/prod.yml", stage))
    ]
    try:
        type_repo(__file__, RepoFiles(documents[0], {"prod": documents[1]}, ()))  # type: ignore[arg-type]
    except StageFileError as error:
        return [(problem.rule, tuple(problem.position)) for problem in error.problems]  # type: ignore[misc]
    return []
