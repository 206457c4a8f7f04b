"""One way or more to break each rule that spans several fields, on any valid stage that it means something to."""

from tests.tidegate.stage.breakages import of_releases, of_stages
from tests.tidegate.stage.breakages.breakage import BREAKAGES, Breakage

__all__ = ["BREAKAGES", "Breakage", "of_releases", "of_stages"]
