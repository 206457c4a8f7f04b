"""`scripts/bake`: render both seeds on this machine, for a look."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from service_catalog.publishing.bundle import CHECKOUT, SEED_CODE, BundleError, build_wheel
from service_catalog.seed import CONTEXT_KEYS, SeedError, bake


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/bake", description="Render the build and the deploy repository into a folder, for a look."
    )
    parser.add_argument("out", type=Path, help="the folder that gets both repositories")
    parser.add_argument(
        "answers",
        nargs="*",
        metavar="KEY=VALUE",
        help=f"instead of the seeds' own defaults; the keys are {', '.join(CONTEXT_KEYS)}",
    )
    options = parser.parse_args(arguments)
    context = dict(answer.partition("=")[::2] for answer in options.answers)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            wheel = build_wheel(CHECKOUT, Path(scratch))
            for part in ("build", "deploy"):
                seed = CHECKOUT / SEED_CODE / part
                print(bake(seed, context, options.out, wheel=wheel if part == "deploy" else None))
    except (SeedError, BundleError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
