"""Each file in refused/ is a stage that is refused; its last lines, after `#! `, are what is said of it."""

from pathlib import Path

import pytest

REFUSED = sorted(Path(__file__).with_name("refused").glob("*.yml"))


@pytest.mark.parametrize("file", REFUSED, ids=lambda file: file.stem)
def test_it_is_refused_with_every_problem_at_its_place(repo, file: Path):
    text = file.read_text()
    repo.write("stages/prod.yml", text)

    expected = [line.removeprefix("#! ") for line in text.splitlines() if line.startswith("#! ")]

    assert repo.problems() == [f"stages/prod.yml:{problem}" for problem in expected]
    assert expected
