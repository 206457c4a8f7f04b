"""Puts faults in: the route that sets them, and the places in ministack where they strike."""

from collections.abc import Sequence

from tidegate_sandbox import hooks
from tidegate_sandbox.faults import calls, control, standing
from tidegate_sandbox.faults.subjects import Delivery
from tidegate_sandbox.hooks import faults as fault_hooks
from tidegate_sandbox.routes import route


def install(port: int, own_services: Sequence[str]) -> None:
    """Let faults be set in the sandbox that listens on `port`; its own services ask by themselves."""
    route(control.serves, control.Control(port))
    fault_hooks.refuse_calls(own_services, calls.refused, lambda: not standing.book.is_empty)
    fault_hooks.decide_deliveries(_deliveries)


def _deliveries(source: str, detail_type: str, rule: str) -> int:
    return standing.deliveries(Delivery(hooks.current_account_and_region()[0], source, detail_type, rule))
