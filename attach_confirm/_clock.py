"""Sleep and read the monotonic clock: the only source of waiting time.

Callers write `_clock.sleep()` and `_clock.monotonic()`, so that one patch replaces both everywhere.
"""

from __future__ import annotations

import time


def sleep(seconds: float) -> None:
    """Block the thread.

    Args:
        seconds: The duration, in seconds.
    """
    time.sleep(seconds)


def monotonic() -> float:
    """Return the monotonic time, in seconds."""
    return time.monotonic()
