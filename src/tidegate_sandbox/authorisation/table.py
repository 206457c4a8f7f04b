"""The form of a service's table."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """What a service's operations are checked on.

    `resources`: by operation, the resource parts of ARNs, in which `{Member}` stands for a parameter (a name, or an ARN
    already, or a list of these; what follows a colon in a name is left out), or `*`. `roles`: the members
    by which a role is handed over, to `passed_to`. `tagging`: the action that tags given at creation need besides,
    and the condition key that says what creates. `tags_of` returns the tags that the resource has already. `whole`
    turns a resource that an ARN names into the one that IAM knows, where that is a larger one; `named`, one that a name
    makes, where names are not in ARNs. `keys`: the service's own condition keys, and the members that they tell.
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
    keys: Mapping[str, str] = field(default_factory=dict)


ANY = ("*",)
"""Of an operation that takes no restriction by resource."""
