"""CodeBuild: runs a project's buildspec in a fresh environment on this machine."""

import shutil

from tidegate_sandbox import context, hooks
from tidegate_sandbox.services import connections
from tidegate_sandbox.services.codebuild import builds
from tidegate_sandbox.services.codebuild.projects import ProjectResource, codebuild

__all__ = ["builds", "install"]


def install() -> None:
    """Serve the API in place of ministack's, the CloudFormation type, event rules' targets, and webhooks."""
    # A sandbox that was killed could not remove its builds' containers.
    shutil.rmtree(context.sandbox().home / "codebuild" / "builds", ignore_errors=True)
    codebuild.serve()
    hooks.register_resource_type("AWS::CodeBuild::Project", ProjectResource())
    hooks.register_event_target("codebuild", builds.start_from_event)
    connections.subscribe(builds.start_from_host)
