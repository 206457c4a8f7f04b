"""A deploy repository to put files into."""

import shutil
from pathlib import Path

import pytest

from tidegate.stage import Repo, StageFileError, load_repo

ENDPOINT = Path(__file__).with_name("endpoint.yml")

GOOD_STAGE = """\
instances: {type: ml.m5.large, count: 4}
release:
  strategy: canary
  canary_size: 25%
  wait_interval: 10m
  rollback_on: [{metric: Invocation5XXErrors, above: 1%}]
"""


class DeployRepo:
    """A folder with a right endpoint.yml, and what a test writes into it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "stages").mkdir()
        shutil.copy(ENDPOINT, root / "endpoint.yml")

    def write(self, name: str, text: str | bytes) -> "DeployRepo":
        path = self.root / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self

    def default(self, text: str) -> "DeployRepo":
        return self.write("endpoint.yml", ENDPOINT.read_text() + text)

    def load(self) -> Repo:
        return load_repo(self.root)

    def problems(self) -> list[str]:
        """Every problem, with the files named from the root of the repository."""
        with pytest.raises(StageFileError) as caught:
            self.load()
        return [str(problem).replace(f"{self.root.as_posix()}/", "") for problem in caught.value.problems]


@pytest.fixture
def repo(tmp_path: Path) -> DeployRepo:
    return DeployRepo(tmp_path)


@pytest.fixture
def good_stage() -> str:
    return GOOD_STAGE
