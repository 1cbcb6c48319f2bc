"""A path, bytes or a binary file, as one stream of a known size."""

from __future__ import annotations

import io
import mimetypes
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from attach_confirm._exceptions import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from attach_confirm._types import FileSource

_CHUNK = 1024 * 1024

# The types that AWS's own chat clients send for the extensions that a new instance allows.
_TYPES = {
    ".csv": "text/csv",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".heic": "image/heic",
    ".jfif": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".rtf": "application/rtf",
    ".txt": "text/plain",
    ".wav": "audio/wav",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Source(NamedTuple):
    """An open file.

    Attributes:
        stream: Seekable, standing at the first byte to send.
        size: How many bytes are to be sent, at least 1.
        name: The file's own name, without folders; None where it has none.
    """

    stream: IO[bytes]
    size: int
    name: str | None


@contextmanager
def open_source(source: FileSource) -> Iterator[Source]:
    """Open what the caller gave, and close again what was opened here.

    A stream that cannot seek is copied to an unnamed temporary file first, for its size must
    be known before the upload starts, and a retry must send it again.

    Args:
        source: A path; bytes; or a binary file, which is sent from where it stands.

    Raises:
        InvalidInputError: It cannot be read, is empty, or is none of these.
    """
    with ExitStack() as stack:
        stream: IO[bytes]
        if isinstance(source, bytes):
            stream, name = io.BytesIO(source), None
        elif isinstance(source, (str, os.PathLike)) and isinstance(os.fspath(source), str):
            stream, name = stack.enter_context(_file(source)), Path(source).name
        elif hasattr(source, "read"):
            stream, name = cast("IO[bytes]", source), _own_name(source)
        else:
            raise InvalidInputError(
                "source",
                f"must be a path, bytes or a binary file, not {type(source).__name__}",
            )
        _check_readable(stream)
        if not (hasattr(stream, "seekable") and stream.seekable()):
            stream = _spooled(stream, stack.enter_context(tempfile.TemporaryFile()))
        start = stream.tell()
        size = stream.seek(0, os.SEEK_END) - start
        stream.seek(start)
        if size < 1:
            raise InvalidInputError("source", "has 0 bytes, and the service takes 1 or more")
        yield Source(stream, size, name)


def resolve_name(source: Source, name: str | None) -> str:
    """Return the attachment's name: the caller's, or else the file's own.

    Raises:
        InvalidInputError: There is neither.
    """
    if name is None:
        name = source.name
    if name is None:
        raise InvalidInputError("name", "cannot be told from the source; pass one")
    return name


def resolve_content_type(name: str, content_type: str | None) -> str:
    """Return the attachment's MIME type: the caller's, or else what its name's ending says.

    Raises:
        InvalidInputError: The ending says nothing.
    """
    if content_type is None:
        ending = Path(name).suffix.lower()
        # Of Python's types only those that are the same on every machine.
        content_type = _TYPES.get(ending) or mimetypes.MimeTypes().types_map[True].get(ending)
    if content_type is None:
        raise InvalidInputError(
            "content_type", f"cannot be told from the name's ending {ending!r}; pass one"
        )
    return content_type


class UploadBody:
    """A source as the body of a PUT: as many bytes as declared, from the start at each attempt.

    Attributes:
        failure: What ended the last read, as raised; None where it went well. The HTTP layer
            takes every exception for the network's, so the caller looks here first.
    """

    def __init__(self, source: Source, callback: Callable[[int], object] | None) -> None:
        self.failure: BaseException | None = None
        self._source = source
        self._start = source.stream.tell()
        self._callback = callback
        self._sent = 0

    def rewind(self) -> None:
        """Go back to the start, and tell the callback how many bytes are to be sent again."""
        self._source.stream.seek(self._start)
        if self._sent:
            self._report(-self._sent)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, `size` at the most; all that are left if it is negative."""
        if size < 0:
            return b"".join(iter(partial(self.read, _CHUNK), b""))
        done = False
        try:
            chunk = self._next(size)
            if chunk:
                self._report(len(chunk))
            done = True
        finally:
            if not done:
                self.failure = sys.exc_info()[1]
        return chunk

    def _next(self, size: int) -> bytes:
        left = self._source.size - self._sent
        if not left:
            return b""
        try:
            chunk = self._source.stream.read(min(size, left))
            # One byte beyond the last one sent tells a file that has grown meanwhile.
            grown = len(chunk) == left and self._source.stream.read(1)
        except OSError as error:
            raise InvalidInputError(
                "source", f"could not be read to its end: {error.strerror or error}"
            ) from error
        if grown or not chunk:
            raise InvalidInputError(
                "source",
                f"had {self._source.size} bytes and has {'more' if grown else 'fewer'} now;"
                " it changed while it was sent",
            )
        return chunk

    def _report(self, count: int) -> None:
        self._sent += count
        if self._callback is not None:
            self._callback(count)


def _file(path: str | os.PathLike[str]) -> IO[bytes]:
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidInputError(
            "source", f"{os.fspath(path)!r} cannot be read: {reason}"
        ) from error


def _own_name(stream: Any) -> str | None:
    name = getattr(stream, "name", None)
    # Python calls its standard input "<stdin>"; a temporary file's name is a number.
    return Path(name).name if isinstance(name, str) and not name.startswith("<") else None


def _check_readable(stream: IO[bytes]) -> None:
    try:
        nothing = stream.read(0)
    except (OSError, ValueError) as error:
        raise InvalidInputError("source", f"cannot be read: {error}") from error
    if not isinstance(nothing, bytes):
        raise InvalidInputError("source", "is a text file; open it in binary mode")


def _spooled(stream: IO[bytes], spool: IO[bytes]) -> IO[bytes]:
    shutil.copyfileobj(stream, spool, _CHUNK)
    spool.seek(0)
    return spool
