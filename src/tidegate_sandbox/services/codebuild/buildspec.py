"""The buildspec, version 0.2: typed, and refused with file:line:column where it says what is not simulated.

Source of the rules: AWS CodeBuild user guide, "Build specification reference for CodeBuild".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tidegate_sandbox.services.codebuild.coverage import READERS

T = TypeVar("T")

PhaseName = Literal["install", "pre_build", "build", "post_build"]
PHASES: tuple[PhaseName, ...] = ("install", "pre_build", "build", "post_build")


@dataclass(frozen=True)
class Retry:
    """Build once more, up to `count` times, where the phase's error message has a match of `pattern`."""

    count: int = 3
    pattern: str = ".*"


OnFailure = Literal["ABORT", "CONTINUE"] | Retry


class BuildspecError(ValueError):
    """What is wrong in a buildspec, as `file:line:column: sentence`."""


@dataclass(frozen=True)
class Phase:
    """One phase's commands, and those that run at its end in any case. `on_failure` None is CodeBuild's default."""

    commands: tuple[str, ...] = ()
    finally_commands: tuple[str, ...] = ()
    on_failure: OnFailure | None = None
    runtime_versions: Mapping[str, str] = field(default_factory=dict)


VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")


@dataclass(frozen=True)
class Artifacts:
    """Which files make an output: globs relative to `base_directory`."""

    files: tuple[str, ...]
    exclude_paths: tuple[str, ...] = ()
    base_directory: str = "."
    discard_paths: bool = False
    name: str | None = None
    """What the shell makes of it is the name: it may have variables and commands in it."""
    enable_symlinks: bool = False
    s3_prefix: str = ""

    def variables(self) -> set[str]:
        """Return the names of the variables in its paths, $NAME or ${NAME}."""
        paths = (*self.files, *self.exclude_paths, self.base_directory)
        return {found[1] or found[2] for path in paths for found in VARIABLE.finditer(path)}

    def with_values(self, values: Mapping[str, str]) -> "Artifacts":
        """Return it with the variables' values in its paths."""

        def worked_out(path: str) -> str:
            return VARIABLE.sub(lambda found: values.get(found[1] or found[2], ""), path)

        return replace(
            self,
            files=tuple(map(worked_out, self.files)),
            exclude_paths=tuple(map(worked_out, self.exclude_paths)),
            base_directory=worked_out(self.base_directory),
        )


@dataclass(frozen=True)
class Report:
    """Which files are the raw data of a report."""

    files: tuple[str, ...]
    file_format: str = "JUNITXML"
    base_directory: str = "."
    discard_paths: bool = False


@dataclass(frozen=True)
class Cache:
    """What is kept from build to build: paths, in an object of the name that the shell makes of `key`."""

    paths: tuple[str, ...] = ()
    key: str = ""
    fallback_keys: tuple[str, ...] = ()
    action: Literal["both", "restore", "save"] = "both"


@dataclass(frozen=True)
class Buildspec:
    """A whole buildspec."""

    phases: Mapping[PhaseName, Phase]
    shell: Literal["sh", "bash"] = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameter_store: Mapping[str, str] = field(default_factory=dict)
    secrets_manager: Mapping[str, str] = field(default_factory=dict)
    exported_variables: tuple[str, ...] = ()
    git_credential_helper: bool = False
    artifacts: Artifacts | None = None
    secondary_artifacts: Mapping[str, Artifacts] = field(default_factory=dict)
    reports: Mapping[str, Report] = field(default_factory=dict)
    cache: Cache = field(default_factory=Cache)


