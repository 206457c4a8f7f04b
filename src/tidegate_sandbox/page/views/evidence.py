"""The verdicts on releases, from the evidence that `tidegate verify --publish` leaves in the project's bucket."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from tidegate_sandbox import context
from tidegate_sandbox.page.reading import Reader, Told

_MOST = 8


def of_stage(project_id: str, stage: str) -> list[Told]:
    """Return what became of the releases of a project's stage, the newest first.

    The bucket is where the project was launched, which may be another account than the stage's.
    """
    found = [
        (listed["LastModified"], reader, bucket, listed["Key"])
        for reader, bucket in _buckets(project_id)
        for listed in reader.every("s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=f"evidence/{stage}/")
    ]
    newest = sorted(found, key=lambda each: each[0], reverse=True)[:_MOST]
    documents = [reader.document(f"s3://{bucket}/{key}") for _, reader, bucket, key in newest]
    return [_shown(each) for each in documents if isinstance(each, dict) and each.get("outcome")]


def _buckets(project_id: str) -> Iterator[tuple[Reader, str]]:
    looked: set[str] = set()
    for scope in context.scopes_in_use():
        if scope.account in looked:
            continue
        looked.add(scope.account)
        reader = Reader(scope)
        try:
            names = [each["Name"] for each in reader.every("s3", "list_buckets", "Buckets")]
        except ClientError:
            continue
        yield from ((reader, name) for name in names if f"-{project_id}-" in name)


def _shown(document: Told) -> Told:
    asked, evidence = document.get("asked") or {}, document.get("evidence") or {}
    deployment = document.get("deployment") or {}
    return {
        "outcome": document["outcome"],
        "sentence": document.get("sentence", ""),
        "notes": document.get("notes") or [],
        "phase": asked.get("phase", ""),
        "version": asked.get("model_package_version"),
        "pipeline": deployment.get("pipeline", ""),
        "execution": deployment.get("execution", ""),
        "timeline": (evidence.get("seen") or {}).get("timeline") or [],
        "ended": (evidence.get("endpoint") or {}).get("modified_at", ""),
    }
