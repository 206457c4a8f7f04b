"""botocore's service models, cut down to the operations that Tidegate calls.

Half of what a SageMaker client takes to make is the reading of models that describe 400 operations and 400 services.
The cut is derived from the installed botocore's own models at first use and kept in the user's cache, by botocore's
version; where it cannot be kept or trusted, botocore's own are used. A client has every other operation too: the first
call of one makes a whole client.
"""

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import botocore
from botocore.loaders import Loader

OPERATIONS: Final[Mapping[str, frozenset[str]]] = {
    "cloudformation": frozenset(
        {"ContinueUpdateRollback", "DescribeStackEvents", "DescribeStackResources", "DescribeStacks"}
    ),
    "cloudwatch": frozenset({"DescribeAlarmHistory", "DescribeAlarms"}),
    "codepipeline": frozenset({"GetPipelineExecution", "ListActionExecutions"}),
    "sagemaker": frozenset(
        {
            "AddTags",
            "DeleteEndpointConfig",
            "DeleteModel",
            "DescribeEndpoint",
            "DescribeEndpointConfig",
            "DescribeModel",
            "DescribeModelPackage",
            "ListEndpointConfigs",
            "ListModelPackages",
            "ListTags",
            "UpdateEndpoint",
            "UpdateModelPackage",
        }
    ),
}
"""By service, the operations that a slim client knows from the start."""

CREDENTIALS: Final = frozenset({"signin", "sso", "sso-oidc", "sts"})
"""The services that botocore itself calls for credentials; their endpoints stay in the cut."""

_FORM: Final = "1"
"""The form of kept cuts: those of another are cut anew. It changes whenever `cut_service` or `cut_endpoints` does."""

_Json = dict[str, Any]


class SlimLoader(Loader):
    """A loader that gives cut models of the services in `OPERATIONS`, and everything else as botocore's does."""

    def __init__(self, cache: Path | None) -> None:
        super().__init__()
        self._slim = cache

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """Return a model; the cut one of a service in `OPERATIONS`."""
        load = super().load_service_model
        wanted = OPERATIONS.get(service_name)
        if type_name != "service-2" or api_version or wanted is None:
            return load(service_name, type_name, api_version)
        return self._cut(
            service_name,
            sorted(wanted),
            lambda: cut_service(load(service_name, type_name), wanted),
            lambda model: set(model["operations"]) == wanted and isinstance(model["shapes"], dict),
        )

    def list_available_services(self, type_name: str) -> list[str]:
        """Name the services that this loader is asked for; botocore's looks through four hundred folders first."""
        return sorted(CREDENTIALS | OPERATIONS.keys())

    def load_data_with_path(self, name: str) -> Any:
        """Return data and where it is; of all services' endpoints, those of `OPERATIONS` and `CREDENTIALS`."""
        load = super().load_data_with_path
        if name != "endpoints":
            return load(name)
        wanted = CREDENTIALS | OPERATIONS.keys()
        endpoints = self._cut(
            name,
            sorted(wanted),
            lambda: cut_endpoints(load(name)[0], wanted),
            lambda endpoints: isinstance(endpoints["partitions"], list),
        )
        return endpoints, str(Path(self.BUILTIN_DATA_PATH, name))

    def _cut(self, name: str, wanted: list[str], make: Callable[[], _Json], fits: Callable[[_Json], bool]) -> _Json:
        if self._slim is None:
            return make()
        key = hashlib.sha256("\n".join([_FORM, botocore.__version__, name, *wanted]).encode()).hexdigest()[:16]
        path = self._slim / f"{name}-{botocore.__version__}-{key}.json"
        kept = _read(path)
        try:
            if kept is not None and fits(kept):
                return kept
        except (KeyError, TypeError):
            pass
        made = make()
        _keep(made, path)
        return made


def slim_loader(data_path: str | None) -> Loader | None:
    """Return a loader of cut models, None where a person has put models of their own beside botocore's.

    `data_path` is botocore's setting (`AWS_DATA_PATH`).
    """
    if data_path or Path(Loader.CUSTOMER_DATA_PATH).is_dir():
        return None
    return SlimLoader(cache_folder())


def cache_folder() -> Path | None:
    """Return where cut models are kept: `$XDG_CACHE_HOME/tidegate`, by default `~/.cache/tidegate`, or None.

    None where the system has no owners of files, by which alone a folder can be trusted, or there is no home.
    """
    if not hasattr(os, "getuid"):
        return None
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return base / "tidegate" if base.is_absolute() else None


def cut_service(model: _Json, operations: frozenset[str]) -> _Json:
    """Return the model with these operations, the shapes that they reach, every error, and no documentation."""
    kept = {name: _undocumented(each) for name, each in model["operations"].items() if name in operations}
    shapes: _Json = {}
    reached = [*_shapes_in(kept), *(name for name, shape in model["shapes"].items() if shape.get("exception"))]
    while reached:
        name = reached.pop()
        if name not in shapes:
            shapes[name] = _undocumented(model["shapes"][name])
            reached.extend(_shapes_in(shapes[name]))
    rest = {key: value for key, value in model.items() if key not in {"documentation", "operations", "shapes"}}
    return {**rest, "operations": kept, "shapes": shapes}


def cut_endpoints(endpoints: _Json, services: frozenset[str]) -> _Json:
    """Return all partitions and regions, with these services only."""
    return {
        **endpoints,
        "partitions": [
            {
                **partition,
                "services": {name: each for name, each in partition["services"].items() if name in services},
            }
            for partition in endpoints["partitions"]
        ],
    }


def _undocumented(value: Any) -> Any:
    # A member of a structure can be called "documentation": then it is a mapping, and stays.
    if isinstance(value, dict):
        return {
            key: _undocumented(each)
            for key, each in value.items()
            if not (key == "documentation" and isinstance(each, str))
        }
    return [_undocumented(each) for each in value] if isinstance(value, list) else value


def _shapes_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("shape"), str):
            yield value["shape"]
        for each in value.values():
            yield from _shapes_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _shapes_in(each)


def _read(path: Path) -> _Json | None:
    """Return what was kept, None where there is nothing, or another could have written it."""
    try:
        with path.open("rb") as file:
            if not _is_ours(os.fstat(file.fileno())) or not _is_ours(path.parent.lstat()):
                return None
            value = json.load(file)
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _keep(value: _Json, path: Path) -> None:
    """Write it whole or not at all; that it cannot be kept only costs time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_ours(path.parent.lstat()):
            return
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(value, file, separators=(",", ":"))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink()
            raise
    except OSError:
        pass


def _is_ours(status: os.stat_result) -> bool:
    writable_by_others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == os.getuid() and not writable_by_others and not stat.S_ISLNK(status.st_mode)
