"""The command line: what people type, and the only place that prints."""

from tidegate.cli.app import main

__all__ = ["main"]
