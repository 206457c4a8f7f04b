"""Uploads a build's outputs: to the artefact bucket of a pipeline, or to S3 as the project says."""

from pathlib import Path
from typing import Any

from tidegate_sandbox import context
from tidegate_sandbox.services.codebuild.artifacts import NothingMatchesError, collect, pack
from tidegate_sandbox.services.codebuild.buildspec import Artifacts, Buildspec
from tidegate_sandbox.services.codebuild.container import Container
from tidegate_sandbox.services.codebuild.records import Build


def upload(build: Build, spec: Buildspec, container: Container) -> dict[str, Any]:
    """Upload what the buildspec names; return botocore's shape BuildArtifacts (empty where there is nothing to do).

    NothingMatchesError where an output has no files.
    """
    if build.pipeline is not None:
        several = len(build.pipeline.outputs) > 1
        for bundle in build.pipeline.outputs:
            chosen = spec.secondary_artifacts.get(bundle.name) if several else spec.artifacts
            if chosen is None:
                wanted = f"secondary-artifacts named {bundle.name}" if several else "artifacts"
                raise NothingMatchesError(
                    f"the pipeline wants the output {bundle.name}, and the buildspec has no {wanted}"
                )
            _put(bundle.bucket, bundle.key, chosen, container)
        return {}
    target = build.project["artifacts"]
    if target["type"] != "S3" or spec.artifacts is None:
        return {}
    name = target.get("name") or build.project["name"]
    if target.get("overrideArtifactName") and spec.artifacts.name:
        name = spec.artifacts.name
    folders = [target.get("path", "").strip("/"), build.uuid if target.get("namespaceType") == "BUILD_ID" else ""]
    key = "/".join(filter(None, [*folders, name.strip("/")]))
    described = {"location": f"arn:aws:s3:::{target['location']}/{key}"}
    if target.get("packaging") == "ZIP":
        return described | {"sha256sum": _put(target["location"], key, spec.artifacts, container)}
    s3 = context.scope().client("s3")
    for path, file in collect(spec.artifacts, container.source).items():
        s3.upload_file(str(file), target["location"], f"{key}/{path}")
    return described


def _put(bucket: str, key: str, artifacts: Artifacts, container: Container) -> str:
    archive: Path = container.root / "artifact.zip"
    digest = pack(collect(artifacts, container.source), archive)
    with archive.open("rb") as body:
        context.scope().client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return digest
