"""The bundle: same content, same bytes; everything the seed build needs, and nothing else."""

import io
import os
import zipfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service_catalog.publishing.bundle import (
    CHECKOUT,
    ENVIRONMENT,
    UPGRADE_FILES,
    BundleError,
    File,
    build_bundle,
    build_wheel,
    collect,
    digest,
    pack,
)

names = st.text("abcdefgh/._-", min_size=1, max_size=12)
files = st.dictionaries(names, st.builds(File, st.binary(max_size=64), st.booleans()), max_size=6)


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return build_bundle()


@given(files)
def test_given_the_same_files_in_any_order_then_the_bytes_are_the_same(content: dict[str, File]) -> None:
    assert pack(content) == pack(dict(reversed(content.items())))


@given(files)
def test_then_the_zip_holds_every_file_whole(content: dict[str, File]) -> None:
    with zipfile.ZipFile(io.BytesIO(pack(content))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: file.content for name, file in content.items()
        }


def test_given_the_checkout_is_bundled_again_later_then_the_key_is_the_same(bundle: bytes) -> None:
    assert digest(build_bundle()) == digest(bundle)


def test_then_the_bundle_is_what_the_buildspec_runs(bundle: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        found = set(archive.namelist())
        assert archive.testzip() is None
    assert {"buildspec.yml", "seed.py", "requirements.txt", "scripts/environment.py", "scripts/uv.txt"} <= found
    assert {"answer.py", "buildspec.goodbye.yml", "goodbye/__main__.py", "goodbye/requirements.txt"} <= found
    assert "goodbye/buildspec.goodbye.yml" not in found
    assert {"seed_code/build/cookiecutter.json", "seed_code/deploy/cookiecutter.json"} <= found
    assert len([name for name in found if name.startswith("vendor/tidegate-") and name.endswith(".whl")]) == 1
    assert not [name for name in found if "__pycache__" in name or name.endswith(".pyc")]


def test_then_every_build_has_the_same_python(bundle: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        specs = [yaml.safe_load(archive.read(name)) for name in archive.namelist() if "/buildspec" in f"/{name}"]
    assert len(specs) == 7
    assert {each["phases"]["install"]["runtime-versions"]["python"] for each in specs} == {"3.13"}


def test_then_the_wheel_in_it_is_the_engine(bundle: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".whl")]
        with zipfile.ZipFile(io.BytesIO(archive.read(name))) as wheel:
            assert "tidegate/clock.py" in wheel.namelist()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one file in each seed, and a wheel."""
    for name in (
        "service_catalog/seed/buildspec.yml",
        "service_catalog/seed/answer.py",
        "service_catalog/seed/seed.py",
        "service_catalog/seed/requirements.txt",
        "service_catalog/goodbye/__main__.py",
        "service_catalog/goodbye/buildspec.goodbye.yml",
        f"{ENVIRONMENT}/environment.py",
        f"{ENVIRONMENT}/uv.txt",
        "seed_code/build/cookiecutter.json",
        "seed_code/deploy/cookiecutter.json",
        "tidegate.whl",
        *UPGRADE_FILES,
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_given_files_are_older_or_newer_then_the_bytes_are_the_same(checkout: Path) -> None:
    before = pack(collect(checkout, checkout / "tidegate.whl"))
    for path in checkout.rglob("*"):
        os.utime(path, (1, 1))
    assert pack(collect(checkout, checkout / "tidegate.whl")) == before


def test_given_what_tools_leave_behind_then_it_is_not_bundled(checkout: Path) -> None:
    before = collect(checkout, checkout / "tidegate.whl")
    for name in (".venv/bin/python", "__pycache__/a.pyc", ".pytest_cache/x", "steps/old.pyc"):
        path = checkout / "seed_code" / "build" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("left behind")
    assert collect(checkout, checkout / "tidegate.whl") == before


def test_given_a_link_from_one_seed_to_a_file_of_the_other_then_it_is_that_file(checkout: Path) -> None:
    seeds = checkout / "seed_code"
    (seeds / "build" / "shared.py").write_text("shared = True\n")
    (seeds / "deploy" / "shared.py").symlink_to("../build/shared.py")

    files = collect(checkout, checkout / "tidegate.whl")

    assert files["seed_code/deploy/shared.py"] == files["seed_code/build/shared.py"]


def test_given_a_link_out_of_the_checkout_then_it_is_refused(checkout: Path) -> None:
    (checkout / "seed_code" / "build" / "secrets").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="symbolic link"):
        collect(checkout, checkout / "tidegate.whl")


@pytest.mark.parametrize("build", ["seed", "goodbye"])
def test_then_every_requirement_of_a_build_is_pinned_by_hash(build: str) -> None:
    lines = (CHECKOUT / "service_catalog" / build / "requirements.txt").read_text().splitlines()
    pinned = [line for line in lines if not line.startswith(" ")]
    assert pinned
    assert all("==" in line for line in pinned)
    assert not [line for line in lines if "://" in line or line.startswith("--index")]


def test_given_a_checkout_whose_wheel_cannot_be_built_then_a_sentence_says_why(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[build-system]\nrequires = []\n")
    with pytest.raises(BundleError, match=f"The engine's wheel could not be built from {tmp_path}: .+"):
        build_wheel(tmp_path, tmp_path / "out")
