import json
import math
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.stage import limits
from tidegate.stage.document import MappingValue, merge, plain
from tidegate.stage.reading import Parser, parse_document


def problems(content: str | bytes) -> list[str]:
    content = content.encode() if isinstance(content, str) else content
    return [str(problem) for problem in parse_document("f.yml", content).problems]


def read(text: str):
    document = parse_document("f.yml", text.encode())
    assert not document.problems
    return plain(document.root)


def test_values_are_those_of_yaml_1_2():
    assert read("a: yes\nb: 010\nc: 0o10\nd: 1:30\ne: 2026-11-22\nf: True\ng: ~\nh: '1'\ni: 1e3\nj:\n") == {
        "a": "yes",
        "b": 10,
        "c": 8,
        "d": "1:30",
        "e": "2026-11-22",
        "f": True,
        "g": None,
        "h": "1",
        "i": 1000.0,
        "j": None,
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, text) for text in ("no", "on", "y", "1_000", "1:30", "0b1", "0o8", "0x", "1e", ".", "+1.e", "1.2.3")),
        *((text, None) for text in ("null", "Null", "NULL", "~", "")),
        *((text, True) for text in ("true", "True", "TRUE")),
        *((text, False) for text in ("false", "False", "FALSE")),
        ("nULL", "nULL"),
        ("+12", 12),
        ("-0", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.", 1.0),
        ("-.5e-1", -0.05),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("9" * 20, int("9" * 20)),
    ],
)
def test_a_plain_scalar_means_what_the_core_schema_says(text, value):
    assert read(f"a: {text}") == {"a": value}
    assert type(read(f"a: {text}")["a"]) is type(value)
    assert read(f"a: '{text}'") == {"a": text}


def test_not_a_number_is_one():
    assert math.isnan(read("a: .nan")["a"])


def test_every_value_knows_where_it_stands():
    root = parse_document("f.yml", b"a:\n  - b: 1\n    c: x\n").root
    item = root.entries["a"].value.items[0]

    assert root.entries["a"].position == ("f.yml", 1, 1)
    assert item.position == ("f.yml", 2, 5)
    assert item.entries["c"].position == ("f.yml", 3, 5)
    assert item.entries["c"].value.position == ("f.yml", 3, 8)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null\n", "\ufeff"])
def test_a_file_that_says_nothing_is_an_empty_mapping(text):
    assert read(text) == {}


@pytest.mark.parametrize(
    ("content", "place", "what"),
    [
        (b"a: 1\n\tb: 2\n", "2:1", "indented with a tab"),
        (b"a: 1\nb: x\0\n", "2:5", "control character U+0000"),
        (b"a: \x1b[31m\n", "1:4", "control character U+001B"),
        (b"a: 1\nb: caf\xe9\n", "2:7", "not UTF-8"),
        ("a: 1".encode("utf-16"), "1:1", "not UTF-8"),
        (b'a: "\\u0007"\n', "1:4", "control character U+0007"),
        (b"a: |\n  1\n  2\n", "1:4", "more than one line"),
        (b"a: " + b"9" * 5000, "1:4", "too many digits"),
        (b"a: 0x" + b"f" * 5000, "1:4", "too many digits"),
        (b"%YAML 1.1\n---\na: 1\n", "1:1", "directives"),
        (b"1: a\n", "1:1", "1 is not a key"),
        (b"? [a]\n: b\n", "1:3", "a list is not a key"),
        (b"a: !!str 1\n", "1:4", "tags are not used"),
        (b"a: b: c\n", "1:5", "this is not YAML"),
        (b"just text\n", "1:1", "the file holds `just text`"),
    ],
)
def test_what_is_refused_is_refused_where_it_stands(content, place, what):
    (problem,) = problems(content)

    assert problem.startswith(f"f.yml:{place}: ")
    assert what in problem


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)),
        "[" * 60_000,
        "{" * 60_000,
        "- " * 30_000,
        "? " * 30_000,
        "a: 1\n" * 12_000,
        "[" + "a," * 30_000 + "]",
        '"' * 60_000,
        "a: '" + "\n" * 60_000,
        "x" * (limits.FILE_MAX_BYTES + 1),
        "a: 1\n" * 2_000_000,
    ],
    ids=[
        "alias bomb",
        "lists",
        "mappings",
        "items",
        "keys",
        "same key",
        "long list",
        "quotes",
        "lines",
        "large",
        "huge",
    ],
)
def test_what_was_made_to_take_long_is_refused_soon(text):
    began = time.process_time()

    assert problems(text)
    assert time.process_time() - began < 5


TEXT = st.characters(categories=["L", "N", "P", "S", "Zs"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(TEXT, max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), values, max_size=4)


def written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


@given(mappings)
def test_whatever_json_can_write_is_read_back(value):
    assert read(written(value)) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_places(content):
    document = parse_document("f.yml", content)

    assert document.problems or isinstance(document.root, MappingValue)
    assert all(problem.position.line >= 1 and problem.position.column >= 1 for problem in document.problems)


@given(st.text(":-[]{},&*!|>'\"%@`# \nab", max_size=80))
def test_any_text_is_read_or_refused(text):
    document = parse_document("f.yml", text.encode())

    assert document.problems or isinstance(document.root, MappingValue)


LINES = st.lists(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "", "  ", "    ", "- ", "? "]),
        st.sampled_from(["a: ", "é: ", "b:", "- ", "{a: 1, 日: [x, ", "]}", "'", '"', "# ", "|", ">-", "&x ", "*x"]),
        st.sampled_from(["1", "no", "x y", "a: b", "😀", "", "[1, 2]", "{a: b}", "'it''s'", '"\\u00e9"', "# c", ": "]),
    ),
    max_size=6,
)


@settings(max_examples=300)
@given(LINES)
def test_where_there_is_no_libyaml_the_same_is_read(lines):
    content = "\n".join(lines).encode()

    fast, slow = (parse_document("f.yml", content, parser) for parser in (Parser, yaml.SafeLoader))

    # They differ on what hardly anybody writes, such as a comment right behind `|`: one of them refuses it then.
    assert fast.problems or slow.problems or plain(fast.root) == plain(slow.root)


@given(mappings)
def test_where_there_is_no_libyaml_all_of_json_is_read_with_the_same_places(value):
    fast, slow = (parse_document("f.yml", written(value).encode(), parser) for parser in (Parser, yaml.SafeLoader))

    assert not fast.problems
    assert fast == slow


@given(mappings, mappings)
def test_merging_is_laying_over(base, over):
    def laid(under, top):
        if isinstance(under, dict) and isinstance(top, dict):
            both = {key: laid(under[key], top[key]) for key in under.keys() & top.keys()}
            return {**under, **top, **both}
        return top

    documents = [parse_document(name, written(value).encode()).root for name, value in (("a", base), ("b", over))]

    assert plain(merge(*documents)) == laid(base, over)
