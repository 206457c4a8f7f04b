"""Models, endpoint configurations, and what a fleet is made of, as values."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tidegate_sandbox.context import Scoped


@dataclass(frozen=True, slots=True)
class Container:
    """What a variant runs: `model_data_url` is an s3:// address, `model_package` an ARN where there is one."""

    image: str
    model_data_url: str
    environment: Mapping[str, str]
    model_package: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A model, with the parameters that it was created with."""

    name: str
    arn: str
    container: Container
    created: datetime
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """An endpoint configuration, with the parameters that it was created with."""

    name: str
    arn: str
    created: datetime
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Variant:
    """A production or shadow variant. `startup_timeout` is in seconds of the wall; `role` is its model's."""

    name: str
    model: str
    container: Container
    instance_type: str
    instance_count: int
    weight: float
    startup_timeout: float
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """Which requests are captured: `sampling` per cent of them, `modes` of Input and Output."""

    enabled: bool
    sampling: int
    destination: str
    modes: frozenset[str]
    csv_types: frozenset[str]
    json_types: frozenset[str]
    kms_key: str = ""
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an endpoint configuration asks a fleet to be: `variants` answer, `shadows` get copies of requests."""

    config: str
    variants: tuple[Variant, ...]
    capture: Capture | None = None
    shadows: tuple[Variant, ...] = ()

    @property
    def instance_count(self) -> int:
        """The instances of all variants that answer: those that guardrails count."""
        return sum(variant.instance_count for variant in self.variants)

    @property
    def role(self) -> str | None:
        """The role that its endpoint acts with: the first model's."""
        return self.variants[0].role if self.variants else None

    @property
    def every_variant(self) -> tuple[Variant, ...]:
        """The variants that answer and those that do not."""
        return self.variants + self.shadows

    @property
    def variant_names(self) -> frozenset[str]:
        """The variants' names, which guardrails need to be the same before and after."""
        return frozenset(variant.name for variant in self.every_variant)

    def changed(self, change: Callable[[Variant], Variant]) -> "Plan":
        """Return the plan with `change` made to each variant."""
        return replace(self, variants=tuple(map(change, self.variants)), shadows=tuple(map(change, self.shadows)))

    def only(self, names: Collection[str]) -> "Plan":
        """Return the plan without the variants that are not named."""
        variants, shadows = (
            tuple(variant for variant in kind if variant.name in names) for kind in (self.variants, self.shadows)
        )
        return replace(self, variants=variants, shadows=shadows)


@dataclass
class Inventory:
    """The models and endpoint configurations of an account and region, by name."""

    models: dict[str, Model] = field(default_factory=dict)
    configs: dict[str, EndpointConfig] = field(default_factory=dict)


inventory: Scoped[Inventory] = Scoped(Inventory)
