"""Where whoever approves a release finds its plan: in the project's bucket, and beside what was rendered."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tidegate.plan.html import as_html
from tidegate.plan.model import Plan
from tidegate.render import PIPELINE_FILE
from tidegate.render.partitions import partition_of
from tidegate.stage import Stage

PREFIX: Final = "plans"
CONTENT_TYPE: Final = "text/html; charset=utf-8"

_CONSOLES: Final = {"aws-cn": "https://console.amazonaws.cn", "aws-us-gov": "https://console.amazonaws-us-gov.com"}


def object_key(stage: str, release_id: str) -> str:
    """Return where in the bucket the plan of a release is."""
    return f"{PREFIX}/{stage}/{release_id}.html"


def console_address(region: str, bucket: str, key: str) -> str:
    """Return the address of an object in the S3 console, which asks whoever follows it to sign in.

    It holds nothing that a shell would take for more than text.
    """
    console = _CONSOLES.get(partition_of(region).name, f"https://{region}.console.aws.amazon.com")
    return f"{console}/s3/object/{quote(bucket, safe='')}?prefix={quote(key, safe='')}"


def publish(s3: Any, stage: Stage, plan: Plan, release_id: str) -> str:
    """Put the plan's page into the stage's bucket, under the stage's key, and return its address in the console."""
    key = object_key(stage.name, release_id)
    s3.put_object(
        Bucket=stage.bucket,
        Key=key,
        Body=as_html(plan).encode(),
        ContentType=CONTENT_TYPE,
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=stage.kms_key,
    )
    return console_address(stage.region, stage.bucket, key)


def tell_pipeline(folder: Path, addresses: dict[str, str]) -> None:
    """Add the address of each stage's plan to `pipeline.env`, in the place of one that is there."""
    path = folder / PIPELINE_FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    own = {f"{stage.upper()}_PLAN_URL": address for stage, address in addresses.items()}
    kept = [line for line in lines if line.partition("=")[0] not in own]
    text = "\n".join([*kept, *(f"{key}={address}" for key, address in own.items())])
    path.write_text(f"{text}\n", encoding="utf-8", newline="\n")
