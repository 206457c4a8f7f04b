"""docs/templates.md names every part, every value and every question of the pipeline, and no others."""

import re
from pathlib import Path

from tests.tidegate.render.cases import CASES, package
from tidegate.render import Situation, render_updates
from tidegate.render.environment import environment, shipped_names

DOCUMENT = (Path(__file__).parents[3] / "docs" / "templates.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> list[str]:
    """Return what stands between backquotes in the first column of the table below a heading."""
    rows = DOCUMENT.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines()
    return [name for row in rows if row.startswith("| `") for name in re.findall("`([^`]+)`", row.split("|")[1])]


def test_every_part_is_documented():
    assert sorted(first_cells("The parts")) == sorted(shipped_names())


def test_every_value_is_documented(monkeypatch):
    seen: set[str] = set()
    monkeypatch.setattr(
        "tidegate.render.environment.Templates.render",
        lambda self, name, values: seen.update(values) or environment(self.root).get_template(name).render(values),
    )
    CASES["kitchen-sink-shadow"].render()
    assert sorted(first_cells("What a template prints")) == sorted(seen)


def test_every_question_of_the_pipeline_is_documented():
    repo = CASES["canary"].repo
    variables = render_updates(repo, repo.stages[0], Situation(None, package(7))).variables
    documented = re.findall(r"^\| `(STAGE_[A-Z_]+)`", DOCUMENT, re.MULTILINE)
    assert [name.replace("PROD_", "STAGE_", 1) for name in variables] == documented
