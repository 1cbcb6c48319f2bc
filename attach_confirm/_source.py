"""Open a path, bytes or a binary file as one stream of a known size."""

from __future__ import annotations

import errno
import io
import mimetypes
import os
import tempfile
import zlib
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast
from weakref import WeakValueDictionary

from attach_confirm._exceptions import InvalidInputError, SourceReadError
from attach_confirm._redaction import redact_query_strings
from attach_confirm._responses import get_content_length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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


# Another attempt cannot change these errors of a source. The archive modules are not imported for
# their exceptions.
_PERMANENT_ERRORS = (
    ValueError,
    TypeError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
    EOFError,
    zlib.error,
)
_PERMANENT_ERRNOS = frozenset(
    {errno.EBADF, errno.EINVAL, errno.ELOOP, errno.ENAMETOOLONG, errno.ENODEV, errno.ENXIO}
)
_ARCHIVE_ERROR_NAMES = frozenset({"BadGzipFile", "BadZipFile", "LZMAError", "TarError"})

_MAX_UNDERLYING_FILES = 8
_CANNOT_SEEK_ERRNOS = frozenset({errno.EINVAL, errno.ESPIPE})

# File name suffixes that do not apply to the decompressed bytes, by class of the standard library.
_COMPRESSION_SUFFIXES = {"GzipFile": ".gz", "BZ2File": ".bz2", "LZMAFile": ".xz"}


# Streams that a call has begun to read, by `id`, because a stream may not be hashable. After a
# failed call, only the rest of the stream is left.
_partly_read: WeakValueDictionary[int, Any] = WeakValueDictionary()


class Source(NamedTuple):
    """An open source.

    Attributes:
        stream: Binary stream, positioned at the first byte to send.
        size: Number of bytes to send, at least 1.
        name: File name without folders, or None if the source has no name.
        can_seek: Whether the stream can return to the first byte.
        start: Position of the first byte; 0 if the stream cannot seek.
    """

    stream: IO[bytes]
    size: int
    name: str | None
    can_seek: bool = True
    start: int = 0


@contextmanager
def open_source(source: FileSource, size: int | None = None) -> Iterator[Source]:
    """Open a source, and close on exit what this function opened.

    The size must be known before an upload starts, and a retry sends the bytes again. So a stream
    that cannot seek is copied to an unnamed temporary file, unless `size` is passed: then it is
    sent once, as it is read. A file that reports 0 bytes but has some, as in `/proc`, is always
    copied. If the block raises an exception, a file that can seek returns to its first byte.

    Args:
        source: A path; bytes; or a binary file, which is read from its current position.
        size: Number of bytes that the source must have. None accepts any number.

    Raises:
        InvalidInputError: `source` cannot be opened, is empty, has another type, or does not have
            `size` bytes.
        SourceReadError: Reading or seeking failed, or the stream ended too early.
    """
    with ExitStack() as stack:
        stream: IO[bytes]
        if isinstance(source, bytes):
            stream, name = io.BytesIO(source), None
        elif isinstance(source, (str, os.PathLike)) and isinstance(os.fspath(source), str):
            stream, name = stack.enter_context(_open_file(source)), Path(source).name
        elif hasattr(source, "read"):
            stream = cast("IO[bytes]", source)
            _require_binary(stream)
            name = _stream_name(source)
        else:
            raise InvalidInputError(
                "source",
                f"must be a path, bytes or a binary file, not {type(source).__name__}",
            )
        actual_size, can_seek = _measure(stream), True
        if actual_size is None and size is not None:
            actual_size, can_seek = _declared_length(stream), False
            if actual_size is None:
                actual_size = size
        elif not actual_size:
            stream, actual_size = _copy_to_temporary_file(stream, stack)
        if actual_size < 1:
            raise InvalidInputError("source", "has 0 bytes; must have at least 1")
        if size not in (None, actual_size):
            raise InvalidInputError("source", f"has {actual_size} bytes; must have {size}")
        start = 0
        if can_seek:
            start = stack.enter_context(_restore_position(stream))
        else:
            _require_unread(stream)
        yield Source(stream, actual_size, name, can_seek, start)
        _partly_read.pop(id(stream), None)


