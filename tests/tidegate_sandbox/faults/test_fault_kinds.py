"""Faults as they are asked for: what is read, what is refused, and in which words."""

import json
import re
import string
from itertools import product
from typing import Any, get_args

import pytest
import typer
from botocore.retries.standard import ThrottledRetryableChecker
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate_sandbox.faults import kinds
from tidegate_sandbox.faults.cli import app
from tidegate_sandbox.faults.subjects import Call, Delivery, Permission, Provision
from tidegate_sandbox.faults.throttling import Throttling

ACCOUNT = "111122223333"
EVERY: list[dict[str, Any]] = [
    {"kind": "errors", "endpoint": "rides-prod", "share": "5%", "for": "10m", "status": 503},
    {"kind": "latency", "endpoint": "rides-*", "add": "300ms", "variant": "AllTraffic", "after": "1m"},
    {"kind": "crash", "endpoint": "rides-prod", "config": "c"},
    {"kind": "wrong", "endpoint": "rides-prod", "where": "1 >= 17 and weather == rain", "answer": "*1.5"},
    {"kind": "throttling", "call": "sagemaker:Describe*", "times": 3},
    {"kind": "denied", "action": "sagemaker:UpdateEndpoint", "role": "sagemaker-p-1-deploy"},
    {"kind": "capacity", "instance_type": "ml.g5.*", "account": ACCOUNT},
    {"kind": "lost-events", "source": "aws.sagemaker", "detail_type": "SageMaker Model Package State Change"},
    {"kind": "doubled-events", "rule": "approval"},
    {"kind": "after-rollback", "outcome": "succeed"},
]


def test_every_kind_is_tried_here() -> None:
    union, _ = get_args(kinds.AnyFault)

    assert {asked["kind"] for asked in EVERY} == {each.model_fields["kind"].default for each in get_args(union)}


@pytest.mark.parametrize("asked", EVERY, ids=lambda asked: str(asked["kind"]))
def test_a_fault_is_told_as_it_was_asked_for_and_in_a_sentence(asked: dict[str, Any]) -> None:
    fault = kinds.read(asked)

    told = json.loads(fault.model_dump_json(by_alias=True, exclude_defaults=True)) | {"kind": asked["kind"]}
    assert told == asked
    assert kinds.read(told) == fault
    assert fault.sentence[0].islower() or fault.sentence[0].isdigit()
    assert not fault.sentence.endswith(".")


WHOM: dict[str, list[dict[str, str | bool]]] = {
    "requests": [
        {"endpoint": endpoint, **variant, **config, **fleet}
        for endpoint in ("rides-prod", "rides-*", "*")
        for variant in ({}, {"variant": "AllTraffic"}, {"variant": "Shadow?"})
        for config in ({}, {"config": "rides-2"})
        for fleet in ({}, {"new_fleet": True})
    ],
    "events": [
        {**source, **kind, **rule}
        for source in ({}, {"source": "aws.sagemaker"})
        for kind in ({}, {"detail_type": "SageMaker Model Package State Change"})
        for rule in ({}, {"rule": "approval"}, {"rule": "sagemaker-*"})
    ],
}
SAID: dict[str, list[dict[str, Any]]] = {
    "errors": [{**whom, **status} for whom in WHOM["requests"] for status in ({}, {"status": 404})],
    "latency": [{**whom, "add": add} for whom in WHOM["requests"] for add in ("300ms", "1s")],
    "crash": WHOM["requests"],
    "wrong": [
        {**whom, "where": where, "answer": answer}
        for whom in WHOM["requests"]
        for where in ("1 >= 17", "hr<3 and 2 == rain")
        for answer in ("=0", "+50", "-50", "*1.5", "flip")
    ],
    "throttling": [{"call": call} for call in ("s3", "*", "sagemaker:Describe*", "sagemaker:DescribeEndpoint")],
    "denied": [
        {"action": "sagemaker:UpdateEndpoint", **role} for role in ({}, {"role": "p-deploy"}, {"role": "*-deploy"})
    ],
    "capacity": [
        {"instance_type": kind, **name}
        for kind in ("ml.m5.large", "ml.g5.*", "*")
        for name in ({}, {"name": "rides-prod"}, {"name": "rides-*"})
    ],
    "lost-events": WHOM["events"],
    "doubled-events": WHOM["events"],
    "after-rollback": [
        {"outcome": outcome, **whom}
        for outcome in ("fail", "succeed")
        for whom in ({}, {"endpoint": "rides-prod"}, {"endpoint": "rides-*"})
    ],
}
"""By kind, whom it befalls and how."""


