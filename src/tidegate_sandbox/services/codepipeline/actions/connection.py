"""The source action of a connection: the files at a branch's tip, or at the commit that triggered, as a zip."""

from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import connections
from tidegate_sandbox.services.codepipeline import artifacts
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError, Outcome, Task
from tidegate_sandbox.services.codepipeline.execution import Revision


def run(task: Task) -> Outcome:
    """Store the commit's files as the output artefact; the output variables are those that AWS documents."""
    configuration = task.configuration
    arn, name, branch = configuration["ConnectionArn"], configuration["FullRepositoryId"], configuration["BranchName"]
    try:
        repository = connections.reach(arn, name)
        connections.used(arn, repository, "UseConnection")
    except AwsError as error:
        raise ActionFailedError(error.message, "ConfigurationError") from None
    commit = task.execution.commits.get(task.run.action.name) or repository.branches().get(branch)
    details = repository.details(commit) if commit else None
    if commit is None or details is None:
        raise ActionFailedError(f"{name} has no {f'commit {commit}' if commit else f'branch {branch}'}", "JobFailed")
    [(artifact, location)] = task.run.outputs.items()
    artifacts.store_commit(repository, commit, location)
    task.run.external_id = commit
    task.run.summary = details.message
    url = f"https://{repository.provider.lower()}.invalid/{name}/commit/{commit}"
    return Outcome(
        variables={
            "AuthorDate": details.author_date,
            "AuthorDisplayName": details.author_name,
            "AuthorEmail": details.author_email,
            "BranchName": task.execution.branches.get(task.run.action.name, branch),
            "CommitId": commit,
            "CommitMessage": details.message,
            "ConnectionArn": arn,
            "FullRepositoryName": name,
            "ProviderType": repository.provider,
        },
        revision=Revision(task.run.action.name, artifact, commit, details.message, url),
    )
