"""What raw data of tests becomes."""

import json

import pytest

from tidegate_sandbox.services.codebuild import coverage
from tidegate_sandbox.services.codebuild.coverage import Covered
from tidegate_sandbox.services.codebuild.reports import Case, ReportError, read

JUNIT = b"""<testsuites><testsuite name="unit">
<testcase classname="a.b" name="passes" time="0.5"/>
<testcase classname="a.b" name="fails"><failure message="1 is not 2">trace</failure></testcase>
<testcase classname="a.b" name="breaks"><error>boom</error></testcase>
<testsuite name="inner"><testcase name="left out"><skipped/></testcase></testsuite>
</testsuite></testsuites>"""

CUCUMBER = json.dumps(
    [
        {
            "id": "releases",
            "name": "Releases",
            "elements": [
                {"name": "goes well", "steps": [{"result": {"status": "passed", "duration": 2_000_000_000}}]},
                {
                    "name": "goes badly",
                    "steps": [
                        {"result": {"status": "failed", "error_message": "no"}},
                        {"result": {"status": "skipped"}},
                    ],
                },
                {"name": "is not written yet", "steps": [{"result": {"status": "undefined"}}]},
            ],
        }
    ]
).encode()


def test_junit_xml_has_suites_in_suites_and_four_outcomes() -> None:
    assert read("JUNITXML", JUNIT, "unit.xml") == [
        Case("passes", "SUCCEEDED", "a.b", "unit", 0.5, "", "unit.xml"),
        Case("fails", "FAILED", "a.b", "unit", 0.0, "1 is not 2", "unit.xml"),
        Case("breaks", "ERROR", "a.b", "unit", 0.0, "boom", "unit.xml"),
        Case("left out", "SKIPPED", "", "inner", 0.0, "", "unit.xml"),
    ]


def test_cucumber_json_is_judged_by_the_worst_step() -> None:
    assert read("CUCUMBERJSON", CUCUMBER, "f.json") == [
        Case("goes well", "SUCCEEDED", "releases", "Releases", 2.0, "", "f.json"),
        Case("goes badly", "FAILED", "releases", "Releases", 0.0, "no", "f.json"),
        Case("is not written yet", "UNKNOWN", "releases", "Releases", 0.0, "", "f.json"),
    ]


@pytest.mark.parametrize(
    ("file_format", "raw"),
    [("JUNITXML", b"<html/>"), ("JUNITXML", b"{"), ("CUCUMBERJSON", b"<a/>"), ("CUCUMBERJSON", b'[{"elements": 1}]')],
)
def test_what_is_no_raw_data_is_refused_by_its_file(file_format: str, raw: bytes) -> None:
    with pytest.raises(ReportError, match=f"here.txt is no {file_format}"):
        read(file_format, raw, "here.txt")


CLOVER = b"""<coverage><project><metrics statements="9"/><package name="p"><file name="a.js" path="/src/a.js">
<metrics statements="4" coveredstatements="3" conditionals="2" coveredconditionals="1"/><line num="1" type="stmt"/>
</file></package><file name="b.js"><metrics statements="1" coveredstatements="0"/></file></project></coverage>"""

COBERTURA = b"""<coverage><packages><package><classes>
<class filename="a.py"><methods><method><lines><line number="1" hits="1"/></lines></method></methods><lines>
<line number="1" hits="1"/><line number="2" hits="2" branch="true" condition-coverage="50% (1/2)"/></lines></class>
<class filename="a.py"><lines><line number="2" hits="0" branch="true" condition-coverage="0% (0/2)"/>
<line number="3" hits="0"/></lines></class></classes></package></packages></coverage>"""

JACOCO = b"""<?xml version="1.0"?><!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd">
<report name="r"><package name="com/x"><class name="com/x/A"><counter type="LINE" missed="9" covered="9"/></class>
<sourcefile name="A.java"><counter type="LINE" missed="1" covered="3"/><counter type="BRANCH" missed="2" covered="0"/>
</sourcefile><sourcefile name="B.java"/></package><counter type="LINE" missed="1" covered="3"/></report>"""

SIMPLECOV = b"""{"RSpec": {"coverage": {"a.rb": {"lines": [1, null, 0, "ignored"],
"branches": {"[:if, 0]": {"[:then, 1]": 2, "[:else, 2]": 0}}}, "b.rb": [null, 3]}, "timestamp": 1}}"""


@pytest.mark.parametrize(
    ("file_format", "raw", "files"),
    [
        ("CLOVERXML", CLOVER, [Covered("/src/a.js", 3, 1, 1, 1), Covered("b.js", 0, 1)]),
        ("COBERTURAXML", COBERTURA, [Covered("a.py", 2, 1, 1, 1)]),
        ("JACOCOXML", JACOCO, [Covered("com/x/A.java", 3, 1, 0, 2), Covered("com/x/B.java", 0, 0)]),
        ("SIMPLECOV", SIMPLECOV, [Covered("a.rb", 1, 1, 1, 1), Covered("b.rb", 1, 0)]),
    ],
)
def test_each_format_of_coverage_tells_of_its_files(file_format: str, raw: bytes, files: list[Covered]) -> None:
    assert coverage.read(file_format, raw) == files


def test_the_summary_of_a_coverage_is_of_all_files() -> None:
    told = coverage.total([Covered("a", 3, 1, 1, 1), Covered("b", 0, 4)]).described()

    assert (told["linesCovered"], told["linesMissed"], told["lineCoveragePercentage"]) == (3, 5, 37.5)
    assert (told["branchesCovered"], told["branchesMissed"], told["branchCoveragePercentage"]) == (1, 1, 50.0)
    assert coverage.total([]).described()["lineCoveragePercentage"] == 0.0


@pytest.mark.parametrize(
    ("file_format", "raw"),
    [
        ("CLOVERXML", b"<report/>"),
        ("CLOVERXML", b'<coverage><file name="a"/></coverage>'),
        ("COBERTURAXML", b"{}"),
        ("COBERTURAXML", b"<coverage><class/></coverage>"),
        ("JACOCOXML", b"<coverage/>"),
        ("SIMPLECOV", b"[]"),
        ("SIMPLECOV", b'{"RSpec": {}}'),
    ],
)
def test_what_is_no_coverage_is_refused_by_its_format(file_format: str, raw: bytes) -> None:
    with pytest.raises((ValueError, KeyError, AttributeError, SyntaxError)):
        coverage.read(file_format, raw)
