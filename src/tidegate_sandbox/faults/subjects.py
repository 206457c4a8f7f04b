"""What a fault may befall: the places that ask the book of faults describe themselves by one of these."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invocation:
    """A request that a model server is about to get. `is_new` where its fleet is that of an update under way."""

    account: str
    endpoint: str
    config: str
    variant: str
    is_new: bool
    content_type: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an AWS operation, in IAM's spelling: `service` such as sagemaker, `operation` such as CreateModel."""

    account: str
    service: str
    operation: str


@dataclass(frozen=True, slots=True)
class Permission:
    """An action (`sagemaker:CreateModel`) that is asked for; `role` is the role's ARN, None where none acts."""

    account: str
    action: str
    role: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to the target of a rule."""

    account: str
    source: str
    detail_type: str
    rule: str


@dataclass(frozen=True, slots=True)
class Provision:
    """Instances that are to be made for an endpoint or a job, by its name."""

    account: str
    instance_type: str
    name: str


@dataclass(frozen=True, slots=True)
class RolledBack:
    """A stack's update of an endpoint that SageMaker has rolled back."""

    account: str
    endpoint: str


Subject = Invocation | Call | Permission | Delivery | Provision | RolledBack
