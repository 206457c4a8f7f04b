"""What is told of something that changes meanwhile is told whole: a final status with all that belongs to it."""

from concurrent.futures import ThreadPoolExecutor, wait
from types import SimpleNamespace

import pytest

from tidegate.clock import SystemClock
from tidegate_sandbox import context, hooks
from tidegate_sandbox.context import Scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codebuild.records import Build, PhaseRecord
from tidegate_sandbox.services.codepipeline import executions as codepipeline
from tidegate_sandbox.services.codepipeline.engine import Line
from tidegate_sandbox.services.codepipeline.execution import ActionExecution, Execution
from tidegate_sandbox.services.codepipeline.structure import Action, Pipeline, Stage
from tidegate_sandbox.services.endpoints.endpoint import Endpoint
from tidegate_sandbox.services.jobs.job import Job
from tidegate_sandbox.services.jobs.operations import describe
from tidegate_sandbox.services.pipelines import execution as pipelines
from tidegate_sandbox.services.pipelines import runner

SCOPE = Scope("111122223333", "eu-west-1")
NOW = SystemClock().now()


@pytest.fixture(autouse=True)
def events(tmp_path, monkeypatch):
    """Return the events that were emitted, in a sandbox that does not run."""
    monkeypatch.setattr(context, "_running", context.Sandbox(tmp_path, 1, SystemClock()))
    emitted = []
    monkeypatch.setattr(hooks, "emit_event", lambda _source, _type, detail, _resources=(): emitted.append(detail))
    return emitted


def told_while_changing(lock, first, then, tell):
    """Return what `tell` tells when it is asked between two halves of a change."""
    with ThreadPoolExecutor(1) as pool:
        with lock:
            first()
            told = pool.submit(tell)
            wait([told], timeout=0.2)
            then()
        return told.result(30)


def test_a_training_job_is_told_of_with_its_end():
    container = SimpleNamespace(max_runtime=60)
    request = {"TrainingJobName": "demo", "OutputDataConfig": {"S3OutputPath": "s3://models"}}
    job = Job("Training", "arn", request, container)

    def end():
        job.transitions.append(("Failed", NOW))
        job.failure_reason, job.ended = "no rows", NOW

    told = told_while_changing(job.lock, lambda: setattr(job, "status", "Failed"), end, lambda: describe(job))
    assert (told["TrainingJobStatus"], told["FailureReason"], told["TrainingEndTime"]) == ("Failed", "no rows", NOW)
    assert told["SecondaryStatus"] == told["SecondaryStatusTransitions"][-1]["Status"] == "Failed"


def test_an_endpoint_is_told_of_with_the_reason_of_its_status(events):
    endpoint = Endpoint(SCOPE, "demo", "config-1", None)
    told = told_while_changing(
        endpoint.lock,
        lambda: setattr(endpoint, "status", "InService"),
        lambda: setattr(endpoint, "failure_reason", "an alarm fired"),
        endpoint.describe,
    )
    assert (told["EndpointStatus"], told["FailureReason"]) == ("InService", "an alarm fired")


def test_the_event_of_an_endpoint_s_status_is_of_that_status(events, monkeypatch):
    endpoint = Endpoint(SCOPE, "demo", "config-1", None)
    # Who waited for the end of this change begins another at once.
    monkeypatch.setattr(endpoint.lock, "notify_all", lambda: setattr(endpoint, "status", "Deleting"))
    endpoint.settle("InService", "an alarm fired")
    (event,) = events
    assert (event["EndpointStatus"], event["FailureReason"]) == ("IN_SERVICE", "an alarm fired")


def pipeline_of_one_action():
    action = Action("Build", "Build", "CodeBuild", 1, {}, (), (), None, None, None)
    stage = Stage("Only", (action,))
    pipeline = Pipeline("demo", "role", "QUEUED", "bucket", (stage,), {})
    execution = Execution("1", pipeline, 1, SCOPE, {"triggerType": "x", "triggerDetail": "x"}, NOW, NOW)
    run = ActionExecution(stage=stage, action=action, started=NOW, updated=NOW)
    execution.actions.append(run)
    execution.stages["Only"] = "InProgress"
    line = Line({"1": execution})
    return SimpleNamespace(pipeline=pipeline, version=1, created=NOW, updated=NOW, line=line), execution, run


def test_an_action_that_failed_is_told_of_with_its_error(monkeypatch):
    kept, _, run = pipeline_of_one_action()
    monkeypatch.setattr(codepipeline, "find", lambda _: kept)
    told = told_while_changing(
        kept.line.changed,
        lambda: setattr(run, "status", "Failed"),
        lambda: setattr(run, "error_code", "JobFailed"),
        lambda: codepipeline._state({"name": "demo"}),
    )
    latest = told["stageStates"][0]["actionStates"][0]["latestExecution"]
    assert (latest["status"], latest["errorDetails"]["code"]) == ("Failed", "JobFailed")


def test_an_execution_that_has_ended_is_not_stopped_any_more(events):
    kept, execution, _ = pipeline_of_one_action()
    kept.line._finish(execution, crashed=False)
    with pytest.raises(AwsError, match="is Succeeded already"):
        kept.line.stop(execution, abandon=False, reason="too late")
    assert execution.status == "Succeeded"
    assert [event["state"] for event in events] == ["SUCCEEDED"]


def test_a_build_is_in_progress_until_it_is_complete(tmp_path):
    project = {"name": "demo", "environment": {}, "source": {}, "serviceRole": "role"}
    project |= {"timeoutInMinutes": 60, "queuedTimeoutInMinutes": 480}
    build = Build("1", 1, project, SCOPE, [], "", "local", NOW, tmp_path / "log", "group", "stream")
    build.phases.append(PhaseRecord("BUILD", NOW, NOW, "FAILED"))
    build.status = "FAILED"
    assert (build.describe()["buildStatus"], build.describe()["buildComplete"]) == ("IN_PROGRESS", False)
    build.ended = NOW
    assert (build.describe()["buildStatus"], build.describe()["buildComplete"]) == ("FAILED", True)


def test_an_execution_that_is_stopped_before_its_first_step_stays_so(events):
    pipeline = SimpleNamespace(
        name="demo", arn="arn", definition=None, text="", role="arn:aws:iam::111122223333:role/jobs", most_parallel=None
    )
    pipeline.definition = SimpleNamespace(steps=())
    execution = pipelines.Execution(pipeline, {}, {"ClientRequestToken": "x"})
    assert execution.stop("a token")
    runner.run(execution)
    assert execution.status == "Stopped"
    assert [event["currentPipelineExecutionStatus"] for event in events] == ["Stopping", "Stopped"]
