"""The report as one HTML file: no script, nothing from elsewhere, every value escaped."""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from tidegate.plan import words
from tidegate.plan.chart import chart_of
from tidegate.plan.model import Plan
from tidegate.plan.report import Drawing, Table, course_table, first_of_all, headline, last_of_all, place, sections

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE: Final = "plan.html.j2"


def as_html(plan: Plan) -> str:
    """Return the report as a page of its own."""
    return _template().render(
        plan=plan,
        headline=headline(plan),
        place=place(plan),
        first=first_of_all(plan),
        last=last_of_all(plan),
        sections=sections(plan),
        chart=chart_of(plan),
        course=course_table(plan),
        kind_of=_kind_of,
        pieces=_pieces,
    )


def _kind_of(block: Any) -> str:
    match block:
        case Table():
            return "table"
        case Drawing():
            return "drawing"
        case _:
            return "text"


def _pieces(text: str) -> list[str]:
    """Return what stands between the backticks of a sentence and what does not, by turns."""
    return text.split("`")


def _finalize(value: Any) -> Any:
    # What has markup of its own came from a macro, through here.
    return words.printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_finalize, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string((files("tidegate") / "templates" / TEMPLATE).read_text("utf-8"))
