"""The size of a file does not count."""

import io
import tracemalloc

import pytest

import attach_confirm

MIB = 1024 * 1024


class Zeros(io.RawIOBase):
    """A stream of zeros that cannot seek."""

    def __init__(self, size):
        super().__init__()
        self._left = size

    def readable(self):
        """Say that it can be read."""
        return True

    def readinto(self, buffer):
        """Give as many as there are."""
        count = min(self._left, len(buffer))
        buffer[:count] = bytes(count)
        self._left -= count
        return count


@pytest.mark.parametrize("kind", ["path", "stream"])
def test_a_large_file(http_server, http_server_client, tmp_path, kind):
    """A hundred megabytes need at most 8 MiB more memory than one megabyte."""
    http_server.keep_bodies = False

    def peak(size):
        path = tmp_path / "a.mp4"
        with path.open("wb") as file:
            file.truncate(size)
        source = path if kind == "path" else Zeros(size)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        sent = attach_confirm.upload(http_server_client, source, "token", name="a.mp4")
        assert sent.size == size
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        peak(MIB)
        small, large = peak(MIB), peak(100 * MIB)
    finally:
        tracemalloc.stop()
    (put,) = [r for r in http_server.requests if r.method == "PUT" and r.length == 100 * MIB]
    assert put.body == b""
    assert large - small <= 8 * MIB
