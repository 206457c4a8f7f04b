"""What the rest of the sandbox asks of the faults that are set: a function for each place where one can strike."""

from collections.abc import Sequence

from tidegate_sandbox import context
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.faults.book import Book, Entry
from tidegate_sandbox.faults.capacity import OF_A_JOB, OF_AN_ENDPOINT, NoCapacity
from tidegate_sandbox.faults.denial import Denial
from tidegate_sandbox.faults.events import DoubledEvents, LostEvents
from tidegate_sandbox.faults.fault import RequestFault
from tidegate_sandbox.faults.rollback import AfterRollback
from tidegate_sandbox.faults.subjects import Call, Delivery, Invocation, Permission, Provision, RolledBack
from tidegate_sandbox.faults.throttling import Throttling
from tidegate_sandbox.state import keep

_entries: list[Entry] = keep("faults", [])

book = Book(lambda: context.sandbox().clock.now(), _entries)


def of_request(subject: Invocation) -> Sequence[RequestFault]:
    """Return what comes between a request and its model server."""
    return book.striking(RequestFault, subject)


def throttles(call: Call) -> AwsError | None:
    """Return how a service refuses a call for its rate, None where it does not."""
    return Throttling.error(call.service) if book.striking(Throttling, call) else None


def denies(account: str, action: str, role: str | None) -> str | None:
    """Return why an action is denied to a role (by its ARN), or to an account's own keys; None where it is not."""
    if book.is_empty or not book.striking(Denial, Permission(account, action, role)):
        return None
    # No policy of its own can take anything from an account's root.
    return f"because no identity-based policy allows the {action} action" if role else _BY_THE_ORGANIZATION


_BY_THE_ORGANIZATION = "with an explicit deny in a service control policy"


def refusal(account: str, service: str, operation: str, *, of_a_role: bool, of_a_service: bool) -> AwsError | None:
    """Return how a call is refused before it is served, None where it is not.

    A session `of_a_role` is denied what it is denied where its policies are looked at. Calls `of_a_service` of the
    sandbox itself are not throttled: AWS's services try again until they are let.
    """
    if book.is_empty:
        return None
    if not of_a_service and (error := throttles(Call(account, service, operation))):
        return error
    action = f"{service}:{operation}"
    if of_a_role or of_a_service or not (why := denies(account, action, None)):
        return None
    root = f"arn:aws:iam::{account}:root"
    return AwsError("AccessDeniedException", f"User: {root} is not authorized to perform: {action} {why}")


def deliveries(delivery: Delivery) -> int:
    """Return how often an event reaches its target."""
    if book.is_empty:
        return 1
    if book.striking(LostEvents, delivery):
        return 0
    return 1 + len(book.striking(DoubledEvents, delivery))


def no_instance_of_endpoint(account: str, instance_type: str, endpoint: str) -> str | None:
    """Return the FailureReason of an endpoint that gets no instance of that type, None where it gets one."""
    provision = Provision(account, instance_type, endpoint)
    return OF_AN_ENDPOINT if book.striking(NoCapacity, provision) else None


def no_instance_of_job(account: str, instance_type: str, job: str) -> str | None:
    """Return the FailureReason of a job that gets no instance of that type, None where it gets one."""
    return OF_A_JOB if book.striking(NoCapacity, Provision(account, instance_type, job)) else None


def after_rollback(account: str, endpoint: str) -> context.AfterRollback:
    """Return what a stack makes of a rolled back endpoint: the last that was asked for, else as the sandbox began."""
    asked = book.striking(AfterRollback, RolledBack(account, endpoint))
    return asked[-1].outcome if asked else context.sandbox().after_rollback
