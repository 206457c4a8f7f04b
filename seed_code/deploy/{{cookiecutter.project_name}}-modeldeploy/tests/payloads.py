"""The example requests in payloads/, with what their answers must look like."""

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "payloads"


@dataclass(frozen=True)
class Payload:
    """A request body, how many numbers must come back, and between which bounds."""

    name: str
    content_type: str
    answers: int
    minimum: float
    maximum: float

    @property
    def body(self) -> bytes:
        return (FOLDER / self.name).read_bytes()


PAYLOADS = [Payload(name, **expected) for name, expected in json.loads((FOLDER / "expected.json").read_text()).items()]
