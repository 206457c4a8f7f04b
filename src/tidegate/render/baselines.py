"""What Model Monitor holds an endpoint against: files that the stage names, or those of the model package itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tidegate.registry import RegistryClient


@dataclass(frozen=True, slots=True)
class Baseline:
    """Addresses in S3; "" where there is no such file."""

    statistics: str = ""
    constraints: str = ""

    @classmethod
    def under(cls, prefix: str) -> "Baseline":
        """Return the files that a baselining job leaves under a prefix."""
        folder = prefix.rstrip("/")
        return cls(f"{folder}/statistics.json", f"{folder}/constraints.json")

    @property
    def config(self) -> Mapping[str, Any]:
        """The baseline config of a job definition; empty where there is nothing to hold anything against."""
        files = {"StatisticsResource": self.statistics, "ConstraintsResource": self.constraints}
        return {resource: {"S3Uri": address} for resource, address in files.items() if address}


@dataclass(frozen=True, slots=True)
class Baselines:
    """The drift check baselines of one model package."""

    data_quality: Baseline = Baseline()
    model_quality: Baseline = Baseline()


NO_BASELINES: Final = Baselines()


def read_baselines(client: RegistryClient, model_package_arn: str) -> Baselines:
    """Return the drift check baselines that a version was registered with."""
    described = client.describe_model_package(ModelPackageName=model_package_arn)
    checks = described.get("DriftCheckBaselines") or {}
    return Baselines(_baseline(checks.get("ModelDataQuality")), _baseline(checks.get("ModelQuality")))


def _baseline(check: Mapping[str, Any] | None) -> Baseline:
    files = check or {}
    return Baseline(*((files.get(kind) or {}).get("S3Uri", "") for kind in ("Statistics", "Constraints")))
