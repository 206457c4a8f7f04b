"""The endpoint configs and models that releases leave behind: which there are, which are needed, what they tell."""

from tidegate.retained.history import History, Standing, Update, history_document, read_history
from tidegate.retained.inventory import NotRetainedError, Retained, RetainedConfig, find_retained
from tidegate.retained.memory import served_before
from tidegate.retained.pruning import Kept, Prunable, plan_pruning, prune

__all__ = [
    "History",
    "Kept",
    "NotRetainedError",
    "Prunable",
    "Retained",
    "RetainedConfig",
    "Standing",
    "Update",
    "find_retained",
    "history_document",
    "plan_pruning",
    "prune",
    "read_history",
    "served_before",
]
