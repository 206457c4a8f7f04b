"""No room's tests are passed over in silence."""

from fnmatch import fnmatch
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def test_no_folder_of_tests_has_a_name_that_pytest_does_not_look_into(pytestconfig: pytest.Config) -> None:
    folders = {parent for file in TESTS.rglob("test_*.py") for parent in file.relative_to(TESTS).parents}

    passed_over = [
        folder
        for folder in folders
        for pattern in pytestconfig.getini("norecursedirs")
        if folder.name and fnmatch(folder.name, pattern)
    ]

    assert passed_over == []
