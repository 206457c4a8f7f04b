"""Values that a build takes from the Parameter Store and from Secrets Manager, with its role.

CodeBuild user guide, "Build specification reference": env/parameter-store and env/secrets-manager.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate_sandbox import context

AT_A_TIME = 10
"""Names that GetParameters takes in one call (botocore)."""


class StoredValueError(Exception):
    """A value that cannot be had: `code` and the sentence as a phase's context has them."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Secret:
    """A secret as a buildspec names it: ID:JSON-KEY:VERSION-STAGE:VERSION-ID, all but the id may be left out."""

    id: str
    key: str = ""
    stage: str = ""
    version: str = ""


def secret(written: str) -> Secret:
    """Read a reference to a secret; an ARN has colons of its own."""
    whole = re.fullmatch(r"(arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:[^:]*)(?::(.*))?", written)
    head, rest = (whole[1], whole[2] or "") if whole else (written.partition(":")[0], written.partition(":")[2])
    parts = [*rest.split(":"), "", "", ""]
    return Secret(head, *parts[:3])


def parameters(names: Mapping[str, str]) -> dict[str, str]:
    """Return the values of parameters, by what `names` calls them; StoredValueError where one is not to be had."""
    if not names:
        return {}
    wanted, found = sorted(set(names.values())), dict[str, str]()
    ssm = context.scope().client("ssm")
    for start in range(0, len(wanted), AT_A_TIME):
        try:
            answer = ssm.get_parameters(Names=wanted[start : start + AT_A_TIME], WithDecryption=True)
        except ClientError as error:
            raise StoredValueError("Decrypted Variables Error", _said(error)) from None
        if answer["InvalidParameters"]:
            missing = ", ".join(answer["InvalidParameters"])
            raise StoredValueError("Decrypted Variables Error", f"parameter does not exist: {missing}")
        for one in answer["Parameters"]:
            # An address with a version or an ARN comes back with a plain name as well.
            selected = one["Name"] + (one.get("Selector") or "")
            for name in wanted:
                if name in (one["Name"], selected, one.get("ARN")):
                    found[name] = one["Value"]
    return {name: found[path] for name, path in names.items()}


def secrets(names: Mapping[str, str]) -> dict[str, str]:
    """Return the values of secrets, by what `names` calls them; StoredValueError where one is not to be had."""
    read: dict[Secret, str] = {}
    return {name: _value(secret(written), read) for name, written in names.items()}


def _value(wanted: Secret, read: dict[Secret, str]) -> str:
    whole = Secret(wanted.id, "", wanted.stage, wanted.version)
    if whole not in read:
        which: dict[str, Any] = {"SecretId": wanted.id}
        which |= {"VersionStage": wanted.stage} if wanted.stage else {}
        which |= {"VersionId": wanted.version} if wanted.version else {}
        try:
            answer = context.scope().client("secretsmanager").get_secret_value(**which)
        except ClientError as error:
            raise StoredValueError("Secrets Manager Error", _said(error)) from None
        if "SecretString" not in answer:
            raise StoredValueError("Secrets Manager Error", f"the secret {wanted.id} is binary, and no text")
        read[whole] = answer["SecretString"]
    return _member(read[whole], wanted) if wanted.key else read[whole]


def _member(text: str, wanted: Secret) -> str:
    try:
        members = json.loads(text)
    except ValueError:
        members = None
    if not isinstance(members, dict) or wanted.key not in members:
        raise StoredValueError("Secrets Manager Error", f"the secret {wanted.id} has no key {wanted.key}")
    value = members[wanted.key]
    return value if isinstance(value, str) else json.dumps(value)


def _said(error: ClientError) -> str:
    return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"


def masked(text: str, hidden: Iterable[str]) -> str:
    """Return `text` with *** for the values of `hidden`, each line of them too, and for AWS access key ids.

    CodeBuild user guide, "Data protection": its logs hide these.
    """
    lines = {line for value in hidden for line in (value, *value.splitlines()) if line.strip()}
    for line in sorted(lines, key=len, reverse=True):
        text = text.replace(line, "***")
    return re.sub(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", "***", text)
