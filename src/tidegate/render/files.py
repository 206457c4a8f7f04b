"""Rendered files on disk: all of them, or none."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write_files(files: Mapping[str, str], folder: Path) -> None:
    """Write every file into `folder`, which is made if need be; those already there are replaced.

    All are written beside `folder` first and then moved, so a full disk or an interruption while writing leaves what
    was there untouched. Other files in `folder` stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, text in files.items():
            (scratch / name).write_text(text, encoding="utf-8", newline="\n")
        for name in files:
            (scratch / name).replace(folder / name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
