"""The report as a page: well-formed, on its own, nothing taken for markup, and told to those who do not see it."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tidegate.plan.situations import CANARY, live, planned, repo, serving, variant
from tests.tidegate.plan.test_golden_plans import CASES
from tidegate.plan import Plan, Situation, Version, as_html
from tidegate.plan.chart import HEIGHT, WIDTH, chart_of

VOID = {"meta", "br", "hr", "link", "img", "input"}
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script>\"'&`{{ 7 * 7 }}</style><svg/onload=1>"


class Page(HTMLParser):
    """A page's elements with their attributes and its text; every element must be closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module", params=CASES)
def plan(request) -> Plan:
    return CASES[request.param]()


@pytest.fixture(scope="module")
def text(plan) -> str:
    return as_html(plan)


@pytest.fixture(scope="module")
def page(text) -> Page:
    return Page(text)


def drawing(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + len("</svg>")])


def test_it_takes_nothing_from_elsewhere_and_runs_nothing(text, page):
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & {
        tag for tag, _ in page.elements
    }
    attributes = {name for _, each in page.elements for name in each}
    assert not {"src", "href", "style", "srcset", "action"} & attributes
    assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"@import|https?://(?!www\.w3\.org/2000/svg)", text)
    assert set(re.findall(r"url\(([^)]*)\)", text)) == {"#hatch"}
    policy = next(each["content"] for each in page.named("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_it_is_marked_up_for_those_who_do_not_see_it(text, page):
    (html,) = page.named("html")
    assert html["lang"] == "en"
    assert len(page.named("h1")) == 1
    ids = [each["id"] for _, each in page.elements if each.get("id")]
    assert len(ids) == len(set(ids))
    for section in page.named("section"):
        assert section["aria-labelledby"] in ids
    for heading in page.named("th"):
        assert heading["scope"] in {"col", "row"}
    svg = drawing(text)
    assert svg.get("role") == "img"
    title, description = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert svg.get("aria-labelledby", "").split() == [title.get("id"), description.get("id")]
    assert "of the requests" in (description.text or "")


def test_it_serves_light_and_dark_and_paper(text):
    for media in ("prefers-color-scheme: dark", "print"):
        assert f"@media {'(' if ':' in media else ''}{media}" in text


def test_every_class_of_the_drawing_has_a_look(text):
    styles = set(re.findall(r"svg \.([a-z-]+) \{", text))
    used = {name for each in drawing(text).iter() for name in (each.get("class") or "").split()}
    assert used <= styles


def test_nothing_is_drawn_outside(plan):
    chart = chart_of(plan)
    for box in chart.boxes:
        assert 0 <= box.x <= box.x + box.width <= WIDTH + 0.01
        assert 0 <= box.y <= box.y + box.height <= HEIGHT
    for label in chart.labels:
        assert 0 <= label.x <= WIDTH
        assert 0 <= label.y <= HEIGHT


def test_the_fleets_always_have_all_of_the_requests(plan):
    chart = chart_of(plan)
    columns: dict[float, float] = {}
    for box in chart.boxes:
        if box.kind != "watch" and box.y + box.height <= 64 + 160 + 0.01:
            columns[box.x] = columns.get(box.x, 0) + box.height
    assert columns
    for height in columns.values():
        assert height == pytest.approx(160, abs=0.05)


def test_times_below_the_axis_do_not_touch():
    release: dict[str, Any] = {"strategy": "rolling", "maximum_batch_size": "5%", "wait_interval": "7m"}
    made = repo(instances={"type": "ml.m5.large", "count": 40}, release={**release, "maximum_execution_timeout": "8h"})
    chart = chart_of(planned(made, serving(made, live(variant(count=40)))))
    below = sorted((each.x, len(each.text)) for each in chart.labels if each.y > 340 and each.anchor == "middle")
    for (x, length), (following, its_length) in pairwise(below):
        assert x + length * 3.3 < following - its_length * 3.3


def hostile_plan(text: str) -> Plan:
    beside = live(variant(), variant(6, name=text))
    unwatched = repo(release={**CANARY, "rollback_on": []})
    return planned(unwatched, Situation(beside, {f"environment.{text}": text, "variant": text}))


def test_nothing_that_is_written_is_taken_for_markup():
    page = Page(as_html(hostile_plan(HOSTILE)))
    assert page.named("script") == []
    assert len(page.named("svg")) == 1
    assert "{{ 7 * 7 }}" in page.text
    assert "<script>alert(1)</script>" in page.text


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=100)
    # Two variants of one endpoint cannot have one name.
    .filter(lambda text: text != variant().name)
)
def test_whatever_is_written_leaves_the_page_as_it_is_made(text):
    page, plain = Page(as_html(hostile_plan(text))), Page(as_html(hostile_plan("plain")))
    without_code = [tag for tag, _ in page.elements if tag != "code"]
    assert without_code == [tag for tag, _ in plain.elements if tag != "code"]


def test_what_turns_the_direction_of_writing_is_left_out():
    assert not {"\u202e", "\x1b", "\x00"} & set(as_html(hostile_plan("a\u202eb\x1bc\x00d")))


def test_a_version_without_a_number_is_told_by_its_arn():
    before = Version(None, "arn:aws:sagemaker:eu-west-1:aws:model-package/own")
    assert str(before) == "arn:aws:sagemaker:eu-west-1:aws:model-package/own"
