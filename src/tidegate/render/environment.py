"""The Jinja2 environment: whatever a template prints is encoded, whether its author thinks of it or not."""

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
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

_SHIPPED_FOLDER: Final = Path(__file__).parents[1] / "templates"

SHIPPED: Final = "shipped/"
"""What a template's name begins with where the shipped one is meant, even if the repository has one of that name."""

_SUFFIX: Final = ".j2"
_PARTS: Final = (".yaml.j2", ".json.j2")  # beside them, what `plan` prints is a template too


class TemplateFailedError(TidegateError):
    """A template that cannot be read or rendered. The message says where."""


class BrokenTemplateError(TidegateError):
    """A template whose output is not what a release needs. The message says where."""


class Templates:
    """The templates of one deploy repository: its own, and the shipped ones where it has none of that name."""

    def __init__(self, root: Path, own: tuple[str, ...]) -> None:
        self.root = root
        self.own = own
        """The names of the templates in the repository, of which some may take the place of none."""
        self.overrides = frozenset(own) & shipped_names()
        self._environment = environment(root)

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """Return the template `name` filled with `values`.

        Raises TemplateFailedError with file:line, and UnsafeValueError for a value that a template cannot carry.
        """
        try:
            return self._environment.get_template(name).render(values)
        except UnsafeValueError:
            raise
        except TemplateSyntaxError as error:
            place = f"{self.place(error.filename or name)}:{error.lineno}"
            raise TemplateFailedError(f"{place}: {error.message}") from None
        except TemplateNotFound as error:
            raise TemplateFailedError(
                f"{self._where(error, name)}: there is no template {error.name} in {OVERRIDES}/ or among those shipped"
            ) from None
        except UnicodeDecodeError as error:
            raise TemplateFailedError(f"{self._not_text(error)}: the template is not UTF-8: {error}") from None
        except RecursionError as error:
            raise TemplateFailedError(
                f"{self._where(error, name)}: the template includes itself; "
                f"`{SHIPPED}` before its name means the one shipped"
            ) from None
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise TemplateFailedError(f"{self._where(error, name)}: {error}") from None

    def in_words(self) -> Iterator[str]:
        """Tell which of the repository's templates take a shipped one's place, and which are not used at all."""
        used = {name for _, name in self._environment.cache or ()}
        for name in self.own:
            if name in self.overrides:
                yield f"{OVERRIDES}/{name} takes the place of the one shipped"
            elif name not in used:
                yield f"{OVERRIDES}/{name} is not used: those shipped are {', '.join(sorted(shipped_names()))}"

    def told(self, name: str) -> str:
        """Return how to tell people which template `name` is: the repository's own, or the one shipped."""
        return f"{OVERRIDES}/{name}" if name in self.own else f"the shipped {name.removeprefix(SHIPPED)}"

    def place(self, filename: str) -> str:
        """Return how to tell people which template a file is."""
        path = Path(filename)
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else f"the shipped {path.name}"

    def _not_text(self, error: UnicodeDecodeError) -> str:
        folder = self.root / OVERRIDES
        found = (self.told(name) for name in self.own if (folder / name).read_bytes() == error.object)
        return next(found, f"{OVERRIDES}/")

    def _where(self, error: Exception, name: str) -> str:
        """Return file:line of the innermost template line being rendered; Jinja2 puts it into the traceback."""
        place, trace = self.told(name), error.__traceback__
        while trace is not None:
            filename = trace.tb_frame.f_code.co_filename
            if filename.endswith(_SUFFIX):
                place = f"{self.place(filename)}:{trace.tb_lineno}"
            trace = trace.tb_next
        return place


def templates_of(root: Path) -> Templates:
    """Return the templates of the deploy repository at `root`, compiled once as long as it has the same files."""
    try:
        own = tuple(sorted(path.name for path in (root / OVERRIDES).iterdir() if path.suffix == _SUFFIX))
    except OSError:
        own = ()
    return _templates(root, own)


@lru_cache(maxsize=8)
def _templates(root: Path, own: tuple[str, ...]) -> Templates:
    return Templates(root, own)


@cache
def shipped_names() -> frozenset[str]:
    """Name the templates that are shipped, each of which a repository may replace."""
    return frozenset(path.name for path in _SHIPPED_FOLDER.iterdir() if path.name.endswith(_PARTS))


class _Environment(ImmutableSandboxedEnvironment):
    """Finds a mapping's entries first and at once, which most of what templates ask for are."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return `obj.attribute`, an entry of that name before anything else."""
        return obj[attribute] if type(obj) is dict and attribute in obj else super().getattr(obj, attribute)


def environment(root: Path, extensions: tuple[type[Any], ...] = ()) -> ImmutableSandboxedEnvironment:
    """Return an environment over the repository's templates and those shipped."""
    overrides = root / OVERRIDES
    loaders: list[BaseLoader] = [FileSystemLoader(overrides)] if overrides.is_dir() else []
    return _Environment(
        loader=ChoiceLoader([FunctionLoader(_shipped_by_prefix), *loaders, FunctionLoader(_shipped)]),
        extensions=extensions,
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


def _shipped_by_prefix(name: str) -> tuple[str, str, None] | None:
    return _shipped(name.removeprefix(SHIPPED)) if name.startswith(SHIPPED) else None


def _shipped(name: str) -> tuple[str, str, None] | None:
    source = _SHIPPED_FOLDER / name
    return (source.read_text("utf-8"), str(source), None) if name in shipped_names() else None
