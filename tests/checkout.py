"""What a run of the tests leaves behind in the checkout: others bake, bundle and install what lies there."""

import subprocess
from pathlib import Path

FOLDERS = ("docs", "seed_code", "service_catalog", "src", "templates")
IMPORTED = ("service_catalog/", "src/")
"""Whose modules are imported where they are, so that their bytecode lies beside them."""
_ASKED = (("ls-files", "--others"), ("diff", "--name-only", "HEAD"))


def left_in(checkout: Path) -> set[str]:
    """Return the files in the checkout's folders that are not as git keeps them; none where there is no git to ask."""
    found: set[str] = set()
    for asked in _ASKED:
        try:
            told = subprocess.run(
                ["git", *asked, "-z", "--", *FOLDERS], cwd=checkout, capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return set()
        found |= {name for name in told.stdout.split("\0") if name and not _is_bytecode_in_its_place(name)}
    return found


def _is_bytecode_in_its_place(name: str) -> bool:
    return name.startswith(IMPORTED) and "/__pycache__/" in name
