"""What a checkout publishes: its seed bundle, and the project templates that a launch is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from service_catalog.names import SEEDS, template_key
from service_catalog.project.parameters import GITS, Git
from service_catalog.publishing.bundle import build_bundle, digest
from service_catalog.publishing.synth import stage_roles, synthesise_product, to_yaml
from service_catalog.publishing.versions import base_name, newest_name


@dataclass(frozen=True)
class Release:
    """Everything of one version but the stack that offers it."""

    version: str
    bundle_key: str
    bundle: bytes
    templates: Mapping[Git, str]

    def key(self, git: Git) -> str:
        """Return where the template of that variant lies."""
        return template_key(git, self.version)

    def uploads(self) -> list[tuple[str, bytes, str]]:
        """Return the key, the content and the type of each object; what others refer to comes first."""
        return [
            (self.bundle_key, self.bundle, "application/zip"),
            (stage_roles().key, stage_roles().text.encode(), "application/json"),
            *((self.key(git), template.encode(), "application/yaml") for git, template in self.templates.items()),
        ]


def prepare(bucket: str, known: Sequence[str]) -> Release:
    """Build the seed bundle and synthesise the templates for `bucket`; nothing is changed anywhere.

    `known` are the versions that are published already, oldest first.
    """
    bundle = build_bundle()
    bundle_key = f"{SEEDS}{digest(bundle)}.zip"
    templates: dict[Git, str] = {git: to_yaml(synthesise_product(bucket, bundle_key, git)) for git in GITS}
    name = newest_name(known, base_name(version("tidegate"), templates.values()))
    return Release(name, bundle_key, bundle, templates)
