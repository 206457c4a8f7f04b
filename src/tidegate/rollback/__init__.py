"""Going back: to the last good version, away from a test, and out of a rollback that failed."""

from tidegate.rollback.decline import Declined, decline
from tidegate.rollback.recovery import Action, Seen, Step, perform, recovery_steps, see
from tidegate.rollback.reject import RollbackPlan, plan_rollback, roll_back

__all__ = [
    "Action",
    "Declined",
    "RollbackPlan",
    "Seen",
    "Step",
    "decline",
    "perform",
    "plan_rollback",
    "recovery_steps",
    "roll_back",
    "see",
]
