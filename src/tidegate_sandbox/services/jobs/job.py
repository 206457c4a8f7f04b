"""A processing or training job: its record, and its life from Starting to its end."""

import json
import logging
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from tidegate_sandbox import context, credentials, hooks, images, isolation, processes
from tidegate_sandbox.faults import standing
from tidegate_sandbox.images.layer import layer
from tidegate_sandbox.services.jobs import limits, storage
from tidegate_sandbox.services.jobs.contract import Container
from tidegate_sandbox.services.jobs.logs import JobLog, last_of_each, last_values
from tidegate_sandbox.services.jobs.metrics import publish_metrics
from tidegate_sandbox.services.jobs.storage import DataError
from tidegate_sandbox.services.log_streams import last_line
from tidegate_sandbox.state import Lock

_log = logging.getLogger(__name__)

Kind = Literal["Processing", "Training"]
Status = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"]

AT_ONCE = 2
"""Containers that run at the same time; further jobs wait in status InProgress, as for capacity."""

REASON_LENGTH = 1024  # FailureReason and ExitMessage in botocore's model

_capacity = threading.BoundedSemaphore(AT_ONCE)


class Job:
    """A job. `run` takes it through its life; the rest is read, and `stop` called, from other threads."""

    def __init__(self, kind: Kind, arn: str, request: Mapping[str, Any], container: Container) -> None:
        self.kind = kind
        self.name: str = request[f"{kind}JobName"]
        self.arn = arn
        self.request = dict(request)
        self.container = container
        self.created = self.modified = context.sandbox().clock.now()
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.status: Status = "InProgress"
        self.transitions: list[tuple[str, datetime]] = [("Starting", self.created)]
        self.failure_reason: str | None = None
        self.exit_message: str | None = None
        self.metrics: dict[str, tuple[float, datetime]] = {}
        self.scope = context.scope()
        self.lock = Lock()
        """Held while what is told of the job changes; hold it to read more than one thing of it."""
        self._process: processes.Process | None = None
        self._remarks = ""
        self._stopping = False
        self._finished = threading.Event()

    @property
    def secondary_status(self) -> str:
        """What the job is doing within its status, in SageMaker's words."""
        return self.transitions[-1][0]

    @property
    def instance_type(self) -> str:
        """The type of its instance."""
        resources = self.request.get("ResourceConfig") or self.request["ProcessingResources"]["ClusterConfig"]
        return str(resources["InstanceType"])

    @property
    def log(self) -> Path:
        """The file of the container's output; it stays when the job is over."""
        folder = context.sandbox().home / "log" / "jobs" / self.scope.account / self.scope.region
        return folder / f"{self.kind.lower()}-{self.name}.log"

    @property
    def _work(self) -> Path:
        name = f"{self.scope.account}-{self.scope.region}-{self.kind}-{self.name}"
        return context.sandbox().home / "jobs" / name

    def wait(self) -> None:
        """Block until the job is over."""
        self._finished.wait()

    def stop(self) -> None:
        """Ask the container to end, and see to it after GRACE; no error where the job is over. Does not wait."""
        with self.lock:
            if self.ended is not None or self._stopping:
                return
            self._stopping = True
            self.status = "Stopping"
            self._enter("Stopping")
            process = self._process
        if process is not None:
            hooks.run_in_background(
                limits.end, process, isolation.Enclosed(self._work).started, name=f"stop {self.name}"
            )

    def run(self) -> None:
        """Take the job through its life. Never raises: what goes wrong is the job's FailureReason.

        A job whose sandbox ended is run again from its beginning: its container is gone, and its data is where it was.
        """
        if self._begin_again():
            return
        work = self._work
        try:
            session = credentials.session_of(self.request["RoleArn"], "sagemaker", self.name)
            with _capacity, credentials.acting_with(session):
                self.scope = context.scope()
                end = self._run(work)
        except DataError as error:
            end = _End("Failed", str(error))
        except Exception as error:
            _log.exception("%s failed", self.arn)
            end = _End("Failed", f"InternalServerError: {type(error).__name__}: {error}")
        # Before the end is told: who has seen it finds nothing of the job but its output.
        shutil.rmtree(work, ignore_errors=True)
        self._tell(end)
        self._finished.set()

    def _begin_again(self) -> bool:
        """Forget what the container of a sandbox before this one had done; whether the job is over already."""
        with self.lock:
            self._process = None
            over = self.ended is not None
            if not over:
                self.transitions = self.transitions[:1]
                self.started = None
        if over:
            self._finished.set()
        return over

    def _run(self, work: Path) -> "_End":
        if refused := standing.no_instance_of_job(self.scope.account, self.instance_type, self.name):
            return _End("Failed", refused)
        python = images.environment_for(self.container.image)
        with self.lock:
            self._enter("Downloading")
        ml = self._prepare(work)
        remarks = [images.known(self.container.image).differences(python), *self.container.remarks]
        self._remarks = "".join(f"{remark}\n" for remark in remarks if remark)
        log = JobLog(self.kind, self.name, self.log)
        outcome = self._run_container(work, ml, layer(python, work / "environment"), log)
        if outcome is None:
            return _End("Stopped")
        if outcome.too_much_memory:
            with self.log.open("a") as file:
                file.write(f"Killed (local simulation: more than the memory of an {self.container.instance_type})\n")
        log.end()
        if self.container.metrics and outcome.code == 0:
            publish_metrics(self.scope, self.container.metrics, ml / "output" / "metrics" / "cloudwatch")
        now = context.sandbox().clock.now()
        definitions = self.request.get("AlgorithmSpecification", {}).get("MetricDefinitions", ())
        found = last_values(self.log, definitions)
        if own := self._metrics_of_image():
            found = {**last_of_each(self.log, own), **found}
        metrics = {name: (value, now) for name, value in found.items()}
        exit_message = _first(ml / "output" / "message")
        with self.lock:
            self.metrics, self.exit_message = metrics, exit_message
            self._enter("Uploading")
        failed = not (outcome.too_long or self._stopping) and outcome.code != 0
        self._upload(work, ml, failed=failed)
        if failed:
            said = last_line(self.log, after=len(self._remarks.encode()))
            why = _first(ml / "output" / "failure") or exit_message or said
            return _End("Failed", f"AlgorithmError: {why}, exit code: {outcome.code}")
        if outcome.too_long:
            return _End("Stopped", secondary="MaxRuntimeExceeded")
        return _End("Stopped" if self._stopping else "Completed")

    def _prepare(self, work: Path) -> Path:
        ml = work / "ml"
        for folder in self.container.folders:
            (ml / folder).mkdir(parents=True, exist_ok=True)
        for path, document in self.container.files.items():
            target = ml / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps(document, default=str))
        s3 = self.scope.client("s3")
        for wanted in self.container.downloads:
            (ml / wanted.to).mkdir(parents=True, exist_ok=True)
            storage.download(s3, wanted.uri, ml / wanted.to)
        return ml

    def _run_container(self, work: Path, ml: Path, python: Path, log: JobLog) -> limits.Outcome | None:
        """Run it to its end; None where the job was stopped before it began."""
        for folder in ("cwd", "home", "tmp"):
            (work / folder).mkdir()
        home = context.sandbox().home
        enclosed = isolation.Enclosed(work, hidden=(home,), shown=(home / "images", *self._folders_of_entrypoint()))
        environment = {
            "PYTHONUNBUFFERED": "1",
            **self.container.environment,
            **self.scope.environment(),
            "PATH": f"{python.parent}:{processes.environment()['PATH']}",
            "HOME": str(work / "home"),
            "TMPDIR": str(isolation.TMP),
        }
        within = isolation.prefix(ml, network=self.container.network, enclosed=enclosed)
        with self.lock:
            if self._stopping:
                return None
            self._enter("Training")
            self.started = self.modified
            self._begin_log()
            self._process = processes.Process.start(
                [*within, *self.container.command],
                env=environment,
                cwd=work / "cwd",
                log=self.log,
                name=f"{self.kind.lower()} job {self.name}",
            )
        memory = limits.memory_of(self.container.instance_type)
        return limits.hold(
            self._process, enclosed.started, seconds=self.container.max_runtime, memory=memory, tick=log.tick
        )

    def _begin_log(self) -> None:
        """Begin with what is not the container's own and what of the request is passed over."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text(self._remarks)

    def _metrics_of_image(self) -> str:
        """Return the expression for the metrics of the image's own algorithm, "" where a script or command runs."""
        request = self.request
        given = "ContainerEntrypoint" in request.get("AlgorithmSpecification", {})
        script = "sagemaker_program" in request.get("HyperParameters", {})
        own = self.kind == "Training" and not (given or script)
        return images.known(self.container.image).metrics if own else ""

    def _folders_of_entrypoint(self) -> list[Path]:
        """Return where the files lie that the image's own commands name."""
        chosen = images.known(self.container.image)
        words = map(Path, (*chosen.entrypoint, *chosen.train))
        return [word.parent for word in words if word.is_absolute()]

    def _upload(self, work: Path, ml: Path, *, failed: bool) -> None:
        s3 = self.scope.client("s3")
        for upload in self.container.uploads:
            folder = ml / upload.source
            if failed and not upload.always:
                continue
            if not upload.packed:
                storage.upload(s3, folder, upload.uri, upload.kms_key)
            elif any(folder.iterdir()):
                archive = work / "archive.tar.gz"
                storage.pack(folder, archive)
                storage.upload_file(s3, archive, upload.uri, upload.kms_key)

    def _enter(self, secondary: str) -> None:
        """Begin a part of the job's life; with the lock held."""
        self.modified = context.sandbox().clock.now()
        self.transitions.append((secondary, self.modified))

    def _tell(self, end: "_End") -> None:
        with self.lock:
            self.failure_reason = end.reason[:REASON_LENGTH] if end.reason else None
            self._enter(end.secondary or end.status)
            self.ended = self.modified
            self.status = end.status
        _log.info("%s: %s%s", self.arn, self.status, f" ({self.failure_reason})" if end.reason else "")


@dataclass(frozen=True)
class _End:
    """How a job ended: its status, its FailureReason, and its secondary status where that is another word."""

    status: Status
    reason: str | None = None
    secondary: str | None = None


def _first(path: Path) -> str | None:
    """Return the beginning of the file that a container may have left, as much as an answer holds."""
    try:
        with path.open(errors="replace") as file:
            return file.read(REASON_LENGTH).strip() or None
    except OSError:
        return None
