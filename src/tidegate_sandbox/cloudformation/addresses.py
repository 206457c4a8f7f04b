"""Which object of S3 an address names."""

from urllib.parse import unquote, urlsplit


def s3_object(url: str) -> tuple[str, str] | None:
    """Return the bucket and the key of an S3 address, of virtual-hosted or of path style, None where it has none.

    S3 user guide, "Methods for accessing a general purpose bucket".
    """
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
    bucket, separator, endpoint = host.partition(".s3")
    if separator and endpoint[:1] in (".", "-") and endpoint.endswith(".amazonaws.com"):
        key = path
    else:
        bucket, _, key = path.partition("/")
    return (bucket, key) if bucket and key else None
