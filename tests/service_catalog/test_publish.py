"""Publishing, against an account: a bucket and a stack, made once, then left alone."""

import json
from typing import Any

import boto3
import pytest

from service_catalog.publishing import publish as publishing
from service_catalog.publishing import unpublish as unpublishing
from service_catalog.publishing.account import Account, PublishError
from service_catalog.publishing.admin_bucket import AdminBucket
from service_catalog.publishing.admin_stack import AdminStack
from service_catalog.publishing.plan import Request
from service_catalog.publishing.published import Published


@pytest.fixture
def bucket(account: Account) -> AdminBucket:
    return AdminBucket(account)


@pytest.fixture
def stack(account: Account, request: pytest.FixtureRequest) -> AdminStack:
    """A stack of the test's own."""
    return AdminStack(account, "stack-" + request.node.name.replace("_", "-")[:100].rstrip("-"))


def queue(**properties: Any) -> dict[str, str]:
    """A template that is quick to deploy."""
    template: dict[str, Any] = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": properties}},
        "Outputs": {"ProductId": {"Value": {"Ref": "Queue"}}},
    }
    return {"TemplateBody": json.dumps(template)}


def test_given_no_bucket_then_a_private_encrypted_versioned_tls_only_one_is_made(
    account: Account, bucket: AdminBucket
) -> None:
    bucket.ensure()
    bucket.ensure()
    s3, name = account.client("s3"), {"Bucket": bucket.name}
    assert bucket.name == "tidegate-111111111111-eu-west-1"
    assert s3.get_bucket_versioning(**name)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(**name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    blocked = s3.get_public_access_block(**name)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    (deny,) = json.loads(s3.get_bucket_policy(**name)["Policy"])["Statement"]
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_given_an_object_is_there_then_it_is_not_uploaded_again(bucket: AdminBucket) -> None:
    bucket.ensure()
    assert bucket.put("products/once.json", b"{}", "application/json")
    assert not bucket.put("products/once.json", b"{}", "application/json")


def test_then_an_objects_address_is_where_boto3_points(account: Account, bucket: AdminBucket) -> None:
    endpoint = account.client("s3").meta.endpoint_url
    assert bucket.url("products/a.json") == f"{endpoint}/tidegate-111111111111-eu-west-1/products/a.json"


def test_given_aws_itself_then_an_objects_address_is_the_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    account = Account(boto3.Session("id", "secret"), "111111111111", "eu-west-1")
    assert AdminBucket(account).url("products/a.json") == (
        "https://s3.eu-west-1.amazonaws.com/tidegate-111111111111-eu-west-1/products/a.json"
    )


def test_given_the_bucket_belongs_to_somebody_else_then_it_is_said(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.stub import Stubber

    s3 = account.client("s3")
    stranger = AdminBucket(Account(account.session, "222222222222", account.region))
    monkeypatch.setattr(stranger, "_s3", s3)
    with Stubber(s3) as stubbed:
        stubbed.add_client_error("head_bucket", "403", http_status_code=403)
        with pytest.raises(PublishError, match="belongs to another account"):
            stranger.ensure()


def test_given_the_same_template_twice_then_the_second_changes_nothing(stack: AdminStack) -> None:
    assert stack.apply(queue(DelaySeconds=1)) == "created"
    assert stack.apply(queue(DelaySeconds=1)) == "unchanged"
    assert stack.apply(queue(DelaySeconds=2)) == "updated"
    assert "ProductId" in stack.outputs()
    stack.delete()
    assert stack.status() is None


def test_given_a_template_that_is_longer_than_a_request_takes_then_cloudformation_reads_it_from_the_bucket(
    bucket: AdminBucket, stack: AdminStack
) -> None:
    bucket.ensure()
    short = queue()["TemplateBody"]
    assert bucket.hand_over(short) == {"TemplateBody": short}
    long = json.dumps({**json.loads(short), "Metadata": {"Versions": ["0.1.0"] * 6_000}})
    given = bucket.hand_over(long)
    assert set(given) == {"TemplateURL"}
    assert bucket.hand_over(long) == given
    assert stack.apply(given) == "created"
    assert stack.template() == json.loads(long)
    stack.delete()


def test_given_a_resource_fails_then_its_own_reason_is_said_and_the_next_publish_starts_afresh(
    stack: AdminStack,
) -> None:
    stream = {"Type": "AWS::Logs::LogStream", "Properties": {"LogGroupName": "no-such-group"}}
    broken = {"TemplateBody": json.dumps({"Resources": {"Stream": stream}})}
    with pytest.raises(PublishError, match=r"Stream \(AWS::Logs::LogStream\)"):
        stack.apply(broken)
    assert stack.apply(queue()) == "created"
    stack.delete()


def test_then_what_is_published_is_read_from_the_stack_itself(portfolio: dict[str, Any], published: Any) -> None:
    found = Published(portfolio)
    assert found.principals == (published.principal,)
    assert found.routes == ("service-catalog", "s3")
    assert [each["Name"] for each in found.products["connection"]] == [published.version]
    assert Published().routes == ()


@pytest.mark.parametrize("arn", ["role/x", "arn:aws:iam::1:role/x", "arn:aws:sts::111111111111:assumed-role/a/b"])
def test_given_a_principal_that_is_no_arn_then_it_is_said_before_anything_happens(
    arn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        publishing.main(["--principal", arn])
    assert stopped.value.code == 2
    assert "is not the ARN of a role" in capsys.readouterr().err


@pytest.mark.parametrize("command", [publishing.main, unpublishing.main])
def test_given_no_region_then_it_says_so_in_a_sentence(
    command: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    assert command([]) == 1
    assert capsys.readouterr().err == ("No region is set: set AWS_DEFAULT_REGION, or a region in the AWS profile.\n")


def test_given_a_dry_run_then_it_says_all_that_would_be_made_and_nothing_is(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = Account(account.session, account.id, "eu-central-1")
    publishing.publish(elsewhere, Request(), dry_run=True)
    said = capsys.readouterr().out
    assert said.startswith("Dry run: nothing is changed.")
    bucket = AdminBucket(elsewhere)
    assert f"+ bucket {bucket.name}" in said
    for wanted in ("seeds/", "templates/tidegate-codecommit-", "templates/tidegate-connection-"):
        assert f"+ s3://{bucket.name}/{wanted}" in said
    assert "+ CodecommitProduct (AWS::ServiceCatalog::CloudFormationProduct)" in said
    assert not bucket.exists()
    assert AdminStack(elsewhere).status() is None


def test_given_a_domain_without_the_route_that_it_is_for_then_it_says_so(account: Account) -> None:
    elsewhere = Account(account.session, account.id, "eu-central-1")
    with pytest.raises(PublishError, match="add --route s3"):
        publishing.publish(elsewhere, Request(domains=("d-1",)), dry_run=True)
