"""Runs one build from SUBMITTED to COMPLETED on a thread of its own."""

import contextlib
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from botocore.exceptions import ClientError

from tidegate_sandbox import context, credentials
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codebuild import caches, outputs, reports, source
from tidegate_sandbox.services.codebuild import container as containers
from tidegate_sandbox.services.codebuild.artifacts import NothingMatchesError
from tidegate_sandbox.services.codebuild.buildspec import (
    PHASES,
    Buildspec,
    BuildspecError,
    Phase,
    PhaseName,
    Report,
    Retry,
    environment,
    parse,
)
from tidegate_sandbox.services.codebuild.container import Container
from tidegate_sandbox.services.codebuild.events import state_changed
from tidegate_sandbox.services.codebuild.logs import BuildLog
from tidegate_sandbox.services.codebuild.projects import look_at_network
from tidegate_sandbox.services.codebuild.records import Build, PhaseRecord, Status
from tidegate_sandbox.services.codebuild.reports import ReportError
from tidegate_sandbox.services.codebuild.shell import Ended, Shell
from tidegate_sandbox.services.codebuild.stored import StoredValueError, parameters, secrets
from tidegate_sandbox.services.networks import NetworkError
from tidegate_sandbox.state import changing
from tidegate_sandbox.state.tasks import begin


class _PhaseError(Exception):
    """Ends a phase: what BatchGetBuilds says of it."""

    def __init__(self, code: str, message: str, status: Status = "FAILED") -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def run(build: Build, then: Callable[[Build], None]) -> None:
    """Run `build` to its end, with a session of its service role, and do `then`, which may be done already, with it.

    Whatever happens, its status is final, its container gone and `finished` set after. A build whose sandbox ended is
    run again from its beginning, in a fresh container: what it did to other services is as it left it.
    """
    if build.ended is not None:
        build.finished.set()
        then(build)
        return
    build.begin_again()
    run_ = _Run(build)
    try:
        state_changed(build)
        with _acting(build):
            build.scope = context.scope()
            run_.all_phases()
    except Exception as error:
        logging.getLogger(__name__).exception("build %s", build.id)
        build.status = "FAULT"
        build.phases.append(run_.record("FINALIZING", "FAULT", "INTERNAL_ERROR", str(error)))
    finally:
        run_.close()
        if build.status == "IN_PROGRESS":
            build.status = "SUCCEEDED"
        with changing():
            now = context.sandbox().clock.now()
            build.phases.append(PhaseRecord("COMPLETED", now))
            build.ended = now  # last: who reads that it is over finds all of it
            build.finished.set()
        state_changed(build)
        then(build)


@contextlib.contextmanager
def _acting(build: Build) -> Iterator[None]:
    """Act with the project's service role, or where there is no project as the pipeline does."""
    name = f"AWSCodeBuild-{build.uuid}"
    if build.pipeline is None or not build.pipeline.acts_as:
        with credentials.acting_with(credentials.session_of(build.project["serviceRole"], "codebuild", name)):
            yield
        return
    with contextlib.ExitStack() as stack:
        first, *others = build.pipeline.acts_as
        stack.enter_context(credentials.acting_as(first, "codepipeline", name))
        for role in others:
            stack.enter_context(credentials.handed_to(role, name))
        yield


def goes_on(phase: PhaseName, spec: Phase, failed: bool) -> bool:
    """Return whether the phase after `phase` runs ("Build phase transitions"; on-failure in the buildspec)."""
    if not failed or spec.on_failure == "CONTINUE":
        return True
    return spec.on_failure is None and phase in ("build", "post_build")


def retries(spec: Phase, message: str) -> int:
    """Return how often a build may be retried that failed in the phase `spec` with `message`; 0 for never."""
    wanted = spec.on_failure
    return wanted.count if isinstance(wanted, Retry) and re.search(wanted.pattern, message) else 0


def _may_not_log(build: Build, why: str) -> str:
    return (
        f"Service role {build.project['serviceRole']} does not allow AWS CodeBuild to create Amazon CloudWatch Logs "
        f"log streams for build {build.arn}. Error message: {why}"
    )


