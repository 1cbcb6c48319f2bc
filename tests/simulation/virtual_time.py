"""Time that passes only where the fake's clock is advanced."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from attach_confirm_stubs import fake_connectparticipant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attach_confirm_stubs import FakeConnectParticipant

_START = datetime(2031, 5, 6, 7, 8, 9, 250_000, timezone.utc)


class _Frozen:
    """Stands where the fake expects `datetime`: the machine's time does not move by itself."""

    @staticmethod
    def now(_: timezone) -> datetime:
        return _START


class Ahead:
    """Stands where attach_confirm expects `datetime`: the service's time and an offset."""

    def __init__(self, fake: FakeConnectParticipant, skew: float) -> None:
        self._fake = fake
        self._skew = timedelta(seconds=skew)

    def now(self, _: timezone) -> datetime:
        """Return the time."""
        return self._fake.clock.now() + self._skew


class _Ticking:
    """Stands where tenacity expects `time`: seconds pass with the fake's clock alone."""

    def __init__(self, fake: FakeConnectParticipant) -> None:
        self._fake = fake

    def monotonic(self) -> float:
        return self._fake.clock.offset_seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@contextmanager
def universe() -> Iterator[FakeConnectParticipant]:
    """Start the fake, for any number of worlds one after the other."""
    with (
        fake_connectparticipant() as fake,
        patch("tenacity.time", _Ticking(fake)),
        patch("attach_confirm_stubs.fake._clock.datetime", _Frozen),
    ):
        yield fake
