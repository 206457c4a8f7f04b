"""Which records are kept: those of every `Scoped`, by its module and name, and the containers given to `keep`."""

from typing import Any, TypeVar

from tidegate_sandbox.context import Scoped
from tidegate_sandbox.state import standing

C = TypeVar("C", dict[Any, Any], list[Any], set[Any])

_containers: dict[str, Any] = {}


def keep(name: str, container: C) -> C:
    """Keep what is in `container`, under a name that no other has; return it."""
    if name in _containers:
        raise ValueError(f"two containers are kept as {name}")
    _containers[name] = container
    return container


def records() -> dict[str, Any]:
    """Return all that is kept, live."""
    scoped = standing.objects("tidegate_sandbox.", Scoped)
    return {f"{module}:{name}": each.states for module, name, each in scoped} | _containers


def fill(kept: dict[str, Any]) -> None:
    """Let every container hold what was kept of it; KeyError where one is not there any more."""
    into = records()
    if unknown := sorted(kept.keys() - into.keys()):
        raise KeyError(f"nothing is kept as {', '.join(unknown)} any more")
    for name, content in kept.items():
        container = into[name]
        container.clear()
        container.extend(content) if isinstance(container, list) else container.update(content)
