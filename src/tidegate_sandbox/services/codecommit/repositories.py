"""CodeCommit's repositories, which are bare git repositories: the API."""

import re
import shutil
import subprocess
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tidegate_sandbox import context
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.git import BareRepository
from tidegate_sandbox.service import Service

codecommit = Service("codecommit")

ROUTE = "/v1/repos/"
"""Where git finds repositories, as under AWS's own host names."""
OF_REGION = r"/git-codecommit\.(?P<region>[a-z0-9-]+)"
"""What stands before that where the region is named, which on AWS is in the host's name."""


@dataclass
class Repository(BareRepository):
    """A repository and the scope it lives in."""

    scope: context.Scope
    created: datetime
    modified: datetime
    description: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    default_branch: str | None = None
    is_regional: bool = False
    """Whether another region of the account had its name first."""

    @property
    def arn(self) -> str:
        """The repository's ARN."""
        return self.scope.arn("codecommit", self.name)

    @property
    def clone_url_http(self) -> str:
        """Where git finds it."""
        region = f"/git-codecommit.{self.scope.region}" if self.is_regional else ""
        return f"{context.sandbox().url}{region}{ROUTE}{self.name}"

    @property
    def clone_url_ssh(self) -> str:
        """What AWS would answer; the sandbox serves no ssh."""
        return f"ssh://git-codecommit.{self.scope.region}.amazonaws.com{ROUTE}{self.name}"

    def tip(self, branch: str) -> str:
        """Return the commit at the tip of `branch`; AwsError where there is no such branch."""
        commit = self.branches().get(branch)
        if commit is None:
            raise AwsError("BranchDoesNotExistException", f"{self.name} has no branch named {branch}")
        return commit


repositories: context.Scoped[dict[str, Repository]] = context.Scoped(dict)
_making = threading.Lock()


def repository(name: str) -> Repository:
    """Return the repository in the scope that is being served; AwsError where there is none."""
    found = repositories.here().get(name)
    if found is None:
        raise AwsError("RepositoryDoesNotExistException", f"{name} does not exist")
    return found


# ---------------------------------------------------------------- the API
@codecommit.operation("CreateRepository")
def create(p: dict[str, Any]) -> dict[str, Any]:
    """Make an empty repository; AwsError where its name is taken or none."""
    name = p["repositoryName"]
    if name.endswith(".git") or set(name) == {"."}:
        raise AwsError("InvalidRepositoryNameException", f"{name!r} is no repository name: it must not end in .git")
    scope = context.scope()
    path = context.sandbox().home / "codecommit" / scope.account / scope.region / f"{name}.git"
    with _making:
        if name in repositories.here():
            raise AwsError("RepositoryNameExistsException", f"Repository named {name} already exists")
        now = context.sandbox().clock.now()
        made = Repository(name, path, scope, now, now, p.get("repositoryDescription", ""))
        made.is_regional = any(
            other.account == scope.account and name in here for other, here in repositories.everywhere()
        )
        made.make()
        repositories.here()[name] = made
    return {"repositoryMetadata": _metadata(made)}


@codecommit.operation("GetRepository")
def _get(p: dict[str, Any]) -> dict[str, Any]:
    return {"repositoryMetadata": _metadata(repository(p["repositoryName"]))}


@codecommit.operation("ListRepositories")
def _list(p: dict[str, Any]) -> dict[str, Any]:
    by_modification = p.get("sortBy") == "lastModifiedDate"
    found = sorted(
        repositories.here().values(),
        key=lambda one: one.modified.isoformat() if by_modification else one.name,
        reverse=p.get("order") == "descending",
    )
    return {"repositories": [{"repositoryName": one.name, "repositoryId": one.id} for one in found]}


@codecommit.operation("DeleteRepository")
def delete(p: dict[str, Any]) -> dict[str, Any]:
    """Delete a repository with all its commits; one that is not there is no error."""
    with _making:
        gone = repositories.here().pop(p["repositoryName"], None)
        if gone is None:
            return {}
        shutil.rmtree(gone.path, ignore_errors=True)
    return {"repositoryId": gone.id}


@codecommit.operation("GetBranch")
def _get_branch(p: dict[str, Any]) -> dict[str, Any]:
    name = p.get("branchName", "")
    return {"branch": {"branchName": name, "commitId": repository(p.get("repositoryName", "")).tip(name)}}


@codecommit.operation("ListBranches")
def _list_branches(p: dict[str, Any]) -> dict[str, Any]:
    return {"branches": sorted(repository(p["repositoryName"]).branches())}


@codecommit.operation("GetCommit")
def _get_commit(p: dict[str, Any]) -> dict[str, Any]:
    commit = p["commitId"]
    found = repository(p["repositoryName"])
    if not re.fullmatch(r"[0-9a-f]{7,40}", commit):
        raise AwsError("InvalidCommitIdException", f"{commit!r} is no commit id: up to 40 hexadecimal digits")
    try:
        lines = found.git("show", "-s", "--format=%H%n%T%n%P%n%an%n%ae%n%ad%n%cn%n%ce%n%cd%n%B", "--date=raw", commit)
    except subprocess.CalledProcessError:
        raise AwsError("CommitIdDoesNotExistException", f"{found.name} has no commit {commit}") from None
    head, message = lines.decode().split("\n")[:9], "\n".join(lines.decode().split("\n")[9:])
    full, tree, parents, *people = head
    users = [dict(zip(("name", "email", "date"), person, strict=True)) for person in (people[:3], people[3:])]
    return {
        "commit": {
            "commitId": full,
            "treeId": tree,
            "parents": parents.split(),
            "message": message.rstrip("\n") + "\n",
            "author": users[0],
            "committer": users[1],
            "additionalData": "",
        }
    }


@codecommit.operation("GetFile")
def _get_file(p: dict[str, Any]) -> dict[str, Any]:
    found = repository(p["repositoryName"])
    specifier = p.get("commitSpecifier") or found.default_branch or "main"
    try:
        commit = found.git("rev-parse", "--verify", "--end-of-options", f"{specifier}^{{commit}}").decode().strip()
    except subprocess.CalledProcessError:
        raise AwsError("CommitDoesNotExistException", f"{found.name} has no commit {specifier}") from None
    path = p["filePath"].strip("/")
    entry = found.git("ls-tree", "-z", commit, "--", path).decode().rstrip("\0")
    if " blob " not in entry:
        raise AwsError("FileDoesNotExistException", f"{found.name} has no file {path} at {commit}")
    mode, _, blob = entry.split("\t")[0].split()
    content = found.git("cat-file", "blob", blob)
    kind = {"100755": "EXECUTABLE", "120000": "SYMLINK"}.get(mode, "NORMAL")
    return {
        "commitId": commit,
        "blobId": blob,
        "filePath": path,
        "fileMode": kind,
        "fileSize": len(content),
        "fileContent": content,
    }


def _metadata(one: Repository) -> dict[str, Any]:
    metadata = {
        "accountId": one.scope.account,
        "repositoryId": one.id,
        "repositoryName": one.name,
        "repositoryDescription": one.description,
        "defaultBranch": one.default_branch,
        "lastModifiedDate": one.modified,
        "creationDate": one.created,
        "cloneUrlHttp": one.clone_url_http,
        "cloneUrlSsh": one.clone_url_ssh,
        "Arn": one.arn,
    }
    return {key: value for key, value in metadata.items() if value not in (None, "")}
