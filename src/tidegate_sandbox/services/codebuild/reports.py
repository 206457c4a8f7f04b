"""Reports of tests and of code coverage: what builds' `reports` sections become, and the API that tells of them.

CodeBuild user guide, "Test reports". Of tests JUnit XML and Cucumber JSON are read.
"""

import json
import threading
import uuid
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tidegate_sandbox import context, journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codebuild import coverage
from tidegate_sandbox.services.codebuild.artifacts import collect
from tidegate_sandbox.services.codebuild.buildspec import Artifacts, Report
from tidegate_sandbox.services.codebuild.coverage import Covered
from tidegate_sandbox.services.codebuild.projects import codebuild

KEPT = timedelta(days=30)
"""How long a report is there (user guide, "Test reports": it expires 30 days after it was made)."""
_NANOSECONDS = 1_000_000_000


class ReportError(Exception):
    """Raw data that is none, as a sentence."""


@dataclass(frozen=True)
class Case:
    """A test case."""

    name: str
    status: str
    prefix: str = ""
    suite: str = ""
    seconds: float = 0.0
    message: str = ""
    file: str = ""


@dataclass
class Made:
    """A report: botocore's shape Report, and its cases, or the files that it covers."""

    told: dict[str, Any]
    cases: list[Case] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    """botocore's shapes CodeCoverage."""


@dataclass
class Reports:
    """What one account and region has, by ARN."""

    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    reports: dict[str, Made] = field(default_factory=dict)


state: context.Scoped[Reports] = context.Scoped(Reports)
lock = threading.Lock()


def make(project: str, build_arn: str, name: str, declared: Report, source: Path) -> str:
    """Make a report of what a build left in `source`; return its ARN. ReportError or NothingMatchesError where not.

    A group that is named and not there is made, as PROJECT-NAME.
    """
    chosen = Artifacts(declared.files, base_directory=declared.base_directory, discard_paths=declared.discard_paths)
    found = collect(chosen, source)
    covers = declared.file_format in coverage.READERS
    kind = "CODE_COVERAGE" if covers else "TEST"
    read_: Callable[[str, bytes, str], list[Any]] = _covered if covers else read
    content = [one for path, file in found.items() for one in read_(declared.file_format, file.read_bytes(), path)]
    named = name.startswith("arn:")
    group = _group_for(name if named else f"{project}-{name}", kind, named=named)
    if group["type"] != kind:
        raise ReportError(f"the report group {group['arn']} is of type {group['type']}, and this is {kind}")
    for call in ("CreateReport", "UpdateReport", "BatchPutCodeCoverages" if covers else "BatchPutTestCases"):
        journal.acted(f"codebuild:{call}", group["arn"])
    now = context.sandbox().clock.now()
    arn = f"{group['arn'].replace(':report-group/', ':report/')}:{uuid.uuid4()}"
    told = {
        "arn": arn,
        "type": kind,
        "name": str(uuid.uuid4()),
        "reportGroupArn": group["arn"],
        "executionId": build_arn,
        "status": "SUCCEEDED",
        "created": now,
        "expired": now + KEPT,
        "exportConfig": group["exportConfig"],
        "truncated": False,
    }
    made = _of_coverage(told, content) if covers else _of_tests(told, content)
    with lock:
        state.here().reports[arn] = made
    return arn


def _of_tests(told: dict[str, Any], cases: list[Case]) -> Made:
    statuses = Counter(case.status for case in cases)
    summary = {
        "total": len(cases),
        "statusCounts": dict(statuses),
        "durationInNanoSeconds": int(sum(case.seconds for case in cases) * _NANOSECONDS),
    }
    failed = statuses["FAILED"] + statuses["ERROR"]
    return Made({**told, "status": "FAILED" if failed else "SUCCEEDED", "testSummary": summary}, cases)


def _of_coverage(told: dict[str, Any], files: list[Covered]) -> Made:
    common = {"reportARN": told["arn"], "expired": told["expired"]}
    described = [{"id": str(uuid.uuid4()), **common, "filePath": one.path, **one.described()} for one in files]
    return Made({**told, "codeCoverageSummary": coverage.total(files).described()}, files=described)


