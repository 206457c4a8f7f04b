"""`tidegate explain`."""

import difflib
from typing import Annotated

import typer

from tidegate.cli.console import say
from tidegate.errors import TidegateError
from tidegate.stage.rules import ALL
from tidegate.stage.rules.explain import in_a_line, in_words, page


def explain(
    rule: Annotated[str, typer.Argument(help="The id of a rule, such as TG014; left out, all are named.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/rules.md, which explains all.")] = False,
) -> None:
    """Say why a rule on stage files holds, where that is from, and what is right and wrong."""
    if markdown and rule:
        raise typer.BadParameter("it prints all rules: leave the rule out", param_hint="--markdown")
    if markdown:
        typer.echo(page(), nl=False)
    elif rule:
        say(in_words(ALL[_id(rule)]))
    else:
        for each in ALL.values():
            say(in_a_line(each))


def _id(text: str) -> str:
    id = text.strip("[] ").upper()
    if id in ALL:
        return id
    near = difflib.get_close_matches(id, ALL, n=1)
    right = f"did you mean {near[0]}?" if near else "`tidegate explain` names them all"
    raise TidegateError(f"there is no rule `{text}`; {right}")
