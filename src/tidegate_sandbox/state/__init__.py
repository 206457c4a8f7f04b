"""What a sandbox holds outlives it: records, and what was under way.

All of it is one snapshot, written whole and put in place at once (`snapshot`), whenever something has changed
(`keeper`) and nothing is half done (`changing`). What runs in the background as a task (`tasks`) is in the snapshot
with the records it works on: the next sandbox in the same home begins it again, so a task's function must be one that
goes on from what its records say. Ending a sandbox and killing it come to the same: nothing is written after either.

How a service keeps its state:

1.  Its records stand in a `context.Scoped`, a module's own and kept by itself, or in a container given to `keep`, under
    a name that no other has. They are data classes (or dictionaries) of values that pickle; a lock or an event is made
    anew where it is read. What lives only in a process (a child, a thread, a socket) is not of the records: a class
    that has such says by `__reduce__` what it is made of, as `endpoints.fleets.Fleet` does.
2.  What must be seen whole or not at all is changed within `changing()`, or under a `Lock` of this package (in a
    `threading.Condition` too). Nothing is waited for within. A snapshot is taken soon after; `touch()` asks for one
    where something changed otherwise. A request that changes something asks by itself.
3.  What goes on after a request was answered begins with `tasks.begin(function, ...)`: a module's function or a
    record's method, its arguments records or plain values, never a closure. It is called again, with `tasks.going_on()`
    true, where the sandbox ended before it did: it looks at its records, returns where they say that it has ended, and
    repeats a step that may be done at most where that does no harm. The step that says "done" and what is done of it
    change in one `changing()`. A loop that runs as long as the sandbox (a schedule, a scaling) is a task as well, begun
    when the first record needs it, or is started by `install()` and works by the records alone.
4.  Times come from `context.sandbox().clock`, which stands still while no sandbox runs: keep deadlines as its times.
5.  A resource type that waits while CloudFormation makes it registers with `waits=True`, and where
    `stack_hooks.goes_on()` goes on with what it finds begun.
6.  Files are written before the record that names them, and removed after it: after a kill they may be newer than the
    records, never older.
"""

from tidegate_sandbox.state.changing import Lock, changing, touch
from tidegate_sandbox.state.kept import keep

__all__ = ["Lock", "changing", "keep", "touch"]
