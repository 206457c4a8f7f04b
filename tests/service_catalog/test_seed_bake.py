"""Baking: the same seed and answers give the same repository, and no answer is ever evaluated."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service_catalog.publishing.bundle import CHECKOUT, SEED_CODE
from service_catalog.seed import CONTEXT_KEYS, SeedError, bake
from service_catalog.seed.seed import LISTS

CONTEXT = {
    "project_name": "churn",
    "project_id": "p-abc123def456",
    "account": "111111111111",
    "region": "eu-west-1",
    "bucket": "sagemaker-p-abc123def456-111111111111-eu-west-1",
    "kms_key_arn": "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000",
    "model_package_group": "churn-p-abc123def456",
    "execution_role_arn": "arn:aws:iam::111111111111:role/tidegate/sagemaker-p-abc123def456-execution-eu-west-1",
    "image_repository": "111111111111.dkr.ecr.eu-west-1.amazonaws.com/tidegate/sagemaker-p-abc123def456-images",
    "deploy_pipeline": "sagemaker-p-abc123def456-modeldeploy",
    "tidegate_version": "0.1.0",
}


@pytest.fixture(scope="session")
def small_seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seed with every key, a hook that must not run, and a file that shows what was rendered."""
    seed = tmp_path_factory.mktemp("seed") / "build"
    repository = seed / "{{cookiecutter.project_name}}-modelbuild"
    (seed / "hooks").mkdir(parents=True)
    repository.mkdir()
    (seed / "cookiecutter.json").write_text(json.dumps(dict.fromkeys(CONTEXT_KEYS, "default")))
    (seed / "hooks" / "post_gen_project.py").write_text("open('hook-ran', 'w').close()\n")
    (repository / "answers").write_text("{{ cookiecutter.project_name }} {{ cookiecutter.bucket }}\n")
    return seed


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("part", ["build", "deploy"])
def test_given_the_same_answers_then_every_byte_is_the_same(part: str, tmp_path: Path) -> None:
    seed = CHECKOUT / SEED_CODE / part
    first = bake(seed, CONTEXT, tmp_path / "first")
    second = bake(seed, CONTEXT, tmp_path / "second")
    assert first.name == f"churn-model{part}"
    assert contents(first) == contents(second)
    assert contents(first)


@pytest.mark.parametrize(("production", "told"), [("222222222222", True), ("111111111111", False)])
def test_given_a_network_then_a_stage_elsewhere_is_told_whose_it_is(
    production: str, told: bool, tmp_path: Path
) -> None:
    network = {
        "subnets": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
        "security_groups": "sg-0123456789abcdef0",
    }
    context = {**CONTEXT, **network, "staging_account": "111111111111", "production_account": production}
    text = (bake(CHECKOUT / SEED_CODE / "deploy", context, tmp_path) / "endpoint.yml").read_text()
    assert yaml.safe_load(text)["network"] == {name: ids.split(",") for name, ids in network.items()}
    assert ("# They are of account 111111111111." in text) == told


def test_then_hooks_do_not_run_and_the_home_directory_is_untouched(
    small_seed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    repository = bake(small_seed, CONTEXT, tmp_path / "out")
    assert contents(repository) == {"answers": b"churn sagemaker-p-abc123def456-111111111111-eu-west-1\n"}
    assert list(home.iterdir()) == []


def test_given_no_answers_then_the_seeds_own_defaults_hold(small_seed: Path, tmp_path: Path) -> None:
    assert contents(bake(small_seed, {}, tmp_path)) == {"answers": b"default default\n"}


def test_given_a_wheel_then_the_repository_has_it_in_vendor(small_seed: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "tidegate-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    repository = bake(small_seed, CONTEXT, tmp_path / "out", wheel=wheel)
    assert (repository / "vendor" / wheel.name).read_bytes() == b"wheel"


@pytest.mark.parametrize("key", CONTEXT_KEYS)
@pytest.mark.parametrize("value", ["{{ 7*7 }}", "{% raw %}", "a}b", "{#", "", " ", "a\nb", "../../etc", "$(id)"])
def test_given_a_hostile_answer_then_nothing_is_rendered(
    small_seed: Path, tmp_path: Path, key: str, value: str
) -> None:
    if not value and key in LISTS:
        pytest.skip("a list may be of nothing")
    with pytest.raises(SeedError, match=key):
        bake(small_seed, {**CONTEXT, key: value}, tmp_path)
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=8), st.sampled_from("{}\n\x00 ;$`'\"\\"), st.text(max_size=8))
def test_given_anything_that_a_template_or_shell_could_read_then_it_is_refused(
    before: str, sign: str, after: str
) -> None:
    seed = CHECKOUT / SEED_CODE / "build"
    with pytest.raises(SeedError, match="bucket"):
        bake(seed, {**CONTEXT, "bucket": before + sign + after}, Path("never-made"))


def test_given_a_name_that_is_a_path_then_it_is_refused(small_seed: Path, tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="letters, digits and hyphens"):
        bake(small_seed, {**CONTEXT, "project_name": "a/../../b"}, tmp_path)


def test_given_an_answer_nobody_asked_for_then_it_is_refused(small_seed: Path, tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="no seed knows: strategy"):
        bake(small_seed, {"strategy": "canary"}, tmp_path)


def test_given_the_repository_is_there_then_it_says_so(small_seed: Path, tmp_path: Path) -> None:
    bake(small_seed, CONTEXT, tmp_path)
    with pytest.raises(SeedError, match="already exists"):
        bake(small_seed, CONTEXT, tmp_path)
