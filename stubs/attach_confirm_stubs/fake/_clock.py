"""The fake's time, which a test can move."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from threading import Lock
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Iterator

# botocore sleeps between the attempts of a call, tenacity between those of a PUT.
_SLEEPERS = ("botocore.endpoint.time", "tenacity.nap.time")


class Clock:
    """The machine's time and what it was advanced by.

    Upload URLs, tokens, chats and verdicts go by it; nothing outside the fake does.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._offset_seconds = 0.0

    @property
    def offset_seconds(self) -> float:
        """How many seconds it was advanced by, pauses that took no time included."""
        return self._offset_seconds

    def now(self) -> datetime:
        """Return the time, as an aware datetime in UTC."""
        return datetime.now(timezone.utc) + timedelta(seconds=self._offset_seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Args:
            seconds: How much.

        Raises:
            ValueError: They are negative: what has expired stays so.
        """
        if not seconds >= 0:
            raise ValueError(f"the clock goes forward only, and cannot be advanced by {seconds}")
        with self._lock:
            self._offset_seconds += seconds

    def reset(self) -> None:
        """Go back to the machine's time."""
        with self._lock:
            self._offset_seconds = 0.0


class _InstantTime:
    """Stands where a module expects `time`, and advances a clock instead of sleeping."""

    def __init__(self, clock: Clock) -> None:
        self.sleep = clock.advance

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@contextmanager
def virtual_sleep(clock: Clock) -> Iterator[None]:
    """Let the pauses between attempts, botocore's and tenacity's, take no time but the clock's."""
    with ExitStack() as patches:
        for sleeper in _SLEEPERS:
            patches.enter_context(patch(sleeper, _InstantTime(clock)))
        yield
