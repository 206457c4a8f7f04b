"""The project that is deleted, as the properties of its custom resource tell it, and what deleting it came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Place:
    """An account that holds endpoint stacks: the project's own, or the one whose role `role` is."""

    role: str
    stacks: tuple[str, ...]

    @property
    def account(self) -> str:
        """What a person reads: the account of the role, or nothing for the project's own."""
        return f" in account {self.role.split(':')[4]}" if self.role else ""


@dataclass(frozen=True)
class Repository:
    """A repository that goes with the project: what people call it, its name, and its git address."""

    part: str
    name: str
    remote: str


@dataclass(frozen=True)
class Project:
    """What is to be removed, stopped, or kept. `prefix` begins the name of each endpoint: `{name}-{id}`."""

    prefix: str
    id: str
    keep: bool
    places: tuple[Place, ...]
    builds: tuple[str, ...]
    pipeline: str
    group: str
    bucket: str
    access_log: str
    images: str
    key: str
    repositories: tuple[Repository, ...]

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> "Project":
        """Return the project that the resource's properties describe."""
        stacks: dict[str, list[str]] = {}
        for each in properties["Stacks"]:
            stacks.setdefault(each.get("Role", ""), []).append(each["Stack"])
        repositories = properties.get("Repositories", {})
        return cls(
            prefix=properties["Project"],
            id=properties["ProjectId"],
            keep=properties["OnDeletion"] != "remove",
            places=tuple(Place(role, tuple(names)) for role, names in stacks.items()),
            builds=tuple(properties["Builds"]),
            pipeline=properties["Pipeline"],
            group=properties["ModelPackageGroup"],
            bucket=properties["Bucket"],
            access_log=properties["AccessLog"],
            images=properties["Images"],
            key=properties["Key"],
            repositories=tuple(Repository(part, each["Name"], each["Remote"]) for part, each in repositories.items()),
        )


@dataclass
class Ledger:
    """What was done, and what could not be: each a sentence, printed as it is told."""

    done: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def tell(self, sentence: str) -> None:
        """Tell what was done."""
        self.done.append(sentence)
        print(sentence, flush=True)

    def complain(self, sentence: str) -> None:
        """Tell what could not be done, and why."""
        self.problems.append(sentence)
        print(sentence, flush=True)
