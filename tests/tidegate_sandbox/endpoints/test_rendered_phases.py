"""What render makes of a stage, deployed by CloudFormation: a release, a test, its end, the next release."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from workshop import BUCKET, IMAGE, ROLE, Workshop

from tests.tidegate.stage.valid_stages import ENDPOINT, repo_of
from tidegate.registry import Live, describe, read_live
from tidegate.render import Lookup, render_updates
from tidegate.stage import Repo

STAGE: dict[str, Any] = {
    "instances": {"type": "ml.m5.large", "count": 2},
    "capture": {"sampling": "100%"},
    "environment": {"VERSION": "no"},
    "release": {
        "strategy": "canary",
        "canary_size": "50%",
        "wait_interval": "1m",
        "maximum_execution_timeout": "30m",
        "rollback_on": [{"metric": "Invocation5XXErrors", "above": "50%"}],
    },
}


SCALED = {
    "autoscaling": {"min": 2, "max": 4, "invocations_per_instance": 700},
    "release": STAGE["release"] | {"canary_size": 1},
}


class Project:
    """One stage of a project whose registry and endpoint are in the sandbox.

    `shared` goes to what all stages share, `group` and `stack` are names that are not the workshop's, `role` is the
    ARN of the role that the stack acts with.
    """

    def __init__(self, workshop: Workshop, **options: Any) -> None:
        self.workshop = workshop
        self.group = options.pop("group", workshop.name)
        self.stack = options.pop("stack", workshop.name)
        self._acting = {"RoleARN": options.pop("role")} if "role" in options else {}
        shared = {"execution_role": ROLE, "bucket": BUCKET, **options.pop("shared", {})}
        self.bucket = shared["bucket"]
        project = {"name": "rides", "id": workshop.name, "account": "111122223333", "region": "eu-west-1"}
        own = {"project": project, "model_package_group": self.group, **shared}
        self.repo: Repo = repo_of({"prod": STAGE | options}, ENDPOINT | own)
        self.endpoint = self.repo.endpoint_name(self.repo.stages[0])
        workshop.sagemaker.create_model_package_group(ModelPackageGroupName=self.group)

    def approve(self) -> None:
        self.workshop.sagemaker.create_model_package(
            ModelPackageGroupName=self.group,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{self.bucket}/model.tar.gz"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )

    def updates(self) -> Any:
        (stage,) = self.repo.stages
        (situation,) = Lookup(self.repo, lambda *_: self.workshop.sagemaker).situations([stage])
        return render_updates(self.repo, stage, situation)

    def deploy(self, files: Mapping[str, str]) -> None:
        cloudformation = self.workshop.cloudformation
        (template,) = (text for name, text in files.items() if name.endswith(".template.yaml"))
        (config,) = (json.loads(text) for name, text in files.items() if name.endswith(".config.json"))
        asked = {
            "StackName": self.stack,
            **self._acting,
            "TemplateBody": template,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in config["Parameters"].items()
            ],
            "Tags": [{"Key": key, "Value": value} for key, value in config["Tags"].items()],
        }
        known = [stack["StackName"] for stack in cloudformation.list_stacks()["StackSummaries"]]
        (cloudformation.update_stack if self.stack in known else cloudformation.create_stack)(**asked)

        def settled() -> Any:
            (found,) = cloudformation.describe_stacks(StackName=self.stack)["Stacks"]
            return not found["StackStatus"].endswith("IN_PROGRESS") and found["StackStatus"]

        assert self.workshop.eventually(settled, 90) in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, self.reason()

    def reason(self) -> str:
        events = self.workshop.cloudformation.describe_stack_events(StackName=self.stack)["StackEvents"]
        return "; ".join(f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}" for each in events)

    @property
    def instances(self) -> int:
        described = self.workshop.sagemaker.describe_endpoint(EndpointName=self.endpoint)
        return int(described["ProductionVariants"][0]["CurrentInstanceCount"])

    def scale_to(self, instances: int) -> None:
        """Let the variant that the stack made a scalable target have as many instances, as its policy would."""
        autoscaling = self.workshop.sandbox.client("application-autoscaling")
        resource = f"endpoint/{self.endpoint}/variant/AllTraffic"
        (policy,) = autoscaling.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=resource)[
            "ScalingPolicies"
        ]
        assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 700
        wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": instances}]
        self.workshop.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=self.endpoint, DesiredWeightsAndCapacities=wanted
        )
        self.workshop.eventually(lambda: self.instances == instances, 10)

    @property
    def live(self) -> Live:
        live = read_live(self.workshop.sagemaker, self.endpoint)
        assert live is not None
        return live

    def versions(self) -> dict[str, int | None]:
        return {each.name: each.version for each in self.live.variants}


@pytest.fixture
def tidied(endpoint_sandbox: Any, eventually: Callable[..., Any]) -> Iterator[Workshop]:
    workshop = Workshop(endpoint_sandbox, f"p-{uuid.uuid4().hex[:8]}", eventually)
    yield workshop
    for found in workshop.sagemaker.list_endpoints(NameContains=workshop.name)["Endpoints"]:
        workshop.sagemaker.delete_endpoint(EndpointName=found["EndpointName"])


@pytest.mark.parametrize(
    ("trial", "variant", "options"),
    [
        ({"shadow": {"sampling": "50%", "duration": "1h"}}, "Shadow", {}),
        ({"ab": {"challenger_weight": "50%", "duration": "1h"}}, "Challenger", SCALED),
    ],
)
def test_a_version_is_released_the_next_one_tested_and_then_released(
    tidied: Workshop, trial: dict[str, Any], variant: str, options: dict[str, Any]
) -> None:
    project = Project(tidied, test=trial, **options)
    project.approve()
    first = project.updates()
    project.deploy(first.release.files)
    if options:
        project.scale_to(3)
    assert project.versions() == {"AllTraffic": 1}
    assert project.live.release_id == first.release.record.release_id

    project.approve()
    due = project.updates()
    assert due.test is not None
    assert due.live is not None
    models = {each.model_name for each in project.live.variants}

    project.deploy(due.test.files)
    assert project.versions() == {"AllTraffic": 1, variant: 2}
    assert {each.model_name for each in project.live.variants} > models
    again = project.updates()
    assert (again.approval, again.test is not None) == ("none", True)

    project.deploy(due.live.files)
    assert project.versions() == {"AllTraffic": 1}
    assert project.live.release_id == first.release.record.release_id

    project.deploy(due.release.files)
    assert project.versions() == {"AllTraffic": 2}
    assert project.updates().approval == "none"
    (body,) = (
        tidied.cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
        for name in [each["DashboardName"] for each in tidied.cloudwatch.list_dashboards()["DashboardEntries"]]
        if name == project.endpoint
    )
    assert "A release of version 2" in body
    assert project.instances == (3 if options else 2)
    assert describe(tidied.sagemaker, project.live.variants[0].model_package_arn).version == 2
