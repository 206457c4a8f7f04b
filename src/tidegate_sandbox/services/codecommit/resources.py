"""AWS::CodeCommit::Repository, with the first commit that a template may give it."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tidegate_sandbox import context, hooks
from tidegate_sandbox.git import NO_COMMIT
from tidegate_sandbox.service import check_parameters
from tidegate_sandbox.services.codebuild.artifacts import unpack
from tidegate_sandbox.services.codecommit.git_http import references_changed
from tidegate_sandbox.services.codecommit.repositories import Repository, create, delete, repositories, repository
from tidegate_sandbox.services.properties import as_parameters

AUTHOR = {"NAME": "AWS CodeCommit", "EMAIL": "codecommit@localhost"}
OWN = ("Code", "Triggers", "Tags")
"""Properties that CreateRepository does not take, or takes in another form."""


class RepositoryResource:
    """AWS::CodeCommit::Repository: Ref gives the id as in AWS, GetAtt gives Arn, CloneUrlHttp, CloneUrlSsh, Name."""

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, hooks.Attributes]:
        """Create the repository, and commit to it what `Code` names in S3."""
        parameters = self._parameters(properties)
        create(parameters)
        made = repository(parameters["repositoryName"])
        try:
            if code := properties.get("Code"):
                _commit(made, code)
        except ValueError:
            delete({"repositoryName": made.name})
            raise
        return self._answer(made)

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, hooks.Attributes]:
        """Change the description; another name means another repository. `Code` is of the first commit alone."""
        parameters = self._parameters(new)
        found = self._by_id(physical_id)
        if found is None or found.name != parameters["repositoryName"]:
            return self.create(logical_id, new, stack)
        found.description = parameters.get("repositoryDescription", "")
        return self._answer(found)

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete the repository with all its commits."""
        found = self._by_id(physical_id)
        if found is not None:
            delete({"repositoryName": found.name})

    def _parameters(self, properties: dict[str, Any]) -> dict[str, Any]:
        if properties.get("Triggers"):
            raise ValueError(
                "Triggers of AWS::CodeCommit::Repository is not in the local simulation: use an event rule"
            )
        given = {k: v for k, v in properties.items() if k not in OWN}
        parameters = as_parameters("codecommit", "CreateRepository", given)
        return check_parameters("codecommit", "CreateRepository", parameters)

    def _by_id(self, physical_id: str) -> Repository | None:
        return next((one for one in list(repositories.here().values()) if one.id == physical_id), None)

    def _answer(self, one: Repository) -> tuple[str, hooks.Attributes]:
        return one.id, {
            "Arn": one.arn,
            "Name": one.name,
            "CloneUrlHttp": one.clone_url_http,
            "CloneUrlSsh": one.clone_url_ssh,
        }


def _commit(one: Repository, code: dict[str, Any]) -> None:
    """Make the files of the zip in S3 the first commit of the branch, and tell of it as of a push."""
    where, branch = code["S3"], code.get("BranchName") or "main"
    folder = Path(tempfile.mkdtemp(prefix="code-"))
    try:
        files = folder / "files"
        files.mkdir()
        unpack(_fetched(where, folder / "code.zip"), files)
        shutil.rmtree(files / ".git", ignore_errors=True)
        people = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in AUTHOR.items()}
        settings = people | {"GIT_INDEX_FILE": str(folder / "index"), "GIT_WORK_TREE": str(files)}
        one.git("add", "--all", "--force", str(files), env=settings)
        tree = one.git("write-tree", env=settings).decode().strip()
        commit = one.git("commit-tree", "-m", "Initial commit", tree, env=settings).decode().strip()
        one.git("update-ref", f"refs/heads/{branch}", commit)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    references_changed(one, [(NO_COMMIT, commit, f"refs/heads/{branch}")])


def _fetched(where: dict[str, Any], into: Path) -> Path:
    version = {"VersionId": where["ObjectVersion"]} if where.get("ObjectVersion") else {}
    client = context.scope().client("s3")
    try:
        into.write_bytes(client.get_object(Bucket=where["Bucket"], Key=where["Key"], **version)["Body"].read())
    except ClientError as error:
        raise ValueError(f"The code at s3://{where['Bucket']}/{where['Key']} cannot be read: {error}") from None
    return into
