"""What raw data of tests becomes."""

import json

import pytest

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
