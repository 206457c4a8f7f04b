"""The order of a goodbye: stop what runs, remove what serves, then what was left, then keep or remove the work.

Each step does what is still due, so that a goodbye that failed half-way is said again. What fails is told, and what
does not depend on it goes on; people's work is removed only once all else is gone.
"""

from collections.abc import Callable
from typing import Any

from . import work
from .aws import ERRORS, Client, Watch, is_gone, pages, why
from .endpoints import delete_leftovers, delete_stacks
from .project import Ledger, Project

STOPPING = ("Executing", "Stopping")
BUILDS_AT_ONCE = 100


def say_goodbye(
    client: Client, assume: Callable[[str], Client], project: Project, status: str, ledger: Ledger, watch: Watch
) -> None:
    """Remove what the project made. `status` is that of its own stack, and `assume` gives the clients of a role.

    A resource is deleted with its stack, in a launch that is rolled back, and also where an update of the stack is
    rolled back or no longer has it: then the project lives on, and nothing is done.
    """
    failed_launch = status.startswith("ROLLBACK_")
    if not (failed_launch or status.startswith("DELETE_")):
        ledger.tell(f"The project's stack is {status}: the project lives on, and nothing is removed.")
        return
    _stop_builds(client("codebuild"), project, ledger, watch)
    _delete_pipeline(client("sagemaker"), project, ledger, watch)
    for place in project.places:
        try:
            there = assume(place.role) if place.role else client
        except ERRORS as error:
            ledger.complain(f"Role {place.role} cannot be assumed: {why(error)}.")
            continue
        if delete_stacks(there, place, ledger, watch):
            delete_leftovers(there, place, project, ledger, watch)
    if project.keep and not failed_launch:
        work.bundle(client, project, ledger)
    if ledger.problems:
        return
    if failed_launch:
        work.empty(client, project, ledger)
    elif project.keep:
        work.keep(client, project, ledger)
    else:
        work.remove(client, project, ledger)


def _stop_builds(codebuild: Any, project: Project, ledger: Ledger, watch: Watch) -> None:
    """Stop the project's builds: one that goes on could release once more, or write what is being removed."""
    for name in project.builds:
        try:
            asked: set[str] = set()
            for _ in watch.looks():
                running = [each["id"] for each in _builds(codebuild, name) if each["buildStatus"] == "IN_PROGRESS"]
                for build in running:
                    if build not in asked:
                        codebuild.stop_build(id=build)
                        asked.add(build)
                        ledger.tell(f"Build {build} is stopped.")
                if not running:
                    break
            else:
                ledger.complain(f"Builds of {name} do not stop.")
        except ERRORS as error:
            if not is_gone(error):
                ledger.complain(f"Builds of {name} cannot be stopped: {why(error)}.")


def _builds(codebuild: Any, name: str) -> list[dict[str, Any]]:
    """Return a project's latest builds."""
    ids = codebuild.list_builds_for_project(projectName=name, sortOrder="DESCENDING")["ids"][:BUILDS_AT_ONCE]
    builds: list[dict[str, Any]] = codebuild.batch_get_builds(ids=ids)["builds"] if ids else []
    return builds


def _delete_pipeline(sagemaker: Any, project: Project, ledger: Ledger, watch: Watch) -> None:
    """Stop the executions of the SageMaker pipeline that the build repository made, and delete it."""
    name = project.pipeline
    try:
        asked: set[str] = set()
        for _ in watch.looks():
            executions = pages(sagemaker, "list_pipeline_executions", "PipelineExecutionSummaries", PipelineName=name)
            running = {
                each["PipelineExecutionArn"] for each in executions if each["PipelineExecutionStatus"] in STOPPING
            }
            for execution in running - asked:
                sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
                ledger.tell(f"Execution {execution} is stopped.")
            asked |= running
            if not running:
                break
        else:
            ledger.complain(f"Executions of SageMaker pipeline {name} do not stop.")
            return
        sagemaker.delete_pipeline(PipelineName=name)
    except ERRORS as error:
        if not is_gone(error):
            ledger.complain(f"SageMaker pipeline {name} cannot be deleted: {why(error)}.")
    else:
        ledger.tell(f"SageMaker pipeline {name} is deleted.")
