from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipelines.settings import ROOT, Project, Settings, load_project, load_settings


@pytest.fixture(scope="session")
def raw() -> pd.DataFrame:
    return pd.read_csv(ROOT / "data" / "bikeshare.csv")


@pytest.fixture(scope="session")
def project() -> Project:
    return load_project()


@pytest.fixture(scope="session")
def settings() -> Settings:
    return load_settings()


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Write a pipeline.yml and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / "pipeline.yml"
        path.write_text(text)
        return path

    return write
