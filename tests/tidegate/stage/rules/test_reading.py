"""Whatever is said of a file has an id that `tidegate explain` knows."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.tidegate.stage.edges import SIMPLE
from tests.tidegate.stage.valid_stages import ENDPOINT
from tests.tidegate.stage.written import problems, write
from tidegate.stage.rules import ALL

ENDPOINT_TEXT = write(ENDPOINT).text
SOUP = st.text(st.sampled_from("a1:-# \n'\"[]{}&*!|>%@,?\t\x00é\u2028"), max_size=60)


@given(st.one_of(st.binary(max_size=200), SOUP.map(str.encode)))
@example(b"a: 1\n--- \nb: 2")
@example(b"[" * 100)
@example(b"\xff")
def test_every_problem_of_any_text_has_an_id(text):
    assert {rule for rule, _ in problems(text, ENDPOINT_TEXT)} <= set(ALL)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"tags: {team: M\xfcnchen}\n", "TG001"),
        (b"tags: {team: a\x07b}\n", "TG001"),
        (b"tags: {team: [\n", "TG002"),
        (b"tags:\n\t{}\n", "TG002"),
        (b"tags: &a {}\n", "TG003"),
        (b"tags: *a\n", "TG003"),
        (b"tags: !!map {}\n", "TG003"),
        (b"---\ntags: {}\n", "TG003"),
        (b"tags: {a: b, a: c}\n", "TG004"),
        (b"tags: {1: b}\n", "TG004"),
        (b"environment: {A: 123456789012345678901}\n", "TG005"),
        (b'tags: {A: "a\\nb"}\n', "TG005"),
        (b'environment: {A: "a\\x85b"}\n', "TG005"),
        (b'environment: {"A\\nB": x}\n', "TG009"),
    ],
)
def test_what_yaml_has_beyond_values_is_named_by_kind(text, rule):
    assert rule in [found for found, _ in problems(write(SIMPLE).text.encode() + text, ENDPOINT_TEXT)]
