"""Given a job's request, when it is created, then a process meets the container contract and its end is told."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.tidegate_sandbox.networks import lay

Request = Callable[..., dict[str, Any]]
ENDED = ("Completed", "Failed", "Stopped")
PLAIN = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/plain:1"
TWO = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
UNKNOWN = {"ImageUri": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/unknown:1", "ContainerEntrypoint": ["x"]}


@pytest.fixture
def run(sandbox: Any, fits: Any, eventually: Any, name: str) -> Callable[..., dict[str, Any]]:
    """Create a job and return what it is described as once it is over."""

    def over(kind: str, request: dict[str, Any], name: str = name) -> dict[str, Any]:
        sagemaker = sandbox.client("sagemaker")
        create, describe = (getattr(sagemaker, f"{verb}_{kind.lower()}_job") for verb in ("create", "describe"))
        create(**{f"{kind}JobName": name}, **request)

        def described() -> Any:
            answer = describe(**{f"{kind}JobName": name})
            fits(f"Describe{kind}Job", answer)
            return answer if answer[f"{kind}JobStatus"] in ENDED else None

        answer: dict[str, Any] = eventually(described)
        return answer

    return over


def test_a_processing_job_reads_its_inputs_and_its_outputs_are_uploaded(
    run: Any, bucket: Any, processing_request: Request
) -> None:
    script = """
import json, os, pathlib, sys
base = pathlib.Path("/opt/ml/processing")
seen = {
    "arguments": sys.argv[1:],
    "greeting": os.environ["GREETING"],
    "rows": sorted(str(p.relative_to(base / "rows")) for p in (base / "rows").rglob("*") if p.is_file()),
    "job": json.loads(pathlib.Path("/opt/ml/config/processingjobconfig.json").read_text())["ProcessingJobName"],
    "hosts": json.loads(pathlib.Path("/opt/ml/config/resourceconfig.json").read_text())["hosts"],
}
(base / "report" / "deep").mkdir()
(base / "report" / "deep" / "seen.json").write_text(json.dumps(seen))
pathlib.Path("/opt/ml/output/message").write_text("all seen")
"""
    for key in ("data/a.csv", "data/more/b.csv", "data-of-others/c.csv"):
        bucket.put(key, "1,2\n")
    job = run(
        "Processing",
        processing_request(
            script,
            inputs={"rows": bucket.uri("data/")},
            outputs={"report": bucket.uri("out")},
            arguments=["--month", "3"],
            Environment={"GREETING": "hello"},
        ),
    )
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ExitMessage"] == "all seen"
    assert json.loads(bucket.get(bucket.uri("out/deep/seen.json"))) == {
        "arguments": ["--month", "3"],
        "greeting": "hello",
        "rows": ["a.csv", "more/b.csv"],
        "job": job["ProcessingJobName"],
        "hosts": ["algo-1"],
    }


def test_a_training_job_has_its_channels_hyperparameters_and_name_and_leaves_a_model(
    run: Any, bucket: Any, training_request: Request
) -> None:
    script = """
