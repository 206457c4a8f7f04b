"""The inference contract of a script-mode container, spoken to over HTTP as a container's own router would."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tidegate_sandbox.serving import MODEL_SERVER

CSV = {"content-type": "text/csv", "accept": "text/csv"}

DOUBLES = """
from sagemaker_inference.errors import UnsupportedFormatError

def model_fn(model_dir):
    return float(open(model_dir + "/factor.txt").read())

def input_fn(body, content_type):
    if content_type != "text/csv":
        raise UnsupportedFormatError(content_type)
    return [float(value) for value in body.split(",")]

def predict_fn(data, model):
    return [value * model for value in data]

def output_fn(prediction, accept):
    return ",".join(map(str, prediction)), accept
"""

Serve = Callable[..., httpx.Client]


@pytest.fixture
def serve(tmp_path: Path, plain_python: Path) -> Iterator[Serve]:
    """Serve a program; gives a client of its server."""
    started: list[subprocess.Popen[bytes]] = []

    def run(program: str, **environment: str) -> httpx.Client:
        folder = model_folder(tmp_path, program)
        announce = tmp_path / "port"
        command = [str(plain_python), str(MODEL_SERVER), "--model", str(folder), "--announce", str(announce)]
        process = subprocess.Popen(command, env=environment)
        started.append(process)
        while not announce.exists():
            assert process.poll() is None, "the server ended"
            time.sleep(0.01)
        return httpx.Client(base_url=f"http://127.0.0.1:{announce.read_text()}", trust_env=False)

    yield run
    for process in started:
        process.kill()
        process.wait()


def model_folder(tmp_path: Path, program: str) -> Path:
    folder = tmp_path / "model"
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "inference.py").write_text(program)
    (folder / "factor.txt").write_text("2")
    return folder


def test_a_program_of_four_functions_answers_invocations(serve: Serve) -> None:
    client = serve(DOUBLES)

    assert client.get("/ping").status_code == 200
    answer = client.post("/invocations", content="1,2.5", headers=CSV)

    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (200, "2.0,5.0", "text/csv")


def test_transform_fn_takes_the_place_of_the_other_three(serve: Serve) -> None:
    client = serve(
        "def model_fn(folder): return 'm'\n"
        "def transform_fn(model, body, content_type, accept): return model + body + content_type, accept\n"
    )

    answer = client.post("/invocations", content="x", headers={**CSV, "accept": "application/json"})

    assert (answer.text, answer.headers["content-type"]) == ("mxtext/csv", "application/json")


def test_a_function_may_take_the_toolkits_context_as_one_more_argument(serve: Serve) -> None:
    client = serve(
        "def model_fn(folder, context): return 'm'\n"
        "def transform_fn(model, body, content_type, accept, context): return str(context)\n"
    )

    assert client.post("/invocations", content="x", headers=CSV).text == "None"


def test_text_is_handed_over_as_str_and_the_rest_as_bytes(serve: Serve) -> None:
    client = serve(
        "def model_fn(folder): return None\n"
        "def transform_fn(model, body, content_type, accept): return type(body).__name__\n"
    )

    kinds = {
        kind: client.post("/invocations", content="1", headers={"content-type": kind}).text
        for kind in ("text/csv", "application/json", "application/x-npy")
    }

    assert kinds == {"text/csv": "str", "application/json": "str", "application/x-npy": "bytes"}


@pytest.mark.parametrize(("accept", "expected"), [("*/*", "application/x-own"), ("text/csv", "text/csv")])
def test_the_default_accept_comes_from_the_environment(serve: Serve, accept: str, expected: str) -> None:
    client = serve(DOUBLES, SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="application/x-own")

    answer = client.post("/invocations", content="1", headers={**CSV, "accept": accept})

    assert answer.headers["content-type"] == expected


def test_an_unsupported_content_type_is_415(serve: Serve) -> None:
    answer = serve(DOUBLES).post("/invocations", content="{}", headers={"content-type": "application/json"})

    assert answer.status_code == 415
    assert "application/json" in answer.text


def test_an_exception_of_user_code_is_500_with_its_message_and_the_server_lives_on(serve: Serve) -> None:
    client = serve(DOUBLES)

    answer = client.post("/invocations", content="one", headers=CSV)

    assert (answer.status_code, answer.text) == (500, "could not convert string to float: 'one'")
    assert client.post("/invocations", content="1", headers=CSV).status_code == 200


@pytest.mark.parametrize(("size", "status"), [(6_291_456, 200), (6_291_457, 413)])
def test_a_body_may_have_6291456_bytes_and_no_more(serve: Serve, size: int, status: int) -> None:
    client = serve(
        "def model_fn(folder): return None\n"
        "def transform_fn(model, body, content_type, accept): return str(len(body))\n"
    )

    assert client.post("/invocations", content=b"1" * size, headers=CSV).status_code == status


def test_another_path_is_404_and_another_method_405(serve: Serve) -> None:
    client = serve(DOUBLES)

    assert (client.get("/").status_code, client.get("/invocations").status_code) == (404, 405)


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("", "inference.py does not define model_fn"),
        ("def model_fn(folder): return None\n", "inference.py does not define input_fn"),
        ("def model_fn(folder): raise OSError('no such model')\n", "OSError: no such model"),
    ],
)
def test_a_program_that_cannot_serve_ends_with_a_sentence(
    tmp_path: Path, plain_python: Path, program: str, sentence: str
) -> None:
    ended = subprocess.run(
        [plain_python, MODEL_SERVER, "--model", model_folder(tmp_path, program), "--announce", tmp_path / "port"],
        capture_output=True,
        text=True,
        env={},
    )

    assert ended.returncode != 0
    assert sentence in ended.stderr.splitlines()[-1]
    assert not (tmp_path / "port").exists()
