"""What the command `train` of the stand-ins for SageMaker's images makes of /opt/ml, before a framework is at work."""

import io
import json
import tarfile
import uuid
from pathlib import Path
from typing import Any

import pytest

from tidegate_sandbox.images.toolkit import environment, hyperparameters, script, xgboost_algorithm
from tidegate_sandbox.images.toolkit.problems import NotSimulatedError, UserError

TELLS = """
import json, os, sys
seen = {"arguments": sys.argv[1:], "variables": {k: v for k, v in os.environ.items() if k.startswith("SM_")}}
open(os.path.join(os.environ["SM_MODEL_DIR"], "seen.json"), "w").write(json.dumps(seen))
"""


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    """A folder as /opt/ml is when a training container starts: one channel, and the hyperparameters of an SDK."""
    config = tmp_path / "input" / "config"
    for folder in (config, tmp_path / "input" / "data" / "train", tmp_path / "model", tmp_path / "output"):
        folder.mkdir(parents=True)
    given = {"depth": "5", "name": '"forest"', "plain": "text", "n": "1.5", "sagemaker_program": '"main.py"'}
    (config / "hyperparameters.json").write_text(json.dumps(given))
    (config / "inputdataconfig.json").write_text(json.dumps({"train": {"ContentType": "text/csv"}}))
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    return tmp_path


def put(ml: Path, program: str) -> None:
    (ml / "code").mkdir()
    (ml / "code" / "main.py").write_text(program)


def test_a_script_gets_its_hyperparameters_as_arguments_and_the_rest_as_variables(ml: Path) -> None:
    put(ml, TELLS)
    assert script.run(environment.read(ml)) == 0
    seen = json.loads((ml / "model" / "seen.json").read_text())
    assert seen["arguments"] == ["--depth", "5", "-n", "1.5", "--name", "forest", "--plain", "text"]
    variables = seen["variables"]
    assert variables["SM_CHANNEL_TRAIN"] == str(ml / "input" / "data" / "train")
    assert json.loads(variables["SM_CHANNELS"]) == ["train"]
    assert json.loads(variables["SM_HPS"]) == {"depth": 5, "name": "forest", "plain": "text", "n": 1.5}
    assert (variables["SM_HP_DEPTH"], variables["SM_HP_NAME"]) == ("5", "forest")
    assert (variables["SM_CURRENT_HOST"], json.loads(variables["SM_HOSTS"])) == ("algo-1", ["algo-1"])
    assert variables["SM_OUTPUT_DATA_DIR"] == str(ml / "output" / "data")
    assert json.loads(variables["SM_TRAINING_ENV"])["input_data_config"] == {"train": {"ContentType": "text/csv"}}


