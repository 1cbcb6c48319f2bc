"""Files as callers have them."""

from __future__ import annotations

import io
import random
from typing import Any


def data_of(seed: int, name: str, size: int) -> bytes:
    """Return the bytes of a schedule's file."""
    return random.Random(f"{seed}/{name}").randbytes(size)


def source_of(kind: str, data: bytes) -> Any:
    """Return the bytes as one of the sources that a schedule's `File` names."""
    makers = {
        "bytes": bytes,
        "stream": io.BytesIO,
        "pipe": _Pipe,
        "grows": _Growing,
        "shrinks": _Shrinking,
    }
    return makers[kind](data)


class _Pipe(io.BytesIO):
    """A stream that cannot seek."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")


class _Growing(io.BytesIO):
    """A file to which another program appends while it is read."""

    def read(self, size: int | None = -1) -> bytes:
        if size:
            place = self.tell()
            self.seek(0, io.SEEK_END)
            self.write(b"more")
            self.seek(place)
        return super().read(size)


class _Shrinking(io.BytesIO):
    """A file that another program shortens while it is read."""

    def read(self, size: int | None = -1) -> bytes:
        if size:
            self.truncate(self.getbuffer().nbytes // 2)
        return super().read(size)
