"""Time that passes only when the fake's clock is advanced."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from attach_confirm_stubs import fake_connectparticipant, serve_connectparticipant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attach_confirm_stubs import FakeConnectParticipant

_START_TIME = datetime(2031, 5, 6, 7, 8, 9, 250_000, timezone.utc)


class _FrozenClock:
    """Replaces `datetime` in the fake: the system time stands still."""

    @staticmethod
    def now(_: timezone) -> datetime:
        return _START_TIME


class SkewedClock:
    """Replaces `datetime` in attach_confirm: the time of the fake plus an offset.

    Args:
        fake: The fake whose clock is read.
        skew: The offset, in seconds.
    """

    def __init__(self, fake: FakeConnectParticipant, skew: float) -> None:
        self._fake = fake
        self._skew = timedelta(seconds=skew)

    def now(self, _: timezone | None = None) -> datetime:
        """Return the skewed time."""
        return self._fake.clock.now() + self._skew


@contextmanager
def virtual_time(*, tls: bool = False) -> Iterator[FakeConnectParticipant]:
    """Start the fake in virtual time, for any number of simulations in sequence.

    Args:
        tls: Whether to serve the fake over TLS, instead of running it in-process.
    """
    start: Any = serve_connectparticipant if tls else fake_connectparticipant
    options = {"tls": True, "virtual_sleep": True} if tls else {}
    with (
        start(**options) as fake,
        patch("attach_confirm._clock.sleep", fake.clock.advance),
        patch("attach_confirm._clock.monotonic", lambda: fake.clock.offset_seconds),
        patch("attach_confirm_stubs.fake._clock.datetime", _FrozenClock),
    ):
        yield fake
