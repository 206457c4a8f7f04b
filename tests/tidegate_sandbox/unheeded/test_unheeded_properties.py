"""What ministack would pass over of a stack's resource is told in its event, or fails the resource by name."""

import json
import logging
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.tidegate_sandbox.unheeded import property_derivation
from tidegate_sandbox import hooks
from tidegate_sandbox.cloudformation import properties as schemas
from tidegate_sandbox.hooks import templates
from tidegate_sandbox.ministack_version import check_version
from tidegate_sandbox.unheeded import decisions, properties

TABLE = Path(properties.__file__).parent / "properties.json"
PROVISIONERS = """
import ministack.services.sns as _sns
NAMES = ("Tagged",)
def _make(logical_id, props, stack):
    return _named(props, logical_id)
def _named(given, name):
    return [given.get(each) for each in NAMES], given["Read"], "Asked" in given
def _whole(logical_id, props, stack):
    return _sns.make(props)
_RESOURCE_HANDLERS = {"A": {"create": _make}, "B": {"create": _whole, "update": lambda i, old, new: new.get("Late")}}
"""


# ---------------------------------------------------------------- the table
def test_what_is_kept_is_what_the_source_of_ministack_says() -> None:
    check_version()
    said = "write it anew, and look at each: python -m tests.tidegate_sandbox.unheeded.property_derivation"
    assert TABLE.read_text("utf-8") == property_derivation.properties(), said


def test_a_property_is_looked_at_where_a_function_of_its_type_names_it() -> None:
    module = property_derivation.Module(property_derivation.ast.parse(PROVISIONERS))
    handlers = dict(module.handlers())
    given: Mapping[str, Any] = {
        "definitions": {"Inner": {"properties": {"Deep": {}, "TopicArn": {}, "Read": {}}}},
        "properties": {
            **{name: {} for name in ("Asked", "Late", "Tagged", "TopicArn", "Unheard")},
            "Read": {"items": {"$ref": "Inner"}},
        },
    }
    assert property_derivation.passed_over(module, handlers["A"], given) == [
        "Late", "TopicArn", "Unheard", "Read[].Deep", "Read[].TopicArn",
    ]  # fmt: skip
    # The properties as a whole go to SNS, which knows of a TopicArn, in whatever it is, and of a read.
    assert "TopicArn" not in property_derivation.passed_over(module, handlers["B"], given)
    assert "Unheard" in property_derivation.passed_over(module, handlers["B"], given)


def test_every_property_that_fails_a_resource_is_one_that_is_passed_over() -> None:
    derived = json.loads(TABLE.read_text("utf-8"))
    known = {(kind, path.replace("[]", "")) for kind, paths in derived.items() for path in paths}
    for kind, path, _ in decisions.FAILING:
        assert any(fnmatchcase(of, kind) and fnmatchcase(name, path) for of, name in known), (kind, path)
    assert set(decisions.FAILING_TYPES) <= set(schemas.schemas())


# ---------------------------------------------------------------- what is decided of a resource
def test_what_has_no_effect_is_told_and_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(properties, "_said", set())
    given = {"BucketName": "b", "AccessControl": "Private", "LifecycleConfiguration": {"Rules": [{}]}, "Tags": []}
    told = "Without effect in the local simulation: AccessControl, LifecycleConfiguration."
    with caplog.at_level(logging.WARNING, properties.__name__):
        assert [properties.of_resource("AWS::S3::Bucket", given) for _ in range(2)] == [told, told]
    assert [record.getMessage() for record in caplog.records] == [
        f"{name} of AWS::S3::Bucket has no effect in the local simulation"
        for name in ("AccessControl", "LifecycleConfiguration")
    ]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("AWS::S3::Bucket", {"BucketName": "b", "VersioningConfiguration": {"Status": "Enabled"}}),
        ("AWS::SageMaker::Endpoint", {"EndpointConfigName": "c"}),
        ("Custom::Anything", {"Whatever": 1}),
    ],
)
def test_of_what_is_heeded_nothing_is_told(kind: str, given: dict[str, Any]) -> None:
    assert properties.of_resource(kind, given) == ""


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (
            "AWS::Events::Rule",
            {"Targets": [{"Id": "a"}, {"Id": "b", "EcsParameters": {"TaskCount": 1}}]},
            r"Targets\[\]\.EcsParameters of AWS::Events::Rule is not in the local simulation: the target would be",
        ),
        (
            "AWS::S3::Bucket",
            {"ObjectLockEnabled": True},
            "ObjectLockEnabled of AWS::S3::Bucket is not in the local simulation: nothing would be kept from",
        ),
        ("AWS::Logs::MetricFilter", {}, "AWS::Logs::MetricFilter is not in the local simulation: no metric is made"),
    ],
)
def test_what_would_seem_to_be_what_it_is_not_fails_the_resource(kind: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        properties.of_resource(kind, given)


# ---------------------------------------------------------------- in a stack
def template(days: int) -> str:
    rules = [{"Status": "Enabled", "ExpirationInDays": days}]
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"LifecycleConfiguration": {"Rules": rules}}}
    return json.dumps({"Resources": {"Bucket": bucket, "Topic": {"Type": "AWS::SNS::Topic"}}})


def reasons(cloudformation: Any, status: str) -> dict[str, str]:
    events = cloudformation.describe_stack_events(StackName="unheeded")["StackEvents"]
    return {
        event["LogicalResourceId"]: event.get("ResourceStatusReason", "")
        for event in events
        if event["ResourceStatus"] == status
    }


def test_stacks_of_one_name_in_two_accounts_are_each_told_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, events = "AWS::S3::Bucket", dict[str, str]()
    monkeypatch.setattr(templates, "_stock_provision", lambda *_given: ("made", {}))
    monkeypatch.setattr(templates, "_stock_event", lambda _id, *told: events.update({_id: told[4]}))
    given = {"111111111111": {"AccessControl": "Private"}, "222222222222": {}}
    for account, of_account in given.items():
        with hooks.acting_in(account, "eu-west-1"):
            templates._provision(kind, "Bucket", of_account, "twin")
    for account in given:
        with hooks.acting_in(account, "eu-west-1"):
            templates._event(account, "twin", "Bucket", kind, "CREATE_COMPLETE")
    assert events == {"111111111111": "Without effect in the local simulation: AccessControl.", "222222222222": ""}


def test_a_stacks_events_say_what_has_no_effect(sandbox: Any) -> None:
    cloudformation = sandbox.client("cloudformation")
    told = "Without effect in the local simulation: LifecycleConfiguration."
    cloudformation.create_stack(StackName="unheeded", TemplateBody=template(days=1))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="unheeded", WaiterConfig={"Delay": 1})
    assert reasons(cloudformation, "CREATE_COMPLETE") == {"Bucket": told, "Topic": "", "unheeded": ""}
    cloudformation.update_stack(StackName="unheeded", TemplateBody=template(days=2))
    cloudformation.get_waiter("stack_update_complete").wait(StackName="unheeded", WaiterConfig={"Delay": 1})
    assert reasons(cloudformation, "UPDATE_COMPLETE")["Bucket"] == told
    cloudformation.delete_stack(StackName="unheeded")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="unheeded", WaiterConfig={"Delay": 1})
