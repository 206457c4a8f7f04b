"""What a person sees of the journey: every step with its time, what AWS said to the letter, a table at the end."""

import io

import pytest
from rich.console import Console

from tidegate_sandbox.journey.narrator import Narrator


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def narrator(screen: io.StringIO) -> Narrator:
    return Narrator(Console(file=screen, width=120))


def test_a_step_is_told_with_its_number_and_its_time(narrator: Narrator, screen: io.StringIO) -> None:
    with narrator.step("Launch a project"):
        pass

    assert " 1  Launch a project" in screen.getvalue()
    assert "done in 0.0 s" in screen.getvalue()


def test_what_looks_like_markup_is_told_to_the_letter(narrator: Narrator, screen: io.StringIO) -> None:
    with narrator.step("Release"):
        narrator.note("1 datapoint [0.125 (22/11/26 23:14:00)] [/red] [bold]")
    narrator.say("[Container] [/dim] failed")

    assert "1 datapoint [0.125 (22/11/26 23:14:00)] [/red] [bold]" in screen.getvalue()
    assert "[Container] [/dim] failed" in screen.getvalue()


def test_a_note_is_told_once_a_step(narrator: Narrator, screen: io.StringIO) -> None:
    with narrator.step("Build"):
        narrator.note("Source: succeeded")
        narrator.note("Source: succeeded")

    assert screen.getvalue().count("Source: succeeded") == 1


def test_a_step_that_fails_says_so_and_lets_the_failure_through(narrator: Narrator, screen: io.StringIO) -> None:
    with pytest.raises(ValueError, match="no"), narrator.step("Build"):
        raise ValueError("no")

    assert "failed after" in screen.getvalue()


def test_the_table_has_every_step_and_what_to_look_at(narrator: Narrator, screen: io.StringIO) -> None:
    for title, look_at in (("Publish", "the portfolio"), ("Launch", "the project [x]")):
        with narrator.step(title) as step:
            step.look_at = look_at
    narrator.table()

    table = screen.getvalue().split("The journey")[1]
    assert "Publish" in table
    assert "the portfolio" in table
    assert "the project [x]" in table
    assert "in all" in table
