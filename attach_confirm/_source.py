"""Open a path, bytes or a binary file as one stream of a known size."""

from __future__ import annotations

import io
import mimetypes
import os
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from attach_confirm._exceptions import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from attach_confirm._types import FileSource

_CHUNK_SIZE = 1024 * 1024

# Content types that AWS's chat clients send for the extensions that a new instance allows.
_CONTENT_TYPES = {
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
    """An open source.

    Attributes:
        stream: Seekable binary stream, positioned at the first byte to send.
        size: Number of bytes to send, at least 1.
        name: File name without folders, or None if the source has no name.
    """

    stream: IO[bytes]
    size: int
    name: str | None


@contextmanager
def open_source(source: FileSource) -> Iterator[Source]:
    """Open a source, and close on exit what this function opened.

    A stream that cannot seek is copied to an unnamed temporary file, because its size must be known
    before the upload starts and a retry must send it again.

    Args:
        source: A path; bytes; or a binary file, which is read from its current position.

    Raises:
        InvalidInputError: `source` is not readable, is empty, or has another type.
    """
    with ExitStack() as stack:
        stream: IO[bytes]
        if isinstance(source, bytes):
            stream, name = io.BytesIO(source), None
        elif isinstance(source, (str, os.PathLike)) and isinstance(os.fspath(source), str):
            stream, name = stack.enter_context(_open_file(source)), Path(source).name
        elif hasattr(source, "read"):
            stream, name = cast("IO[bytes]", source), _stream_name(source)
        else:
            raise InvalidInputError(
                "source",
                f"must be a path, bytes or a binary file, not {type(source).__name__}",
            )
        _require_binary(stream)
        if not (hasattr(stream, "seekable") and stream.seekable()):
            temporary_file = stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(stream, temporary_file, _CHUNK_SIZE)
            temporary_file.seek(0)
            stream = temporary_file
        start = stream.tell()
        size = stream.seek(0, os.SEEK_END) - start
        stream.seek(start)
        if size < 1:
            raise InvalidInputError("source", "has 0 bytes; must have at least 1")
        yield Source(stream, size, name)


def resolve_name(source: Source, name: str | None) -> str:
    """Return the attachment's name: `name`, or else the source's file name.

    Args:
        source: The open source.
        name: Name that the caller passed, or None.

    Raises:
        InvalidInputError: Neither is set, or `name` is not a `str`.
    """
    if name is None:
        name = source.name
    if name is None:
        raise InvalidInputError("name", "the source has no file name; pass a name")
    # `start` validates the name, but only after the content type was derived from its suffix.
    if not isinstance(name, str):
        raise InvalidInputError("name", f"must be a str, not {type(name).__name__}")
    return name


def resolve_content_type(name: str, content_type: str | None) -> str:
    """Return the attachment's MIME type: `content_type`, or else the type of the name's suffix.

    Args:
        name: Name of the attachment.
        content_type: MIME type that the caller passed, or None.

    Raises:
        InvalidInputError: `content_type` is None and the suffix is unknown.
    """
    if content_type is None:
        suffix = Path(name).suffix.lower()
        # A new MimeTypes ignores the machine's tables, so the type is the same on every machine.
        content_type = _CONTENT_TYPES.get(suffix) or mimetypes.MimeTypes().types_map[True].get(
            suffix
        )
    if content_type is None:
        raise InvalidInputError(
            "content_type", f"unknown file name suffix {suffix!r}; pass a content type"
        )
    return content_type


class UploadBody:
    """A file-like PUT body that sends exactly the source's bytes on every attempt.

    Attributes:
        error: Exception that the last `read` raised, or None. botocore wraps exceptions from the
            body in its own connection errors, so check this attribute first.
    """

    def __init__(self, source: Source, callback: Callable[[int], object] | None) -> None:
        """Create the body of a PUT.

        Args:
            source: The open source.
            callback: Called with the number of bytes since its last call, or None.
        """
        self.error: BaseException | None = None
        self._source = source
        self._start = source.stream.tell()
        self._callback = callback
        self._sent = 0

    def rewind(self) -> None:
        """Seek to the start, and report the bytes sent so far to the callback as negative."""
        self._source.stream.seek(self._start)
        if self._sent:
            self._notify(-self._sent)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the source.

        Args:
            size: Maximum number of bytes; a negative number means all remaining bytes.

        Raises:
            InvalidInputError: The source is not readable, or its size has changed.
        """
        if size < 0:
            return b"".join(iter(partial(self.read, _CHUNK_SIZE), b""))
        try:
            chunk = self._read_chunk(size)
            if chunk:
                self._notify(len(chunk))
        except BaseException as error:
            self.error = error
            raise
        return chunk

    def _read_chunk(self, size: int) -> bytes:
        remaining = self._source.size - self._sent
        if not remaining:
            return b""
        try:
            chunk = self._source.stream.read(min(size, remaining))
            # Reading one byte past the end detects a file that has grown.
            has_grown = len(chunk) == remaining and self._source.stream.read(1)
        except OSError as error:
            raise InvalidInputError(
                "source", f"read error during the upload: {error.strerror or error}"
            ) from error
        if has_grown or not chunk:
            raise InvalidInputError(
                "source",
                f"changed during the upload: had {self._source.size} bytes, now has"
                f" {'more' if has_grown else 'fewer'}",
            )
        return chunk

    def _notify(self, count: int) -> None:
        self._sent += count
        if self._callback is not None:
            self._callback(count)


def _open_file(path: str | os.PathLike[str]) -> IO[bytes]:
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidInputError("source", f"cannot read {os.fspath(path)!r}: {reason}") from error


def _stream_name(stream: Any) -> str | None:
    name = getattr(stream, "name", None)
    # Python names its standard input "<stdin>", and the name of an unnamed temporary file is a
    # descriptor number.
    return Path(name).name if isinstance(name, str) and not name.startswith("<") else None


def _require_binary(stream: IO[bytes]) -> None:
    try:
        empty = stream.read(0)
    except (OSError, ValueError) as error:
        raise InvalidInputError("source", f"cannot read the file: {error}") from error
    if not isinstance(empty, bytes):
        raise InvalidInputError("source", "is a text file; open it in binary mode")
