"""Every setting that is invalid is refused, by its rule and where it stands; every edge of what is valid passes.

`edges` holds each limit with values on both sides of it, `breakages` each rule that spans several fields with ways to
break it on any stage that hypothesis can think of.
"""

import copy
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.tidegate.stage.breakages import BREAKAGES, Breakage
from tests.tidegate.stage.edges import BASE, EDGES, SIMPLE, Edge
from tests.tidegate.stage.valid_stages import ENDPOINT, STRATEGIES, endpoint_files, repo_of, stage_files
from tests.tidegate.stage.written import Path, problems, write
from tidegate.stage import limits
from tidegate.stage.rules import ALL, live

ENDPOINT_TEXT = write(ENDPOINT).text
# Limits of the text itself, and of file names: they have tests of their own below and in test_load_repo.
OF_TEXT = {"FILE_MAX_BYTES", "VALUES_MAX", "NESTING_MAX", "NUMBER_MAX_LENGTH"}
OF_FILE_NAMES = {"STAGE_NAME", "STAGE_NAME_MAX", "ENDPOINT_NAME_MAX"}
# What no file can say: guardrails that were read back have a test of it.
OF_ANSWERS = {"ALARM_NAME_MAX"}
# Rules that are broken while files are read: see test_examples and below.
OF_READING = {"TG001", "TG002", "TG003", "TG004", "TG005", "TG007", "TG008"}


def changed(base: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """What a file holds with another value at a path."""
    content = copy.deepcopy(base)
    inner: Any = content
    for part in path[:-1]:
        inner = inner.setdefault(part, {}) if isinstance(inner, dict) else inner[part]
    inner[path[-1]] = value
    return content


def found(edge: Edge, value: Any) -> tuple[list[tuple[str, Any]], tuple[str, Any]]:
    """What is said of a value, and what there is to be said of it if it is beyond the limit."""
    written = write(changed(edge.base, edge.path, value))
    if edge.shared:
        said, file = problems(write(SIMPLE).text, written.text), "endpoint.yml"
    else:
        said, file = problems(written.text, ENDPOINT_TEXT), "stages/prod.yml"
    return said, (edge.rule, (file, *written.places.get(edge.place or edge.path, (0, 0))))


class TestLimits:
    @pytest.mark.parametrize(
        ("edge", "value"),
        [pytest.param(edge, value, id=f"{edge.limit}-{value!r:.30}") for edge in EDGES for value in edge.within],
    )
    def test_the_last_value_within_passes(self, edge, value):
        said, _ = found(edge, value)

        assert said == []

    @pytest.mark.parametrize(
        ("edge", "value"),
        [pytest.param(edge, value, id=f"{edge.limit}-{value!r:.30}") for edge in EDGES for value in edge.beyond],
    )
    def test_the_first_value_beyond_is_refused_by_its_rule_where_it_stands_and_by_nothing_else(self, edge, value):
        said, expected = found(edge, value)

        assert said == [expected]

    def test_no_limit_is_without_its_edges(self):
        written = {name for name in vars(limits) if name.isupper() and not name.startswith("DEFAULT_")}

        assert {edge.limit for edge in EDGES} | OF_TEXT | OF_FILE_NAMES | OF_ANSWERS == written

    @pytest.mark.parametrize(
        ("within", "beyond", "rule"),
        [
            pytest.param(
                "# " + "x" * (limits.FILE_MAX_BYTES - len(write(SIMPLE).text) - 3) + "\n", "#", "TG001", id="bytes"
            ),
            pytest.param(
                f"environment: {{{', '.join(f'A{n}: x' for n in range(90))}}}\n",
                f"tags: [{', '.join('a' for _ in range(limits.VALUES_MAX))}]\n",
                "TG001",
                id="values",
            ),
            pytest.param(
                "", f"tags: {'[' * (limits.NESTING_MAX + 1)}{']' * (limits.NESTING_MAX + 1)}\n", "TG001", id="nesting"
            ),
            pytest.param(
                "environment: {A: '1', B: '" + "1" * 21 + "'}\n",
                f"environment: {{A: {'1' * (limits.NUMBER_MAX_LENGTH + 1)}}}\n",
                "TG005",
                id="digits",
            ),
        ],
    )
    def test_limits_of_the_text(self, within, beyond, rule):
        text = write(SIMPLE).text

        assert problems(text + within, ENDPOINT_TEXT) == []
        assert [
            found for found, _ in problems(text + (within + beyond if rule == "TG001" else beyond), ENDPOINT_TEXT)
        ] == [rule]


class TestDefaults:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("release", "termination_wait"), "0s"),
            (("release", "maximum_execution_timeout"), "1h"),
            (("release", "rollback_on", 0, "period"), "1m"),
            (("release", "rollback_on", 0, "statistic"), "Average"),
            (("version",), "approved"),
            (("approval",), "manual"),
        ],
    )
    def test_what_is_left_out_is_the_same_as_what_is_written(self, path, value):
        base = changed(BASE, ("release", "maximum_execution_timeout"), "1h")
        if path[-1] == "maximum_execution_timeout":
            del base["release"]["maximum_execution_timeout"]

        assert repo_of({"prod": base}).stages == repo_of({"prod": changed(base, path, value)}).stages


