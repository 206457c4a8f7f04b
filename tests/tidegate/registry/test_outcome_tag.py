"""What an endpoint config says of its release, and what had served before, within the room that a tag has."""

from datetime import UTC, datetime

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.outcome import Outcome
from tidegate.registry import OutcomeTag, Served, parse_outcome
from tidegate.registry.outcome_tag import TAG_VALUE_MAX

T0 = datetime(2026, 1, 1, 0, 16, 40, tzinfo=UTC)
EARLIER = datetime(2025, 12, 1, 12, tzinfo=UTC)

times = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
endings = st.from_regex(r"[a-z0-9][a-z0-9-]{0,4}[a-z0-9]", fullmatch=True)
served = st.builds(Served, st.integers(1, 999_999_999), times, endings)
tags = st.builds(OutcomeTag, st.sampled_from(Outcome), times, st.lists(served, max_size=20).map(tuple))


def test_a_first_release_has_nothing_before_it():
    assert str(OutcomeTag(Outcome.PROMOTED, T0)) == "PROMOTED 20260101T001640Z"


def test_what_served_is_handed_on():
    first = OutcomeTag(Outcome.PROMOTED, EARLIER)
    second = OutcomeTag(Outcome.GUARDRAILS_IGNORED, T0, first.followed_by("stack-EndpointConfig-F0E1D2", 1))
    assert str(second) == "GUARDRAILS_IGNORED 20260101T001640Z after 1@20251201T120000Z/f0e1d2"
    assert second.before[0].is_of("Stack-endpointconfig-f0e1d2")


@pytest.mark.parametrize(("word", "version"), [(Outcome.ROLLED_BACK, 1), (Outcome.PROMOTED, None)])
def test_what_did_not_serve_or_has_no_version_is_not_handed_on(word, version):
    assert OutcomeTag(word, EARLIER).followed_by("c", version) == ()


@pytest.mark.parametrize(
    "value", ["", "fine", "PROMOTED", "PROMOTED yesterday", "SHIPPED 20260101T001640Z", "PROMOTED 2026-01-01"]
)
def test_what_is_not_of_the_form_tells_nothing(value):
    assert parse_outcome(value) is None


def test_what_is_not_of_the_form_among_what_served_is_passed_over():
    tag = parse_outcome("PROMOTED 20260101T001640Z after x 1@20251201T120000Z/f0e1d2 2@y/z")
    assert tag is not None
    assert [each.version for each in tag.before] == [1]


@given(tags)
def test_a_tag_is_read_back_as_it_was_written_but_for_what_had_no_room(tag):
    read = parse_outcome(str(tag))
    assert read is not None
    assert (read.outcome, read.at) == (tag.outcome, tag.at)
    assert read.before == tag.before[: len(read.before)]
    if len(tag.before) <= 5:
        assert read.before == tag.before


def test_the_room_of_a_tag_is_botocores():
    shape = botocore.session.get_session().get_service_model("sagemaker").shape_for("TagValue")
    assert shape.metadata["max"] == TAG_VALUE_MAX


@given(tags)
def test_a_tag_is_one_that_sagemaker_takes(tag):
    value = str(tag)
    assert len(value) <= TAG_VALUE_MAX
    assert all(character.isalnum() or character in "_.:/=+-@ " for character in value)