def _covered(file_format: str, raw: bytes, path: str) -> list[Covered]:
    try:
        return coverage.read(file_format, raw)
    except (ElementTree.ParseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReportError(f"{path} is no {file_format}: {error}") from None


def _group_for(name: str, kind: str, named: bool) -> dict[str, Any]:
    arn = name if named else context.scope().arn("codebuild", f"report-group/{name}")
    with lock:
        known = state.here().groups.get(arn)
    if known is not None:
        return known
    if named:
        raise ReportError(f"the report group {arn} does not exist")
    journal.acted("codebuild:CreateReportGroup", arn)
    given = {"name": name, "type": kind, "exportConfig": {"exportConfigType": "NO_EXPORT"}}
    made: dict[str, Any] = create_group(given)["reportGroup"]
    return made


def read(file_format: str, raw: bytes, path: str) -> list[Case]:
    """Return the test cases of a file of raw data; ReportError where it is none of its format."""
    try:
        return list(_junit(raw, path) if file_format == "JUNITXML" else _cucumber(raw, path))
    except (ElementTree.ParseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReportError(f"{path} is no {file_format}: {error}") from None


def _junit(raw: bytes, path: str) -> Iterator[Case]:
    root = ElementTree.fromstring(raw)  # noqa: S314 - of the build itself, and expat bounds what entities become
    if root.tag not in ("testsuites", "testsuite"):
        raise ValueError(f"its root is {root.tag}")
    for suite in root.iter("testsuite"):
        for case in suite.findall("testcase"):
            status, message = _outcome(case)
            yield Case(
                name=case.get("name", ""),
                status=status,
                prefix=case.get("classname", ""),
                suite=suite.get("name", ""),
                seconds=float(case.get("time") or 0),
                message=message,
                file=path,
            )


def _outcome(case: ElementTree.Element) -> tuple[str, str]:
    for tag, status in (("failure", "FAILED"), ("error", "ERROR"), ("skipped", "SKIPPED")):
        found = case.find(tag)
        if found is not None:
            return status, found.get("message") or (found.text or "").strip()
    return "SUCCEEDED", ""


# Cucumber's words for a step's result; those that are not here say nothing of the test.
_CUCUMBER = {"passed": "SUCCEEDED", "failed": "FAILED", "skipped": "SKIPPED"}


def _cucumber(raw: bytes, path: str) -> Iterator[Case]:
    for feature in json.loads(raw):
        for scenario in feature.get("elements", []):
            results = [step["result"] for step in scenario.get("steps", [])]
            statuses = {_CUCUMBER.get(result["status"], "UNKNOWN") for result in results}
            worst = next((one for one in ("FAILED", "UNKNOWN", "SKIPPED") if one in statuses), "SUCCEEDED")
            yield Case(
                name=scenario["name"],
                status=worst,
                prefix=feature.get("id", ""),
                suite=feature["name"],
                seconds=sum(result.get("duration", 0) for result in results) / _NANOSECONDS,
                message=next((result["error_message"] for result in results if "error_message" in result), ""),
                file=path,
            )


@codebuild.operation("CreateReportGroup")
def create_group(p: dict[str, Any]) -> dict[str, Any]:
    """Create a report group."""
    _check_group(p)
    now = context.sandbox().clock.now()
    arn = context.scope().arn("codebuild", f"report-group/{p['name']}")
    made = {
        "arn": arn,
        "name": p["name"],
        "type": p["type"],
        "exportConfig": p["exportConfig"],
        "created": now,
        "lastModified": now,
        "tags": p.get("tags", []),
        "status": "ACTIVE",
    }
    with lock:
        if arn in state.here().groups:
            raise AwsError("ResourceAlreadyExistsException", f"Report group already exists: {arn}")
        state.here().groups[arn] = made
    return {"reportGroup": made}


def _check_group(p: Mapping[str, Any]) -> None:
    if p.get("exportConfig", {}).get("exportConfigType") == "S3":
        raise AwsError("InvalidInputException", "export of reports to S3 is not in the local simulation")


@codebuild.operation("UpdateReportGroup")
def _update_group(p: dict[str, Any]) -> dict[str, Any]:
    _check_group(p)
    with lock:
        group = _group(p["arn"])
        group |= {name: p[name] for name in ("exportConfig", "tags") if name in p}
        group["lastModified"] = context.sandbox().clock.now()
        return {"reportGroup": group}


@codebuild.operation("DeleteReportGroup")
def _delete_group(p: dict[str, Any]) -> None:
    with lock:
        here = state.here()
        of_group = [arn for arn, made in here.reports.items() if made.told["reportGroupArn"] == p["arn"]]
        if of_group and not p.get("deleteReports"):
            raise AwsError("InvalidInputException", "Cannot delete report group that has reports: delete those first")
        for arn in of_group:
            del here.reports[arn]
        here.groups.pop(p["arn"], None)


def _group(arn: str) -> dict[str, Any]:
    found = state.here().groups.get(arn)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Report group cannot be found: {arn}")
    return found


@codebuild.operation("BatchGetReportGroups")
def _get_groups(p: dict[str, Any]) -> dict[str, Any]:
    known = dict(state.here().groups)
    return {
        "reportGroups": [known[arn] for arn in p["reportGroupArns"] if arn in known],
        "reportGroupsNotFound": [arn for arn in p["reportGroupArns"] if arn not in known],
    }


@codebuild.operation("ListReportGroups")
def _list_groups(p: dict[str, Any]) -> dict[str, Any]:
    by = {"NAME": "name", "CREATED_TIME": "created", "LAST_MODIFIED_TIME": "lastModified"}[p.get("sortBy", "NAME")]
    groups = sorted(state.here().groups.values(), key=lambda one: one[by])
    arns = [one["arn"] for one in groups]
    return _page(arns[::-1] if p.get("sortOrder") == "DESCENDING" else arns, p, "reportGroups")


@codebuild.operation("BatchGetReports")
def _get_reports(p: dict[str, Any]) -> dict[str, Any]:
    known = dict(state.here().reports)
    return {
        "reports": [known[arn].told for arn in p["reportArns"] if arn in known],
        "reportsNotFound": [arn for arn in p["reportArns"] if arn not in known],
    }


@codebuild.operation("ListReports")
def _list_reports(p: dict[str, Any]) -> dict[str, Any]:
    return _page(_ordered(p), p, "reports")


@codebuild.operation("ListReportsForReportGroup")
def _list_reports_of_group(p: dict[str, Any]) -> dict[str, Any]:
    _group(p["reportGroupArn"])
    return _page(_ordered(p, p["reportGroupArn"]), p, "reports")


def _ordered(p: dict[str, Any], group: str | None = None) -> list[str]:
    status = p.get("filter", {}).get("status")
    told = [made.told for made in list(state.here().reports.values())]
    arns = [
        one["arn"]
        for one in told
        if (group is None or one["reportGroupArn"] == group) and (status is None or one["status"] == status)
    ]
    return arns if p.get("sortOrder") == "ASCENDING" else arns[::-1]


def _report(arn: str) -> Made:
    made = state.here().reports.get(arn)
    if made is None:
        raise AwsError("ResourceNotFoundException", f"Report cannot be found: {arn}")
    return made


@codebuild.operation("DescribeCodeCoverages")
def _describe_coverages(p: dict[str, Any]) -> dict[str, Any]:
    least, most = p.get("minLineCoveragePercentage", 0.0), p.get("maxLineCoveragePercentage", 100.0)
    by = "lineCoveragePercentage" if p.get("sortBy") == "LINE_COVERAGE_PERCENTAGE" else "filePath"
    files = [one for one in _report(p["reportArn"]).files if least <= one["lineCoveragePercentage"] <= most]
    return _page(sorted(files, key=lambda one: one[by], reverse=p.get("sortOrder") == "DESCENDING"), p, "codeCoverages")


@codebuild.operation("DescribeTestCases")
def _describe_cases(p: dict[str, Any]) -> dict[str, Any]:
    made = _report(p["reportArn"])
    wanted = p.get("filter", {})
    cases = [
        {
            "reportArn": p["reportArn"],
            "testRawDataPath": case.file,
            "prefix": case.prefix,
            "name": case.name,
            "status": case.status,
            "durationInNanoSeconds": int(case.seconds * _NANOSECONDS),
            "message": case.message,
            "testSuiteName": case.suite,
            "expired": made.told["expired"],
        }
        for case in made.cases
        if wanted.get("status", case.status) == case.status and wanted.get("keyword", "") in case.name
    ]
    return _page(cases, p, "testCases")


@codebuild.operation("DeleteReport")
def _delete_report(p: dict[str, Any]) -> None:
    with lock:
        state.here().reports.pop(p["arn"], None)


def _page(items: list[Any], p: Mapping[str, Any], name: str) -> dict[str, Any]:
    try:
        start = int(p.get("nextToken") or 0)
    except ValueError:
        raise AwsError("InvalidInputException", f"{p['nextToken']} is no token that a call before gave") from None
    end = start + int(p.get("maxResults", 100))
    return {name: items[start:end]} | ({"nextToken": str(end)} if end < len(items) else {})
