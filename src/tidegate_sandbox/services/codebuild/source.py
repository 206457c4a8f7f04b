"""Brings a build's source into its container: from S3, CodeCommit, a git host, or the artefacts of a pipeline."""

import re
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tidegate_sandbox import context, journal, processes
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import codecommit, connections
from tidegate_sandbox.services.codebuild.artifacts import unpack
from tidegate_sandbox.services.codebuild.container import Container, environment
from tidegate_sandbox.services.codebuild.records import Build

PROVIDERS = {
    "GITHUB": "GitHub",
    "GITLAB": "GitLab",
    "BITBUCKET": "Bitbucket",
    "GITHUB_ENTERPRISE": "GitHubEnterpriseServer",
    "GITLAB_SELF_MANAGED": "GitLabSelfManaged",
}
"""Types of sources that are git hosts, with the provider of the connection that reaches each."""


class SourceError(Exception):
    """The source cannot be had; the sentence says why."""


def download(build: Build, container: Container) -> None:
    """Fill the container's source folders and set the build's resolved source version; SourceError where not."""
    try:
        _download(build, container)
    except AwsError as error:
        raise SourceError(error.message) from None


def _download(build: Build, container: Container) -> None:
    source = build.project["source"]
    if build.pipeline is not None:
        primary, *others = build.pipeline.sources
        fetch_zip(primary.bucket, primary.key, container.source)
        for other in others:
            fetch_zip(other.bucket, other.key, container.secondary(other.name))
        build.resolved_version = build.pipeline.resolved_version
    elif source["type"] == "S3":
        bucket, _, key = source["location"].removeprefix("arn:aws:s3:::").partition("/")
        build.resolved_version = fetch_zip(bucket, key, container.source, build.source_version)
    elif source["type"] == "CODECOMMIT":
        build.resolved_version = _clone(source["location"], build, container)
    elif source["type"] in PROVIDERS:
        build.resolved_version = _clone_from_host(source, build, container)


def hosted(source: dict[str, Any]) -> connections.HostedRepository:
    """Return the repository of a source at a git host, through its connection; SourceError where it is not reached."""
    arn = source["auth"]["resource"]
    name = urlsplit(source["location"]).path.strip("/").removesuffix(".git")
    try:
        reached = connections.reach(arn, name)
    except AwsError as error:
        raise SourceError(error.message) from None
    if reached.provider != PROVIDERS[source["type"]]:
        raise SourceError(f"the connection {arn} is to {reached.provider}, and the source is of {source['type']}")
    return reached


def fetch_zip(bucket: str, key: str, into: Path, version: str = "") -> str | None:
    """Extract the zip s3://bucket/key to `into`; return the object's version, if it has one."""
    from botocore.exceptions import ClientError

    into.mkdir(parents=True, exist_ok=True)
    wanted = {"VersionId": version} if version else {}
    with tempfile.NamedTemporaryFile(dir=into.parent, suffix=".zip") as archive:
        try:
            found = context.scope().client("s3").get_object(Bucket=bucket, Key=key, **wanted)
        except ClientError as error:
            raise SourceError(f"s3://{bucket}/{key}: {error.response['Error'].get('Message', error)}") from None
        for chunk in found["Body"].iter_chunks(1 << 20):
            archive.write(chunk)
        archive.flush()
        try:
            unpack(Path(archive.name), into)
        except zipfile.BadZipFile as error:
            raise SourceError(f"s3://{bucket}/{key} cannot be extracted: {error}") from None
    version_id: str | None = found.get("VersionId")
    return version_id


def _clone(location: str, build: Build, container: Container) -> str:
    name = location.rstrip("/").rsplit("/", 1)[-1]
    repository = codecommit.repository(name)
    journal.acted("codecommit:GitPull", repository.arn)
    reference = build.source_version or repository.default_branch or "main"
    commit = _git(container, "ls-remote", repository.clone_url_http, reference).split("\t")[0] or reference
    _git(container, "clone", "--quiet", "--no-checkout", repository.clone_url_http, str(container.source))
    return _check_out(container, commit, build.source_version)


def _clone_from_host(source: dict[str, Any], build: Build, container: Container) -> str:
    repository = hosted(source)
    connections.used(source["auth"]["resource"], repository, "GetConnection", "GetConnectionToken", "UseConnection")
    _git(container, "clone", "--quiet", "--no-checkout", str(repository.path), str(container.source))
    _git(container, "remote", "set-url", "origin", source["location"], cwd=container.source)
    wanted = build.source_version or "HEAD"
    if asked := re.fullmatch(r"(?:pr|mr)/([0-9]+)", wanted):
        pull = repository.pulls.get(int(asked[1]))
        if pull is None:
            raise SourceError(f"{repository.name} has no pull request {asked[1]}")
        wanted = pull.commit
        _git(container, "fetch", "--quiet", str(repository.path), wanted, cwd=container.source)
    elif wanted in repository.branches():
        wanted = f"origin/{wanted}"
    return _check_out(container, wanted.replace("refs/heads/", "origin/", 1), build.source_version)


def _check_out(container: Container, commit: str, version: str) -> str:
    try:
        _git(container, "checkout", "--quiet", "--detach", commit, cwd=container.source)
    except SourceError:
        raise SourceError(f"reference not found for primary source and source version {version}".rstrip()) from None
    return _git(container, "rev-parse", "HEAD", cwd=container.source)


def _git(container: Container, *arguments: str, cwd: Path | None = None) -> str:
    ran = subprocess.run(
        ["git", *arguments],
        cwd=cwd or container.root,
        env=processes.environment(environment(container)),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise SourceError(f"git {arguments[0]} failed: {ran.stderr.strip()}")
    return ran.stdout.strip()
