"""The build and test action of CodeBuild."""

import json

from tidegate_sandbox import context, journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codebuild import builds
from tidegate_sandbox.services.codebuild.records import Build, Bundle, PipelineRequest
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError, Outcome, Task
from tidegate_sandbox.state import changing

_TICK = 0.5


def run(task: Task) -> Outcome:
    """Run a build of the project; its exported variables are the output variables."""
    build = builds.of_pipeline(task.run.external_id) if task.run.external_id else _start(task)
    while not build.finished.wait(_TICK):
        if task.is_abandoned:
            journal.acted("codebuild:StopBuild", _project(task))
            builds.stop(build)
    if build.status != "SUCCEEDED":
        raise ActionFailedError(f"Build terminated with state: {build.status}. {build.failure}".strip())
    return Outcome(variables=dict(build.exported))


def _project(task: Task) -> str:
    return context.scope().arn("codebuild", f"project/{task.configuration['ProjectName']}")


def _start(task: Task) -> Build:
    primary = task.configuration.get("PrimarySource", task.run.action.inputs[0])
    names = [primary, *(name for name in task.run.action.inputs if name != primary)]
    revision = task.execution.revisions.get(primary)
    request = PipelineRequest(
        pipeline=task.execution.pipeline.name,
        sources=tuple(Bundle(name, task.run.inputs[name].bucket, task.run.inputs[name].key) for name in names),
        outputs=tuple(Bundle(name, to.bucket, to.key) for name, to in task.run.outputs.items()),
        resolved_version=revision.id if revision else None,
    )
    variables = json.loads(task.configuration.get("EnvironmentVariables", "[]"))
    project = _project(task)
    journal.acted("codebuild:StartBuild", project)
    journal.acted("codebuild:BatchGetBuilds", project)
    try:
        with changing():
            build = builds.start_for_pipeline(task.configuration["ProjectName"], variables, request)
            task.run.external_id = build.id
    except AwsError as error:
        raise ActionFailedError(f"Error calling startBuild: {error.message}", "ConfigurationError") from None
    task.run.external_url = build.log.as_uri()
    return build
