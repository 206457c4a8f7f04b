"""The two files a run is made from: pipeline.yml, which people edit, and project.json, which the launch wrote."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

ROOT = Path(__file__).resolve().parent.parent

Subnet = Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")]
SecurityGroup = Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]{8,17}$")]
Month = Annotated[int, Field(ge=1, le=12)]
InstanceType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]


class SettingsError(Exception):
    """A file says what cannot be: the message is one sentence a line, each with file:line:column."""


class Frozen(BaseModel):
    """Total and immutable: no unknown key, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Data(Frozen):
    """The months to train on, both included."""

    from_month: Month
    to_month: Month

    @model_validator(mode="after")
    def _in_order(self) -> "Data":
        if self.from_month > self.to_month:
            raise ValueError(f"from_month {self.from_month} is after to_month {self.to_month}; swap them")
        return self


class Training(Frozen):
    """XGBoost's hyperparameters, in its own names and limits."""

    max_depth: Annotated[int, Field(ge=1, le=20)]
    eta: Annotated[float, Field(gt=0, le=1)]
    num_round: Annotated[int, Field(ge=1, le=10_000)]


class Gate(Frozen):
    """What a model must reach to be registered. max_rmse is in rentals an hour."""

    max_rmse: Annotated[float, Field(gt=0)]


class Instances(Frozen):
    """Instance types of the jobs, and those the registered model may be served on."""

    processing: InstanceType
    training: InstanceType
    inference: Annotated[tuple[InstanceType, ...], Field(min_length=1, strict=False)]


class Settings(Frozen):
    """pipeline.yml."""

    data: Data
    training: Training
    gate: Gate
    instances: Instances
    approval_status: Literal["PendingManualApproval", "Approved"]
    image: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")] | None = None
    """The tag of an image of the project's own, which every job and the endpoint run in; none: AWS's own of XGBoost."""


class Project(Frozen):
    """project.json. The patterns are those of the services the values go to."""

    project_name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}$")]
    project_id: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,19}$")]
    account: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
    bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    kms_key_arn: Annotated[
        str, StringConstraints(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$")
    ]
    execution_role_arn: Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$")]
    image_repository: Annotated[
        str,
        StringConstraints(pattern=r"^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9][a-z0-9._/-]*$"),
    ]
    """Where the project's own images lie, which `image` in pipeline.yml names one of."""
    model_package_group: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")]
    pipeline: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}$")]
    subnets: Annotated[tuple[Subnet, ...], Field(max_length=16, strict=False)] = ()
    """The subnets that the jobs are in, with `security_groups`; none: no network of the project's own."""
    security_groups: Annotated[tuple[SecurityGroup, ...], Field(max_length=5, strict=False)] = ()

    @model_validator(mode="after")
    def _whole_network(self) -> "Project":
        if bool(self.subnets) != bool(self.security_groups):
            raise ValueError("subnets and security_groups go together; give both or neither")
        return self


Model = TypeVar("Model", bound=Frozen)


def load_settings(path: Path = ROOT / "pipeline.yml") -> Settings:
    """Read pipeline.yml. Raises SettingsError."""
    return _load(path, Settings)


def load_project(path: Path = ROOT / "project.json") -> Project:
    """Read project.json. Raises SettingsError."""
    return _load(path, Project)


def _load(path: Path, model: type[Model]) -> Model:
    """Read YAML (of which JSON is a part) into `model`; every mistake is told with its place."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise SettingsError(f"{path.name}: cannot be read: {problem.strerror}") from problem
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = f"{path.name}:{mark.line + 1}:{mark.column + 1}" if mark else path.name
        raise SettingsError(f"{place}: not YAML: {problem.problem}") from problem
    try:
        return model.model_validate(content)
    except ValidationError as invalid:
        raise SettingsError(
            "\n".join(
                f"{path.name}:{_place(tree, error['loc'])}: {_sentence(error['type'], error['loc'], error['msg'])}"
                for error in invalid.errors(include_url=False)
            )
        ) from invalid


def _sentence(kind: str, location: Sequence[int | str], message: str) -> str:
    """Say what is wrong with the key at `location`, and what would be right."""
    name = ".".join(map(str, location)) or "the file"
    if kind == "extra_forbidden":
        return f"{name} is not a setting; check its spelling against README.md"
    if kind == "missing":
        return f"{name} is missing"
    return f"{name}: {message.removeprefix('Value error, ')}"


def _place(node: yaml.Node | None, location: Sequence[int | str]) -> str:
    """Return line:column, counted from one, of the key at `location`, or of what should have held it."""
    mark = node.start_mark if node else None
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found is None:
                break
            mark, node = found[0].start_mark, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            mark = node.start_mark
    return f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
