"""The Python of an image's stand-in, as bare as one can be: uvicorn is all that a model server needs."""

import subprocess
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

LOCK = Path(__file__).parents[1] / "endpoints" / "plain-python.txt"


@pytest.fixture(scope="session")
def plain_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain") / "venv"
    python, uv = folder / "bin" / "python", find_uv_bin()
    subprocess.run([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, folder], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", LOCK]
    subprocess.run(install, check=True)
    return python
