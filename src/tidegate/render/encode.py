"""How a value is written into a template: as JSON, which YAML reads back as the very same value.

Nothing that a person wrote reaches a template any other way, so no string can end its quotes, become a number, a
boolean, a tag or an anchor, or start a CloudFormation function.
"""

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from tidegate.errors import TidegateError

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_NESTED: Final = (dict, list, tuple)
_REFERENCE: Final = "{{resolve:"
_EXPONENT: Final = re.compile("[0-9]e[-+]?[0-9]")
_SHORT: Final = 200
# Characters that YAML does not print as they are, or folds as line breaks (YAML 1.1, 5.1 and 5.4). JSON itself escapes
# those below U+0020.
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class UnsafeValueError(TidegateError):
    """A value that no template can carry as it is."""


def encode(value: object) -> str:
    """Return `value` as JSON on one line: None, booleans, numbers, strings, mappings and sequences of them.

    Raises UnsafeValueError for a string that CloudFormation would replace: it looks up `{{resolve:…}}` in every string,
    after its functions have run, so there is no way to quote one.
    """
    if isinstance(value, str):
        return _short(value) if len(value) <= _SHORT else _string(value)
    if type(value) in _NESTED:
        return _nested(value)
    return _one_by_one(value)


def _nested(value: object) -> str:
    """Encode all at once what holds nothing that JSON and YAML 1.1 write differently, which is most."""
    try:
        text = _ENCODER.encode(value)
    except (TypeError, ValueError):
        return _one_by_one(value)
    if _REFERENCE in text or _EXPONENT.search(text):
        return _one_by_one(value)
    return _escaped(text)


def _one_by_one(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float():
            return _number(value)
        case Mapping():
            return "{" + ", ".join(f"{encode(str(key))}: {encode(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(encode, value)) + "]"
        case _:
            raise TypeError(f"a template cannot hold a {type(value).__name__}")


def _string(text: str) -> str:
    if _REFERENCE in text:
        raise UnsafeValueError(
            f"{text!r} is a dynamic reference, which CloudFormation would replace by what it refers to; "
            "let the model's code read secrets and parameters itself"
        )
    # str() undoes subclasses, such as enumerations and marked-up strings.
    return _escaped(_ENCODER.encode(str(text)))


def _escaped(text: str) -> str:
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


# A template prints the same names many times.
_short: Final = lru_cache(maxsize=4096)(_string)


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise UnsafeValueError(f"{value} is not a number that CloudFormation can read")
    # YAML 1.1 reads 1e-05 as a string, so no exponents.
    text = f"{Decimal(repr(value)):f}"
    return text if "." in text else f"{text}.0"
