"""No room's tests are passed over in silence."""

from collections import Counter
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


def test_no_two_files_of_tests_have_one_name() -> None:
    names = Counter(file.name for file in TESTS.rglob("test_*.py"))

    assert [name for name, count in names.items() if count > 1] == [], "pytest reads only the first of them"
