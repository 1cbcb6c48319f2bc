"""Test doubles for time and streams, and pending uploads."""

import io
import time
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

import attach_confirm


def fake_time_module(**replacements):
    """Return a copy of the module `time` in which some functions are replaced."""
    return SimpleNamespace(**{**vars(time), **replacements})


@pytest.fixture(autouse=True)
def sleeps(monkeypatch):
    """Skip the sleeps between attempts, and return the list of their durations in seconds."""
    durations = []
    monkeypatch.setattr("attach_confirm._clock.sleep", durations.append)
    monkeypatch.setattr("botocore.endpoint.time", fake_time_module(sleep=durations.append))
    return durations


def skew_clock(monkeypatch, seconds):
    """Move the local clock, which the fake does not use.

    Args:
        monkeypatch: The fixture, which restores the clock.
        seconds: The difference to the real time.
    """

    class SkewedClock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=seconds)

    monkeypatch.setattr("attach_confirm._uploader.datetime", SkewedClock)
    monkeypatch.setattr("attach_confirm._put.datetime", SkewedClock)


class NonSeekableStream(io.RawIOBase):
    """A binary stream that cannot seek, like a pipe or a socket.

    Args:
        data: The content.
        name: The value of the attribute `name`; None leaves it out.
        chunk_size: The maximum number of bytes per read; None is unlimited.
    """

    def __init__(self, data, *, name=None, chunk_size=None):
        super().__init__()
        self._data = io.BytesIO(data)
        self._chunk_size = chunk_size
        if name is not None:
            self.name = name

    def readable(self):
        """Return True: `io.RawIOBase` is not readable by default."""
        return True

    def readinto(self, buffer):
        """Read at most one chunk."""
        return self._data.readinto(memoryview(buffer)[: self._chunk_size])


@pytest.fixture
def make_pending_upload():
    """Return a function that creates pending uploads, by default valid for 300 seconds."""

    def make(*, size=3, lifetime=300.0, url=None, **headers):
        return attach_confirm.PendingUpload(
            attachment_id="att-1",
            url=url or "https://bucket.example/staging/att-1?X-Amz-Signature=5eed",
            headers={"Content-Length": str(size), **headers},
            expires_at=datetime.now(timezone.utc) + timedelta(seconds=lifetime),
        )

    return make


@pytest.fixture
def pending(make_pending_upload):
    """Alias of `make_pending_upload`."""
    return make_pending_upload
