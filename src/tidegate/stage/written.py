"""How a value is written in a file: what reads it, and what an editor is told of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BeforeValidator

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written(BeforeValidator):
    """A parser from what YAML holds to a typed value, and the JSON Schema of what it takes.

    The schema says less than the parser where JSON Schema cannot say it, such as the longest duration; never more.
    """

    schema: Schema = field(default_factory=dict, kw_only=True, hash=False)


def matching(pattern: re.Pattern[str]) -> Schema:
    """Return the schema of text that a pattern matches from end to end."""
    return {"type": "string", "pattern": f"^(?:{pattern.pattern})$"}


def of_length(shortest: int, longest: int) -> Schema:
    """Return the schema of text of `shortest` to `longest` characters."""
    return {"type": "string", "minLength": shortest, "maxLength": longest}


def whole(least: int, most: int) -> Schema:
    """Return the schema of whole numbers from `least` to `most`, both allowed."""
    return {"type": "integer", "minimum": least, "maximum": most}
