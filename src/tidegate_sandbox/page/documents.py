"""The documents that a release leaves in S3 for people to read: plans, as HTML."""

import re
from urllib.parse import parse_qs, urlsplit

from tidegate_sandbox.page.reading import NotFoundError, Reader

_CONSOLE = re.compile(r"/s3/object/(?P<bucket>[a-z0-9.-]{3,63})")
_LARGEST = 5_000_000


def in_console_link(link: str) -> dict[str, str] | None:
    """Return the bucket and key of the object that a link into S3's console shows, None for another link."""
    parts = urlsplit(link)
    found = _CONSOLE.fullmatch(parts.path)
    keys = parse_qs(parts.query).get("prefix", [])
    if found is None or len(keys) != 1 or ".console." not in (parts.hostname or ""):
        return None
    return {"bucket": found["bucket"], "key": keys[0]}


def read(reader: Reader, bucket: str, key: str) -> bytes:
    """Return an HTML document; NotFoundError for what is none."""
    if not key.endswith(".html"):
        raise NotFoundError(f"{key or 'that'} is no HTML document.")
    found = reader.ask("s3", "get_object", Bucket=bucket, Key=key)
    if found["ContentLength"] > _LARGEST:
        raise NotFoundError(f"{key} is too long to be shown.")
    body: bytes = found["Body"].read()
    return body
