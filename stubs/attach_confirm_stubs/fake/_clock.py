"""The fake's clock, which tests can advance."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from threading import Lock
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import botocore.endpoint

from attach_confirm_stubs.fake import _wakeups

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """The system time plus an offset.

    The expiry of URLs, tokens and chats and the scanner's verdicts depend on it. Code outside of
    the fake uses the system time.

    Attributes:
        skips_sleeps: Whether `virtual_sleep` is active. The server then advances the clock as well,
            instead of delaying a response.
    """

    skips_sleeps = False

    def __init__(self) -> None:
        self._lock = Lock()
        self._offset_seconds = 0.0

    @property
    def offset_seconds(self) -> float:
        """The sum of all advances, in seconds, including sleeps that were skipped."""
        return self._offset_seconds

    def now(self) -> datetime:
        """Return the current time as a timezone-aware datetime in UTC."""
        return datetime.now(timezone.utc) + timedelta(seconds=self._offset_seconds)

    def monotonic(self) -> float:
        """Return the monotonic time plus the offset, in seconds."""
        return time.monotonic() + self._offset_seconds

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Args:
            seconds: How far to advance, in seconds.

        Raises:
            ValueError: `seconds` is negative or NaN. Expired tokens and URLs stay expired.
        """
        if not seconds >= 0:
            raise ValueError(
                f"seconds={seconds!r}: the clock cannot move backwards; pass 0 or more"
            )
        with self._lock:
            self._offset_seconds += seconds
        _wakeups.wake_all()

    def reset(self) -> None:
        """Return to the system time."""
        with self._lock:
            self._offset_seconds = 0.0


# All accounts and regions share one clock, because botocore's retries are not bound to a region.
clock = Clock()


class _FakeTimeModule:
    """The module `time`, except that `sleep` advances the fake's clock."""

    sleep = staticmethod(clock.advance)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@contextmanager
def virtual_sleep() -> Iterator[None]:
    """Advance the fake's clock instead of sleeping between attempts and polls.

    Applies to botocore, to `attach_confirm` and to servers in this process.
    """
    with (
        patch.object(clock, "skips_sleeps", True),
        patch.object(botocore.endpoint, "time", _FakeTimeModule()),
        patch("attach_confirm._clock.sleep", clock.advance),
        patch("attach_confirm._clock.monotonic", clock.monotonic),
    ):
        yield