def test_a_script_that_the_sdk_uploaded_is_fetched_from_s3(
    ml: Path, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    s3, bucket = sandbox.client("s3"), f"code-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as tar:
        main = tarfile.TarInfo("main.py")
        main.size = len(TELLS)
        tar.addfile(main, io.BytesIO(TELLS.encode()))
    s3.put_object(Bucket=bucket, Key="a/sourcedir.tar.gz", Body=body.getvalue())
    config = ml / "input" / "config" / "hyperparameters.json"
    given = {"sagemaker_program": '"main.py"', "sagemaker_submit_directory": f'"s3://{bucket}/a/sourcedir.tar.gz"'}
    config.write_text(json.dumps(given))
    monkeypatch.setattr(boto3, "client", lambda service: sandbox.client(service))
    assert script.run(environment.read(ml)) == 0
    assert (ml / "model" / "seen.json").exists()

    config.write_text(json.dumps({**given, "sagemaker_submit_directory": f'"s3://{bucket}/none.tar.gz"'}))
    with pytest.raises(UserError, match="could not be downloaded"):
        script.run(environment.read(ml))


def test_a_script_that_fails_tells_its_exit_code_and_its_last_lines(ml: Path) -> None:
    put(ml, "import sys\nsys.stderr.write('no such column')\nsys.exit(3)\n")
    with pytest.raises(UserError, match=r"(?s)ExecuteUserScriptError:\nExitCode 3\nErrorMessage no such column"):
        script.run(environment.read(ml))


def test_a_script_that_is_not_there_is_named(ml: Path) -> None:
    (ml / "code").mkdir()
    with pytest.raises(UserError, match=r"there is no main\.py in "):
        script.run(environment.read(ml))


def test_without_a_program_it_is_the_algorithms_turn(ml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGEMAKER_PROGRAM", raising=False)
    (ml / "input" / "config" / "hyperparameters.json").write_text('{"num_round": "5"}')
    assert environment.read(ml).program is None


def test_hyperparameters_become_numbers_words_and_lists_under_the_names_that_xgboost_knows() -> None:
    given = {"num_round": "50", "learning_rate": "0.2", "objective": "reg:linear", "eval_metric": "rmse,error@0.7"}
    assert hyperparameters.checked(given, "1.7-1") == {
        "num_round": 50,
        "eta": 0.2,
        "objective": "reg:linear",
        "eval_metric": ["rmse", "error@0.7"],
    }


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "Missing required hyperparameter: num_round"),
        ({"num_round": "0"}, "num_round: 0 is not in [1,inf]"),
        ({"num_round": "5", "eta": "1.01"}, "eta: 1.01 is not in [0,1]"),
        ({"num_round": "5", "subsample": "0"}, "subsample: 0 is not in (0,1]"),
        ({"num_round": "5", "tweedie_variance_power": "2"}, "2 is not in (1,2)"),
        ({"num_round": "5.5"}, "num_round: could not parse value"),
        ({"num_round": "5", "objective": "reg:nothing"}, "reg:nothing is not in"),
        ({"num_round": "5", "objective": "multi:softmax"}, "'num_class'"),
        ({"num_round": "5", "eval_metric": "rmse,beauty"}, "value beauty not in range"),
        ({"num_round": "5", "rounds": "5"}, "Extraneous hyperparameter found: rounds"),
        ({"num_round": "5", "silent": "0"}, "Extraneous hyperparameter found: silent"),
    ],
)
def test_a_hyperparameter_that_the_image_refuses_is_refused(given: dict[str, str], says: str) -> None:
    with pytest.raises(UserError) as error:
        hyperparameters.checked(given, "1.2-2")
    assert says in str(error.value)


def test_only_the_oldest_image_knows_silent() -> None:
    assert hyperparameters.checked({"num_round": "5", "silent": "0"}, "1.0-1")["silent"] == 0


@pytest.mark.parametrize(
    "given",
    [{"_kfold": "5"}, {"tree_method": "gpu_hist"}, {"eval_metric": "f1"}, {"save_model_on_termination": "true"}],
)
def test_what_the_stand_in_lacks_is_said(given: dict[str, str]) -> None:
    with pytest.raises(NotSimulatedError, match="not in the local simulation"):
        hyperparameters.checked({"num_round": "5", **given}, "1.7-1")


@pytest.mark.parametrize(
    ("channels", "says"),
    [
        ({}, "Missing required channel: train"),
        ({"train": {}, "test": {}}, "Extraneous channel found: test"),
        ({"train": {"ContentType": "text/tsv"}}, "text/tsv is not an accepted ContentType"),
        ({"train": {"ContentType": "text/csv;label_size=0"}}, "label_size must be 1"),
        ({"train": {"ContentType": "application/x-parquet"}}, "not in the local simulation"),
    ],
)
def test_a_channel_that_the_algorithm_cannot_read_is_refused(ml: Path, channels: dict[str, Any], says: str) -> None:
    (ml / "input" / "config" / "hyperparameters.json").write_text('{"num_round": "5"}')
    (ml / "input" / "config" / "inputdataconfig.json").write_text(json.dumps(channels))
    with pytest.raises((UserError, NotSimulatedError)) as error:
        xgboost_algorithm.train(environment.read(ml), "1.7-1")
    assert says in str(error.value)
