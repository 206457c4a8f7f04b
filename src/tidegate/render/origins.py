"""Which line of which template a line of output came from. Worked out only once something is wrong with the output."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from tidegate.render.environment import Templates, environment

_MARK: Final = re.compile("\x00([^\x00:]*):([0-9]+)\x00")


class _Marking(Extension):
    """Writes each line's own place, between NULs, in front of it: no template and no encoded value has those."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            if token.type == "data":
                lines = str(token.value).split("\n")
                marked = (
                    f"\x00{stream.name or ''}:{token.lineno + number}\x00{line}" for number, line in enumerate(lines)
                )
                yield Token(token.lineno, token.type, "\n".join(marked))
            else:
                yield token


def origins(templates: Templates, name: str, values: Mapping[str, Any]) -> list[str]:
    """Return for each line of the template's output where it comes from, as `templates/alarms.yaml.j2:7`."""
    text = environment(templates.root, (_Marking,)).get_template(name).render(values)
    places: list[str] = []
    last = f"{templates.told(name)}:1"
    for line in text.split("\n"):
        marks = list(_MARK.finditer(line))
        # A line that starts with a value has no mark of its own; a mark without text after it is the next line's.
        own = next((mark for mark in marks if mark.end() < len(line) and line[mark.end()] != "\x00"), None)
        chosen = own or (marks[-1] if marks else None)
        if chosen:
            last = f"{templates.told(chosen[1])}:{chosen[2]}"
        places.append(last)
    return places
