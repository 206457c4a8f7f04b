"""AWS's own managed policies, `arn:aws:iam::aws:policy/…`, with the documents that AWS has.

moto (Apache-2.0) keeps what IAM lists of them, one version each: the default one. That file alone is read, at the
moment somebody names such a policy; moto itself is never imported.
"""

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PREFIX = "arn:aws:iam::aws:policy/"
FOR_LINKED_ROLES = "/aws-service-role/"
"""The path of policies that only roles which services made for themselves can have."""


class NoLibraryError(RuntimeError):
    """moto is not installed, or is another than the one that is read here."""


@dataclass(frozen=True)
class ManagedPolicy:
    """A managed policy as IAM lists it. Moments are in IAM's own form, such as 2020-11-27T18:48:07Z."""

    name: str
    path: str
    version: str
    document: str
    created: str
    updated: str

    @property
    def arn(self) -> str:
        """What it is attached by."""
        return f"{PREFIX}{self.path[1:]}{self.name}"

    @property
    def id(self) -> str:
        """What IAM calls it by; the same at each start, though not AWS's own."""
        return "ANPA" + hashlib.sha256(self.arn.encode()).hexdigest()[:17].upper()


@cache
def all_policies() -> Mapping[str, ManagedPolicy]:
    """Return every managed policy by its ARN, in the order of their names; NoLibraryError where nobody has them."""
    policies = (
        ManagedPolicy(
            name,
            each["Path"],
            each["DefaultVersionId"],
            json.dumps(each["Document"], separators=(",", ":")),
            _moment(each["CreateDate"]),
            _moment(each["UpdateDate"]),
        )
        for name, each in sorted(_listing().items())
    )
    return {policy.arn: policy for policy in policies}


def _listing() -> dict[str, dict[str, str]]:
    moto = importlib.util.find_spec("moto")
    if moto is None or not moto.submodule_search_locations:
        raise NoLibraryError("AWS's managed policies are read from moto, which tidegate[sandbox] installs")
    file = Path(moto.submodule_search_locations[0]) / "iam" / "aws_managed_policies.py"
    spec = importlib.util.spec_from_file_location("_aws_managed_policies", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise NoLibraryError(f"AWS's managed policies are read from moto, and the one that is installed lacks {file}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, dict[str, str]] = json.loads(module.aws_managed_policies_data)
    return found


def _moment(moment: str) -> str:
    return moment.replace("+00:00", "Z")
