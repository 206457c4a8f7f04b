"""References to variables, such as #{Source.CommitId}, in the configuration of actions and rules."""

import re
from collections.abc import Mapping

REFERENCE = re.compile(r"#\{([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_.]+)\}")
"""A variable: its namespace and its name."""


class UnknownVariableError(LookupError):
    """A reference to a variable that no action gave; the sentence names it."""


def resolve(text: str, variables: Mapping[str, Mapping[str, str]]) -> str:
    """Return `text` with each #{namespace.name} replaced; UnknownVariableError where one has no value."""

    def value(match: re.Match[str]) -> str:
        namespace, name = match.groups()
        try:
            return variables[namespace][name]
        except KeyError:
            raise UnknownVariableError(f"{match[0]} has no value: no action before gave it one") from None

    return REFERENCE.sub(value, text)
