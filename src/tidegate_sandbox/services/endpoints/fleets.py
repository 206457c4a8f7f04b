"""Fleets of model servers: a process for each variant of an endpoint configuration.

A fleet stands for as many instances as its variants say; how many there are decides how traffic is shared, not how
many processes run. Its shadows are served as its other variants are, but stand apart: nobody gets their answers.
"""

import asyncio
import shutil
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tidegate_sandbox import context, hooks, images, isolation
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.faults import standing
from tidegate_sandbox.processes import Process
from tidegate_sandbox.services.endpoints.metering import Meter
from tidegate_sandbox.services.endpoints.records import Plan, Variant
from tidegate_sandbox.services.endpoints.upstream import Upstream
from tidegate_sandbox.serving import MODEL_SERVER

_LOOK_AGAIN = 0.05
_LOG_TAIL = 2000
_GRACE = 2.0

_PING_TIMEOUT = 2.0
"""Seconds of the wall in which /ping must answer (developer guide, "Custom Inference Code with Hosting Services")."""


class FleetError(Exception):
    """Why a fleet could not be started: what DescribeEndpoint gives as FailureReason."""


class ModelServer:
    """The process that serves a variant. `in_flight` belongs to the router."""

    def __init__(self, variant: Variant, folder: Path, log: Path, meter: Meter) -> None:
        self.variant = variant
        self.meter = meter
        self.in_flight = 0
        self.upstream: Upstream | None = None
        self._folder = folder
        self._log = log
        self._process: Process | None = None
        self._port: int | None = None
        self._start_again: Callable[[], Process] | None = None
        self._changing = threading.Lock()

    @property
    def started(self) -> bool:
        """Whether it has been started, or is being."""
        return self._process is not None

    async def reached(self, timeout: float) -> Upstream:  # noqa: ASYNC109
        """Return the way to it, once there is one; TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            while self.upstream is None:  # noqa: ASYNC110 - it is a thread that finds it, once in a server's life
                await asyncio.sleep(_LOOK_AGAIN)
        return self.upstream

    def launch(self, python: Path, aws: Mapping[str, str], image: images.StandIn | None = None) -> None:
        """Fetch the model data and start the process, in the environment of `python`, as `image` serves."""
        ml = self._folder / "ml"
        model = ml / "model"
        model.mkdir(parents=True)
        _unpack(self.variant.container.model_data_url, model)
        command = [str(python), str(MODEL_SERVER)]
        try:
            command = [*isolation.prefix(ml), *command, "--model", str(isolation.ML / "model")]
        except RuntimeError:  # no /opt/ml of its own on this machine: programs are told the folder anyway
            command += ["--model", str(model)]
        if image is not None:
            command += ["--framework", *image.serve] if image.serve else []
            if different := image.differences(python):
                self._log.parent.mkdir(parents=True, exist_ok=True)
                self._log.write_text(f"{different}\n")
        environment = {"OMP_NUM_THREADS": "1", "SAGEMAKER_REGION": aws["AWS_REGION"], **aws}
        self._start_again = partial(
            Process.start,
            [*command, "--announce", str(self._announcement)],
            env={**environment, **self.variant.container.environment},
            cwd=model,
            log=self._log,
            name=f"model server {self.variant.model}",
        )
        self._process = self._start_again()

    def wait_until_healthy(self) -> None:
        """Return once /ping answers 200; FleetError where the process ends before, or takes too long."""
        assert self._process is not None
        until = time.monotonic() + self.variant.startup_timeout
        port: int | None = None
        while port is None or _ping(port) != HTTPStatus.OK:
            if self._process.poll() is not None or time.monotonic() > until:
                raise FleetError(
                    f"The primary container for production variant {self.variant.name} did not pass the ping health "
                    f"check. Please check CloudWatch logs for this endpoint. (local simulation: {self._last_words()})"
                )
            time.sleep(_LOOK_AGAIN)
            if port is None and self._announcement.exists():
                port = int(self._announcement.read_text())
        self._port = port
        self.upstream = Upstream(port)

    @property
    def serving(self) -> bool:
        """Whether it has come to serve, and was not stopped since."""
        return self._process is not None and self.upstream is not None

    def passes_ping(self) -> bool:
        """Whether its process lives and /ping answers 200 in time, as a container that serves is to."""
        process, port = self._process, self._port
        return process is not None and process.poll() is None and port is not None and _ping(port) == HTTPStatus.OK

    def replace_if_dead(self) -> None:
        """Start the process again if it has ended, as SageMaker replaces an instance that fails its health checks."""
        with self._changing:
            if self._process is None or self._start_again is None or self._process.poll() is None:
                return
            self._announcement.unlink(missing_ok=True)
            self._process = self._start_again()
            self.wait_until_healthy()

    def replace(self) -> None:
        """End the process and start it again."""
        self.crash()
        self.replace_if_dead()

    def crash(self) -> None:
        """End the process at once, as one that dies; whoever is not answered has it started again."""
        if (process := self._process) is not None:
            process.kill()

    def stop(self) -> None:
        """End the process and remove its model data; the log stays."""
        with self._changing:
            if self.upstream is not None:
                self.upstream.close()
            if self._process is not None:
                self._process.terminate(_GRACE)
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _announcement(self) -> Path:
        return self._folder / "port"

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace")[-_LOG_TAIL:].strip().splitlines() if self._log.exists() else []
        return f"{lines[-1][:300] if lines else 'it said nothing'}; the whole log is {self._log}"


class Fleet:
    """The model servers of one endpoint configuration at one endpoint."""

    def __init__(self, endpoint: str, plan: Plan) -> None:
        """Plan a fleet for the endpoint of that name in the scope that is being served; nothing is started yet."""
        self.plan = plan
        self._endpoint = endpoint
        self._scope = context.scope()
        home = context.sandbox().home
        where = Path("endpoints", f"{self._scope.account}-{self._scope.region}", endpoint)
        (home / where).mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=f"{plan.config}-", dir=home / where))
        self._logs = home / "log" / where
        self.servers = tuple(map(self._server, plan.variants))
        self.shadows = tuple(map(self._server, plan.shadows))
        self._pulled: dict[str, tuple[Path, images.StandIn]] = {}

    def __reduce__(self) -> tuple[Callable[..., "Fleet"], tuple[Any, ...]]:
        # Its processes end with their sandbox; what is kept of a fleet is what it is made of.
        return _planned, (self._scope, self._endpoint, self.plan)

    def _server(self, variant: Variant) -> ModelServer:
        log = self._logs / f"{self._folder.name}-{variant.name}.log"
        meter = Meter(self._scope, self._endpoint, variant.name, self.plan.config)
        return ModelServer(variant, self._folder / variant.name, log, meter)

    @property
    def started(self) -> bool:
        """Whether its servers have been started, or are being."""
        return any(server.started for server in self.every_server)

    @property
    def every_server(self) -> tuple[ModelServer, ...]:
        """The servers of the variants that answer and of those that do not."""
        return self.servers + self.shadows

    def pull(self) -> None:
        """Make the stand-ins of the variants' images, where they are not there yet."""
        for variant in self.plan.every_variant:
            try:
                image = variant.container.image
                self._pulled[variant.name] = images.environment_for(image), images.known(image)
            except AwsError as error:
                raise FleetError(error.message) from error

    def start(self, *, again: bool = False) -> None:
        """Start every server and return once all are healthy. FleetError, with nothing left running, otherwise.

        `again` where it has its instances, from the sandbox before this one.
        """
        try:
            if not again:
                self._get_instances()
            self.pull()
            for server in self.every_server:
                python, image = self._pulled[server.variant.name]
                server.launch(python, context.scope().environment(), image)
            for server in self.every_server:
                server.wait_until_healthy()
        except (FleetError, OSError, subprocess.SubprocessError) as error:
            self.stop()
            raise error if isinstance(error, FleetError) else FleetError(str(error)) from error
        except BaseException:
            self.stop()
            raise

    def _get_instances(self) -> None:
        for variant in self.plan.every_variant:
            if refused := standing.no_instance_of_endpoint(self._scope.account, variant.instance_type, self._endpoint):
                raise FleetError(refused)

    def grow(self, variants: Collection[str] | None = None) -> None:
        """Make further instances of the named `variants`, of all of them by default; FleetError if that cannot be.

        One process stands for all instances of a variant, so what is found out is whether another would start, from
        the model data as it is now; it is not kept.
        """
        plan = self.plan if variants is None else self.plan.only(variants)
        if plan.every_variant:
            more = Fleet(self._endpoint, plan)
            more.start()
            more.stop()

    def stop(self) -> None:
        """End every server."""
        for server in self.every_server:
            server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _planned(scope: context.Scope, endpoint: str, plan: Plan) -> Fleet:
    with hooks.acting_in(scope.account, scope.region):
        return Fleet(endpoint, plan)


