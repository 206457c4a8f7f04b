"""What IAM is asked about a call: one check for each action and what it acts on."""

from collections.abc import Mapping
from typing import Any

Check = tuple[str, str, Mapping[str, Any]]
"""An action in IAM's spelling, the ARN it is checked on (or `*`), and the condition keys that are known."""

Unplaced = tuple[str, str | None, Mapping[str, Any]]
"""A check of which it may not be known what it is on (None): the action must be allowed on anything at all."""
