"""The two changes that the journey pushes to the build repo."""

from dataclasses import dataclass
from pathlib import Path

from tidegate_sandbox.journey.account import JourneyError


@dataclass(frozen=True)
class Edit:
    """Replaces `old`, which stands once in the file, by `new`."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Change:
    """A commit: its message and its edits."""

    message: str
    edits: tuple[Edit, ...]

    def make(self, repo: Path) -> None:
        """Edit the files in `repo`; JourneyError where a file is not as expected."""
        for edit in self.edits:
            file = repo / edit.path
            text = file.read_text()
            if text.count(edit.old) != 1:
                raise JourneyError(
                    f"{edit.path} of the build repo does not hold {edit.old!r} once: the seed has changed"
                )
            file.write_text(text.replace(edit.old, edit.new))


TRAIN_ON_LATER_MONTHS = Change(
    "Train on March to June",
    (Edit("pipeline.yml", "from_month: 1", "from_month: 3"), Edit("pipeline.yml", "to_month: 3", "to_month: 6")),
)
"""What a data scientist does when the world has moved on."""

MISREAD_WEEKDAYS = Change(
    "Train on April to July; refuse weekdays that do not exist",
    (
        Edit("pipeline.yml", "from_month: 3", "from_month: 4"),
        Edit("pipeline.yml", "to_month: 6", "to_month: 7"),
        Edit(
            "steps/train/inference.py",
            "{','.join(FEATURES)}\")\n    return rows",
            "{','.join(FEATURES)}\")\n"
            '    if not np.isin(rows[:, FEATURES.index("weekday")], range(1, 8)).all():\n'
            '        raise RuntimeError("weekday is a number from 1 to 7")\n'
            "    return rows",
        ),
    ),
)
"""A plausible mistake: the data count weekdays from 0, Sunday. It passes the gate (the evaluation does not go through
`input_fn`) and staging (whose payloads are working days), and fails every Sunday's request in production."""
