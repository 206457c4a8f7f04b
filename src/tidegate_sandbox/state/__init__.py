"""What a sandbox holds outlives it: records, and what was under way.

All of it is one snapshot, written whole and put in place at once (`snapshot`), whenever something has changed
(`keeper`) and nothing is half done (`changing`). What runs in the background as a task (`tasks`) is in the snapshot
with the records it works on: the next sandbox in the same home begins it again, so a task's function must be one that
goes on from what its records say. Ending a sandbox and killing it come to the same: nothing is written after either.
"""

from tidegate_sandbox.state.changing import Lock, changing, touch
from tidegate_sandbox.state.kept import keep

__all__ = ["Lock", "changing", "keep", "touch"]
