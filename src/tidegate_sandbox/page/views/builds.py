"""Builds, and logs of whatever wrote one."""

from collections.abc import Mapping

from tidegate_sandbox.page.reading import NotFoundError, Reader, Told, or_none

_MOST_BUILDS = 40
_LAST_LINES = 2000


def every(reader: Reader) -> Told:
    """Return the newest builds, and how many there are before them."""
    ids = reader.every("codebuild", "list_builds", "ids")
    newest = [_shown(each) for each in _builds(reader, ids[:_MOST_BUILDS])]
    return {"builds": newest, "left_out": len(ids[_MOST_BUILDS:])}


def one(reader: Reader, name: str, _query: Mapping[str, str]) -> Told:
    """Return a build with its phases."""
    found = _builds(reader, [name])
    if not found:
        raise NotFoundError(f"There is no build {name} here.")
    build = found[0]
    return _shown(build) | {
        "phases": [
            {
                "name": each["phaseType"],
                "status": each.get("phaseStatus", "IN_PROGRESS"),
                "seconds": each.get("durationInSeconds"),
                "message": next((said["message"] for said in each.get("contexts", []) if said.get("message")), ""),
            }
            for each in build.get("phases", [])
        ],
        "role": build.get("serviceRole", ""),
        "exported": build.get("exportedEnvironmentVariables", []),
        "log": {"group": build["logs"]["groupName"], "prefix": build["logs"]["streamName"]},
    }


def log(reader: Reader, name: str, query: Mapping[str, str]) -> Told:
    """Return the last lines of the newest stream of a log group whose name begins with the prefix in `query`."""
    streams = or_none(
        reader, "logs", "describe_log_streams", logGroupName=name, logStreamNamePrefix=query.get("prefix", "")
    )
    if not streams or not streams["logStreams"]:
        return {"lines": [], "left_out": 0}
    stream = max(streams["logStreams"], key=lambda each: (each.get("creationTime", 0), each["logStreamName"]))
    lines: list[str] = []
    left_out = 0
    given: dict[str, str] = {}
    while True:
        page = reader.ask(
            "logs",
            "get_log_events",
            logGroupName=name,
            logStreamName=stream["logStreamName"],
            startFromHead=True,
            **given,
        )
        lines += [event["message"].rstrip("\n") for event in page["events"]]
        left_out += max(0, len(lines) - _LAST_LINES)
        lines = lines[-_LAST_LINES:]
        if not page["events"] or page.get("nextForwardToken") == given.get("nextToken"):
            return {"lines": lines, "left_out": left_out}
        given = {"nextToken": page["nextForwardToken"]}


def _builds(reader: Reader, ids: list[str]) -> list[Told]:
    return list(reader.ask("codebuild", "batch_get_builds", ids=ids)["builds"]) if ids else []


def _shown(build: Told) -> Told:
    return {
        "id": build["id"],
        "project": build["projectName"],
        "number": build.get("buildNumber"),
        "status": build["buildStatus"],
        "phase": build.get("currentPhase", ""),
        "started": build["startTime"],
        "ended": build.get("endTime"),
        "initiator": build.get("initiator", ""),
        "source": build.get("resolvedSourceVersion") or build.get("sourceVersion", ""),
    }
