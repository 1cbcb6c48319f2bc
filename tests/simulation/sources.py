"""The sources that client processes upload."""

from __future__ import annotations

import io
import random
from typing import Any

from tests.support.stubs import NonSeekableStream


def create_data(seed: int, name: str, size: int) -> bytes:
    """Return the content of a file in the schedule with this seed."""
    return random.Random(f"{seed}/{name}").randbytes(size)


def create_source(kind: str, data: bytes) -> Any:
    """Return the data as one of the kinds that `schedule.File.source` lists."""
    types = {
        "bytes": bytes,
        "stream": io.BytesIO,
        "pipe": NonSeekableStream,
        "grows": _GrowingFile,
        "shrinks": _ShrinkingFile,
    }
    return types[kind](data)


class _GrowingFile(io.BytesIO):
    """A file to which another program appends during the upload."""

    def read(self, size: int | None = -1) -> bytes:
        if size:
            position = self.tell()
            self.seek(0, io.SEEK_END)
            self.write(b"more")
            self.seek(position)
        return super().read(size)


class _ShrinkingFile(io.BytesIO):
    """A file that another program truncates during the upload."""

    def read(self, size: int | None = -1) -> bytes:
        if size:
            self.truncate(self.getbuffer().nbytes // 2)
        return super().read(size)
