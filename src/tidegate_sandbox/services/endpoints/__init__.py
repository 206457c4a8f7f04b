"""SageMaker endpoints and their runtime: real model servers behind a router that shifts, meters and captures."""

from tidegate_sandbox import hooks
from tidegate_sandbox.routes import direct, route
from tidegate_sandbox.services.endpoints import (
    endpoint,
    health,
    models,  # noqa: F401 - registers its operations
    operations,  # noqa: F401 - registers its operations
    resources,
    rollout,
    runtime,
)


def install() -> None:
    """Offer the resource types and the raw routes, and look after what serves; importing registered the operations."""
    resources.install()
    route(runtime.is_invocation, runtime.invoke)
    direct(runtime.is_invocation, runtime.answer_invocation)
    route(runtime.is_ledger, runtime.ledger)
    health.start()


def go_on() -> None:
    """Start the fleets that endpoints had in the sandbox before this one; those of updates are seen to by these."""
    for scope, here in endpoint.endpoints.everywhere():
        for one in here.values():
            if one.status not in endpoint.IN_PROGRESS:
                with hooks.acting_in(scope.account, scope.region):
                    hooks.run_in_background(rollout.revive, one, name=f"revive endpoint {one.name}")
