"""The form of a service's table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Table:
    """What a service's operations are checked on.

    `resources`: by operation, the resource parts of ARNs, in which `{Member}` stands for a parameter (a name, or an ARN
    already, or a list of these; what follows a colon in a name is left out), or `*`. `roles`: the members
    by which a role is handed over, to `passed_to`. `tagging`: the action that tags given at creation need besides,
    and the condition key that says what creates. `tags_of` returns the tags that the resource has already. `whole`
    turns a resource that an ARN names into the one that IAM knows, where that is a larger one; `named`, one that a name
    makes, where names are not in ARNs. `keys`: the service's own condition keys, and where the members are that they
    tell, as `Variants[].Type`; a key that has such lists has several values.
    """

    namespace: str
    passed_to: str
    resources: Mapping[str, tuple[str, ...]]
    roles: tuple[str, ...] = ()
    tagging: tuple[str, str | None] | None = None
    lower_case: bool = False
    tags_of: Callable[[str], Iterable[Mapping[str, str]]] | None = None
    whole: Callable[[str], str] = str
    named: Callable[[str], str] = str
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def told(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the service's own condition keys of a request, or of a resource of a stack, with these members."""
        found = {
            key: [each for at in paths for each in _at(parameters, at.split("."))] for key, paths in self.keys.items()
        }
        several = {key for key, paths in self.keys.items() if any("[]" in at for at in paths)}
        return {key: values if key in several else values[0] for key, values in found.items() if values}


def _at(value: Any, path: list[str]) -> Iterator[str]:
    if not path:
        yield str(value).lower() if isinstance(value, bool) else str(value)
        return
    name = path[0].removesuffix("[]")
    below = value.get(name) if isinstance(value, Mapping) else None
    for each in below or () if path[0] != name else () if below is None else (below,):
        yield from _at(each, path[1:])


ANY = ("*",)
"""Of an operation that takes no restriction by resource."""
