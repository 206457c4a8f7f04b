"""The event that CodeBuild sends when a build starts and ends."""

from typing import Any

from tidegate_sandbox import hooks
from tidegate_sandbox.services.codebuild.records import Build

_TIME = "%b %d, %Y %I:%M:%S %p"


def state_changed(build: Build) -> None:
    """Send `CodeBuild Build State Change` (CodeBuild user guide, "Build notifications input format reference")."""
    hooks.emit_event("aws.codebuild", "CodeBuild Build State Change", detail(build), [build.arn])


def detail(build: Build) -> dict[str, Any]:
    """Return the event's detail."""
    described = build.describe()
    return {
        "build-status": described["buildStatus"],
        "project-name": build.project["name"],
        "build-id": build.arn,
        "current-phase": described["currentPhase"],
        "current-phase-context": "[]",
        "version": "1",
        "additional-information": {
            "build-complete": described["buildComplete"],
            "build-number": float(build.number),
            "build-start-time": f"{build.started:{_TIME}}",
            "initiator": build.initiator,
            "timeout-in-minutes": float(described["timeoutInMinutes"]),
            "logs": {
                "group-name": build.group,
                "stream-name": build.stream,
                "deep-link": described["logs"]["deepLink"],
            },
            "phases": [
                {
                    "phase-type": phase.name,
                    "phase-status": phase.status,
                    "start-time": f"{phase.started:{_TIME}}",
                    "end-time": f"{phase.ended:{_TIME}}",
                    "duration-in-seconds": (phase.ended - phase.started).total_seconds(),
                    "phase-context": [f"{phase.code}: {phase.message}" if phase.code else ": "],
                }
                for phase in build.phases
                if phase.ended is not None
            ],
        },
    }
