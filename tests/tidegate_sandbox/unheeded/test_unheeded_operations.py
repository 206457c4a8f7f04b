"""What ministack would pass over of a request is refused by name, or said where it changes nothing that matters."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.tidegate_sandbox.unheeded import derivation
from tidegate_sandbox.ministack_version import check_version
from tidegate_sandbox.unheeded import decisions, operations

TABLE = Path(operations.__file__).parent / "operations.json"


def refused(
    service: str,
    method: str = "POST",
    path: str = "/",
    *,
    headers: Mapping[str, str] = {},
    body: bytes = b"",
    params: Mapping[str, str] = {},
) -> str | None:
    """Return the sentence that such a request is refused with, None where it is served."""
    given = {name: [value] for name, value in params.items()}
    found = operations.refusal(service, operations.Request(method, path, headers, body, given))
    return found[1] if found else None


def target(operation: str) -> dict[str, str]:
    return {"x-amz-target": f"Prefix.{operation}"}


# ---------------------------------------------------------------- the table
@pytest.fixture(scope="module")
def derived() -> str:
    check_version()
    return derivation.operations()


def test_what_is_kept_is_what_the_source_of_ministack_says(derived: str) -> None:
    said = "write it anew, and look at each decision: python -m tests.tidegate_sandbox.unheeded.derivation"
    assert TABLE.read_text("utf-8") == derived, said


def test_a_word_is_one_of_the_code_and_not_of_what_is_said_about_it() -> None:
    code = 'def f(x, Given=1):\n    """Heeds Nothing."""\n    return x.get("Delay-Seconds"), f"a{x}<Name>"  # Comment\n'
    found = derivation.words(derivation.ast.parse(code))
    assert {"given", "delay-seconds", "delay", "name", "get"} <= found
    assert found.isdisjoint({"heeds", "nothing", "comment"})


def test_every_rule_decides_something() -> None:
    idle = set(decisions.RULES)
    for service, served in operations.json.loads(TABLE.read_text("utf-8")).items():
        for name, members in served["passed over"].items():
            for member in members:
                idle.discard(next((rule for rule in decisions.RULES if rule.fits(service, name, member)), None))
    assert [(rule.service, rule.operation, rule.member) for rule in idle] == []


# ---------------------------------------------------------------- what is decided of a request
@pytest.mark.parametrize(
    ("method", "path", "params", "operation"),
    [
        ("DELETE", "/bucket", {"metrics": "", "id": "a"}, "DeleteBucketMetricsConfiguration"),
        ("PUT", "/bucket", {"abac": ""}, "PutBucketAbac"),
        ("PUT", "/bucket/a/key", {"renameObject": ""}, "RenameObject"),
        ("GET", "/bucket/a/key", {"torrent": ""}, "GetObjectTorrent"),
        ("POST", "/bucket/a/key", {"select": "", "select-type": "2"}, "SelectObjectContent"),
    ],
)
def test_a_subresource_that_is_not_there_is_not_taken_for_the_bucket_or_object(
    method: str, path: str, params: dict[str, str], operation: str
) -> None:
    assert refused("s3", method, path, params=params) == f"s3:{operation} is not in the local simulation"


@pytest.mark.parametrize(
    ("method", "path", "params"),
    [
        ("GET", "/", {}),
        ("PUT", "/bucket", {}),
        ("GET", "/bucket", {"list-type": "2", "prefix": "acl"}),
        ("PUT", "/bucket", {"versioning": ""}),
        ("DELETE", "/bucket", {"policy": ""}),
        ("GET", "/bucket/a/key", {"versionId": "1"}),
        ("PUT", "/bucket/a/key", {"partNumber": "1", "uploadId": "2"}),
        ("POST", "/bucket", {"delete": ""}),
    ],
)
def test_what_is_there_is_served(method: str, path: str, params: dict[str, str]) -> None:
    assert refused("s3", method, path, params=params) is None


def test_an_operation_that_is_not_there_is_refused_by_name_on_every_wire() -> None:
    said = "kms:ReEncrypt is not in the local simulation"
    assert refused("kms", headers=target("ReEncrypt"), body=b"{}") == said
    assert refused("kms", path="/service/Kms/operation/ReEncrypt") == said
    assert refused("sts", params={"Action": "AssumeRoot"}) == "sts:AssumeRoot is not in the local simulation"


@pytest.mark.parametrize(
    ("service", "given", "member"),
    [
        ("ec2", {"params": {"Action": "CreateVpc", "DryRun": "true"}}, "DryRun"),
        (
            "ec2",
            {"params": {"Action": "RunInstances", "NetworkInterface.1.Ipv6Addresses.1.Ipv6Address": "::1"}},
            "NetworkInterfaces[].Ipv6Addresses",
        ),
        (
            "events",
            {"headers": target("PutTargets"), "body": b'{"Targets": [{}, {"EcsParameters": {"TaskCount": 1}}]}'},
            "Targets[].EcsParameters",
        ),
        ("monitoring", {"params": {"Action": "ListMetrics", "OwningAccount": "1"}}, "OwningAccount"),
        (
            "lambda",
            {"path": "/2015-03-31/event-source-mappings", "body": b'{"TumblingWindowInSeconds": 3}'},
            "TumblingWindowInSeconds",
        ),
        (
            "s3",
            {"method": "PUT", "path": "/bucket/key", "headers": {"x-amz-write-offset-bytes": "3"}},
            "WriteOffsetBytes",
        ),
        (
            "s3",
            {
                "method": "PUT",
                "path": "/bucket/key",
                "params": {"retention": ""},
                "body": b'<Retention xmlns="urn:x"><EventHold>true</EventHold></Retention>',
            },
            "Retention.EventHold",
        ),
        ("secretsmanager", {"headers": target("RotateSecret"), "body": b'{"RotateImmediately": false}'}, "RotateImm"),
    ],
)
def test_a_member_that_would_be_passed_over_is_refused_by_name(
    service: str, given: dict[str, Any], member: str
) -> None:
    assert f" with {member}" in (refused(service, **given) or "")


@pytest.mark.parametrize(
    ("service", "given"),
    [
        ("ec2", {"params": {"Action": "CreateVpc", "DryRun": "false"}}),
        ("ec2", {"params": {"Action": "CreateVpcEndpoint", "ClientToken": "once"}}),
        ("events", {"headers": target("PutTargets"), "body": b'{"Targets": [{"EcsParameters": null}]}'}),
        ("events", {"headers": target("PutTargets"), "body": b"none of JSON"}),
        ("iam", {"params": {"Action": "ListRoles", "MaxItems": "5"}}),
        ("kms", {"headers": target("NoSuchThing"), "body": b"{}"}),
        ("s3", {"method": "PUT", "path": "/bucket/key", "params": {"retention": ""}, "body": b"none of XML"}),
        ("glue", {"headers": target("CreateTable")}),
    ],
)
def test_what_asks_for_nothing_or_changes_nothing_is_served(service: str, given: dict[str, Any]) -> None:
    assert refused(service, **given) is None


def test_what_is_only_kept_is_said_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(operations, "_said", set())
    with caplog.at_level(logging.WARNING, operations.__name__):
        for _ in range(2):
            body = b'{"Targets": [{"RetryPolicy": {"MaximumRetryAttempts": 3}}]}'
            assert refused("events", headers=target("PutTargets"), body=body) is None
            assert refused("s3", "PUT", "/bucket", params={"lifecycle": ""}) is None
    assert [record.getMessage() for record in caplog.records] == [
        "events:PutTargets with Targets[].RetryPolicy has no effect in the local simulation: it is kept, and a "
        "delivery that failed is not tried again",
        "s3:PutBucketLifecycleConfiguration is kept and has no effect in the local simulation: nothing expires and "
        "nothing moves to another storage class",
    ]


# ---------------------------------------------------------------- over http
def test_a_client_is_told_what_is_not_heeded_and_nothing_is_done(sandbox: Any) -> None:
    ec2, s3 = sandbox.client("ec2"), sandbox.client("s3")
    before = ec2.describe_vpcs()["Vpcs"]
    with pytest.raises(ClientError, match=r"ec2:CreateVpc with DryRun is not in the local simulation") as dry:
        ec2.create_vpc(CidrBlock="10.77.0.0/16", DryRun=True)
    assert dry.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert dry.value.response["Error"]["Code"] == "NotImplemented"
    assert ec2.describe_vpcs()["Vpcs"] == before

    s3.create_bucket(Bucket="passed-over", CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    with pytest.raises(ClientError, match="s3:DeleteBucketMetricsConfiguration is not in the local simulation"):
        s3.delete_bucket_metrics_configuration(Bucket="passed-over", Id="all")
    with pytest.raises(ClientError, match="403"):
        s3.head_bucket(Bucket="passed-over", ExpectedBucketOwner="999988887777")
    s3.head_bucket(Bucket="passed-over", ExpectedBucketOwner=sandbox.account)

    rules = [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
    s3.put_bucket_lifecycle_configuration(Bucket="passed-over", LifecycleConfiguration={"Rules": rules})
    log = (sandbox.home / "log" / "sandbox.log").read_text("utf-8")
    assert "s3:PutBucketLifecycleConfiguration is kept and has no effect in the local simulation" in log
