"""A writable Python environment over a shared one, as a container has over its image: made of links in milliseconds."""

import shutil
from pathlib import Path


def layer(python: Path, folder: Path) -> Path:
    """Make an environment in `folder` that has what the one of `python` has, and return its Python.

    What is installed into it, also a newer version of what is below, stays in `folder`; the shared one is only read.
    """
    below = python.parents[1]
    packages = next(below.glob("lib/python*/site-packages"))
    own = folder / packages.relative_to(below)
    own.mkdir(parents=True)
    shutil.copy(below / "pyvenv.cfg", folder)
    shutil.copytree(python.parent, folder / "bin", symlinks=True)  # the scripts find their Python beside themselves
    (own / "below.pth").write_text(f"import site; site.addsitedir({str(packages)!r})\n")
    return folder / "bin" / python.name
