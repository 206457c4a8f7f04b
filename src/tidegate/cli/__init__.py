"""The command line: what people type, and the only place that prints."""

import atexit
import gc

# Most commands end before there is any garbage, and collecting looks again and again through all that they have
# imported: a tenth of their time while they run, a quarter when they end. What runs for hours is still collected, and
# what is there at the end goes with the process.
gc.set_threshold(500_000)
atexit.register(gc.freeze)

from tidegate.cli.app import main  # noqa: E402 what is imported is what takes the time

__all__ = ["main"]
