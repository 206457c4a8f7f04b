"""The build seed's tests: where it is, what it is baked with, how a baked repo is run."""

import importlib.util
import os
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).parents[3]
SEED = CHECKOUT / "seed_code" / "build"
CACHE = CHECKOUT / ".cache"

OTHER_ANSWERS = {
    "project_name": "Fraud-Scores-2",
    "project_id": "p-zyx987wvu654",
    "account": "999988887777",
    "region": "ap-southeast-2",
    "bucket": "sagemaker-p-zyx987wvu654-999988887777-ap-southeast-2",
    "kms_key_arn": "arn:aws:kms:ap-southeast-2:999988887777:key/mrk-1234abcd",
    "model_package_group": "Fraud-Scores-2-p-zyx987wvu654",
    "execution_role_arn": "arn:aws:iam::999988887777:role/tidegate/sagemaker-p-zyx987wvu654-execution-ap-southeast-2",
    "image_repository": (
        "999988887777.dkr.ecr.ap-southeast-2.amazonaws.com/tidegate/sagemaker-p-zyx987wvu654-images"
    ),
    "deploy_pipeline": "sagemaker-p-zyx987wvu654-modeldeploy",
    "staging_account": "888877776666",
    "production_account": "777766665555",
    "tidegate_version": "9.8.7",
    "seed_bucket": "tidegate-999988887777-ap-southeast-2",
    "seed_key": "seeds/fedcba9876543210fedcba9876543210.zip",
    "subnets": "subnet-0a1b2c3d,subnet-4e5f6a7b",
    "security_groups": "sg-0a1b2c3d",
}


def environment_script(repo: Path) -> ModuleType:
    """Load the repo's scripts/environment.py."""
    spec = importlib.util.spec_from_file_location("environment", repo / "scripts" / "environment.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def keep_environments(patch: pytest.MonkeyPatch) -> None:
    """Let environments be kept in the checkout's .cache, and packages where uv has them anyway."""
    patch.setenv("UV_CACHE_DIR", os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")))
    patch.setenv("XDG_CACHE_HOME", str(CACHE))


def run(python: Path, *arguments: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the environment's Python in a repo, with no AWS account, and bytecode kept where the environment is."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    home = {"HOME": str(CACHE), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [str(python), *arguments],
        cwd=cwd,
        env=inherited | home | variables,
        capture_output=True,
        text=True,
        check=False,
    )
