"""Uploads a build's outputs: to the artefact bucket of a pipeline, or to S3 as the project says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidegate_sandbox import context
from tidegate_sandbox.services.codebuild.artifacts import NothingMatchesError, collect, pack
from tidegate_sandbox.services.codebuild.buildspec import Artifacts, Buildspec
from tidegate_sandbox.services.codebuild.container import Container
from tidegate_sandbox.services.codebuild.records import Build

Names = Mapping[str, str]
"""What the shell made of the names of outputs: by the identifier of a secondary one, "" for the primary."""


def upload(build: Build, spec: Buildspec, container: Container, names: Names) -> None:
    """Upload what the buildspec names, and let `build` say where; NothingMatchesError where an output has no files."""
    if build.pipeline is not None:
        several = len(build.pipeline.outputs) > 1
        for bundle in build.pipeline.outputs:
            if not several and spec.artifacts is None:
                # A buildspec without artifacts leaves none: whatever takes the output next does not find it.
                return
            chosen = spec.secondary_artifacts.get(bundle.name) if several else spec.artifacts
            if chosen is None:
                raise NothingMatchesError(
                    f"the pipeline wants the output {bundle.name}, and the buildspec has no secondary-artifacts "
                    f"named {bundle.name}"
                )
            _put(bundle.bucket, bundle.key, chosen, container)
        return
    if spec.artifacts is not None:
        build.artifacts = _to_target(build, build.project["artifacts"], spec.artifacts, container, names.get("", ""))
    for target in build.project.get("secondaryArtifacts", []):
        identifier = target["artifactIdentifier"]
        chosen = spec.secondary_artifacts.get(identifier)
        if chosen is None:
            raise NothingMatchesError(f"the buildspec has no secondary-artifacts named {identifier}")
        told = _to_target(build, target, chosen, container, names.get(identifier, ""))
        build.secondary_artifacts.append({**told, "artifactIdentifier": identifier})


def _to_target(
    build: Build, target: dict[str, Any], artifacts: Artifacts, container: Container, given_name: str
) -> dict[str, Any]:
    """Upload to where a project says; return botocore's shape BuildArtifacts, empty where there is nothing to do."""
    if target["type"] != "S3":
        return {}
    name = target.get("name") or build.project["name"]
    if target.get("overrideArtifactName") and given_name:
        name = given_name
    by_build = target.get("namespaceType") == "BUILD_ID"
    folders = [target.get("path", ""), artifacts.s3_prefix if by_build else "", build.uuid if by_build else ""]
    key = "/".join(filter(None, [*(folder.strip("/") for folder in folders), name.strip("/")]))
    described = {"location": f"arn:aws:s3:::{target['location']}/{key}"}
    if target.get("packaging") == "ZIP":
        return described | {"sha256sum": _put(target["location"], key, artifacts, container)}
    s3 = context.scope().client("s3")
    for path, file in collect(artifacts, container.source).items():
        s3.upload_file(str(file), target["location"], f"{key}/{path}")
    return described


def _put(bucket: str, key: str, artifacts: Artifacts, container: Container) -> str:
    archive: Path = container.root / "artifact.zip"
    digest = pack(collect(artifacts, container.source), archive, artifacts.enable_symlinks)
    with archive.open("rb") as body:
        context.scope().client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return digest
