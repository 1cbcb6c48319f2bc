"""Pauses that a test can make instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenacity import RetryCallState


def elapsed_seconds(state: RetryCallState) -> float:
    """Return the seconds since the first attempt, for a deadline.

    Pauses count in full even if they took no time, so that a deadline comes also where a test
    replaced tenacity's sleep.
    """
    return max(state.seconds_since_start or 0.0, float(state.idle_for))


def return_last_result(state: RetryCallState) -> Any:
    """Return what the last attempt returned, where tenacity would raise that it gave up."""
    return state.outcome.result() if state.outcome else None
