"""The names of ministack that hold what its services know: they are kept with the sandbox's own records.

A part of `hooks`, whose `check` asserts these too; only `hooks` imports ministack.

ministack keeps state when it ends, in a file a service, and not when it is killed. So its stores are read here: each
is a dictionary by account (and region), in a module of its own.
"""

import importlib
import sys
from collections.abc import Iterator
from typing import Any

from ministack.core import responses as _responses
from ministack.services import s3 as _s3
from ministack.services import sts as _sts

from tidegate_sandbox.state import standing

RELIED_ON: list[tuple[Any, str]] = [
    (_responses, "AccountRegionScopedDict"),
    (_responses, "AccountScopedDict"),
    (_s3, "_buckets"),
    (_s3, "_load_persisted_data"),
    (_s3, "_object_acl"),
    (_s3, "_object_annotations"),
    (_s3, "_object_tags"),
    (_s3, "_object_versions"),
    (_sts, "_sessions"),
]

_SERVICES = "ministack.services."
_STORES = (_responses.AccountRegionScopedDict, _responses.AccountScopedDict)

# Objects lie on disk with all that belongs to them, and are found there.
_ON_DISK = frozenset(
    map(id, (_s3._buckets, _s3._object_acl, _s3._object_annotations, _s3._object_tags, _s3._object_versions))
)
# Uploads in parts are their clients' to begin again; records of log events are made again by the query that asks.
_PASSING = frozenset({"s3:_multipart_uploads", "s3:_completed_multipart_uploads", "cloudwatch_logs:_log_records"})
# Besides its stores; a module is loaded when somebody first asks for its service.
_PLAIN = (("sts", "_sessions"), ("ec2", "_default_initialized_scopes"))


def records() -> dict[str, Any]:
    """Return what ministack's services know, live."""
    stores = {
        name: store._data
        for name, store in _stores()
        if store._data and id(store) not in _ON_DISK and name not in _PASSING
    }
    buckets = {
        key: {name: value for name, value in bucket.items() if name != "objects"}
        for key, bucket in _s3._buckets._data.items()
    }
    loaded = {(module, name): sys.modules.get(_SERVICES + module) for module, name in _PLAIN}
    plain = {(module, name): getattr(there, name) for (module, name), there in loaded.items() if there}
    return {"stores": stores, "buckets": buckets, "plain": plain}


def fill(kept: dict[str, Any]) -> None:
    """Let ministack's services know what `records` returned."""
    for name, content in kept["stores"].items():
        module, _, attribute = name.partition(":")
        store = getattr(importlib.import_module(_SERVICES + module), attribute)
        store._data.clear()
        store._data.update(content)
    for key, bucket in kept["buckets"].items():
        _s3._buckets._data.setdefault(key, {"objects": {}}).update(bucket)
    for (module, name), content in kept["plain"].items():
        getattr(importlib.import_module(_SERVICES + module), name).update(content)


def versions_of_objects() -> set[tuple[str, str, str]]:
    """Return account, bucket and version id of all that S3 knows of, as their bodies' folders are named on disk."""
    known = list(_s3._object_versions._data.items())
    return {(account, bucket, each["version_id"]) for (account, (bucket, _)), every in known for each in list(every)}


def _stores() -> Iterator[tuple[str, Any]]:
    for module, name, store in standing.objects(_SERVICES, *_STORES):
        yield f"{module.removeprefix(_SERVICES)}:{name}", store
