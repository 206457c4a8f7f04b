"""The evidence as a file: written whole as the watch goes on, and once more with the verdict.

The form is `tidegate.evidence/1`, documented in docs/releases.md: `outcome` and `exit_code` are null until there is a
verdict. What is there before it is what `--resume` goes on from.
"""

import json
import os
import tempfile
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from tidegate.errors import TidegateError
from tidegate.render import ReleaseRecord
from tidegate.verify.evidence import Deployment, Seen
from tidegate.verify.judge import Verdict

SCHEMA: Final = "tidegate.evidence/1"

_SEEN: Final = TypeAdapter(Seen)


def verdict_document(verdict: Verdict, deployment: Deployment | None = None) -> dict[str, Any]:
    """Return a verdict and all its evidence as JSON's own types."""
    evidence = {name: value for name, value in asdict(verdict.evidence).items() if name != "asked"}
    return _document(
        verdict.evidence.asked,
        deployment,
        outcome=verdict.outcome.value,
        exit_code=verdict.outcome.exit_code,
        sentence=verdict.sentence,
        notes=list(verdict.notes),
        evidence=evidence,
    )


def watch_document(asked: ReleaseRecord, deployment: Deployment | None, seen: Seen) -> dict[str, Any]:
    """Return what has been seen so far, without a verdict, as JSON's own types."""
    return _document(
        asked, deployment, outcome=None, exit_code=None, sentence="", notes=[], evidence={"seen": asdict(seen)}
    )


def _document(asked: ReleaseRecord, deployment: Deployment | None, **more: Any) -> dict[str, Any]:
    document = {
        "schema": SCHEMA,
        **more,
        "asked": asked.model_dump(mode="json"),
        "deployment": deployment and asdict(deployment),
    }
    plain: dict[str, Any] = json.loads(json.dumps(document, default=_plain))
    return plain


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def write_document(document: dict[str, Any], path: Path) -> None:
    """Write the document whole or not at all: a reader, or a kill, at any moment finds the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_seen(path: Path, asked: ReleaseRecord, deployment: Deployment | None) -> Seen | None:
    """Return what an interrupted verify of this very release saw, None where the file is not there or is of another.

    A release can be tried twice: what was seen in another execution of the pipeline is not evidence on this one.

    Raises TidegateError for a file that is no evidence, which would be lost by writing over it.
    """
    try:
        document = json.loads(path.read_bytes())
        if document["schema"] != SCHEMA:
            raise ValueError
        of_this = (
            document["asked"]["release_id"],
            document["asked"]["endpoint_name"],
            document["asked"]["phase"],
            document["deployment"],
        ) == (asked.release_id, asked.endpoint_name, asked.phase.value, deployment and asdict(deployment))
        return _SEEN.validate_python(document["evidence"]["seen"]) if of_this else None
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, ValidationError):
        raise TidegateError(
            f"{path} is no evidence of a release ({SCHEMA}), and resuming would write over it; name another file"
        ) from None
