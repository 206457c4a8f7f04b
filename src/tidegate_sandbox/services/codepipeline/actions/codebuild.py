"""The build and test action of CodeBuild, and its rule."""

import json
from collections.abc import Callable

from tidegate_sandbox import context, journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codebuild import builds
from tidegate_sandbox.services.codebuild.records import Build, Bundle, PipelineRequest
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError, Outcome, Work
from tidegate_sandbox.state import changing

_TICK = 0.5


def run(work: Work) -> Outcome:
    """Run a build of the project; its exported variables are the output variables."""
    build = builds.of_pipeline(work.run.external_id) if work.run.external_id else _start(work)

    def stop() -> None:
        journal.acted("codebuild:StopBuild", _project(work))
        builds.stop(build)

    return ended(work, build, stop)


def ended(work: Work, build: Build, stop: Callable[[], None]) -> Outcome:
    """Wait for the end of a build, and `stop` it where nobody waits for it any more."""
    while not build.finished.wait(_TICK):
        if work.is_abandoned:
            stop()
    if build.status != "SUCCEEDED":
        raise ActionFailedError(f"Build terminated with state: {build.status}. {build.failure}".strip())
    return Outcome(variables=dict(build.exported))


def request(work: Work, acts_as: tuple[str, ...] = ()) -> PipelineRequest:
    """Return what is handed to a build: the primary source first."""
    inputs = work.run.declared.inputs
    primary = work.configuration.get("PrimarySource", inputs[0])
    names = [primary, *(name for name in inputs if name != primary)]
    revision = work.execution.revisions.get(primary)
    return PipelineRequest(
        pipeline=work.execution.pipeline.name,
        sources=tuple(Bundle(name, work.run.inputs[name].bucket, work.run.inputs[name].key) for name in names),
        outputs=tuple(Bundle(name, to.bucket, to.key) for name, to in work.run.outputs.items()),
        resolved_version=revision.id if revision else None,
        acts_as=acts_as,
    )


def _project(work: Work) -> str:
    return context.scope().arn("codebuild", f"project/{work.configuration['ProjectName']}")


def _start(work: Work) -> Build:
    variables = json.loads(work.configuration.get("EnvironmentVariables", "[]"))
    project = _project(work)
    journal.acted("codebuild:StartBuild", project)
    journal.acted("codebuild:BatchGetBuilds", project)
    try:
        with changing():
            build = builds.start_for_pipeline(work.configuration["ProjectName"], variables, request(work))
            work.run.external_id = build.id
    except AwsError as error:
        raise ActionFailedError(f"Error calling startBuild: {error.message}", "ConfigurationError") from None
    work.run.external_url = build.log.as_uri()
    return build
