"""Pauses that a test can make instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenacity import RetryCallState


def elapsed(state: RetryCallState) -> float:
    """Return the seconds since the first attempt, for a deadline.

    Pauses count in full even if they took no time, so that a deadline comes also where a test
    replaced tenacity's sleep.
    """
    return max(state.seconds_since_start or 0.0, float(state.idle_for))
