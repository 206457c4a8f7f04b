"""CodeCommit: repositories that are real git, cloned and pushed to over http, with the events that a push causes."""

from tidegate_sandbox import hooks
from tidegate_sandbox.routes import route
from tidegate_sandbox.services.codecommit.git_http import git_http, is_git_address
from tidegate_sandbox.services.codecommit.repositories import Repository, codecommit, repository
from tidegate_sandbox.services.codecommit.resources import RepositoryResource

__all__ = ["Repository", "install", "repository"]


def install() -> None:
    """Serve the API, git over http, and the CloudFormation type."""
    codecommit.serve()
    route(is_git_address, git_http)
    hooks.register_resource_type("AWS::CodeCommit::Repository", RepositoryResource())