@dataclass
class _Run:
    build: Build
    started: float = field(default_factory=time.monotonic)
    log: BuildLog | None = None
    container: Container | None = None
    spec: Buildspec | None = None
    hidden: frozenset[str] = frozenset()
    """Names of variables that are not told: what the project takes from where secrets are kept."""

    def all_phases(self) -> None:
        build = self.build
        now = context.sandbox().clock.now()
        build.phases.append(PhaseRecord("SUBMITTED", build.started, now, "SUCCEEDED"))
        queued = PhaseRecord("QUEUED", build.started, now, "SUCCEEDED")
        build.phases.append(queued)
        try:
            self.log = BuildLog(build)
        except ClientError as refused:
            if refused.response["Error"]["Code"] != "AccessDeniedException":
                raise
            build.status = queued.status = "FAILED"
            queued.code, queued.message = "ACCESS_DENIED", _may_not_log(build, refused.response["Error"]["Message"])
            return
        if self._phase("PROVISIONING", self._provision) and self._phase("DOWNLOAD_SOURCE", self._download):
            self._commands_and_artifacts(self.spec or Buildspec({}))
        self._phase("FINALIZING", lambda: None)

    def _commands_and_artifacts(self, spec: Buildspec) -> None:
        for name in PHASES:
            phase = spec.phases.get(name, Phase())
            succeeded = self._phase(name.upper(), partial(self._commands, name, phase))
            if not succeeded:
                self.build.retry_up_to = max(self.build.retry_up_to, retries(phase, self.build.phases[-1].message))
            if self.build.status in ("TIMED_OUT", "STOPPED") or not goes_on(name, phase, not succeeded):
                return
            if not succeeded and self.build.shell is not None:
                self.build.shell.run("export CODEBUILD_BUILD_SUCCEEDING=0", self._deadline)
        self._export(spec)
        self._phase("UPLOAD_ARTIFACTS", lambda: self._upload(spec))

    def _phase(self, name: str, work: Callable[[], None]) -> bool:
        record = PhaseRecord(name, context.sandbox().clock.now())
        self.build.phases.append(record)
        self._say(f"Entering phase {name}")
        try:
            if self.build.stopping and name != "FINALIZING":
                raise _PhaseError("BUILD_STOPPED", "The build was stopped.", "STOPPED")
            work()
            record.status = "SUCCEEDED"
        except _PhaseError as failed:
            record.status, record.code, record.message = failed.status, failed.code, failed.message
            if self.build.status == "IN_PROGRESS":
                self.build.status = failed.status
        record.ended = context.sandbox().clock.now()
        self._say(f"Phase complete: {name} State: {record.status}")
        self._say(f"Phase context status code: {record.code} Message: {record.message}")
        if self.log is not None:
            self.log.tick()
        return record.status == "SUCCEEDED"

    def _provision(self) -> None:
        try:
            look_at_network(self.build.project)
        except NetworkError as error:
            raise _PhaseError("VPC_CLIENT_ERROR", f"Unexpected EC2 error: {error.code}") from None
        try:
            self.container = containers.provision(self.build)
        except RuntimeError as error:
            raise _PhaseError("PROVISIONING_ERROR", str(error), "FAULT") from None

    def record(self, name: str, status: Status, code: str, message: str) -> PhaseRecord:
        """Return a phase that begins and ends now."""
        now = context.sandbox().clock.now()
        return PhaseRecord(name, now, now, status, code, message)

    @property
    def _deadline(self) -> float:
        return self.started + 60.0 * int(self.build.project["timeoutInMinutes"])

    def _say(self, sentence: str) -> None:
        if self.log is not None:
            self.log.say(sentence)

    def _download(self) -> None:
        build, container = self.build, self.container
        assert container is not None
        try:
            source.download(build, container)
            self.spec = _buildspec(build, container.source)
            if self.spec.git_credential_helper:
                containers.lend_credentials(build, container)
            else:
                containers.withhold_credentials(container)
            variables, hidden = self._variables(self.spec)
        except source.SourceError as error:
            raise _PhaseError("CLIENT_ERROR", str(error)) from None
        except BuildspecError as error:
            raise _PhaseError("YAML_FILE_ERROR", str(error)) from None
        except StoredValueError as error:
            raise _PhaseError(error.code, error.message) from None
        env = variables | containers.environment(container) | build.scope.environment() | self._own(container)
        folder = container.root / "shell"
        assert self.log is not None
        output = self.log.follow(container.root / "output", hidden)
        build.shell = Shell(self.spec.shell, env, container.source, output, folder, f"build {build.id}")
        if build.stopping:
            build.shell.stop()
        key, *fallbacks = (
            caches.name_of(one, container.source) for one in (self.spec.cache.key, *self.spec.cache.fallback_keys)
        )
        caches.restore(build.project, self.spec.cache, key, fallbacks, container, self._say)

    def _variables(self, spec: Buildspec) -> tuple[dict[str, str], list[str]]:
        """Return the variables of project, start and buildspec, and those of their values that a log hides."""
        by_type: dict[str, dict[str, str]] = {"PLAINTEXT": {}, "PARAMETER_STORE": {}, "SECRETS_MANAGER": {}}
        for one in self.build.declared:
            by_type[one["type"]][one["name"]] = one["value"]
        given = {one["name"] for one in self.build.declared}
        # What the buildspec names is not looked up where the project or the start gives it.
        stored = parameters(
            {name: path for name, path in spec.parameter_store.items() if name not in given}
            | by_type["PARAMETER_STORE"]
        ) | secrets(
            {name: id for name, id in spec.secrets_manager.items() if name not in given} | by_type["SECRETS_MANAGER"]
        )
        self.hidden = frozenset(by_type["PARAMETER_STORE"] | by_type["SECRETS_MANAGER"])
        return environment(spec, stored, by_type["PLAINTEXT"]), list(stored.values())

    def _own(self, container: Container) -> dict[str, str]:
        build = self.build
        others = build.pipeline.sources[1:] if build.pipeline else ()
        location = build.project["source"].get("location", "")
        return {
            **build.webhook,
            **{f"CODEBUILD_SRC_DIR_{one.name}": str(container.secondary(one.name)) for one in others},
            "CI": "true",
            "CODEBUILD_CI": "true",
            "CODEBUILD_SRC_DIR": str(container.source),
            "CODEBUILD_BUILD_ID": build.id,
            "CODEBUILD_BUILD_ARN": build.arn,
            "CODEBUILD_BUILD_NUMBER": str(build.number),
            "CODEBUILD_BUILD_SUCCEEDING": "1",
            "CODEBUILD_BUILD_IMAGE": build.project["environment"]["image"],
            "CODEBUILD_INITIATOR": build.initiator,
            "CODEBUILD_KMS_KEY_ID": build.project.get("encryptionKey", ""),
            "CODEBUILD_LOG_PATH": build.stream,
            "CODEBUILD_PROJECT_ARN": build.project["arn"],
            "CODEBUILD_RESOLVED_SOURCE_VERSION": build.resolved_version or "",
            "CODEBUILD_SOURCE_REPO_URL": location,
            "CODEBUILD_SOURCE_VERSION": build.source_version,
            "CODEBUILD_START_TIME": str(int(build.started.timestamp() * 1000)),
        }

    def _commands(self, name: PhaseName, phase: Phase) -> None:
        for runtime, wanted in phase.runtime_versions.items():
            here = (
                f"Python {sys.version.split()[0]} is what this machine has" if runtime == "python" else "not provided"
            )
            self._say(f"Runtime {runtime} {wanted} was asked for; local simulation: {here}.")
        failed: _PhaseError | None = None
        for command in phase.commands:
            failed = self._command(command)
            if failed is not None:
                break
        if failed is None or failed.status == "FAILED":
            for command in phase.finally_commands:
                failed = self._command(command) or failed
        if failed is not None:
            raise failed

    def _command(self, command: str) -> _PhaseError | None:
        assert self.log is not None
        assert self.build.shell is not None
        self._say(f"Running command {command}")
        ended: Ended = self.build.shell.run(command, self._deadline, self.log.tick)
        if ended.how == "stopped":
            return _PhaseError("BUILD_STOPPED", "The build was stopped.", "STOPPED")
        if ended.how == "timed out":
            minutes = self.build.project["timeoutInMinutes"]
            said = f"Build has timed out: it may take {minutes} minutes. It was running: {command}"
            return _PhaseError("BUILD_TIMED_OUT", said, "TIMED_OUT")
        if ended.succeeded:
            return None
        reason = f"exit status {ended.status}" if ended.status >= 0 else f"signal {-ended.status}"
        self._say(f"Command did not exit successfully {command} {reason}")
        return _PhaseError("COMMAND_EXECUTION_ERROR", f"Error while executing command: {command}. Reason: {reason}")

    def _export(self, spec: Buildspec) -> None:
        if not spec.exported_variables or self.container is None or self.build.shell is None:
            return
        written = self.container.root / "exported"
        # Names of shell variables, exported or not: what a command merely set counts too.
        told = (one for one in spec.exported_variables if one not in self.hidden and not one.startswith("AWS_"))
        names = " ".join(name for name in told if name.isidentifier())
        asked = f'for __name in {names}; do printf "%s=%s\\0" "$__name" "${{!__name-}}"; done > {written}'
        if not self.build.shell.run(asked, self._deadline).succeeded:
            return
        pairs = (line.partition("=") for line in written.read_text().split("\0") if line)
        self.build.exported = {name: value for name, _, value in pairs}

    def _upload(self, spec: Buildspec) -> None:
        build, container = self.build, self.container
        assert container is not None
        for name, declared in spec.reports.items():
            self._report(name, declared, container)
        spec = self._with_variables(spec, container)
        try:
            outputs.upload(build, spec, container, self._names(spec, container))
        except NothingMatchesError as error:
            raise _PhaseError("CLIENT_ERROR", str(error)) from None
        if build.status == "IN_PROGRESS":
            caches.save(
                build.project, spec.cache, caches.name_of(spec.cache.key, container.source), container, self._say
            )

    def _report(self, name: str, declared: Report, container: Container) -> None:
        build = self.build
        try:
            build.reports.append(reports.make(build.project["name"], build.arn, name, declared, container.source))
            self._say(f"Report {build.reports[-1]} was made of {declared.file_format} files")
        except (NothingMatchesError, ReportError) as error:
            # CodeBuild says so and goes on.
            self._say(f"No report of {name} was made: {error}")
        except AwsError as error:
            raise _PhaseError("CLIENT_ERROR", f"Error in creating the report {name}: {error.message}") from None

    def _with_variables(self, spec: Buildspec, container: Container) -> Buildspec:
        """Return `spec` with the build's variables in the paths of its artifacts."""
        named = [*filter(None, [spec.artifacts]), *spec.secondary_artifacts.values()]
        names = {name for one in named for name in one.variables()}
        if not names or self.build.shell is None:
            return spec
        written = container.root / "variables"
        asked = (
            f'for __name in {" ".join(sorted(names))}; do printf "%s=%s\\0" "$__name" "${{!__name-}}"; done > {written}'
        )
        if not self.build.shell.run(asked, self._deadline).succeeded:
            raise _PhaseError("CLIENT_ERROR", "the paths of the artifacts could not be worked out")
        values = dict(line.split("=", 1) for line in written.read_text().split("\0") if line)
        return replace(
            spec,
            artifacts=spec.artifacts and spec.artifacts.with_values(values),
            secondary_artifacts={key: one.with_values(values) for key, one in spec.secondary_artifacts.items()},
        )

    def _names(self, spec: Buildspec, container: Container) -> dict[str, str]:
        """Return the names of the outputs, as the build's shell works them out."""
        written = {"": spec.artifacts.name if spec.artifacts else None}
        written |= {identifier: one.name for identifier, one in spec.secondary_artifacts.items()}
        names = {}
        for identifier, name in written.items():
            if name and self.build.shell is not None:
                file = container.root / "name"
                quoted = name.replace("\\", "\\\\").replace('"', '\\"')
                if not self.build.shell.run(f'printf %s "{quoted}" > {file}', self._deadline).succeeded:
                    raise _PhaseError("CLIENT_ERROR", f"the name of the artifact, {name}, could not be worked out")
                names[identifier] = file.read_text().strip()
        return names

    def close(self) -> None:
        """End what is left of the build on this machine."""
        if self.build.shell is not None:
            self.build.shell.close()
        if self.log is not None:
            # A role that may not write the log has failed the build already.
            with contextlib.suppress(ClientError):
                self.log.ship(rest=True)
        if self.container is not None:
            self.container.remove()


def _buildspec(build: Build, folder: Path) -> Buildspec:
    given = build.project["source"].get("buildspec") or "buildspec.yml"
    if "\n" in given or given.lstrip().startswith("{"):
        return parse(given, "the project's buildspec")
    path = (folder / given).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise BuildspecError(f"{given}: there is no such file in the source; a buildspec is named from its root")
    return parse(path.read_text(), given)


def start(build: Build, then: Callable[[Build], None]) -> None:
    """Run `build` in the background, and do `then`, a module's function, with it once it has ended."""
    begin(run, build, then, name=f"build-{build.uuid}")
