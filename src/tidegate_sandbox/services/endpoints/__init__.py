"""SageMaker endpoints and their runtime: real model servers behind a router that shifts, meters and captures."""

from tidegate_sandbox.routes import direct, route
from tidegate_sandbox.services.endpoints import (
    health,
    models,  # noqa: F401 - registers its operations
    operations,  # noqa: F401 - registers its operations
    resources,
    runtime,
)


def install() -> None:
    """Offer the resource types and the raw routes, and look after what serves; importing registered the operations."""
    resources.install()
    route(runtime.is_invocation, runtime.invoke)
    direct(runtime.is_invocation, runtime.answer_invocation)
    route(runtime.is_ledger, runtime.ledger)
    health.start()
