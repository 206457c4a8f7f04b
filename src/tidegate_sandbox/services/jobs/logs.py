"""What a container prints: in CloudWatch Logs while it runs, where SageMaker puts it, and as it is read afterwards."""

import contextlib
import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tidegate_sandbox import context
from tidegate_sandbox.services.log_streams import LogStream, pieces

_log = logging.getLogger(__name__)


class JobLog:
    """The log of one run of a job's container, in a stream of its own, whose name begins with the job's.

    A failure is logged and changes nothing for the job: its output is in a file too.
    """

    def __init__(self, kind: str, job: str, file: Path) -> None:
        self._job = job
        at = int(context.sandbox().clock.now().timestamp())
        self._stream = LogStream(file, f"/aws/sagemaker/{kind}Jobs", f"{job}/algo-1-{at}")
        self._is_made = self._is_told = False

    def tick(self) -> None:
        """Put into the stream what is new, at most once a second."""
        if self._stream.is_due():
            self._ship(rest=False)

    def end(self) -> None:
        """Put into the stream what is left."""
        self._ship(rest=True)

    def _ship(self, rest: bool) -> None:
        try:
            if not self._is_made:
                self._stream.make()
                self._is_made = True
            self._stream.ship(rest)
        except (ClientError, BotoCoreError) as error:
            if not self._is_told:
                _log.warning("the output of %s is not in CloudWatch Logs: %s", self._job, error)
            self._is_told = True


def last_of_each(file: Path, expression: str) -> dict[str, float]:
    """Return the last value of each metric that `expression` finds, by data set and name: `validation:rmse`."""
    found: dict[str, float] = {}
    for lines, _ in pieces(file, 0, rest=True):
        for of, name, value in re.findall(expression, lines.decode(errors="replace")):
            with contextlib.suppress(ValueError):
                found[f"{of}:{name}"] = float(value)
    return found


def last_values(file: Path, definitions: Iterable[Mapping[str, str]]) -> dict[str, float]:
    """Return the last value of each of MetricDefinitions in what was printed."""
    wanted = {definition["Name"]: re.compile(definition["Regex"]) for definition in definitions}
    found: dict[str, float] = {}
    if wanted:
        for lines, _ in pieces(file, 0, rest=True):
            for line in lines.decode(errors="replace").splitlines():
                for name, expression in wanted.items():
                    if (match := expression.search(line)) and match.groups():
                        with contextlib.suppress(TypeError, ValueError):  # a group that matched nothing, or no number
                            found[name] = float(match[1])
    return found