@pytest.mark.parametrize("kind", SAID)
def test_a_sentence_says_whom_a_fault_befalls_and_how_in_english(kind: str) -> None:
    said: dict[str, dict[str, Any]] = {}
    for asked, share, account in product(SAID[kind], ({}, {"share": "5%"}), ({}, {"account": ACCOUNT})):
        given = {**asked, **share, **account}
        sentence = kinds.read({"kind": kind, **given}).sentence
        print(sentence)

        # One sentence for each, without gaps, and number agrees in it.
        assert said.setdefault(sentence, given) == given
        assert re.fullmatch(r"\S+( \S+)*", sentence)
        if sentence.startswith("every "):
            assert re.search(r"^every (request|call|event) .*\b(is|takes)\b", sentence)
        if sentence.startswith("5%"):
            assert re.search(r"^5% of the (request|call|event)s .*\b(are|take)\b", sentence)

        # What is asked for is named, and what is not is not.
        for member, value in given.items():
            parts = (
                value.split(" and ") if member == "where" else [value.strip("+-*=") if member == "answer" else value]
            )
            names = {True: "the new fleet", "*": "", "flip": "1 minus what is right", "hr<3": "hr < 3"}
            assert all(str(names.get(part, part)) in sentence for part in parts), (sentence, member)
        assert ("%" in sentence, "new fleet" in sentence) == ("share" in given, "new_fleet" in given)


def test_every_part_of_a_fault_is_an_option_that_says_what_it_is_for() -> None:
    commands = typer.main.get_group(app).commands
    union, _ = get_args(kinds.AnyFault)

    for fault in get_args(union):
        kind = fault.model_fields["kind"].default
        members = {field.alias or name for name, field in fault.model_fields.items()} - {"kind"}
        told = {re.sub("_$", "", str(each.name)): each for each in commands[kind].params}
        assert told.keys() == members | {"home", "as_json"}
        assert all(getattr(each, "help", None) for each in told.values())
        needed = {field.alias or name for name, field in fault.model_fields.items() if field.is_required()}
        assert {name for name, each in told.items() if each.required} == needed


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"kind": "flood"}, "kind: .*'flood'"),
        ({}, "kind: "),
        ({"kind": "errors"}, "endpoint: it is needed"),
        ({"kind": "errors", "endpoint": "e", "share": "0%"}, "share: 0% is nothing"),
        ({"kind": "errors", "endpoint": "e", "share": 5}, "share: 5 is not a percentage"),
        ({"kind": "errors", "endpoint": "e", "status": 200}, "status: 200 is too little; write 400 or more"),
        ({"kind": "errors", "endpoint": "e", "for": "0s"}, "for: 0s is out of range"),
        ({"kind": "errors", "endpoint": "e", "for": "999999d"}, "for: .*out of range"),
        ({"kind": "errors", "endpoint": "e", "after": "-1s"}, "after: `-1s` is not a duration"),
        ({"kind": "errors", "endpoint": "e", "times": 0}, "times: 0 is too little; write 1 or more"),
        ({"kind": "errors", "endpoint": "e\n", "times": 1}, "endpoint: .* is no name"),
        ({"kind": "errors", "endpoint": "e", "account": "1"}, "account: `1` is no account"),
        ({"kind": "errors", "endpoint": "e", "status_code": 500}, "status_code: this kind of fault has no such member"),
        ({"kind": "latency", "endpoint": "e", "add": "long"}, "add: `long` is not a latency"),
        ({"kind": "denied", "action": "UpdateEndpoint"}, "action: `UpdateEndpoint` is no action; write it as IAM"),
        ({"kind": "wrong", "endpoint": "e", "where": "1 is 2", "answer": "=0"}, "where: `1 is 2` is no slice"),
        ({"kind": "wrong", "endpoint": "e", "where": "1 > 2", "answer": "0"}, "answer: `0` changes no answer"),
        ({"kind": "capacity", "instance_type": "m5.large"}, "instance_type: `m5.large` is no instance type"),
        ({"kind": "after-rollback", "outcome": "explode"}, "outcome: `explode` is neither; write 'fail' or 'succeed'"),
    ],
)
def test_what_is_no_fault_is_refused_with_a_sentence(asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(kinds.FaultError, match=sentence):
        kinds.read(asked)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable, max_size=20)
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.just("kind"), SCALARS)