class TestRules:
    def test_no_rule_is_without_a_way_to_break_it(self):
        broken = {breakage.rule for breakage in BREAKAGES} | {edge.rule for edge in EDGES}

        assert broken | OF_READING | {rule.id for rule in live.RULES} == set(ALL)

    @pytest.mark.parametrize(
        "breakage", BREAKAGES, ids=lambda each: f"{each.rule}-{each.change.__name__}-{each.on.get('strategy', 'any')}"
    )
    def test_a_broken_rule_is_named_at_its_place(self, breakage: Breakage):
        @settings(
            max_examples=6,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
        )
        @given(stage_files(**breakage.on), endpoint_files())
        def check(stage: dict[str, Any], endpoint: dict[str, Any]) -> None:
            stage, endpoint = copy.deepcopy(stage), copy.deepcopy(endpoint)
            path = breakage.change(stage, endpoint)
            written = write(stage)

            said = problems(written.text, write(endpoint).text)

            assert (breakage.rule, ("stages/prod.yml", *written.places[path])) in said

        check()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(stage_files(), st.data())
    def test_a_key_that_is_misspelt_is_named_wherever_it_stands(self, stage, data):
        keys = sorted((path for path in paths(stage) if path[0] not in {"tags", "environment"}), key=str)
        path = data.draw(st.sampled_from(keys))
        misspelt = str(path[-1]) + "z"
        broken = renamed(stage, path, misspelt)
        written = write(broken)

        said = problems(written.text, ENDPOINT_TEXT)

        assert ("TG007", ("stages/prod.yml", *written.places[(*path[:-1], misspelt, "[key]")])) in said

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(stage_files(), st.data())
    def test_a_value_of_no_kind_at_all_is_refused_wherever_it_stands_and_nothing_follows_from_it(self, stage, data):
        keys = sorted((path for path in paths(stage) if not isinstance(at(stage, path), list)), key=str)
        path = data.draw(st.sampled_from(keys))
        written = write(changed(stage, path, []))

        said = problems(written.text, ENDPOINT_TEXT)

        assert {place for _, place in said} == {("stages/prod.yml", *written.places[path])}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_required_is_missed(strategy):
    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(stage_files(strategy=strategy), st.sampled_from(["instances", "release"]))
    def check(stage: dict[str, Any], key: str) -> None:
        text = write({name: value for name, value in stage.items() if name != key}).text

        assert ("TG008", ("stages/prod.yml", 1, 1)) in problems(text, ENDPOINT_TEXT)

    check()


def test_the_same_key_twice_is_refused_at_the_second():
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(stage_files())
    def check(stage: dict[str, Any]) -> None:
        text = write(stage).text
        line = len(text.splitlines()) + 1

        assert problems(text + "instances: {}\n", ENDPOINT_TEXT) == [("TG004", ("stages/prod.yml", line, 1))]

    check()


def paths(content: Any, path: Path = ()) -> list[Path]:
    """The path of every key."""
    if isinstance(content, list):
        return [inner for index, item in enumerate(content) for inner in paths(item, (*path, index))]
    if not isinstance(content, dict):
        return []
    return [each for key, item in content.items() for each in ((*path, key), *paths(item, (*path, key)))]


def at(content: Any, path: Path) -> Any:
    """What stands at a path."""
    for part in path:
        content = content[part]
    return content


def renamed(content: dict[str, Any], path: Path, name: str) -> dict[str, Any]:
    """What a file holds with another name for a key."""
    copied = copy.deepcopy(content)
    inner = at(copied, path[:-1])
    inner[name] = inner.pop(path[-1])
    return copied


def test_every_rule_id_is_of_one_form():
    assert all(re.fullmatch(r"TG\d{3}", rule) for rule in ALL)