import json, os, pathlib
ml = pathlib.Path("/opt/ml")
rows = (ml / "input/data/train/rows.csv").read_text()
hyperparameters = json.loads((ml / "input/config/hyperparameters.json").read_text())
channels = json.loads((ml / "input/config/inputdataconfig.json").read_text())
(ml / "model" / "model.json").write_text(json.dumps([rows, hyperparameters, channels["train"]["ContentType"]]))
(ml / "output/data" / "notes.txt").write_text(os.environ["TRAINING_JOB_NAME"])
print("[0] rmse:9.5")
print("[1] rmse:7.25")
print("[2] rmse:unknown")
"""
    bucket.put("rows/rows.csv", "1,2\n")
    job = run(
        "Training",
        training_request(
            script,
            channels={"train": bucket.uri("rows")},
            HyperParameters={"max_depth": "6"},
            metrics=[{"Name": "rmse", "Regex": r"rmse:(\S+)"}],
        ),
    )
    name = job["TrainingJobName"]
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == bucket.uri(f"models/{name}/output/model.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(bucket.get(job["ModelArtifacts"]["S3ModelArtifacts"]))) as model:
        content = json.loads(model.extractfile("model.json").read())  # type: ignore[union-attr]
    assert content == ["1,2\n", {"max_depth": "6"}, "text/csv"]
    with tarfile.open(fileobj=io.BytesIO(bucket.get(bucket.uri(f"models/{name}/output/output.tar.gz")))) as output:
        assert output.extractfile("notes.txt").read().decode() == name  # type: ignore[union-attr]
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [("rmse", 7.25)]
    assert [each["Status"] for each in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("raise ValueError('no rows')", "AlgorithmError: ValueError: no rows, exit code: 1"),
        ("import sys; sys.exit(7)", "AlgorithmError: , exit code: 7"),
        (
            "import sys; open('/opt/ml/output/failure', 'w').write('too few rows'); sys.exit(2)",
            "AlgorithmError: too few rows, exit code: 2",
        ),
        ("import os; os.kill(os.getpid(), 9)", "AlgorithmError: , exit code: 137"),
    ],
)
def test_a_container_that_fails_tells_why(
    run: Any, bucket: Any, training_request: Request, script: str, reason: str
) -> None:
    # What the sandbox itself says in the log of a job is never the reason.
    job = run("Training", training_request(script, DebugHookConfig={"S3OutputPath": bucket.uri("debug")}))
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", reason)
    assert bucket.keys("models") == []


def test_a_job_whose_data_is_not_there_fails_before_it_runs(run: Any, bucket: Any, processing_request: Request) -> None:
    job = run("Processing", processing_request("print('ran')", inputs={"rows": bucket.uri("nothing/here")}))
    assert job["ProcessingJobStatus"] == "Failed"
    assert "No S3 objects found" in job["FailureReason"]
    assert "nothing/here" in job["FailureReason"]
    assert "ProcessingStartTime" not in job


def test_a_job_that_runs_too_long_is_ended_and_keeps_what_it_saved(
    run: Any, bucket: Any, training_request: Request
) -> None:
    script = "import time; open('/opt/ml/model/half', 'w').write('x'); time.sleep(60)"
    job = run("Training", training_request(script, StoppingCondition={"MaxRuntimeInSeconds": 3}))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert bucket.get(job["ModelArtifacts"]["S3ModelArtifacts"])


def printed(sandbox: Any, kind: str, name: str) -> list[str]:
    """Return what the container of a job has printed, as CloudWatch Logs has it."""
    logs, group = sandbox.client("logs"), f"/aws/sagemaker/{kind}Jobs"
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    except ClientError:  # no job has printed anything yet
        return []
    return [
        event["message"]
        for stream in streams
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)[
            "events"
        ]
    ]


def test_a_job_tells_what_it_prints_while_it_runs_and_can_be_stopped(
    sandbox: Any, eventually: Any, name: str, processing_request: Request
) -> None:
    script = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit("the last line"))
print("the first line")
time.sleep(900)
"""
    sagemaker = sandbox.client("sagemaker")
    sagemaker.create_processing_job(ProcessingJobName=name, **processing_request(script))

    def status() -> str:
        return str(sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"])

    eventually(lambda: printed(sandbox, "Processing", name) == ["the first line"])
    assert status() == "InProgress"
    sagemaker.stop_processing_job(ProcessingJobName=name)
    assert status() in ("Stopping", "Stopped")
    eventually(lambda: status() == "Stopped")
    assert printed(sandbox, "Processing", name) == ["the first line", "the last line"]


def test_a_job_reaches_this_sandbox_and_no_other_aws_unless_it_is_isolated(
    run: Any, bucket: Any, processing_request: Request, name: str
) -> None:
    script = """
import os, socket, urllib.parse
where = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
assert not [key for key in os.environ if key == "AWS_PROFILE"]
assert os.environ["AWS_SESSION_TOKEN"] and os.environ["AWS_ACCESS_KEY_ID"].startswith("ASIA")
socket.create_connection((where.hostname, where.port), timeout=2)
"""
    reached = run("Processing", processing_request(script))
    assert reached["ProcessingJobStatus"] == "Completed", reached["FailureReason"]
    isolated = run(
        "Processing", processing_request(script, NetworkConfig={"EnableNetworkIsolation": True}), f"{name}-2"
    )
    assert isolated["ProcessingJobStatus"] == "Failed"
    assert "Connection refused" in isolated["FailureReason"] or "unreachable" in isolated["FailureReason"]


def test_a_job_is_in_a_network_that_is_there_and_says_so(
    sandbox: Any, run: Any, processing_request: Request, training_request: Request, name: str
) -> None:
    network = lay(sandbox.client).of_sagemaker
    asked = {"NetworkConfig": {"VpcConfig": network, "EnableNetworkIsolation": False}}
    job = run("Processing", processing_request("print('in it')", **asked))
    assert job["ProcessingJobStatus"] == "Completed", job["FailureReason"]
    assert job["NetworkConfig"] == asked["NetworkConfig"]

    absent = {"VpcConfig": network | {"Subnets": ["subnet-0a1b2c3d"]}}
    sagemaker = sandbox.client("sagemaker")
    with pytest.raises(ClientError, match="The subnet ID 'subnet-0a1b2c3d' does not exist"):
        sagemaker.create_training_job(TrainingJobName=name, **training_request("", **absent))
    with pytest.raises(ClientError, match="The subnet ID 'subnet-0a1b2c3d' does not exist"):
        sagemaker.create_processing_job(ProcessingJobName=f"{name}-2", **processing_request("", NetworkConfig=absent))


def test_what_a_job_writes_and_installs_is_gone_when_it_is_over_and_its_output_stays(
    sandbox: Any, run: Any, processing_request: Request
) -> None:
    script = """
import pathlib, site, sys
pathlib.Path(site.getsitepackages()[0], "left_behind.py").write_text("")
pathlib.Path("litter").write_text("")
print("said by the job", sys.prefix)
"""
    job = run("Processing", processing_request(script))
    assert job["ProcessingJobStatus"] == "Completed", job["FailureReason"]
    assert not list((sandbox.home / "jobs").glob(f"*{job['ProcessingJobName']}*"))
    assert not list((sandbox.home / "images").rglob("left_behind.py"))
    [line] = printed(sandbox, "Processing", job["ProcessingJobName"])
    assert line.startswith("said by the job")


def test_a_job_that_tries_writes_nowhere_but_in_its_folder_and_reads_nothing_of_the_sandbox(
    sandbox: Any, run: Any, bucket: Any, processing_request: Request, tmp_path: Path, name: str
) -> None:
    script = f"""
import json, os, pathlib, subprocess, sys, tempfile
escaped = []
for folder in {[str(Path.home()), str(tmp_path), str(sandbox.home), "/etc", "/var", "/opt", "/"]!r}:
    try:
        pathlib.Path(folder, {name!r}).write_text("")
    except OSError:
        continue
    if not folder.startswith(("/tmp", "/opt")):  # which it has for itself
        escaped.append(folder)
for command in ("mount -o remount,rw /", "umount /opt/ml", f"kill -9 {sandbox.pid}", "mknod /tmp/disk b 8 0"):
    if subprocess.run(command, shell=True).returncode == 0:
        escaped.append(command)
own = (os.getcwd(), os.environ["HOME"], "/tmp", "/dev/shm", "/opt/ml")
for file in (*(pathlib.Path(folder, {name!r}) for folder in own), pathlib.Path(tempfile.mkdtemp(), "x")):
    file.write_text("")
shared = pathlib.Path(sys.prefix, "bin", "python3").resolve().exists()
seen = dict(escaped=escaped, shared=shared, home=sorted(os.listdir({str(sandbox.home)!r})))
pathlib.Path("/opt/ml/processing/report/seen.json").write_text(json.dumps(seen))
"""
    job = run("Processing", processing_request(script, outputs={"report": bucket.uri("out")}))
    assert job["ProcessingJobStatus"] == "Completed", job["FailureReason"]
    seen = json.loads(bucket.get(bucket.uri("out/seen.json")))
    assert seen == {"escaped": [], "shared": True, "home": ["images", "jobs", name]}
    everywhere = (Path.home(), tmp_path, sandbox.home, *map(Path, ("/etc", "/var", "/opt", "/", "/tmp", "/dev/shm")))
    assert [folder for folder in everywhere if (folder / name).exists()] == []
    assert not Path("/tmp/disk").exists()


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"ProcessingJobName": "../escape"}, "ValidationException", "processingJobName"),
        ({"ProcessingResources": {"ClusterConfig": TWO}}, "NotImplemented", "InstanceCount=2"),
        ({"AppSpecification": UNKNOWN}, "ValidationException", "unknown:1 has no stand-in"),
        ({"AppSpecification": {"ImageUri": PLAIN}}, "NotImplemented", "without ContainerEntrypoint"),
        (
            {
                "ProcessingInputs": [
                    {
                        "InputName": "rows",
                        "S3Input": {
                            "S3Uri": "s3://b/k",
                            "LocalPath": "/opt/ml/processing/../../../etc",
                            "S3DataType": "S3Prefix",
                            "S3InputMode": "File",
                        },
                    }
                ]
            },
            "ValidationException",
            "must lie below /opt/ml/processing",
        ),
    ],
)  # fmt: skip
def test_a_request_that_aws_or_the_simulation_cannot_serve_is_refused(
    sandbox: Any, name: str, processing_request: Request, change: dict[str, Any], code: str, says: str
) -> None:
    request = {"ProcessingJobName": name, **processing_request("pass"), **change}
    with pytest.raises(ClientError, match=says) as refused:
        sandbox.client("sagemaker").create_processing_job(**request)
    assert refused.value.response["Error"]["Code"] == code