def parse(text: str, file: str = "buildspec.yml") -> Buildspec:
    """Read a buildspec (YAML, of which JSON is a part); BuildspecError for what is wrong or not simulated."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise BuildspecError(f"{where}: this is no YAML: {error.problem}") from None
    if root is None:
        raise BuildspecError(f"{file}:1:1: the buildspec is empty; it needs version and phases")
    return _Reader(file).buildspec(root)


class _Reader:
    """Reads nodes, so that each error knows its place and each value stays the text that was written."""

    def __init__(self, file: str) -> None:
        self._file = file

    def buildspec(self, root: Node) -> Buildspec:
        top = self._mapping(root, "the buildspec", _TOP_KEYS)
        if "version" not in top or self._text(top["version"]) != "0.2":
            raise self._error(top.get("version", root), "version must be 0.2, the only one that is simulated")
        for name in _REFUSED:
            if name in top:
                raise self._error(top[name], f"{name} is not in the local simulation")
        self._proxy(top.get("proxy"))
        if "phases" not in top:
            raise self._error(root, "phases is missing: a buildspec needs at least one phase with commands")
        env = self._mapping(top.get("env"), "env", _ENV_KEYS)
        phases = self._mapping(top["phases"], "phases", PHASES)
        artifacts, secondary = self._all_artifacts(top.get("artifacts"))
        return Buildspec(
            phases={name: self._phase(phases[name], name) for name in PHASES if name in phases},
            shell=self._choice(env, "shell", {"bash": "bash", "sh": "sh", "/bin/sh": "sh"}, "sh"),
            variables=self._texts_by_name(env.get("variables"), "env.variables"),
            parameter_store=self._texts_by_name(env.get("parameter-store"), "env.parameter-store"),
            secrets_manager=self._texts_by_name(env.get("secrets-manager"), "env.secrets-manager"),
            exported_variables=self._texts(env.get("exported-variables"), "env.exported-variables"),
            git_credential_helper=self._choice(env, "git-credential-helper", _BOOLEANS, False),
            artifacts=artifacts,
            secondary_artifacts=secondary,
            reports={
                name: self._report(one, name)
                for name, one in self._mapping(top.get("reports"), "reports", None).items()
            },
            cache=self._cache(top.get("cache")),
        )

    def _proxy(self, node: Node | None) -> None:
        proxy = self._mapping(node, "proxy", ("upload-artifacts", "logs"))
        for name in proxy:
            if self._choice(proxy, name, _BOOLEANS, False):
                raise self._error(proxy[name], f"proxy.{name} is yes; in the local simulation there is no proxy server")

    def _report(self, node: Node, name: str) -> Report:
        fields = self._mapping(node, f"reports.{name}", ("files", "file-format", "base-directory", "discard-paths"))
        files = self._texts(fields.get("files"), f"reports.{name}.files")
        if not files:
            raise self._error(node, f"reports.{name} has no files; name at least one, such as '**/*.xml'")
        return Report(
            files=files,
            file_format=self._choice(fields, "file-format", {one: one for one in REPORT_FORMATS}, "JUNITXML"),
            base_directory=self._text(fields["base-directory"]) if "base-directory" in fields else ".",
            discard_paths=self._choice(fields, "discard-paths", _BOOLEANS, False),
        )

    def _cache(self, node: Node | None) -> Cache:
        fields = self._mapping(node, "cache", ("paths", "key", "fallback-keys", "action"))
        return Cache(
            paths=self._texts(fields.get("paths"), "cache.paths"),
            key=self._text(fields["key"]) if "key" in fields else "",
            fallback_keys=self._texts(fields.get("fallback-keys"), "cache.fallback-keys"),
            action=self._choice(fields, "action", {"restore": "restore", "save": "save"}, "both"),
        )

    def _phase(self, node: Node, name: str) -> Phase:
        keys = ("commands", "finally", "on-failure", "runtime-versions")
        phase = self._mapping(node, f"phases.{name}", (*keys, "run-as"))
        if "run-as" in phase:
            raise self._error(phase["run-as"], "run-as is not in the local simulation: all commands run as one user")
        commands = self._texts(phase.get("commands"), f"phases.{name}.commands")
        versions = self._texts_by_name(phase.get("runtime-versions"), f"phases.{name}.runtime-versions")
        if versions and name != "install":
            raise self._error(phase["runtime-versions"], "runtime-versions belongs to phases.install")
        if not commands and not versions:
            raise self._error(node, f"phases.{name} has no commands; give it some or leave it out")
        return Phase(
            commands=commands,
            finally_commands=self._texts(phase.get("finally"), f"phases.{name}.finally"),
            on_failure=self._on_failure(phase.get("on-failure")),
            runtime_versions=versions,
        )

    def _on_failure(self, node: Node | None) -> OnFailure | None:
        if node is None:
            return None
        written = self._text(node)
        if chosen := _OUTCOMES.get(written):
            return chosen
        found = re.fullmatch(r"RETRY(?:-(\d{1,3})(?![^-]))?(?:-(.+))?", written, re.IGNORECASE)
        if found is None or int(found[1] or 0) > _MOST_RETRIES:
            raise self._error(
                node,
                f"on-failure is {written}; it takes ABORT, CONTINUE, RETRY, RETRY-count with at most {_MOST_RETRIES}, "
                "RETRY-regex or RETRY-count-regex",
            )
        pattern = found[2] or ".*"
        try:
            re.compile(pattern)
        except re.error as error:
            raise self._error(
                node, f"on-failure is {written}, and {pattern} is no regular expression: {error}"
            ) from None
        return Retry(int(found[1]) if found[1] else 3, pattern)

    def _all_artifacts(self, node: Node | None) -> tuple[Artifacts | None, dict[str, Artifacts]]:
        if node is None:
            return None, {}
        fields = self._mapping(node, "artifacts", (*_ARTIFACT_KEYS, "secondary-artifacts"))
        secondary = fields.pop("secondary-artifacts", None)
        named = self._mapping(secondary, "artifacts.secondary-artifacts", None)
        return (
            self._artifacts(node, fields, "artifacts") if fields or not named else None,
            {
                name: self._artifacts(one, self._mapping(one, f"secondary-artifacts.{name}", _ARTIFACT_KEYS), name)
                for name, one in named.items()
            },
        )

    def _artifacts(self, node: Node, fields: dict[str, Node], where: str) -> Artifacts:
        files = self._texts(fields.get("files"), f"{where}.files")
        if not files:
            raise self._error(node, f"{where} has no files; name at least one, such as '**/*'")
        return Artifacts(
            files=files,
            exclude_paths=self._texts(fields.get("exclude-paths"), f"{where}.exclude-paths"),
            base_directory=self._text(fields["base-directory"]) if "base-directory" in fields else ".",
            discard_paths=self._choice(fields, "discard-paths", _BOOLEANS, False),
            name=self._text(fields["name"]) if "name" in fields else None,
            enable_symlinks=self._choice(fields, "enable-symlinks", _BOOLEANS, False),
            s3_prefix=self._text(fields["s3-prefix"]) if "s3-prefix" in fields else "",
        )

    def _mapping(self, node: Node | None, where: str, keys: tuple[str, ...] | None) -> dict[str, Node]:
        if node is None or _is_null(node):
            return {}
        if not isinstance(node, MappingNode):
            raise self._error(node, f"{where} must be a mapping of names to values")
        read: dict[str, Node] = {}
        for key_node, value in node.value:
            key = self._text(key_node)
            if keys is not None and key not in keys:
                raise self._error(
                    key_node, f"{key} is not something that {where} takes in the local simulation: {', '.join(keys)}"
                )
            if key in read:
                raise self._error(key_node, f"{key} is given twice in {where}")
            read[key] = value
        return read

    def _texts(self, node: Node | None, where: str) -> tuple[str, ...]:
        if node is None or _is_null(node):
            return ()
        if not isinstance(node, SequenceNode):
            raise self._error(node, f"{where} must be a list")
        return tuple(self._text(item) for item in node.value)

    def _texts_by_name(self, node: Node | None, where: str) -> dict[str, str]:
        return {name: self._text(value) for name, value in self._mapping(node, where, None).items()}

    def _text(self, node: Node) -> str:
        if not isinstance(node, ScalarNode):
            raise self._error(node, "this must be one text; quote a command that contains ': ' or starts with '{'")
        return str(node.value)

    def _choice(self, fields: dict[str, Node], key: str, choices: Mapping[str, T], default: T) -> T:
        if key not in fields:
            return default
        written = self._text(fields[key])
        if written not in choices:
            raise self._error(fields[key], f"{key} is {written}; the local simulation takes {' or '.join(choices)}")
        return choices[written]

    def _error(self, node: Node, sentence: str) -> BuildspecError:
        mark = node.start_mark
        return BuildspecError(f"{self._file}:{mark.line + 1}:{mark.column + 1}: {sentence}")


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


_BOOLEANS = {"yes": True, "no": False, "true": True, "false": False}
_ARTIFACT_KEYS = (
    "files",
    "exclude-paths",
    "base-directory",
    "discard-paths",
    "name",
    "enable-symlinks",
    "s3-prefix",
)
_TOP_KEYS = ("version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache")
_REFUSED = ("run-as", "batch")
_ENV_KEYS = (
    "shell",
    "variables",
    "parameter-store",
    "secrets-manager",
    "exported-variables",
    "git-credential-helper",
)
_MOST_RETRIES = 100
_OUTCOMES: Mapping[str, Literal["ABORT", "CONTINUE"]] = {"ABORT": "ABORT", "CONTINUE": "CONTINUE"}
REPORT_FORMATS = ("JUNITXML", "CUCUMBERJSON", *READERS)
"""The formats of reports that are read; of CodeBuild's others each is refused by name."""


def environment(spec: Buildspec, stored: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the buildspec's variables, and what was looked up for them, under those `given`, which win."""
    return {**spec.variables, **stored, **given}
