"""Members of a document that are passed over, and which of them a document gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate_sandbox.unheeded.decisions import TRUE_BY_DEFAULT, Decision

Tree = dict[str, Any]
"""Where members stand in a document: by name, a further tree, or the `Member` that stands there; `{}` is any name."""


@dataclass(frozen=True)
class Member:
    """A member of a document, such as `Targets[].RetryPolicy`, that is passed over."""

    path: str
    decision: Decision

    def given(self, value: Any) -> bool:
        """Whether `value` asks for anything."""
        if value is False or value in ("false", ["false"]):
            return self.path.rpartition(".")[2] in TRUE_BY_DEFAULT
        return value not in (None, "", [], {}, [""])


def put(tree: Tree, at: Sequence[str], member: Member) -> None:
    """Put `member` into `tree` where the names `at` lead."""
    *above, last = at
    for each in above:
        tree = tree.setdefault(each, {})
    tree[last] = member


def given(tree: Tree, value: Any) -> Iterator[Member]:
    """Yield the members of `tree` that a decoded document gives; of lists, those that any item does."""
    if isinstance(value, list):
        for each in value:
            yield from given(tree, each)
        return
    if not isinstance(value, dict):
        return
    for name, below in tree.items():
        for each in value.values() if name == "{}" else [value[name]] if name in value else []:
            if not isinstance(below, Member):
                yield from given(below, each)
            elif below.given(each):
                yield below
