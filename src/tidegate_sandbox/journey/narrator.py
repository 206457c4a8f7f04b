"""What a person sees of the journey: a line as each step starts, what happens in it, and a table at the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table


@dataclass
class Step:
    """A step of the journey; `look_at` says where a person finds its traces."""

    title: str
    look_at: str = ""
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


class Narrator:
    """Tells the journey on a console: live in a terminal, plain lines in a log."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.steps: list[Step] = []

    def say(self, text: str) -> None:
        """Print a paragraph that belongs to no step."""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Time a step and show that it goes on; a step that fails is shown as such."""
        step = Step(title)
        self.steps.append(step)
        self._console.print(f"[bold]{len(self.steps):>2}  {title}[/bold]", highlight=False)
        begun = time.monotonic()
        try:
            yield step
        except BaseException:
            self._console.print(f"    [red]failed after {time.monotonic() - begun:.1f} s[/red]", highlight=False)
            raise
        step.seconds = time.monotonic() - begun
        self._console.print(f"    [green]done[/green] in {step.seconds:.1f} s", highlight=False)

    def note(self, text: str) -> None:
        """Tell something that happened in the current step, once."""
        step = self.steps[-1]
        if text not in step.notes:
            step.notes.append(text)
            # What AWS says may look like markup.
            self._console.print(f"    {text}", style="dim", highlight=False, markup=False)

    def table(self) -> None:
        """Print every step with its duration and what to look at."""
        table = Table(title="The journey (local simulation: nothing here proves what AWS does)", title_justify="left")
        table.add_column("", justify="right")
        table.add_column("step")
        table.add_column("seconds", justify="right")
        table.add_column("what to look at", overflow="fold")
        for number, step in enumerate(self.steps, 1):
            table.add_row(str(number), escape(step.title), f"{step.seconds:.1f}", escape(step.look_at))
        table.add_row("", "[bold]in all[/bold]", f"[bold]{sum(s.seconds for s in self.steps):.1f}[/bold]", "")
        self._console.print(table)
