"""A clock that runs faster than the wall, so that a ten-minute bake takes seconds."""

import time
from datetime import UTC, datetime, timedelta

from tidegate.clock import Clock


class ScaledClock:
    """Starts at the machine's time, or goes on from `since`, and runs `speed` times as fast as the wall."""

    def __init__(self, speed: float = 1.0, since: datetime | None = None) -> None:
        if not speed > 0:
            raise ValueError(f"a clock's speed must be above 0, not {speed}")
        self.speed = speed
        self.jumped = timedelta(0)
        self._started = since or datetime.now(UTC)
        self._monotonic = time.monotonic()

    def now(self) -> datetime:
        """Return this clock's time, aware and in UTC."""
        return self._started + timedelta(seconds=(time.monotonic() - self._monotonic) * self.speed)

    def jump(self, distance: timedelta) -> None:
        """Set the clock forward, or back, at once. Who sleeps goes on sleeping, as on a machine whose clock is set."""
        self._started += distance
        self.jumped += distance

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for `seconds` of this clock's time."""
        time.sleep(max(0.0, seconds) / self.speed)


def jumped(clock: Clock) -> timedelta:
    """Return how far `clock` was set since it was made, forwards less backwards; nothing where it cannot be set."""
    return getattr(clock, "jumped", timedelta(0))
