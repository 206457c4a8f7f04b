"""The jobs of each account and region: starts them and finds them again."""

import threading
from collections.abc import Iterable
from typing import Any

from tidegate_sandbox import credentials, hooks, images, isolation
from tidegate_sandbox.context import Scope, Scoped, scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import check_parameters
from tidegate_sandbox.services import networks, tags
from tidegate_sandbox.services.jobs import contract
from tidegate_sandbox.services.jobs.job import Job, Kind
from tidegate_sandbox.state import changing
from tidegate_sandbox.state.tasks import begin

_CONTAINERS = {"Processing": contract.processing, "Training": contract.training}

_jobs: Scoped[dict[tuple[Kind, str], Job]] = Scoped(dict)
"""By kind and name in lower case: ARNs are lower case, and a name is often taken from one."""
_creating = threading.Lock()


def create(kind: Kind, request: dict[str, Any]) -> Job:
    """Start a job from the parameters of Create{kind}Job and return it.

    AwsError(ValidationException) for what AWS refuses, AwsError(NotImplemented) for what the simulation lacks,
    AwsError(ResourceInUse) for a name that is taken.
    """
    check_parameters("sagemaker", f"Create{kind}Job", request)
    if not credentials.may_assume(request["RoleArn"], "sagemaker"):
        raise AwsError(
            "ValidationException",
            f"Could not assume role {request['RoleArn']}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role.",
        )
    name = request[f"{kind}JobName"]
    arn = scope().arn("sagemaker", f"{kind.lower()}-job/{name.lower()}")
    image = _image(kind, request)
    container = _CONTAINERS[kind](request, arn, _own_command(kind, image))
    try:
        isolation.check()
    except RuntimeError as cannot:
        raise AwsError("NotImplemented", str(cannot), 501) from cannot
    with credentials.acting_as(request["RoleArn"], "sagemaker", name):
        networks.check_of_sagemaker(container.vpc)
    job = Job(kind, arn, request, container)
    with _creating, changing():
        taken = (kind, name.lower()) in _jobs.here()
        if not taken:
            tags.set_tags(arn, request.get("Tags", ()))
            _jobs.here()[kind, name.lower()] = job
            begin(job.run, name=f"{kind}-{name}")
    if taken:
        raise AwsError("ResourceInUse", f"{kind} job names must be unique within an AWS account and region: {arn}")
    return job


def _image(kind: Kind, request: dict[str, Any]) -> str | None:
    image: str | None = (
        request["AppSpecification"]["ImageUri"]
        if kind == "Processing"
        else request["AlgorithmSpecification"].get("TrainingImage")
    )
    return image


def _own_command(kind: Kind, image: str | None) -> tuple[str, ...]:
    """Return what the image runs that is given no command: `train` of a training job's is a file in it."""
    if image is None:
        return ()
    chosen = images.known(image)
    return chosen.entrypoint if kind == "Processing" else chosen.train


def find(kind: Kind, name: str) -> Job:
    """Return the job; AwsError(ResourceNotFound) where there is none."""
    job = _jobs.here().get((kind, name.lower()))
    if job is None:
        raise AwsError("ResourceNotFound", f"Could not find the {kind.lower()} job {name!r}.")
    return job


def under_way() -> list[Job]:
    """Return the jobs of all accounts and regions that have not ended."""
    return [job for _, jobs in _jobs.everywhere() for job in list(jobs.values()) if job.ended is None]


def everywhere() -> list[tuple[Scope, dict[tuple[Kind, str], Job]]]:
    """Return the jobs of all accounts and regions, by kind and name in lower case, the oldest first."""
    return [(scope, dict(jobs)) for scope, jobs in _jobs.everywhere()]


def forget(scope: Scope, keys: Iterable[tuple[Kind, str]]) -> None:
    """Forget jobs that are over; their names may be taken again."""
    with _creating, changing(), hooks.acting_in(scope.account, scope.region):
        for key in keys:
            tags.drop(_jobs.here().pop(key).arn)


def every(kind: Kind) -> list[Job]:
    """Return the jobs of the kind in the scope that is being served."""
    return [job for (its, _), job in list(_jobs.here().items()) if its == kind]
