"""A stage's life by the command line, through real stacks: released, rolled back, tested, declined, and recovered."""

import json
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from test_guarded_updates import traffic
from test_linear_and_rolling import updating
from workshop import BUCKET, IMAGE, ROLE, Workshop, model_data

from tests.tidegate.stage.valid_stages import ENDPOINT
from tidegate import aws
from tidegate.cli import main
from tidegate.registry import Live, read_live
from tidegate.verify import watch

ANSWERS = """
def model_fn(folder):
    return None

def transform_fn(model, body, content_type, accept):
    return f"v{}:{{body}}", accept
"""
FAILS = """
def model_fn(folder):
    return None

def transform_fn(model, body, content_type, accept):
    raise RuntimeError("bad model")
"""
RELEASE = {
    "strategy": "canary",
    "canary_size": "50%",
    "wait_interval": "1m",
    "maximum_execution_timeout": "30m",
    "rollback_on": [{"metric": "Invocation5XXErrors", "above": "50%"}],
}
BAKING_LONG = RELEASE | {"wait_interval": "3m"}
ROLLING = {key: value for key, value in BAKING_LONG.items() if key != "canary_size"} | {
    "strategy": "rolling",
    "maximum_batch_size": "50%",
}


class LivingStage:
    """A deploy repository of one stage, and what people and the pipeline do with it."""

    def __init__(self, sandbox: Any, eventually: Callable[..., Any], repo: Path, run: Callable[..., Any]) -> None:
        self.id = f"p-{uuid.uuid4().hex[:8]}"
        self.repo, self.tidegate = repo, run
        self.stack, self.group = f"sagemaker-{self.id}-prod", f"rides-{self.id}"
        self.endpoint = Workshop(sandbox, f"{self.group}-prod", eventually)
        self.endpoint.sagemaker.create_model_package_group(ModelPackageGroupName=self.group)
        project = {"name": "rides", "id": self.id, "account": sandbox.account, "region": sandbox.region}
        shared = {"project": project, "model_package_group": self.group, "execution_role": ROLE, "bucket": BUCKET}
        (repo / "stages").mkdir()
        (repo / "endpoint.yml").write_text(json.dumps(ENDPOINT | shared))
        self.write(release=RELEASE)

    def write(self, **options: Any) -> None:
        """Write the stage file anew."""
        stage = {"instances": {"type": "ml.m5.large", "count": 2}, "capture": {"sampling": "100%"}, **options}
        (self.repo / "stages" / "prod.yml").write_text(json.dumps(stage))

    def data(self, version: int) -> str:
        return f"{self.id}-{version}.tar.gz"

    def approve(self, version: int, program: str = "") -> None:
        """Register an approved version whose model data is its own."""
        data = model_data(program or ANSWERS.format(version))
        self.endpoint.s3.put_object(Bucket=BUCKET, Key=self.data(version), Body=data)
        made = self.endpoint.sagemaker.create_model_package(
            ModelPackageGroupName=self.group,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{self.data(version)}"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )
        assert made["ModelPackageArn"].endswith(f"/{version}")

    def package(self, version: int) -> dict[str, Any]:
        sagemaker = self.endpoint.sagemaker
        (arn,) = (
            each["ModelPackageArn"]
            for each in sagemaker.list_model_packages(ModelPackageGroupName=self.group)["ModelPackageSummaryList"]
            if each["ModelPackageVersion"] == version
        )
        described: dict[str, Any] = sagemaker.describe_model_package(ModelPackageName=arn)
        return described

    def render(self) -> dict[str, str]:
        """Render, and return what the pipeline asks of it."""
        assert self.tidegate("render", "--all")[0] == 0
        lines = (self.repo / "rendered" / "pipeline.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def deploy(self, phase: str = "") -> None:
        """Begin what the pipeline's Deploy does."""
        cloudformation, rendered = self.endpoint.cloudformation, self.repo / "rendered"
        config = json.loads((rendered / f"prod{phase}.config.json").read_text())
        known = [stack["StackName"] for stack in cloudformation.list_stacks()["StackSummaries"]]
        (cloudformation.update_stack if self.stack in known else cloudformation.create_stack)(
            StackName=self.stack,
            TemplateBody=(rendered / f"prod{phase}.template.yaml").read_text(),
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in config["Parameters"].items()],
            Tags=[{"Key": k, "Value": v} for k, v in config["Tags"].items()],
        )

    def settle(self) -> str:
        """Wait until the stack is at rest."""

        def status() -> Any:
            (found,) = self.endpoint.cloudformation.describe_stacks(StackName=self.stack)["Stacks"]
            return not found["StackStatus"].endswith("_IN_PROGRESS") and found["StackStatus"]

        return str(self.endpoint.eventually(status, 60))

    def release(self) -> tuple[int, str]:
        """Render, deploy and verify; return verify's exit code and what it said."""
        assert self.render()["PROD_RELEASE"] == "yes"
        self.deploy()
        code, out, err = self.tidegate("verify", "prod")
        self.settle()
        return code, out + err

    def asked(self) -> dict[str, Any]:
        """Return the record of the release that was rendered."""
        record: dict[str, Any] = json.loads((self.repo / "rendered" / "prod.release.json").read_text())
        return record

    def live(self) -> Live:
        live = read_live(self.endpoint.sagemaker, self.endpoint.name)
        assert live is not None
        return live

    def is_quiet(self) -> bool:
        """Tell whether none of its alarms is in ALARM any more."""
        alarms = self.endpoint.cloudwatch.describe_alarms(AlarmNamePrefix=self.endpoint.name)["MetricAlarms"]
        return bool(alarms) and all(each["StateValue"] != "ALARM" for each in alarms)

    def configs(self) -> set[str]:
        found = self.endpoint.sagemaker.list_endpoint_configs(NameContains=self.id, MaxResults=100)
        return {each["EndpointConfigName"] for each in found["EndpointConfigs"]}

    def history(self) -> list[tuple[str, int]]:
        """Return what `tidegate history` says, the oldest first."""
        told = json.loads(self.tidegate("history", "prod", "--json")[1])
        return [(each["standing"], each["version"]) for each in reversed(told["updates"])]


@pytest.fixture
def stage(
    endpoint_sandbox: Any,
    eventually: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[LivingStage]:
    for name, value in endpoint_sandbox.environment().items():
        monkeypatch.setenv(name, value)
    # With pauses of the wall, a rollback by the clock of this sandbox goes by between two looks.
    monkeypatch.setattr(watch, "LONGEST_PAUSE", watch.LONGEST_PAUSE / endpoint_sandbox.speed)
    monkeypatch.setattr(watch, "FIRST_PAUSE", watch.LONGEST_PAUSE)
    monkeypatch.chdir(tmp_path)
    aws._session.cache_clear()

    def tidegate(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tidegate", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        code = left.value.code
        return (code if isinstance(code, int) else int(code is not None), *capsys.readouterr())

    living = LivingStage(endpoint_sandbox, eventually, tmp_path, tidegate)
    yield living
    living.endpoint.tidy()
    aws._session.cache_clear()


@contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[None]:
    """Do something beside what the block does; fail if it fails."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join(60)
    assert not failed, failed


def lose(stage: LivingStage, version: int) -> None:
    """Lose the model data of what serves once a rolling update bakes its last batch, and send what shows that."""
    assert any(state[0] == "Baking" and state[2] == 2 for state in updating(stage.endpoint))
    stage.endpoint.s3.delete_object(Bucket=BUCKET, Key=stage.data(version))
    with traffic(stage.endpoint):
        stage.endpoint.settled()


def test_a_stage_is_released_rolled_back_tested_declined_and_recovered(stage: LivingStage) -> None:
    # Three promotions: the first one's config is pruned, and not forgotten.
    for version in (1, 2, 3):
        stage.approve(version)
        code, said = stage.release()
        assert (code, f"serves version {version} " in said) == (0, True), said
    assert len(stage.configs()) == 2
    assert stage.history() == [("served", 1), ("served", 2), ("serves", 3)]

    # The fourth answers nothing right: rolled back, stamped, tagged, and not chosen again.
    stage.write(release=BAKING_LONG)
    stage.approve(4, FAILS)
    with traffic(stage.endpoint):
        code, said = stage.release()
    assert code == 3, said
    assert "went into ALARM" in said
    assert stage.package(4)["ModelApprovalStatus"] == "PendingManualApproval"
    assert stage.package(4)["ModelLifeCycle"]["StageStatus"] == "RolledBack"
    assert "is tagged tidegate:outcome: ROLLED_BACK" in said
    assert ("rolled back", 4) in stage.history()
    serving = stage.live()
    asks = stage.render()
    assert (stage.asked()["release_id"], asks["PROD_APPROVAL"]) == (serving.release_id, "none")

    # Rejecting a version that does not serve changes nothing.
    stage.endpoint.sagemaker.update_model_package(
        ModelPackageArn=stage.package(1)["ModelPackageArn"], ModelApprovalStatus="Rejected"
    )
    assert stage.render() == asks
    assert stage.asked()["release_id"] == serving.release_id

    # A rollback: first only said, then done, as a release like any other.
    stage.write(release=RELEASE)
    code, said, _ = stage.tidegate("rollback", "prod", "--dry-run")
    assert (code, said.splitlines()[1:3]) == (
        0,
        ["then: version 2, by a release of the pipeline like any other", "to reject: version 3, approved"],
    )
    assert stage.package(3)["ModelApprovalStatus"] == "Approved"
    assert stage.tidegate("rollback", "prod", "--yes", "--reason", "wrong on Sundays")[0] == 0
    assert stage.package(3)["ApprovalDescription"] == "rolled back in prod: wrong on Sundays"
    assert stage.release()[0] == 0
    assert stage.live().variants[0].version == 2
    code, _, why = stage.tidegate("rollback", "prod", "--yes")
    assert (code, "there is nothing to roll back to" in why) == (1, True)

    # The fifth is tested as a shadow, and declined; as in the pipeline, nobody verifies these two updates.
    stage.approve(5)
    stage.write(release=RELEASE, test={"shadow": {"sampling": "50%", "duration": "1h"}})
    assert stage.render()["PROD_TEST"] == "yes"
    stage.deploy(".test")
    assert stage.settle() == "UPDATE_COMPLETE"
    assert {each.name: each.version for each in stage.live().variants} == {"AllTraffic": 2, "Shadow": 5}
    assert "rejected version 5" in stage.tidegate("decline", "prod", "--reason", "slower")[1]
    assert stage.tidegate("decline", "prod")[1] == "version 5 was rejected already\n"
    assert stage.package(5)["ApprovalDescription"] == "declined after its test: slower"
    asks = stage.render()
    assert (asks["PROD_APPROVAL"], asks["PROD_TEST"], asks["PROD_TEST_END"]) == ("none", "no", "yes")
    in_test = stage.live().config_name
    stage.deploy(".live")
    assert stage.settle() == "UPDATE_COMPLETE"
    assert "no test is in place" in stage.tidegate("decline", "prod")[1]

    # Pruning takes the test away, keeps what served before it, and forgets nothing.
    before = stage.configs()
    assert f"would remove {in_test}" in stage.tidegate("prune", "prod", "--dry-run")[1]
    assert stage.configs() == before
    assert f"removed endpoint config {in_test}" in stage.tidegate("prune", "prod")[1]
    assert in_test not in stage.configs()
    assert "there is nothing to remove" in stage.tidegate("prune", "prod")[1]
    assert [each for each in stage.history() if each[0] == "served"] == [
        ("served", 1),
        ("served", 2),
        ("served", 3),
        ("served", 2),
    ]

    # The sixth goes wrong once the last old instance has gone, which cannot be made again: a mixed fleet.
    good = stage.live().release_id
    stage.write(release=ROLLING)
    stage.approve(6, FAILS)
    assert stage.render()["PROD_RELEASE"] == "yes"
    stage.deploy()
    stage.endpoint.eventually(lambda: stage.endpoint.describe()["EndpointStatus"] == "Updating")
    with meanwhile(lambda: lose(stage, 2)):
        code, said, _ = stage.tidegate("verify", "prod")
    assert (code, "version 2 " in said, "version 6 " in said) == (4, True, True), said
    assert stage.package(6)["ModelApprovalStatus"] == "PendingManualApproval"
    stage.settle()
    stage.endpoint.s3.put_object(Bucket=BUCKET, Key=stage.data(2), Body=model_data(ANSWERS.format(2)))

    # The runbook: said, then taken.
    code, said, _ = stage.tidegate("recover", "prod")
    assert (code, "give --yes to take step 1" in said) == (4, True)
    assert stage.endpoint.describe()["EndpointStatus"] == "UpdateRollbackFailed"
    assert stage.tidegate("recover", "prod", "--yes")[0] == 0
    stage.endpoint.settled()
    assert (stage.live().release_id, stage.endpoint.invoke()) == (good, "v2:x")
    code, said, _ = stage.tidegate("recover", "prod")
    assert (code, said.splitlines()[-1]) == (0, "there is nothing to recover")

    # The next release is one like any other, and remembers what had served.
    stage.write(release=RELEASE)
    stage.approve(7)
    stage.endpoint.eventually(stage.is_quiet)
    code, said = stage.release()
    assert code == 0, said
    assert [each for each in stage.history() if each[0] in {"served", "serves"}] == [
        ("served", 1), ("served", 2), ("served", 3), ("served", 2), ("serves", 7),
    ]  # fmt: skip
