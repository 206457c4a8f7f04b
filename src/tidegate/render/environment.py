"""The Jinja2 environment: whatever a template prints is encoded, whether its author thinks of it or not."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    FunctionLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tidegate.errors import TidegateError
from tidegate.render.encode import UnsafeValueError, encode

OVERRIDES: Final = "templates"
"""The folder of a deploy repository whose templates take the place of those shipped, by name."""


class TemplateFailedError(TidegateError):
    """A template that cannot be read or rendered. The message says where."""


def render_template(name: str, values: Mapping[str, Any], root: Path) -> str:
    """Return the template `name` filled with `values`, from `root`/templates if it is there, else as shipped.

    Raises TemplateFailedError with file:line, and UnsafeValueError for a value that a template cannot carry.
    """
    environment = _environment(root / OVERRIDES)
    try:
        return environment.get_template(name).render(values)
    except UnsafeValueError:
        raise
    except TemplateSyntaxError as error:
        raise TemplateFailedError(f"{_place(error.filename or name, root)}:{error.lineno}: {error.message}") from None
    except TemplateNotFound as error:
        raise TemplateFailedError(f"there is no template {error.name} in {OVERRIDES}/ or among those shipped") from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise TemplateFailedError(f"{_where(error, name, root)}: {error}") from None


def template_name(name: str, root: Path) -> str:
    """Return how to tell people which template `name` is: the repository's own, or the one shipped."""
    override = root / OVERRIDES / name
    return f"{OVERRIDES}/{name}" if override.is_file() else f"the shipped {name}"


def _environment(overrides: Path) -> ImmutableSandboxedEnvironment:
    loaders: list[BaseLoader] = [FileSystemLoader(overrides)] if overrides.is_dir() else []
    return ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([*loaders, FunctionLoader(_shipped)]),
        undefined=StrictUndefined,
        finalize=_finalize,
        # Values are encoded by `finalize`; HTML's escaping would only spoil them.
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _finalize(value: object) -> object:
    # StrictUndefined raises by itself once it is printed, and names what is missing.
    return value if isinstance(value, Undefined) else encode(value)


def _shipped(name: str) -> tuple[str, str, None] | None:
    source = files("tidegate") / "templates" / name
    return (source.read_text("utf-8"), str(source), None) if source.is_file() else None


def _where(error: Exception, name: str, root: Path) -> str:
    """Return file:line of the innermost template line that was being rendered; Jinja2 puts it into the traceback."""
    place, trace = template_name(name, root), error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if filename.endswith(".j2"):
            place = f"{_place(filename, root)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _place(filename: str, root: Path) -> str:
    path = Path(filename)
    return str(path.relative_to(root)) if path.is_relative_to(root) else f"the shipped {path.name}"
