"""SageMaker's own XGBoost without a line of the user's, in the environment that the journey made for its image.

The container's view of a job is real; what it is asked for is the journey's data set in small.
"""

import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tidegate_sandbox import images, isolation
from tidegate_sandbox.serving import MODEL_SERVER

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1200)]

IMAGE = images.stand_in("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0")
ROWS = ["0.1,1", "0.9,0"]
LOADS = """
import xgboost

def model_fn(folder):
    booster = xgboost.Booster()
    booster.load_model(folder + "/xgboost-model")
    return booster
"""


@pytest.fixture(scope="module")
def python(told: dict[str, Any]) -> Path:
    return Path(told["home"]) / "images" / IMAGE.folder_name / "bin" / "python"


@pytest.fixture(scope="module")
def ml(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Path:
    """What /opt/ml is after a training job: csv with the label first, three times the first feature."""
    folder = tmp_path_factory.mktemp("ml")
    rows = random.Random(7)
    for channel, count in (("train", 300), ("validation", 60)):
        data = folder / "input" / "data" / channel / "part"
        data.mkdir(parents=True)
        values = [(rows.random(), rows.random()) for _ in range(count)]
        (data / "rows.csv").write_text("".join(f"{3 * a},{a},{b}\n" for a, b in values))
    channel = {"ContentType": "text/csv; charset=utf-8", "TrainingInputMode": "File"}
    given = {"num_round": "40", "eta": "0.3", "objective": "reg:squarederror", "early_stopping_rounds": "5"}
    documents = {
        "hyperparameters": {**given, "eval_metric": "rmse"},
        "inputdataconfig": {"train": channel, "validation": channel},
        "resourceconfig": {"current_host": "algo-1", "hosts": ["algo-1"]},
    }
    (folder / "input" / "config").mkdir()
    for name, document in documents.items():
        (folder / "input" / "config" / f"{name}.json").write_text(json.dumps(document))
    (folder / "model").mkdir()
    return folder


@pytest.fixture(scope="module")
def printed(ml: Path, python: Path) -> str:
    command = [*isolation.prefix(ml), str(python), *IMAGE.train[1:]]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=bare())
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def bare() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}


def test_given_the_algorithms_hyperparameters_and_channels_when_it_trains_then_it_tells_of_each_round(
    printed: str, ml: Path
) -> None:
    errors = [
        float(line.split("#011")[2].removeprefix("validation-rmse:")) for line in printed.splitlines() if "#011" in line
    ]
    assert printed.count("#011train-rmse:") == len(errors) <= 40
    assert errors[-1] < 0.1 * errors[0]
    assert [path.name for path in (ml / "model").iterdir()] == ["xgboost-model"]


@contextmanager
def served(python: Path, model: Path, **environment: str) -> Iterator[httpx.Client]:
    command = [python, MODEL_SERVER, "--model", model, "--announce", model.parent / "port"]
    process = subprocess.Popen([*command, "--framework", *IMAGE.serve], env={**bare(), **environment})
    try:
        while not (model.parent / "port").exists():
            assert process.poll() is None
            time.sleep(0.05)
        address = f"http://127.0.0.1:{(model.parent / 'port').read_text()}"
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
            yield client
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def model(printed: str, ml: Path, tmp_path: Path) -> Path:
    """What an endpoint's container has of the job's model."""
    folder = tmp_path / "model"
    folder.mkdir()
    shutil.copy(ml / "model" / "xgboost-model", folder)
    return folder


@pytest.fixture
def server(python: Path, model: Path) -> Iterator[httpx.Client]:
    with served(python, model) as client:
        yield client


def test_then_its_model_is_served_without_a_program_csv_and_libsvm_in_csv_and_json_out(server: httpx.Client) -> None:
    def ask(body: str, kind: str, **headers: str) -> httpx.Response:
        return server.post("/invocations", content=body, headers={"content-type": kind, **headers})

    assert server.get("/ping").status_code == 200
    answer = ask("\n".join(ROWS), "text/csv", accept="text/csv")
    assert answer.headers["content-type"] == "text/csv"
    predicted = [float(line) for line in answer.text.splitlines()]
    assert predicted == pytest.approx([3 * float(row.split(",")[0]) for row in ROWS], abs=0.3)
    told = ask("0:0.1 1:1\n0:0.9 1:0", "text/libsvm", accept="application/json").json()
    assert [each["score"] for each in told["predictions"]] == pytest.approx(predicted)

    assert ask("", "text/csv").status_code == 204
    assert ask("{}", "application/json").status_code == 415
    assert ask("a,b", "text/csv").status_code == 415
    assert ask("1,2,3,4", "text/csv").status_code == 400
    assert ask(ROWS[0], "text/csv", accept="image/png").status_code == 406


def test_a_program_that_only_loads_the_model_is_helped_out_by_the_image(python: Path, model: Path) -> None:
    (model / "code").mkdir()
    (model / "code" / "inference.py").write_text(LOADS)
    with served(python, model, SAGEMAKER_PROGRAM="inference.py") as client:
        headers = {"content-type": "text/csv", "accept": "application/json"}
        answer = client.post("/invocations", content="\n".join(ROWS), headers=headers)
        refused = client.post("/invocations", content="x", headers={**headers, "content-type": "image/png"})
    assert answer.json() == pytest.approx([3 * float(row.split(",")[0]) for row in ROWS], abs=0.3)
    assert refused.status_code == 415


def test_given_a_hyperparameter_that_the_algorithm_does_not_know_when_it_trains_then_the_failure_names_it(
    tmp_path: Path, python: Path
) -> None:
    (tmp_path / "input" / "config").mkdir(parents=True)
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text('{"num_round": "1", "silent": "0"}')
    command = [*isolation.prefix(tmp_path), str(python), *IMAGE.train[1:]]
    assert subprocess.run(command, check=False, capture_output=True, env=bare()).returncode == 1
    assert (tmp_path / "output" / "failure").read_text() == "Extraneous hyperparameter found: silent"
