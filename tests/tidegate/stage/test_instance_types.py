"""Which instance types are taken: those that are known, and those that may have come since."""

import pytest

from tidegate.stage.instance_types import HOSTING, PROCESSING, is_newer, nearest
from tidegate.stage.problems import InvalidValueError
from tidegate.stage.values import instance_type

parse = instance_type(HOSTING, "an instance type of SageMaker endpoints").func


@pytest.mark.parametrize("name", ["ml.m5.large", "ml.g5.48xlarge", "ml.p6-b200.48xlarge", "ml.inf2.xlarge"])
def test_a_known_type_is_taken(name):
    assert parse(name) == name


@pytest.mark.parametrize("name", ["ml.m8i.large", "ml.m9g.large", "ml.c8i-flex.xlarge", "ml.inf3.xlarge"])
def test_a_family_of_the_newest_generation_or_a_newer_one_is_taken(name):
    assert name not in HOSTING
    assert is_newer(name, HOSTING)
    assert parse(name) == name


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("m5.large", "ml.m5.large"),
        ("ml.m5.larg", "ml.m5.large"),
        ("ML.M5.LARGE", "ml.m5.large"),
        ("ml.m5.8xlarge", "ml.m5.xlarge"),
        ("ml.m55.large", "ml.m5.large"),
        ("ml.m5a.large", "ml.m5.large"),
    ],
)
def test_any_other_is_refused_with_the_nearest(written, right):
    with pytest.raises(InvalidValueError) as caught:
        parse(written)

    assert caught.value.right == f"write one such as {right}"


@pytest.mark.parametrize("written", [None, 5, True, [], "", "x" * 60_000, "ml.m9g.large\n", "ml.m9g.l'; drop"])
def test_what_is_no_instance_type_is_refused(written):
    with pytest.raises(InvalidValueError):
        parse(written)


def test_the_nearest_is_one_that_there_is():
    assert nearest("", PROCESSING) in PROCESSING
