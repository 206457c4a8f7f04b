"""Each rule is what its example says: the one file passes, the other is refused by this rule at its place alone."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tidegate.stage import Problem, StageFileError, load_repo
from tidegate.stage.load import read_files
from tidegate.stage.rules import ALL, check_against_live
from tidegate.stage.rules.explain import EXAMPLES
from tidegate.stage.validation import locate

MARK = re.compile(rb"# (TG\d{3}) at column (\d+)")
LEDGER = Path(__file__).with_name("ids.txt")


class ExampleRepo:
    """A deploy repository of one kind of an example's files."""

    def __init__(self, root: Path, folder: Path, kind: str) -> None:
        self.root, self.folder = root, folder
        (root / "stages").mkdir()
        endpoints = (folder / f"{kind}.endpoint.yml", folder / "endpoint.yml", EXAMPLES / "endpoint.yml")
        shutil.copy(next(path for path in endpoints if path.exists()), root / "endpoint.yml")
        shutil.copy(folder / f"{kind}.yml", root / "stages/prod.yml")

    def marked(self) -> list[tuple[str, int, int, str]]:
        """File, line, column and rule of every place that a comment marks."""
        return [
            (file, number, int(column), rule.decode())
            for file in ("endpoint.yml", "stages/prod.yml")
            for number, line in enumerate((self.root / file).read_bytes().splitlines(), 1)
            for rule, column in MARK.findall(line)
        ]

    def found(self) -> list[tuple[str, int, int, str]]:
        """The same of every problem."""
        return [
            (Path(each.position.file).relative_to(self.root).as_posix(), *each.position[1:], each.rule)
            for each in self._problems()
        ]

    def _problems(self) -> Iterator[Problem]:
        try:
            repo = load_repo(self.root)
        except StageFileError as error:
            yield from error.problems
            return
        live = self.folder / "live.yml"
        if live.exists():
            (stage,) = repo.stages
            merged = read_files(self.root).merged("prod")
            variants = yaml.safe_load(live.read_text())["production"]
            for rule, path, wrong, right in check_against_live(
                stage.release, variant=repo.variant, live_variants=variants
            ):
                yield Problem(locate(merged, path), wrong, right, rule)


@pytest.fixture(params=sorted(ALL))
def folder(request) -> Path:
    (found,) = EXAMPLES.glob(f"{request.param}-*")
    return found


def test_what_is_right_has_no_problem(folder, tmp_path):
    assert ExampleRepo(tmp_path, folder, "valid").found() == []


def test_what_is_wrong_is_refused_by_this_rule_at_this_place_and_by_no_other(folder, tmp_path):
    repo = ExampleRepo(tmp_path, folder, "invalid")

    (marked,) = repo.marked()

    assert repo.found() == [marked]
    assert marked[-1] == folder.name[:5]


def test_the_two_differ_in_what_the_rule_is_about(folder):
    right, wrong = (folder / f"{kind}.yml" for kind in ("valid", "invalid"))

    assert right.read_bytes() != wrong.read_bytes() or (folder / "invalid.endpoint.yml").exists()


def test_no_example_is_of_no_rule():
    assert {path.name[:5] for path in EXAMPLES.iterdir() if path.is_dir()} == set(ALL)


def test_an_id_means_for_ever_what_it_meant_first():
    """A rule that goes keeps its line in ids.txt, with a word for it, so that nobody takes its id."""
    ledger = [line.split()[0] for line in LEDGER.read_text().splitlines()]

    assert len({line[:5] for line in ledger}) == len(ledger)
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} <= set(ledger)
