"""Code coverage, as its four formats tell of it. Pure.

CodeBuild user guide, "Code coverage reports": Clover, Cobertura and JaCoCo in XML, and SimpleCov's own JSON.
"""

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any


@dataclass(frozen=True)
class Covered:
    """How many of the lines and of the branches of a file, or of all, tests have run and have not."""

    path: str
    lines: int
    lines_missed: int
    branches: int = 0
    branches_missed: int = 0

    def described(self) -> dict[str, Any]:
        """Return what botocore's shapes CodeCoverage and CodeCoverageReportSummary have in common."""
        return {
            "lineCoveragePercentage": _percentage(self.lines, self.lines_missed),
            "linesCovered": self.lines,
            "linesMissed": self.lines_missed,
            "branchCoveragePercentage": _percentage(self.branches, self.branches_missed),
            "branchesCovered": self.branches,
            "branchesMissed": self.branches_missed,
        }


def total(files: Iterable[Covered]) -> Covered:
    """Return the sum of files."""
    return reduce(_added, files, Covered("", 0, 0))


def _added(one: Covered, other: Covered) -> Covered:
    return Covered(
        one.path,
        one.lines + other.lines,
        one.lines_missed + other.lines_missed,
        one.branches + other.branches,
        one.branches_missed + other.branches_missed,
    )


def _percentage(covered: int, missed: int) -> float:
    return 100.0 * covered / (covered + missed) if covered + missed else 0.0


def read(file_format: str, raw: bytes) -> list[Covered]:
    """Return what a report says of each file; an error of a parser's or of looking up where it is not of its format."""
    return list(READERS[file_format](raw))


def _root(raw: bytes, tag: str) -> ElementTree.Element:
    root = ElementTree.fromstring(raw)  # noqa: S314 - of the build itself, and expat bounds what entities become
    if root.tag != tag:
        raise ValueError(f"its root is {root.tag}")
    return root


def _clover(raw: bytes) -> Iterator[Covered]:
    for file in _root(raw, "coverage").iter("file"):
        metrics = file.find("metrics")
        if metrics is None:
            raise ValueError("a file has no metrics")
        statements, run = _count(metrics, "statements"), _count(metrics, "coveredstatements")
        conditions, met = _count(metrics, "conditionals"), _count(metrics, "coveredconditionals")
        yield Covered(file.get("path") or file.attrib["name"], run, statements - run, met, conditions - met)


def _count(element: ElementTree.Element, name: str) -> int:
    return int(element.get(name) or 0)


def _cobertura(raw: bytes) -> Iterator[Covered]:
    # Several classes may be in a file, and a line in several of them.
    files: dict[str, dict[str, tuple[int, int, int]]] = {}
    for declared in _root(raw, "coverage").iter("class"):
        lines = files.setdefault(declared.attrib["filename"], {})
        for line in declared.findall("lines/line"):
            told = re.search(r"\((\d+)/(\d+)\)", line.get("condition-coverage", ""))
            found = (_count(line, "hits"), int(told[1]) if told else 0, int(told[2]) if told else 0)
            lines[line.attrib["number"]] = max(found, lines.get(line.attrib["number"], found))
    for path, lines in files.items():
        run = sum(1 for hits, _, _ in lines.values() if hits)
        met_of_all = sum(met for _, met, _ in lines.values())
        conditions = sum(of for _, _, of in lines.values())
        yield Covered(path, run, len(lines) - run, met_of_all, conditions - met_of_all)


def _jacoco(raw: bytes) -> Iterator[Covered]:
    for package in _root(raw, "report").iter("package"):
        for file in package.findall("sourcefile"):
            counters = {one.get("type"): one for one in file.findall("counter")}
            lines, branches = (counters.get(kind, ElementTree.Element("counter")) for kind in ("LINE", "BRANCH"))
            path = "/".join(filter(None, [package.get("name"), file.attrib["name"]]))
            yield Covered(
                path,
                _count(lines, "covered"),
                _count(lines, "missed"),
                _count(branches, "covered"),
                _count(branches, "missed"),
            )


def _simplecov(raw: bytes) -> Iterator[Covered]:
    for result in json.loads(raw).values():
        for path, file in result["coverage"].items():
            # Before SimpleCov knew of branches a file was the list of its lines.
            lines, branches = (file, {}) if isinstance(file, list) else (file["lines"], file.get("branches") or {})
            hits = [line for line in lines if isinstance(line, int)]
            ways = [hits for each in branches.values() for hits in each.values()]
            run, taken = sum(1 for each in hits if each), sum(1 for each in ways if each)
            yield Covered(path, run, len(hits) - run, taken, len(ways) - taken)


READERS: Mapping[str, Callable[[bytes], Iterator[Covered]]] = {
    "CLOVERXML": _clover,
    "COBERTURAXML": _cobertura,
    "JACOCOXML": _jacoco,
    "SIMPLECOV": _simplecov,
}
