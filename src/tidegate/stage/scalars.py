"""What a plain scalar means: the core schema of YAML 1.2 (chapter 10.3.2), in which `no` and `1:30` are text.

PyYAML's own resolver is YAML 1.1's: it would read `no` as false, `010` as 8 and `1:30` as 90.
"""

import re
from typing import Final

from tidegate.stage import limits
from tidegate.stage.problems import InvalidValueError

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_LONGEST_WORD: Final = max(map(len, _WORDS))
_NUMBERS_BEGIN: Final = frozenset("0123456789+-.")
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def resolve(text: str) -> str | int | float | bool | None:
    """Return what an unquoted scalar means.

    Raises InvalidValueError for a number longer than `limits.NUMBER_MAX_LENGTH`, which costs more than it says.
    """
    if len(text) <= _LONGEST_WORD and text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBERS_BEGIN:
        return text
    integer = _INTEGER.fullmatch(text)
    if not integer and not _FLOAT.fullmatch(text):
        return float(text.replace(".", "", 1)) if _NOT_FINITE.fullmatch(text) else text
    if len(text) > limits.NUMBER_MAX_LENGTH:
        raise InvalidValueError("the number has too many digits", "put it in quotes if it is text")
    if not integer:
        return float(text)
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
