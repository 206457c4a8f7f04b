"""A project's own policies suffice for all that a stage file can ask for: scaling, captured data, monitors.

IAM is enforced, and the roles have the policies and the boundary of the reviewed templates.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_monitoring import FEATURES, run_now
from test_rendered_phases import SCALED, Project
from workshop import Workshop, model_data, prepare

from tests.journey.roles import asked_for, deployed
from tests.service_catalog.resolved import LAUNCHES, PSEUDO, resolved
from tidegate_sandbox import journal
from tidegate_sandbox.checks import Unplaced

SNAPSHOTS = Path(__file__).parents[2] / "service_catalog" / "snapshots"
MAKES = {
    "application-autoscaling:DeleteScalingPolicy",
    "application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:PutScalingPolicy",
    "application-autoscaling:RegisterScalableTarget",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "sagemaker:CreateDataQualityJobDefinition",
    "sagemaker:CreateModelQualityJobDefinition",
    "sagemaker:CreateMonitoringSchedule",
    "sagemaker:DeleteMonitoringSchedule",
}
RUNS = {
    "cloudwatch:DescribeAlarms",
    "cloudwatch:PutMetricData",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "logs:PutLogEvents",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
}
"""What scaling, captured data and monitors take of the two roles, among others."""

Resources = Mapping[str, Mapping[str, Any]]


def template(name: str, sandbox: Any, key: str, **parameters: str) -> Resources:
    """Return what a reviewed template comes to in the account and region of a sandbox, with an encryption key."""
    read = yaml.load((SNAPSHOTS / f"{name}.yaml").read_text(), yaml.CSafeLoader)
    here = {**PSEUDO, "AWS::AccountId": sandbox.account, "AWS::Region": sandbox.region, "Key.Arn": key}
    found: Resources = resolved(read, parameters, here)["Resources"]
    return found


@pytest.fixture(scope="module")
def enforcing(another_sandbox: Callable[..., Any]) -> Iterator[Any]:
    with another_sandbox(speed=60, iam="enforce") as running:
        prepare(running)
        yield running


def make_roles(sandbox: Any, product: Resources, portfolio: Resources) -> dict[str, str]:
    """Make the roles of stages with their boundary, as a launch does; return their ARNs by purpose."""
    iam, made = sandbox.client("iam"), {}
    boundary = portfolio["Boundary"]["Properties"]
    iam.create_policy(
        PolicyName=boundary["ManagedPolicyName"],
        Path=boundary["Path"],
        PolicyDocument=json.dumps(boundary["PolicyDocument"]),
    )
    for purpose in ("cloudformation", "execution"):
        asked = product[f"{purpose.title()}Role"]["Properties"]
        trust = json.dumps(asked["AssumeRolePolicyDocument"])
        given = {name: asked[name] for name in ("RoleName", "Path", "PermissionsBoundary")}
        made[purpose] = iam.create_role(AssumeRolePolicyDocument=trust, **given)["Role"]["Arn"]
        for each in asked["Policies"]:
            iam.put_role_policy(
                RoleName=asked["RoleName"],
                PolicyName=each["PolicyName"],
                PolicyDocument=json.dumps(each["PolicyDocument"]),
            )
    return made


def test_a_stage_that_scales_captures_and_monitors_keeps_within_its_roles_policies(
    enforcing: Any, eventually: Callable[..., Any]
) -> None:
    name, s3 = f"p-{uuid.uuid4().hex[:12]}", enforcing.client("s3")
    key = enforcing.client("kms").create_key()["KeyMetadata"]["Arn"]
    launch = {**LAUNCHES["own, no network"], "SageMakerProjectName": "rides", "SageMakerProjectId": name}
    roles = make_roles(
        enforcing,
        template("product-codecommit", enforcing, key, **launch),
        template("portfolio", enforcing, key),
    )
    bucket = f"sagemaker-{name}-{enforcing.account}-{enforcing.region}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": enforcing.region})
    encryption = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [encryption]})
    s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=model_data())
    for baseline in ("constraints", "statistics"):
        body = json.dumps({"features": FEATURES if baseline == "constraints" else []})
        s3.put_object(Bucket=bucket, Key=f"baseline/{baseline}.json", Body=body)

    quality = {"baseline": f"s3://{bucket}/baseline"}
    truth = {"ground_truth": f"s3://{bucket}/truth", "problem_type": "Regression", "inference_attribute": "0"}
    workshop = Workshop(enforcing, name, eventually)
    project = Project(
        workshop,
        **SCALED,
        shared={"execution_role": roles["execution"], "bucket": bucket, "kms_key": key},
        group=f"rides-{name}",
        stack=f"sagemaker-{name}-prod",
        role=roles["cloudformation"],
        environment={"VERSION": "2"},
        monitoring={
            "data_quality": {"schedule": "hourly", **quality},
            "model_quality": {"schedule": "daily", **quality, **truth},
        },
    )

    # Made, with all that the stage file asks for.
    project.approve()
    project.deploy(project.updates().release.files)
    autoscaling = enforcing.client("application-autoscaling")

    def alarms() -> list[str]:
        (policy,) = autoscaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
        return [each["AlarmName"] for each in policy["Alarms"]]

    assert len(alarms()) == 2
    assert len(workshop.sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"]) == 2

    # A monitor reads what the endpoint has captured, and writes reports and metrics, as the execution role.
    asked = {"EndpointName": project.endpoint, "Body": b"4,clear", "ContentType": "text/csv", "Accept": "text/csv"}
    assert workshop.runtime.invoke_endpoint(**asked)["Body"].read() == b"2:4,clear"
    eventually(lambda: s3.list_objects_v2(Bucket=bucket, Prefix="data-capture/").get("Contents"), 60)
    execution = run_now(project, "DataQuality", f"rides-{name}-now")
    assert execution["MonitoringExecutionStatus"].startswith("Completed"), execution.get("FailureReason")

    # Changed.
    project.approve()
    project.deploy(project.updates().release.files)

    # Deleted, and what scaled it with it.
    workshop.cloudformation.delete_stack(StackName=project.stack)
    eventually(lambda: not workshop.sagemaker.list_endpoints(NameContains=name)["Endpoints"], 60)

    # Nothing of it was more than their policies allow; and without any permission that was used, something stops.
    lines = [json.loads(line) for line in journal.path(enforcing.home).read_text().splitlines()]
    acting = deployed(lambda _: enforcing.client("iam"), lines)
    used: dict[str, dict[str, list[tuple[str, Unplaced]]]] = defaultdict(lambda: defaultdict(list))
    for arn, region, check in asked_for(lines):
        assert acting[arn].may(check, region), (arn, check)
        used[arn][check[0]].append((region, check))
    for arn, actions in used.items():
        for action in actions.keys() & acting[arn].actions[acting[arn].purpose]:
            assert not any(acting[arn].without(action).may(check, region) for region, check in actions[action])
    assert used[roles["cloudformation"]].keys() >= MAKES
    # What takes the place of another is created as that was.
    assert len(used[roles["cloudformation"]]["sagemaker:CreateEndpointConfig"]) == 2
    assert used[roles["execution"]].keys() >= RUNS
