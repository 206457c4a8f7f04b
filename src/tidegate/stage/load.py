"""A deploy repository from its files."""

from pathlib import Path

from tidegate.errors import TidegateError
from tidegate.stage import limits
from tidegate.stage.document import Document, MappingValue, merge
from tidegate.stage.model import Project, Repo, Stage
from tidegate.stage.problems import Position, Problem, StageFileError
from tidegate.stage.quantities import show
from tidegate.stage.reading import read_document
from tidegate.stage.validation import SHARED_KEYS, STAGE_KEYS, unknown_keys, validate_shared, validate_stage

ENDPOINT_FILE = "endpoint.yml"
STAGES_FOLDER = "stages"


def load_repo(path: Path) -> Repo:
    """Read `endpoint.yml` and `stages/*.yml` under `path`; each stage is its file laid over `endpoint.yml`.

    Mappings are merged key by key; lists and everything else are replaced. `null` in a stage takes an optional
    default away.

    Raises StageFileError with every problem of every file in the order of the files, TidegateError where there
    is no repository.
    """
    if not (path / ENDPOINT_FILE).exists():
        raise TidegateError(
            f"there is no {ENDPOINT_FILE} in {path.absolute()}; "
            "run this in a deploy repository, or name one with --repo"
        )
    endpoint = read_document(path / ENDPOINT_FILE)
    problems = list(endpoint.problems)
    shared = None
    if endpoint.root is not None:
        shared, found = validate_shared(endpoint.root)
        problems += found
        problems += unknown_keys(endpoint.root, (*SHARED_KEYS, *STAGE_KEYS))

    stages: list[Stage] = []
    files, misnamed = _stage_files(path / STAGES_FOLDER)
    problems += misnamed
    for file in files:
        document = read_document(file)
        problems += document.problems
        stage, found = _stage(file.stem, document, endpoint, shared.project if shared else None)
        problems += found
        if stage:
            stages.append(stage)

    if problems or shared is None:
        raise StageFileError(_in_order(problems, [endpoint.file, *(file.as_posix() for file in files)]))
    return Repo(root=path, stages=tuple(stages), **dict(shared))


def _stage(
    name: str, document: Document, endpoint: Document, project: Project | None
) -> tuple[Stage | None, list[Problem]]:
    if document.root is None:
        return None, []
    problems = list(unknown_keys(document.root, STAGE_KEYS))
    if endpoint.root is None:  # its defaults are not known, so what is missing is not known either
        return None, problems
    merged = merge(endpoint.root, document.root)
    assert isinstance(merged, MappingValue)
    stage, found = validate_stage(name, merged, project)
    # Where a value could not be read, what stands in for it is not judged.
    unread = {problem.position for problem in (*endpoint.problems, *document.problems)}
    return stage, problems + [problem for problem in found if problem.position not in unread]


def _stage_files(folder: Path) -> tuple[list[Path], list[Problem]]:
    here = Position(folder.as_posix(), 1, 1)
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix in {".yml", ".yaml"})
    except OSError:
        found = []
    if not found:
        return [], [Problem(here, "there is no stage", f"add a file such as {STAGES_FOLDER}/prod.yml")]
    files, problems = [], []
    for path in found:
        if path.suffix == ".yml" and limits.STAGE_NAME.fullmatch(path.stem):
            files.append(path)
        else:
            wrong = f"{show(path.name)} is not the name of a stage file"
            right = f"use 1 to {limits.STAGE_NAME_MAX} lower-case letters and digits, starting with a letter, and .yml"
            problems.append(Problem(here, wrong, right))
    return files, problems


def _in_order(problems: list[Problem], files: list[str]) -> list[Problem]:
    """Put problems into the order of the files, each of them once: a default is judged with every stage."""

    def place(problem: Problem) -> tuple[int, Position]:
        file = problem.position.file
        return (files.index(file) if file in files else len(files), problem.position)

    return sorted(dict.fromkeys(problems), key=place)
