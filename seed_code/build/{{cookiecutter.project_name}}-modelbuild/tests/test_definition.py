"""The compiled definition: the same bytes each time, the steps that are meant, arguments that the API accepts."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.compilation import Compiled, compile_pipeline
from pipelines.release import parameters
from pipelines.settings import ROOT, Project, Settings
from pipelines.shapes import all_steps, problems

pytestmark = pytest.mark.sdk


@pytest.fixture(scope="module")
def compiled(project: Project, settings: Settings) -> Compiled:
    with pytest.MonkeyPatch.context() as patch:

        def refuse(*_: Any) -> None:
            raise AssertionError("compiling reached for the network")

        patch.setattr(socket.socket, "connect", refuse)
        return compile_pipeline(project, settings)


@pytest.fixture(scope="module")
def steps(compiled: Compiled) -> dict[str, dict[str, Any]]:
    return {step["Name"]: step for step in all_steps(json.loads(compiled.definition)["Steps"])}


def test_it_compiles_to_the_same_bytes_again(compiled: Compiled, project: Project, settings: Settings) -> None:
    assert compile_pipeline(project, settings) == compiled


def test_it_compiles_to_the_same_bytes_in_another_folder(compiled: Compiled, tmp_path: Path) -> None:
    elsewhere = tmp_path / "a checkout elsewhere"
    shutil.copytree(ROOT, elsewhere, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    printed = subprocess.run(
        [sys.executable, "-m", "pipelines.release", "compile"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout == compiled.definition + "\n"


def test_it_has_the_steps_that_are_meant(steps: dict[str, dict[str, Any]]) -> None:
    assert {name: step["Type"] for name, step in steps.items()} == {
        "Process": "Processing",
        "Train": "Training",
        "Evaluate": "Processing",
        "GoodEnough": "Condition",
        "Register": "RegisterModel",
        "TooWeak": "Fail",
    }


def test_the_api_accepts_the_arguments_of_every_step(compiled: Compiled) -> None:
    assert problems(compiled.definition) == []


def test_a_wrong_argument_is_told_before_anything_runs(compiled: Compiled) -> None:
    wrong = compiled.definition.replace('"InstanceCount": 1', '"InstanceCount": "one"')
    assert any("Process" in sentence and "InstanceCount" in sentence for sentence in problems(wrong))


def test_each_job_step_is_cached_and_retried(steps: dict[str, dict[str, Any]]) -> None:
    for name in ("Process", "Train", "Evaluate"):
        assert steps[name]["CacheConfig"]["Enabled"]
        assert steps[name]["RetryPolicies"]


def test_each_job_is_encrypted_and_cut_off_from_the_network(steps: dict[str, dict[str, Any]], project: Project) -> None:
    for name in ("Process", "Train", "Evaluate"):
        text = json.dumps(steps[name]["Arguments"])
        assert f'"VolumeKmsKeyId": "{project.kms_key_arn}"' in text
        assert f'"KmsKeyId": "{project.kms_key_arn}"' in text
        assert '"EnableNetworkIsolation": true' in text


def test_a_run_is_given_every_parameter_by_its_type(compiled: Compiled, settings: Settings) -> None:
    declared = {one["Name"]: one for one in json.loads(compiled.definition)["Parameters"]}
    given = parameters(settings, compiled.data_url, "abc")
    assert given.keys() == declared.keys()
    kinds = {"Integer": int, "Float": float, "String": str}
    for name, one in declared.items():
        if name != "GitCommit":
            assert kinds[one["Type"]](given[name]) == one["DefaultValue"]


def test_all_that_the_steps_read_from_this_repo_is_uploaded(compiled: Compiled, project: Project) -> None:
    uris = {
        part["S3Uri"]
        for step in all_steps(json.loads(compiled.definition)["Steps"])
        for source in step["Arguments"].get("ProcessingInputs", []) + step["Arguments"].get("InputDataConfig", [])
        if isinstance((part := source.get("S3Input") or source["DataSource"]["S3DataSource"])["S3Uri"], str)
    }
    assert len(uris) == 4
    keys = [f"s3://{project.bucket}/{key}" for key in compiled.objects]
    for uri in {*uris, compiled.data_url}:
        assert any(key == uri or key.startswith(f"{uri}/") for key in keys)


def test_the_registered_model_says_where_it_comes_from(steps: dict[str, dict[str, Any]]) -> None:
    arguments = steps["Register"]["Arguments"]
    assert arguments["ModelApprovalStatus"] == {"Get": "Parameters.ModelApprovalStatus"}
    assert set(arguments["CustomerMetadataProperties"]) >= {
        "GitCommit",
        "FromMonth",
        "ToMonth",
        "InputDataUrl",
    }
    assert "Evaluate" in json.dumps(arguments["ModelMetrics"]["ModelQuality"])
    container = arguments["InferenceSpecification"]["Containers"][0]
    assert container["Environment"]["SAGEMAKER_PROGRAM"] == "inference.py"
    assert container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"] == "/opt/ml/model/code"


def test_a_weak_model_fails_the_run_with_its_metric(steps: dict[str, dict[str, Any]]) -> None:
    message = json.dumps(steps["TooWeak"]["Arguments"]["ErrorMessage"])
    assert "regression_metrics.rmse.value" in message
    assert "Parameters.MaxRmse" in message


def test_given_an_own_image_then_every_job_and_the_version_run_in_it(project: Project, settings: Settings) -> None:
    own = compile_pipeline(project, settings.model_copy(update={"image": "1.0"}))
    made = {step["Name"]: step["Arguments"] for step in all_steps(json.loads(own.definition)["Steps"])}
    images = {
        made["Process"]["AppSpecification"]["ImageUri"],
        made["Train"]["AlgorithmSpecification"]["TrainingImage"],
        made["Evaluate"]["AppSpecification"]["ImageUri"],
        made["Register"]["InferenceSpecification"]["Containers"][0]["Image"],
    }
    assert images == {f"{project.image_repository}:1.0"}