def _ping(port: int) -> int | None:
    """Return what /ping answers, None where it does not in time."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_PING_TIMEOUT)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _unpack(url: str, folder: Path) -> None:
    """Put the model.tar.gz at the s3:// address `url` into `folder`, as SageMaker does before a container starts."""
    from botocore.exceptions import ClientError

    bucket, _, key = url.removeprefix("s3://").partition("/")
    with tempfile.TemporaryFile() as archive:
        try:
            body: Any = context.scope().client("s3").get_object(Bucket=bucket, Key=key)["Body"]
            shutil.copyfileobj(body, archive)
        except ClientError as error:
            raise FleetError(f"The model data at {url} could not be downloaded: {error}") from error
        archive.seek(0)
        try:
            with tarfile.open(fileobj=archive) as tar:
                _extract(tar, folder)
        except tarfile.TarError as error:
            raise FleetError(f"The model data at {url} is not a tar archive that can be unpacked: {error}") from error


def _extract(tar: tarfile.TarFile, folder: Path) -> None:
    if hasattr(tarfile, "data_filter"):
        tar.extractall(folder, filter="data")
        return
    for member in tar:  # Python before 3.11.4, such as Debian 12's: what has no need of a filter
        inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
        if not inside or not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"{member.name} is not a file or folder within it")
        tar.extract(member, folder)
