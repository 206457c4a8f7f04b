"""What the page shows: each view a function of a `Reader`, its result made of what AWS's operations answered."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidegate_sandbox.page.reading import NotFoundError, Reader
from tidegate_sandbox.page.views import alarms, builds, codepipelines, endpoints, gallery, pipelines, projects, registry
from tidegate_sandbox.page.views.about import about

__all__ = ["about", "view"]

_LISTS: Mapping[str, Callable[[Reader], Any]] = {
    "alarms": alarms.every,
    "builds": builds.every,
    "codepipelines": codepipelines.every,
    "endpoints": endpoints.every,
    "gallery": gallery.every,
    "pipelines": pipelines.every,
    "projects": projects.every,
    "registry": registry.every,
}
_ONE: Mapping[str, Callable[[Reader, str, Mapping[str, str]], Any]] = {
    "alarms": alarms.one,
    "builds": builds.one,
    "codepipelines": codepipelines.one,
    "endpoints": endpoints.one,
    "logs": builds.log,
    "pipelines": pipelines.one,
    "projects": projects.one,
    "registry": registry.one,
    "releases": endpoints.releases,
}


def view(reader: Reader, path: Sequence[str], query: Mapping[str, str]) -> Any:
    """Return what the view at `path` shows: a list of a kind, or one of its name. NotFoundError where there is none."""
    match path:
        case [kind] if kind in _LISTS:
            return _LISTS[kind](reader)
        case [kind, name] if kind in _ONE:
            return _ONE[kind](reader, name, query)
    raise NotFoundError(f"The page shows nothing at {'/'.join(path)}.")
