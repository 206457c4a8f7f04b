"""CodePipeline: runs a pipeline's stages and actions against the sandbox's other services."""

from tidegate_sandbox import hooks
from tidegate_sandbox.services import connections
from tidegate_sandbox.services.codepipeline import executions, interventions, jobs
from tidegate_sandbox.services.codepipeline.changes import start_from_host
from tidegate_sandbox.services.codepipeline.pipelines import PipelineResource, codepipeline, start_from_event

__all__ = ["executions", "install", "interventions", "jobs"]


def install() -> None:
    """Serve the API, the CloudFormation type, event rules' targets, and what happens at git hosts."""
    codepipeline.serve()
    hooks.register_resource_type("AWS::CodePipeline::Pipeline", PipelineResource())
    hooks.register_event_target("codepipeline", start_from_event)
    connections.subscribe(start_from_host)
