"""A launched project in whose registry versions are decided on, and what its deploy pipeline makes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Decided:
    """A project with one version, whose rejection was told twice; the runs that this started have ended."""

    gallery: Any
    name: str
    id: str
    bucket: str
    version: str
    told_twice: list[dict[str, Any]]

    @property
    def pipeline(self) -> str:
        return f"sagemaker-{self.id}-modeldeploy"

    def register(self) -> str:
        """Register a version that nobody has decided on; return its ARN."""
        return register_version(self.gallery, f"{self.name}-{self.id}", self.bucket)

    def decide(self, version: str, status: str) -> None:
        client = self.gallery.sandbox.client("sagemaker")
        client.update_model_package(ModelPackageArn=version, ModelApprovalStatus=status)

    def runs(self, rule: str) -> list[dict[str, Any]]:
        """Return what a rule has started, the newest first."""
        found = self.gallery.sandbox.client("codepipeline").list_pipeline_executions(pipelineName=self.pipeline)
        runs = found["pipelineExecutionSummaries"]
        return [each for each in runs if each["trigger"]["triggerDetail"].endswith(f"-{rule}")]

    def ran(self, run: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return every action of a run by its name."""
        details = self.gallery.sandbox.client("codepipeline").list_action_executions(
            pipelineName=self.pipeline, filter={"pipelineExecutionId": run["pipelineExecutionId"]}
        )["actionExecutionDetails"]
        return {each["actionName"]: each for each in details}

    def tell_late(self, run: Callable[[], Any], eventually: Callable[..., Any]) -> Any:
        """Have the approval rule's target told of an approval that was long ago; wait for what `run` makes of it."""
        sent = self.gallery.sandbox.client("events").put_events(
            Entries=[{"Source": LATE, "DetailType": "any", "Detail": "{}"}]
        )
        assert sent["FailedEntryCount"] == 0
        return eventually(run, 300)


LATE = "of.the.test"
"""Who sends late events: nobody but AWS may send as AWS, so the rule is made to hear of this source alone."""


def register_version(gallery: Any, group: str, bucket: str) -> str:
    container = {"Image": "any", "ModelDataUrl": f"s3://{bucket}/model.tar.gz"}
    types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    made = gallery.sandbox.client("sagemaker").create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={"Containers": [container], **types},
    )
    return str(made["ModelPackageArn"])
