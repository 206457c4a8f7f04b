"""The source action of CodeCommit: the files at a branch's tip, as a zip."""

from tidegate_sandbox import journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import codecommit
from tidegate_sandbox.services.codepipeline import artifacts
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError, Outcome, Task
from tidegate_sandbox.services.codepipeline.execution import Revision

CALLS = ("GetBranch", "GetCommit", "UploadArchive", "GetUploadArchiveStatus")
"""What the action calls (CodePipeline user guide, "Add permissions to the CodePipeline service role")."""


def run(task: Task) -> Outcome:
    """Store the commit's files as the output artefact; the output variables are those that AWS documents."""
    name, branch = task.configuration["RepositoryName"], task.configuration["BranchName"]
    try:
        repository = codecommit.repository(name)
        for call in CALLS:
            journal.acted(f"codecommit:{call}", repository.arn)
        tip = repository.tip(branch)
    except AwsError as error:
        raise ActionFailedError(error.message, "ConfigurationError") from None
    commit = task.execution.commits.get(task.run.action.name, tip)
    details = repository.details(commit)
    if details is None:
        raise ActionFailedError(f"{name} has no commit {commit}", "ConfigurationError")
    [(artifact, location)] = task.run.outputs.items()
    artifacts.store_commit(repository, commit, location)
    task.run.external_id = commit
    task.run.external_url = repository.clone_url_http
    task.run.summary = details.message
    return Outcome(
        variables={
            "RepositoryName": name,
            "BranchName": branch,
            "CommitId": commit,
            "CommitMessage": details.message,
            "AuthorDate": details.author_date,
            "CommitterDate": details.committer_date,
        },
        revision=Revision(task.run.action.name, artifact, commit, details.message, repository.clone_url_http),
    )