@settings(max_examples=40)
@given(asked=st.sampled_from(EVERY), changed=st.data())
def test_whatever_is_asked_for_is_a_fault_or_a_sentence(asked: dict[str, Any], changed: st.DataObject) -> None:
    member = changed.draw(st.sampled_from([*asked, "share", "for", "times", "role", "nothing"]))
    value = changed.draw(JSON)
    try:
        said = kinds.read({**asked, member: value}).sentence
    except kinds.FaultError as error:
        said = str(error)

    assert said


@pytest.mark.parametrize("service", ["sagemaker", "iam", "ec2", "lambda", "s3", "sqs", "cloudwatch", "codepipeline"])
def test_clients_take_it_for_throttling_and_try_again(service: str) -> None:
    assert Throttling.error(service).code in ThrottledRetryableChecker()._throttled_error_codes


@pytest.mark.parametrize(
    ("call", "service", "operation", "fits"),
    [
        ("s3", "s3", "GetObject", True),
        ("s3:GetObject", "s3", "PutObject", False),
        ("sagemaker:Describe*", "sagemaker", "DescribeEndpoint", True),
        ("*:CreateModel", "sagemaker", "CreateModel", True),
        ("sagemaker", "sts", "AssumeRole", False),
    ],
)
def test_calls_are_throttled_by_service_and_operation(call: str, service: str, operation: str, fits: bool) -> None:
    assert kinds.read({"kind": "throttling", "call": call}).fits(Call(ACCOUNT, service, operation)) == fits


@pytest.mark.parametrize(
    ("role", "asking", "fits"),
    [
        (None, None, True),
        (None, "arn:aws:iam::111122223333:role/tidegate/deploy", True),
        ("deploy", "arn:aws:iam::111122223333:role/tidegate/deploy", True),
        ("*-deploy", "arn:aws:iam::111122223333:role/tidegate/sagemaker-p-1-deploy", True),
        ("arn:aws:iam::*:role/tidegate/deploy", "arn:aws:iam::111122223333:role/tidegate/deploy", True),
        ("deploy", "arn:aws:iam::111122223333:role/tidegate/look", False),
        ("deploy", None, False),
    ],
)
def test_an_action_is_denied_to_the_role_that_is_named_or_to_everybody(
    role: str | None, asking: str | None, fits: bool
) -> None:
    fault = kinds.read({"kind": "denied", "action": "sagemaker:Update*", "role": role})

    assert fault.fits(Permission(ACCOUNT, "sagemaker:UpdateEndpoint", asking)) == fits
    assert not fault.fits(Permission(ACCOUNT, "sagemaker:CreateModel", asking))


def test_capacity_and_events_are_chosen_by_name() -> None:
    capacity = kinds.read({"kind": "capacity", "instance_type": "ml.g5.*", "name": "rides-prod"})
    events = kinds.read({"kind": "lost-events", "source": "aws.sagemaker", "rule": "approval"})

    assert capacity.fits(Provision(ACCOUNT, "ml.g5.xlarge", "rides-prod"))
    assert not capacity.fits(Provision(ACCOUNT, "ml.m5.large", "rides-prod"))
    assert not capacity.fits(Provision(ACCOUNT, "ml.g5.xlarge", "rides-staging"))
    assert events.fits(Delivery(ACCOUNT, "aws.sagemaker", "SageMaker Endpoint State Change", "approval"))
    assert not events.fits(Delivery(ACCOUNT, "aws.codecommit", "x", "approval"))
    assert not events.fits(Delivery(ACCOUNT, "aws.sagemaker", "x", "rejection"))
