"""The model registry: which version of a model is released next, and what became of it."""

from tidegate.registry.package import ModelPackage, NoApprovedVersionError, choose
from tidegate.registry.service import RegistryClient, describe, list_versions, resolve, stamp_rolled_back

__all__ = [
    "ModelPackage",
    "NoApprovedVersionError",
    "RegistryClient",
    "choose",
    "describe",
    "list_versions",
    "resolve",
    "stamp_rolled_back",
]
