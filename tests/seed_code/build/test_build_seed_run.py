"""What a baked repo does: its own tests, equal bytes from anywhere, the gate, its environment."""

import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from build_seed import environment_script, keep_environments, run


def test_its_own_tests_pass(own_copy: Path, python: Path) -> None:
    done = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=own_copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


def test_it_compiles_to_the_same_bytes_from_two_folders_and_moments(
    own_copy: Path, python: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "some where else"
    shutil.copytree(own_copy, elsewhere)
    (elsewhere / "steps" / "train" / "__pycache__").mkdir()
    (elsewhere / "steps" / "train" / "__pycache__" / "train.cpython-311.pyc").write_bytes(b"left from a run")

    def compiled(repo: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        return run(python, "-m", "pipelines.release", "compile", "--objects", f"{repo}-s3", cwd=repo, **variables)

    with ThreadPoolExecutor() as both:
        one = both.submit(compiled, own_copy, PYTHONHASHSEED="1", TZ="UTC", AWS_DEFAULT_REGION="us-east-1")
        two = both.submit(compiled, elsewhere, PYTHONHASHSEED="2", TZ="Pacific/Auckland", AWS_PROFILE="nobody")
    assert one.result().returncode == 0, one.result().stderr
    assert one.result().stdout == two.result().stdout
    assert one.result().stderr == ""

    objects = {file.relative_to(f"{own_copy}-s3"): file.read_bytes() for file in files(Path(f"{own_copy}-s3"))}
    assert objects == {
        file.relative_to(f"{elsewhere}-s3"): file.read_bytes() for file in files(Path(f"{elsewhere}-s3"))
    }
    assert str(own_copy) not in one.result().stdout
    assert not [name for name, content in objects.items() if str(own_copy).encode() in content]


def test_other_answers_reach_the_definition(other_repo: Path, python: Path) -> None:
    done = run(python, "-m", "pipelines.release", "compile", cwd=other_repo)
    assert done.returncode == 0, done.stderr
    text = done.stdout
    project = json.loads((other_repo / "project.json").read_text())
    assert {found[1] for found in re.finditer(r"s3://([^/\"]+)", text)} == {project["bucket"]}
    for key in ("kms_key_arn", "execution_role_arn", "model_package_group"):
        assert f'"{project[key]}"' in text
    assert f".dkr.ecr.{project['region']}.amazonaws.com/sagemaker-xgboost:3.2-0" in text
    assert "eu-west-1" not in text
    network = {"Subnets": project["subnets"], "SecurityGroupIds": project["security_groups"]}
    jobs = {step["Name"]: step["Arguments"] for step in json.loads(text)["Steps"] if "RoleArn" in step["Arguments"]}
    assert {name: arguments.get("NetworkConfig", arguments)["VpcConfig"] for name, arguments in jobs.items()} == (
        dict.fromkeys(["Process", "Train", "Evaluate"], network)
    )


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# Figures of docs/build-repo.md. Equal on one machine; another processor may round otherwise.
@pytest.mark.parametrize(
    ("from_month", "to_month", "rmse", "registered"),
    [(1, 3, 39.9, True), (3, 6, 46.0, True), (4, 7, 37.2, True), (1, 4, 90.4, False)],
)
def test_the_gate_lets_through_what_the_documentation_says(
    own_copy: Path, python: Path, from_month: int, to_month: int, rmse: float, registered: bool
) -> None:
    settings = own_copy / "pipeline.yml"
    text = settings.read_text().replace("from_month: 1", f"from_month: {from_month}")
    settings.write_text(text.replace("to_month: 3", f"to_month: {to_month}"))
    done = run(python, "-m", "pipelines.local", cwd=own_copy)
    found = re.search(r"gate: RMSE (\S+) (reaches|is above) the limit of 60", done.stdout)
    assert found, done.stderr
    assert float(found[1]) == pytest.approx(rmse, rel=0.05)
    assert (found[2] == "reaches") is registered
    assert done.returncode == (0 if registered else 1)


def test_a_mistake_in_pipeline_yml_ends_the_release_with_a_sentence(own_copy: Path, python: Path) -> None:
    settings = own_copy / "pipeline.yml"
    settings.write_text(settings.read_text().replace("to_month: 3", "to_month: 31"))
    done = run(python, "-m", "pipelines.release", "run", cwd=own_copy)
    assert done.returncode == 1
    assert done.stderr == "pipeline.yml:5:3: data.to_month: Input should be less than or equal to 12\n"


def test_an_account_that_cannot_be_reached_ends_the_release_with_a_sentence(own_copy: Path, python: Path) -> None:
    done = run(
        python,
        "-m",
        "pipelines.release",
        "upsert",
        cwd=own_copy,
        AWS_ENDPOINT_URL="http://127.0.0.1:1",
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Could not connect to the endpoint URL")
    assert "Traceback" not in done.stderr


def test_an_environment_is_made_once_and_linked(own_copy: Path, python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["environment.py", "requirements-dev.txt"])
    keep_environments(monkeypatch)
    script = environment_script(own_copy)
    script.main()
    script.main()
    assert (own_copy / ".venv").is_symlink()
    assert (own_copy / ".venv" / "bin" / "python").samefile(python)


MAKER = """#!/bin/sh
echo "$1 $2" >>"$SAID"
sleep 0.2
for last; do :; done
case $1 in venv) mkdir -p "$last/bin" ;; esac
"""


def test_builds_that_begin_at_once_make_it_once(own_copy: Path, tmp_path: Path) -> None:
    said = tmp_path / "said"
    (tmp_path / "bin").mkdir()
    uv = tmp_path / "bin" / "uv"
    uv.write_text(MAKER)
    uv.chmod(0o755)
    surroundings = {"PATH": f"{uv.parent}:/usr/bin:/bin", "XDG_CACHE_HOME": f"{tmp_path}/cache", "SAID": str(said)}
    repos = [own_copy, *(shutil.copytree(own_copy, tmp_path / f"another{number}") for number in range(2))]
    builds = [
        subprocess.Popen([sys.executable, "scripts/environment.py"], cwd=repo, env=surroundings) for repo in repos
    ]
    assert [build.wait(60) for build in builds] == [0, 0, 0]
    assert said.read_text().splitlines() == ["venv --quiet", "pip sync"]
    assert len({(repo / ".venv").resolve(strict=True) for repo in repos}) == 1


def test_a_folder_of_ones_own_is_not_touched(own_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["environment.py"])
    (own_copy / ".venv").mkdir()
    with pytest.raises(SystemExit, match=r"\.venv is a folder of your own"):
        environment_script(own_copy).main()


def test_a_lock_that_is_not_there_is_a_sentence(own_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["environment.py", "nothing.txt"])
    with pytest.raises(SystemExit, match=r"nothing\.txt: there is no such lock"):
        environment_script(own_copy).main()
