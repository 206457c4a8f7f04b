"""Where people find the evidence of a release later: in the project's bucket, for as long as that is kept."""

import json
from collections.abc import Mapping
from typing import Any, Final

from tidegate.render import ReleaseRecord
from tidegate.stage import Stage
from tidegate.verify.evidence import Deployment

PREFIX: Final = "evidence"


def evidence_key(asked: ReleaseRecord, deployment: Deployment | None) -> str:
    """Return where in the bucket the evidence is: by the pipeline's execution, or else by the release."""
    return f"{PREFIX}/{asked.stage}/{deployment.execution if deployment else asked.release_id}.json"


def publish_evidence(s3: Any, stage: Stage, key: str, document: Mapping[str, Any]) -> str:
    """Put the evidence into the stage's bucket, under the stage's key, and return its S3 address."""
    s3.put_object(
        Bucket=stage.bucket,
        Key=key,
        Body=json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n",
        ContentType="application/json",
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=stage.kms_key,
    )
    return f"s3://{stage.bucket}/{key}"
