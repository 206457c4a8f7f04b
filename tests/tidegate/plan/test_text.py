"""The report in a terminal: no wider than it is, in characters that it can show, in colour only where asked."""

import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tidegate.plan.situations import BUSY, live, planned, repo, serving, variant
from tests.tidegate.plan.test_golden_plans import CASES
from tidegate.plan import OFFLINE, Ink, Plan, Situation, as_text, ink_for, words

WIDTHS = [60, 80, 120]


@pytest.fixture(scope="module", params=CASES)
def plan(request) -> Plan:
    return CASES[request.param]()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("blocks", [True, False])
def test_no_line_is_wider_than_the_terminal(plan, width, blocks):
    lines = as_text(plan, width, Ink(blocks=blocks)).splitlines()
    assert max(map(len, lines)) <= width


def test_in_ascii_everything_is_ascii(plan):
    assert as_text(plan, 80, Ink(blocks=False)).isascii()


def test_without_colour_there_is_no_escape(plan):
    assert "\x1b" not in as_text(plan, 80, Ink())


def test_colour_changes_nothing_but_the_colour(plan):
    coloured = as_text(plan, 80, Ink(colour=True))
    assert "\x1b[1m" in coloured
    assert re.sub(r"\x1b\[[0-9]*m", "", coloured) == as_text(plan, 80, Ink())


@pytest.mark.parametrize("width", WIDTHS)
def test_every_width_says_the_same(plan, width):
    """Sentences may break anywhere, and table cells apart, so it is the letters that are counted."""

    def prose(text: str) -> list[str]:
        return sorted(re.sub(r"[^A-Za-z]", "", text))

    assert prose(as_text(plan, width, Ink())) == prose(as_text(plan, 100, Ink()))


def test_a_share_that_is_not_known_exactly_is_drawn_as_both_bounds():
    made = repo(release={"strategy": "canary", "canary_size": "30%", "wait_interval": "10m"})
    line = next(
        line for line in as_text(planned(made), 100, Ink()).splitlines() if "25% to 50%" in line and "█" in line
    )
    full, maybe, empty = (line.count(character) for character in "█▒░")
    assert full == pytest.approx((full + maybe + empty) * 0.25, abs=1)
    assert full + maybe == pytest.approx((full + maybe + empty) * 0.5, abs=1)


def test_a_small_share_is_never_drawn_as_none_nor_a_large_one_as_all():
    made = repo(
        instances={"type": "ml.m5.large", "count": 100},
        release={"strategy": "canary", "canary_size": 1, "wait_interval": "10m"},
    )
    plan = planned(made, serving(made, live(variant(count=100))))
    line = next(line for line in as_text(plan, 60, Ink()).splitlines() if " 1% " in line and "░" in line)
    assert line.count("█") == 1


def test_versions_that_are_not_known_are_told_apart_in_a_test():
    shadow = {"shadow": {"sampling": "50%", "duration": "2h"}}
    text = as_text(planned(repo(test=shadow), OFFLINE, version=None, offline=True), 400, Ink())
    assert "Beside the version that serves, the version to release gets copies of 50% of the requests" in text


def test_what_is_no_printable_character_is_not_printed():
    hostile = Situation(live(), {"environment.A": "\x1b[2J\x07\r\u202e"})
    text = as_text(planned(situation=hostile), 100, Ink())
    assert not set("\x1b\x07\r\u202e") & set(text)


@pytest.mark.parametrize(("encoding", "blocks"), [("utf-8", True), ("ascii", False), ("latin-1", False), (None, False)])
def test_a_stream_is_given_what_it_can_show(encoding, blocks):
    assert ink_for(encoding, colour=False).blocks is blocks
    as_text(planned(repo(expect=BUSY)), 80, ink_for(encoding, colour=False)).encode(encoding or "ascii")


class TestWords:
    @pytest.mark.parametrize(
        ("fraction", "written"),
        [(0, "0%"), (0.25, "25%"), (1, "100%"), (1 / 3, "33.3%"), (0.00479, "0.479%"), (1e-7, "0.00001%")],
    )
    def test_shares_keep_three_digits(self, fraction, written):
        assert words.share(fraction) == written

    @pytest.mark.parametrize(
        ("seconds", "written"), [(0, "0s"), (90, "1m 30s"), (3600, "1h"), (3900, "1h 5m"), (90000, "1d 1h")]
    )
    def test_times_are_said_as_people_say_them(self, seconds, written):
        assert words.duration(seconds) == written

    @given(st.floats(0, 1))
    def test_a_share_reads_back_as_about_itself(self, fraction):
        assert float(words.share(fraction).rstrip("%")) / 100 == pytest.approx(fraction, rel=0.01, abs=1e-12)


def test_long_values_are_cut():
    hostile = Situation(live(), {"environment.A": "x" * 1000})
    text = textwrap.dedent(as_text(planned(situation=hostile), 100, Ink()))
    assert text.count("x") < 300