def test_a_metric_whose_expression_is_none_is_refused(sandbox: Any, name: str, training_request: Request) -> None:
    request = training_request("pass", metrics=[{"Name": "rmse", "Regex": "rmse:("}])
    with pytest.raises(ClientError, match="the metric 'rmse' has the Regex 'rmse:\\(', which is none"):
        sandbox.client("sagemaker").create_training_job(TrainingJobName=name, **request)


def test_a_name_is_taken_for_ever(run: Any, processing_request: Request) -> None:
    run("Processing", processing_request("pass"))
    with pytest.raises(ClientError, match="must be unique") as refused:
        run("Processing", processing_request("pass"))
    assert refused.value.response["Error"]["Code"] == "ResourceInUse"


def test_jobs_are_listed_newest_first_a_page_at_a_time(
    sandbox: Any, run: Any, name: str, processing_request: Request
) -> None:
    names = [f"{name}-{n}" for n in range(3)]
    for each in names:
        run("Processing", processing_request("pass"), each)
    pages = list(
        sandbox.client("sagemaker")
        .get_paginator("list_processing_jobs")
        .paginate(NameContains=name, StatusEquals="Completed", PaginationConfig={"PageSize": 2})
    )
    assert [len(page["ProcessingJobSummaries"]) for page in pages] == [2, 1]
    assert [job["ProcessingJobName"] for page in pages for job in page["ProcessingJobSummaries"]] == names[::-1]
