"""A deploy repository from its files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tidegate.errors import TidegateError
from tidegate.stage import limits
from tidegate.stage.document import Document, MappingValue, SequenceValue, Value, merge, plain
from tidegate.stage.model import Repo, Shared, Stage
from tidegate.stage.problems import Position, Problem, StageFileError
from tidegate.stage.quantities import show
from tidegate.stage.reading import read_document
from tidegate.stage.rules.reading import file_name
from tidegate.stage.validation import SHARED_KEYS, STAGE_KEYS, unknown_keys, validate_shared, validate_stage

ENDPOINT_FILE = "endpoint.yml"
STAGES_FOLDER = "stages"
OF_A_PLACE = ("account", "region", "execution_role")
"""What the place of a stage, in `project.places`, says of the stage itself."""


@dataclass(frozen=True, slots=True)
class RepoFiles:
    """The files of a deploy repository as they were read, with what is wrong about the files themselves."""

    endpoint: Document
    stages: dict[str, Document]
    """By the name of the stage, in the order of the names."""
    problems: tuple[Problem, ...]

    def merged(self, name: str) -> MappingValue | None:
        """Return the stage's file laid over `endpoint.yml`, or None where either could not be read.

        Where the launch put the stage into another account, its place there lies between the two.
        """
        below, over = self.endpoint.root, self.stages[name].root
        if below is None or over is None:
            return None
        place = _place(below, name)
        merged = merge(merge(below, place) if place else below, over)
        assert isinstance(merged, MappingValue)
        return merged


def read_files(path: Path) -> RepoFiles:
    """Read `endpoint.yml` and `stages/*.yml` under `path`.

    Raises TidegateError where there is no repository.
    """
    file = path / ENDPOINT_FILE
    if not (file.is_symlink() or file.exists()):
        raise TidegateError(
            f"there is no {ENDPOINT_FILE} in {path.absolute()}; "
            "run this in a deploy repository, or name one with --repo"
        )
    files, problems = _stage_files(path / STAGES_FOLDER)
    return RepoFiles(read_document(file), {name: read_document(each) for name, each in files.items()}, tuple(problems))


def load_repo(path: Path) -> Repo:
    """Read `endpoint.yml` and `stages/*.yml` under `path`; each stage is its file laid over `endpoint.yml`.

    Mappings are merged key by key; lists and everything else are replaced. `null` in a stage takes an optional
    default away.

    Raises StageFileError with every problem of every file in the order of the files, TidegateError where there
    is no repository.
    """
    return type_repo(path, read_files(path))


def type_repo(path: Path, files: RepoFiles) -> Repo:
    """Turn files that were read under `path` into typed values; raises as `load_repo` does."""
    endpoint = files.endpoint
    problems = [*endpoint.problems, *files.problems]
    shared = None
    if endpoint.root is not None:
        shared, found = validate_shared(endpoint.root)
        problems += found
        problems += unknown_keys(endpoint.root, (*SHARED_KEYS, *STAGE_KEYS))

    stages: list[Stage] = []
    for name, document in files.stages.items():
        stage, found = _stage(name, files, shared)
        problems += document.problems
        problems += found
        if stage:
            stages.append(stage)

    if problems or shared is None:
        documents = [endpoint, *files.stages.values()]
        raise StageFileError(_in_order(problems, documents), {each.file: each.text for each in documents})
    return Repo(root=path, stages=tuple(stages), **dict(shared))


def _stage(name: str, files: RepoFiles, shared: Shared | None) -> tuple[Stage | None, list[Problem]]:
    document, endpoint = files.stages[name], files.endpoint
    if document.root is None:
        return None, []
    problems = list(unknown_keys(document.root, STAGE_KEYS))
    merged = files.merged(name)
    if merged is None:  # the defaults of endpoint.yml are not known, so what is missing is not known either
        return None, problems
    stage, found = validate_stage(name, merged, shared)
    if found:
        # Where a value could not be read, what stands in for it is not judged.
        unread = {problem.position for problem in (*endpoint.problems, *document.problems)}
        problems += [problem for problem in found if problem.position not in unread]
    return stage, problems


def _place(endpoint: MappingValue, stage: str) -> MappingValue | None:
    """Return what the stage's place in `project.places` says of the stage, None where it has none."""
    places = _value(_value(endpoint, "project"), "places")
    for place in places.items if isinstance(places, SequenceValue) else ():
        named = _value(place, "stage")
        if isinstance(place, MappingValue) and named is not None and plain(named) == stage:
            return MappingValue({key: place.entries[key] for key in OF_A_PLACE if key in place.entries}, place.position)
    return None


def _value(of: Value | None, key: str) -> Value | None:
    return of.entries[key].value if isinstance(of, MappingValue) and key in of.entries else None


def _stage_files(folder: Path) -> tuple[dict[str, Path], list[Problem]]:
    here = Position(folder.as_posix(), 1, 1)
    try:
        found = sorted(_yaml_files(folder), key=lambda path: path.name)
    except FileNotFoundError:
        found = []
    except OSError as error:
        wrong = f"the folder cannot be read: {error.strerror}"
        return {}, [Problem(here, wrong, "put a folder with one file a stage here", file_name.id)]
    if not found:
        return {}, [Problem(here, "there is no stage", f"add a file such as {STAGES_FOLDER}/prod.yml", file_name.id)]
    files: dict[str, Path] = {}
    problems: list[Problem] = []
    for path in found:
        name = path.stem
        if path.suffix == ".yml" and limits.STAGE_NAME.fullmatch(name):
            files[name] = path
        else:
            wrong = f"{show(path.name)} is not the name of a stage file"
            right = f"use 1 to {limits.STAGE_NAME_MAX} lower-case letters and digits, starting with a letter, and .yml"
            problems.append(Problem(here, wrong, right, file_name.id))
    return files, problems


def _yaml_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.suffix.lower() in {".yml", ".yaml"})


def _in_order(problems: list[Problem], documents: list[Document]) -> list[Problem]:
    """Put problems into the order of the files, each of them once: a default is judged with every stage."""
    order = {document.file: index for index, document in enumerate(documents)}

    def place(problem: Problem) -> tuple[int, Position]:
        return order.get(problem.position.file, len(order)), problem.position

    return sorted(dict.fromkeys(problems), key=place)
