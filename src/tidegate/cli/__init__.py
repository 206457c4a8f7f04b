"""The command line: what people type, and the only place that prints."""

import gc

# Most commands end before there is any garbage. Collecting as often as Python does by itself takes a tenth of their
# time, in which it looks through the modules that they import; what runs for hours is still collected.
gc.set_threshold(500_000)

from tidegate.cli.app import main  # noqa: E402 what is imported is what takes the time

__all__ = ["main"]
