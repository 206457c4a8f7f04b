"""Given a container image's address, when a job needs it, then a Python environment stands in for it."""

import re
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tidegate.clock import SystemClock
from tidegate_sandbox import context, images
from tidegate_sandbox.errors import AwsError

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/plain:1"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(context, "_running", context.Sandbox(tmp_path, 1, SystemClock()))
    return tmp_path


@pytest.mark.parametrize(
    "uri",
    [
        XGBOOST,
        "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0",
        "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-xgboost:3.2-0",
    ],
)
def test_an_image_has_the_same_stand_in_in_every_account_and_region(uri: str) -> None:
    chosen = images.stand_in(uri)
    assert (chosen.repository, chosen.tag) == ("sagemaker-xgboost", "3.2-0")


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        (XGBOOST.replace("3.2-0", "0.90-1-cpu-py3"), "sagemaker-xgboost:0.90-1-cpu-py3 has no stand-in"),
        (XGBOOST.removesuffix(":3.2-0"), "has no stand-in"),
        ("docker.io/library/python:3.12", "not the address of an image in a private Amazon ECR"),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/../../etc:1", "not the address"),
    ],
)
def test_an_image_without_a_stand_in_is_refused_by_name(uri: str, says: str) -> None:
    with pytest.raises(AwsError, match=re.escape(says)) as error:
        images.stand_in(uri)
    assert error.value.code == "ValidationException"


def test_every_list_is_pinned_by_hash_and_names_no_index() -> None:
    locks = list(Path(images.__file__).parent.glob("locked/*.txt"))
    assert {*images.stand_in(XGBOOST).requirements} <= {*locks}
    for lock in locks:
        text = lock.read_text()
        pinned = re.findall(r"^[a-z0-9-]+==", text, flags=re.MULTILINE)
        entries = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if entry]
        assert len(pinned) == len(entries)
        assert all("--hash=sha256:" in entry for entry in entries)
        assert "://" not in text


def test_the_xgboost_stand_in_has_the_versions_of_the_image() -> None:
    lock = images.stand_in(XGBOOST).requirements[0].read_text()
    for pin in ("xgboost-cpu==3.2.0", "scikit-learn==1.8.0", "pandas==2.2.3", "numpy==2.1.0"):
        assert f"{pin} " in lock


def shipped() -> list[images.StandIn]:
    table = tomllib.loads(images.SHIPPED.read_text())
    return [
        images.stand_in(f"683313688378.dkr.ecr.us-east-1.amazonaws.com/{repository}:{tag}")
        for repository, tags in table.items()
        for tag in tags
    ]


@pytest.mark.parametrize("image", shipped(), ids=lambda image: f"{image.repository}:{image.tag}")
def test_what_an_image_names_is_there_and_its_lists_have_what_its_container_has_by_name(image: images.StandIn) -> None:
    files = [Path(word) for word in (*image.entrypoint, *image.train) if word.endswith(".py")]
    assert all(path.is_file() for path in (*image.requirements, *files))
    locked = "\n".join(path.read_text() for path in image.requirements)
    for package in image.container.keys() - {"python"}:
        assert re.search(rf"^{package}(-cpu)?==", locked, flags=re.MULTILINE), package


def test_images_that_are_stood_in_for_by_the_same_share_an_environment() -> None:
    of = {f"{image.repository}:{image.tag}": image.folder_name for image in shipped()}
    old, older = (f"sagemaker-scikit-learn:{version}-cpu-py3" for version in ("1.0-1", "0.23-1"))
    assert of[old] == of[older]
    assert len({of[old], of["sagemaker-xgboost:1.0-1-cpu-py3"], of["sagemaker-xgboost:3.2-0"]}) == 3


def test_where_an_environment_has_other_versions_than_the_container_that_is_said(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    for package in ("xgboost_cpu-3.2.0", "scikit_learn-1.1.3", "pandas-1.5.3"):
        (tmp_path / f"lib/python3.11/site-packages/{package}.dist-info").mkdir(parents=True)
    versions = {"xgboost": "3.2.0", "scikit-learn": "0.23.2", "pandas": "1.5.3", "numpy": "1.19.2"}
    image = images.StandIn("sagemaker-x", "1", (), container=versions)
    assert image.differences(python) == (
        "local simulation: sagemaker-x:1 is stood in for as far as this machine allows, by scikit-learn 1.1.3 "
        "(0.23.2), numpy is missing (1.19.2); in brackets what the container has"
    )
    assert images.StandIn("sagemaker-x", "1", (), container={"xgboost": "3.2.0"}).differences(python) is None


def test_an_image_of_ones_own_gets_its_environment_once_even_from_two_callers_at_once(home: Path) -> None:
    (home / "plain.txt").write_text("")
    (home / "images.toml").write_text('["team/plain"."1"]\nrequirements = "plain.txt"\nimports = ["json"]\n')
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(images.environment_for, [OWN, OWN])
    assert first == second
    assert first.is_relative_to(home / "images")
    printed = subprocess.run([first, "-c", "import sys; print(sys.prefix)"], check=True, capture_output=True, text=True)
    assert printed.stdout.strip() == str(first.parents[1])
    assert [path.name for path in first.parents[2].iterdir() if path.is_dir()] == [first.parents[1].name]


def test_an_environment_that_cannot_be_made_leaves_nothing_behind_and_says_where_its_output_is(home: Path) -> None:
    (home / "plain.txt").write_text("six==1.17.0 --hash=sha256:" + "0" * 64)
    (home / "images.toml").write_text('["team/plain"."1"]\nrequirements = "plain.txt"\n')
    with pytest.raises(AwsError, match="install its packages failed") as error:
        images.environment_for(OWN)
    assert error.value.code == "InternalFailure"
    assert [path for path in (home / "images").iterdir() if path.is_dir()] == []
    log = Path(error.value.message.rsplit(" ", 1)[-1])
    assert "six" in log.read_text()


def test_another_list_is_another_environment(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("six==1.17.0")
    (tmp_path / "b.txt").write_text("six==1.16.0")
    a, b = (images.StandIn("plain", "1", (tmp_path / name,)) for name in ("a.txt", "b.txt"))
    assert a.folder_name != b.folder_name
