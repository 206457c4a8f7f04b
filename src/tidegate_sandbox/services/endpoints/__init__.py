"""SageMaker endpoints and their runtime: real model servers behind a router that shifts, meters and captures."""

from tidegate_sandbox.routes import route
from tidegate_sandbox.services.endpoints import (
    models,  # noqa: F401 - registers its operations
    operations,  # noqa: F401 - registers its operations
    resources,
    runtime,
)


def install() -> None:
    """Offer the resource types and the raw routes; importing the operations has registered them."""
    resources.install()
    route(runtime.is_invocation, runtime.invoke)
    route(runtime.is_ledger, runtime.ledger)