@contextmanager
def open_copy(source: Source) -> Iterator[Source]:
    """Copy a source that cannot seek to a temporary file, and close the file on exit.

    The source is not read beyond its size.

    Args:
        source: The open source.

    Raises:
        SourceReadError: The source cannot be read, it ended too early, or the file cannot be
            written.
    """
    body: Any = UploadBody(source, None)
    with ExitStack() as stack:
        stream, _ = _copy_to_temporary_file(body, stack)
        yield source._replace(stream=stream, can_seek=True)


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
        error: Exception of the source or the callback, or None. urllib3 wraps or ignores exceptions
            of a body, so check this attribute first.
    """

    def __init__(self, source: Source, callback: Callable[[int], object] | None) -> None:
        """Create the body of a PUT.

        Args:
            source: The open source.
            callback: Called with the number of bytes since its last call, or None.
        """
        self.error: BaseException | None = None
        self._source = source
        self._callback = callback
        self._sent = 0
        self._is_read = False
        self._read_errors = _SourceErrors(source.stream, "read failed")

    @property
    def can_rewind(self) -> bool:
        """Whether the bytes can be sent from the start."""
        return self._source.can_seek or not self._is_read

    def raise_error(self) -> None:
        """Raise the exception of the source or the callback, if there was one."""
        if self.error is not None:
            raise self.error

    def rewind(self) -> None:
        """Seek to the start, and report the bytes sent so far to the callback as negative."""
        try:
            if self._source.can_seek:
                with _SourceErrors(self._source.stream, "seek failed"):
                    self._source.stream.seek(self._source.start)
            if self._sent:
                self._notify(-self._sent)
        except BaseException as error:
            self.error = error
            raise

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the source.

        Args:
            size: Maximum number of bytes; a negative number means all remaining bytes.

        Raises:
            SourceReadError: The source cannot be read, or its size has changed.
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
        stream, can_seek = self._source.stream, self._source.can_seek
        remaining = self._source.size - self._sent
        if not remaining:
            return b""
        if not can_seek and not self._is_read:
            _mark_as_read(stream)
        self._is_read = True
        chunk = _read(stream, min(size, remaining), self._read_errors)
        if not can_seek and not chunk:
            raise SourceReadError(f"ended after {self._sent} of {self._source.size} bytes", True)
        # Reading one byte past the end detects a file that has grown. A stream may block there, or
        # its next byte may belong to its owner.
        has_grown = can_seek and len(chunk) == remaining and _read(stream, 1, self._read_errors)
        if has_grown or not chunk:
            raise SourceReadError(
                f"changed during the upload: had {self._source.size} bytes, now has"
                f" {'more' if has_grown else 'fewer'}",
                # A file that another program writes to may change in every attempt.
                retryable=False,
                changed=True,
            )
        return chunk

    def _notify(self, count: int) -> None:
        self._sent += count
        if self._callback is not None:
            self._callback(count)


class _SourceErrors:
    """Context manager that converts an `Exception` to `SourceReadError`.

    Args:
        stream: The stream that is used, or None if `retryable` is set.
        action: What failed, for example "read failed". Used in the message.
        retryable: Whether another attempt may succeed; None decides by the exception.
    """

    def __init__(self, stream: Any, action: str, *, retryable: bool | None = None) -> None:
        self._stream = stream
        self._action = action
        self._retryable = retryable

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, SourceReadError):
            return
        retryable = self._retryable
        if retryable is None:
            # A truncated response looks like a corrupt archive when it is decompressed.
            retryable = is_transient(error) or bool(_bytes_left(_underlying_files(self._stream)))
        raise SourceReadError(f"{self._action}: {_describe(error)}", retryable) from error


def is_transient(error: Exception) -> bool:
    """Return whether reading a source may succeed later, although it raised this exception.

    Args:
        error: The exception of the source.
    """
    names = {error_class.__name__ for error_class in type(error).__mro__}
    is_permanent = isinstance(error, _PERMANENT_ERRORS) or names & _ARCHIVE_ERROR_NAMES
    return not is_permanent and getattr(error, "errno", None) not in _PERMANENT_ERRNOS


def _describe(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return redact_query_strings(str(reason))


def _read(stream: IO[bytes], size: int, errors: _SourceErrors) -> bytes:
    """Read from a stream.

    Raises:
        SourceReadError: The stream raised an exception or did not return at most `size` bytes.
    """
    with errors:
        chunk: Any = stream.read(size)
    if chunk is None:
        raise SourceReadError("the stream is in non-blocking mode; pass a blocking stream", False)
    if not isinstance(chunk, bytes):
        raise SourceReadError(f"read() returned {type(chunk).__name__} instead of bytes", False)
    if len(chunk) > size:
        raise SourceReadError(f"read({size}) returned {len(chunk)} bytes", False)
    return chunk


def _require_binary(stream: IO[bytes]) -> None:
    with _SourceErrors(stream, "read failed"):
        is_closed = getattr(stream, "closed", False) is True
    if is_closed:
        raise InvalidInputError("source", "cannot read the file: it is closed")
    with _SourceErrors(stream, "read failed"):
        is_readable = not hasattr(stream, "readable") or stream.readable()
        empty: Any = stream.read(0) if is_readable else None
    if not is_readable:
        raise InvalidInputError("source", "cannot read the file: it is not open for reading")
    if isinstance(empty, str):
        raise InvalidInputError("source", "is a text file; open it in binary mode")
    if not isinstance(empty, (bytes, type(None))):
        raise InvalidInputError("source", f"read() returns {type(empty).__name__}, not bytes")


def _measure(stream: IO[bytes]) -> int | None:
    """Return the number of bytes after the current position, or None if the stream cannot seek."""
    with _SourceErrors(stream, "seek failed"):
        # A GzipFile reports that it can seek even if the file that it decompresses cannot.
        # The innermost file comes first, because the others may assume that it can seek.
        for file in reversed(_underlying_files(stream)):
            if not (hasattr(file, "seekable") and file.seekable()):
                return None
        start = stream.tell()
        try:
            stream.seek(0, os.SEEK_END)
        except OSError as error:
            # Most files of /proc can only seek relative to their start.
            if error.errno not in _CANNOT_SEEK_ERRNOS:
                raise
            return None
        end = stream.tell()
        stream.seek(start)
    return end - start


@contextmanager
def _restore_position(stream: IO[bytes]) -> Iterator[int]:
    """Yield the current position, and return to it after an exception."""
    position = stream.tell()
    try:
        yield position
    except BaseException:
        # A caller that retries with the same file must send the same bytes.
        with suppress(SourceReadError), _SourceErrors(stream, "seek failed"):
            stream.seek(position)
        raise


def _require_unread(stream: IO[bytes]) -> None:
    """Raise if a failed call has read a part of the stream."""
    if _partly_read.get(id(stream)) is stream:
        raise InvalidInputError("source", "was partly read by an earlier call; open it again")


def _mark_as_read(stream: IO[bytes]) -> None:
    # Objects with __slots__ may not support weak references.
    with suppress(TypeError):
        _partly_read[id(stream)] = stream


def _copy_to_temporary_file(stream: IO[bytes], stack: ExitStack) -> tuple[IO[bytes], int]:
    """Copy a stream to a temporary file, and return the file and its size.

    If the copy fails, the stream cannot be copied again, because only the rest of it is left.

    Args:
        stream: The stream, which is read to its end.
        stack: Closes the file.

    Raises:
        InvalidInputError: An earlier copy of the stream failed.
        SourceReadError: The stream cannot be read, it ended too early, or the file cannot be
            written.
    """
    _require_unread(stream)
    copy_errors = partial(
        _SourceErrors, None, "cannot copy the stream to a temporary file", retryable=True
    )
    # After the member of an archive, more bytes of the archive may follow.
    responses = _underlying_files(stream)[:2]
    declared_length, initial_bytes_left = _declared_length(stream), _bytes_left(responses)
    with copy_errors():
        temporary_file = tempfile.TemporaryFile()  # noqa: SIM115
    stack.callback(_close, temporary_file)
    size = 0
    while chunk := _read(stream, _CHUNK_SIZE, _SourceErrors(stream, "read failed")):
        size += len(chunk)
        _mark_as_read(stream)
        with copy_errors():
            temporary_file.write(chunk)
    with copy_errors():
        temporary_file.seek(0)
    missing = _bytes_left(responses) or 0
    if size and missing == initial_bytes_left:
        # This length does not count down.
        missing = 0
    missing = max(missing, (declared_length or 0) - size)
    if missing:
        raise SourceReadError(f"ended after {size} bytes; {missing} are missing", True)
    _partly_read.pop(id(stream), None)
    return temporary_file, size


def _close(file: IO[bytes]) -> None:
    # After a failed write, closing the file tries to write again.
    with suppress(OSError):
        file.close()


def _underlying_files(stream: Any) -> list[Any]:
    """Return a stream, the file that it reads from, the file that this one reads from, and so on.

    `io.BufferedReader` keeps its file in `raw`. `gzip.GzipFile`, and the members and streams of
    `tarfile`, keep it in `fileobj`.
    """
    files = [stream]
    for _ in range(_MAX_UNDERLYING_FILES):
        file = None
        # A reader whose file was detached raises ValueError.
        with suppress(ValueError):
            file = getattr(files[-1], "raw", None) or getattr(files[-1], "fileobj", None)
        if file is None:
            break
        files.append(file)
    return files


def _bytes_left(files: Iterable[Any]) -> int | None:
    """Return how many bytes of a response have not arrived, or None if the length is unknown.

    The attributes are those of `urllib3.HTTPResponse` and `http.client.HTTPResponse`.

    Args:
        files: A stream and its underlying files, which may be responses.
    """
    for file in files:
        for name in ("length_remaining", "length"):
            value = getattr(file, name, None)
            if type(value) is int:
                return value
    return None


def _declared_length(stream: Any) -> int | None:
    """Return the number of bytes that a stream declares, or None if it declares none."""
    headers: Any = getattr(stream, "headers", None)
    items = headers.items() if hasattr(headers, "items") else ()
    values = {str(name).lower(): str(value) for name, value in items}
    if "content-encoding" in values:
        # The length is that of the encoded bytes.
        return None
    length = _bytes_left([stream])
    return get_content_length(values) if length is None else length


def _open_file(path: str | os.PathLike[str]) -> IO[bytes]:
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:
        reason = f"cannot read {os.fspath(path)!r}: {getattr(error, 'strerror', None) or error}"
        if is_transient(error):
            raise SourceReadError(reason, True) from error
        raise InvalidInputError("source", reason) from error


def _stream_name(stream: Any) -> str | None:
    name = getattr(stream, "name", None)
    # Python names its standard input "<stdin>", and the name of an unnamed temporary file is a
    # descriptor number.
    if not isinstance(name, str) or name.startswith("<"):
        return None
    archive = getattr(getattr(stream, "raw", None), "fileobj", None)
    if getattr(archive, "name", None) == name:
        # Before Python 3.13, a member of a tar file has the archive's name.
        return None
    name = Path(name).name
    for stream_class in type(stream).__mro__:
        suffix = _COMPRESSION_SUFFIXES.get(stream_class.__name__)
        if suffix and name.lower().endswith(suffix) and len(name) > len(suffix):
            name = name[: -len(suffix)]
    return name
