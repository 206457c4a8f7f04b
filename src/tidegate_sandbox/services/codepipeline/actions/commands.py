"""The compute action Commands, and its rule: a build without a project, with the pipeline's role or the action's.

CodePipeline user guide, "Commands action reference" and rule reference "Commands".
"""

import json
from typing import Any

from tidegate_sandbox.services.codebuild import builds
from tidegate_sandbox.services.codebuild.records import Build
from tidegate_sandbox.services.codepipeline.actions import Outcome, Work
from tidegate_sandbox.services.codepipeline.actions.codebuild import ended, request
from tidegate_sandbox.services.codepipeline.execution import ActionExecution
from tidegate_sandbox.state import changing

TIMEOUT_MINUTES = 55


def run(work: Work) -> Outcome:
    """Run the commands; the variables that the action exports are the output variables."""
    build = builds.of_pipeline(work.run.external_id) if work.run.external_id else _start(work)
    return ended(work, build, lambda: builds.stop(build))


def buildspec(work: Work) -> str:
    """Return the buildspec of the commands."""
    run = work.run
    spec: dict[str, Any] = {"version": "0.2", "phases": {"build": {"commands": list(run.declared.commands)}}}
    if isinstance(run, ActionExecution):
        if run.action.exported:
            spec["env"] = {"exported-variables": list(run.action.exported)}
        for name in run.outputs:
            spec["artifacts"] = {"files": list(run.action.files.get(name, ("**/*",)))}
    return json.dumps(spec)


def _start(work: Work) -> Build:
    run = work.run
    acts_as = (work.execution.pipeline.role_arn, *filter(None, [run.declared.role_arn]))
    environment = run.action.environment if isinstance(run, ActionExecution) else ()
    with changing():
        build = builds.start_commands(buildspec(work), environment, request(work, acts_as), TIMEOUT_MINUTES)
        run.external_id = build.id
    run.external_url = build.log.as_uri()
    return build
