"""The only source of waiting time, so that a fake can replace it."""

from __future__ import annotations

import time


def sleep(seconds: float) -> None:
    """Sleep.

    Args:
        seconds: The duration, in seconds.
    """
    time.sleep(seconds)


def monotonic() -> float:
    """Return a time that never goes backwards, in seconds."""
    return time.monotonic()
