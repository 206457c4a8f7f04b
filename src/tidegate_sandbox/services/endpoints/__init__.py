"""SageMaker endpoints and their runtime: real model servers behind a router that shifts, meters and captures."""

from tidegate_sandbox import server
from tidegate_sandbox.services.endpoints import (
    models,  # noqa: F401 - registers its operations
    operations,  # noqa: F401 - registers its operations
    resources,
    runtime,
)


def install() -> None:
    """Offer the resource types and the raw routes; importing the operations has registered them."""
    resources.install()
    server.route(runtime.is_invocation, runtime.invoke)
    server.route(runtime.is_ledger, runtime.ledger)
