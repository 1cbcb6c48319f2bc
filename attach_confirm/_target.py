"""Write a download to a path, into a directory or to a binary file."""

from __future__ import annotations

import errno
import io
import os
import stat
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from uuid import uuid4

from attach_confirm._exceptions import InvalidInputError
from attach_confirm._file_names import numbered_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attach_confirm._types import FileTarget

_WRITEBACK_SIZE = 8 * 1024 * 1024
_INVALID_PATH = frozenset(
    {
        errno.EACCES,
        errno.EINVAL,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)
_NO_SPACE = frozenset({errno.EDQUOT, errno.EFBIG, errno.ENOSPC})


class Target:
    """A binary file that the caller opened.

    Attributes:
        written: Number of bytes written since the file was opened or rewound.
    """

    def __init__(self, file: IO[bytes]) -> None:
        """Start at the file's current position.

        Args:
            file: The file. It is not closed.
        """
        self.written = 0
        self._file: Any = file
        self._start, self._is_at_end = _seek_position(file)

    def reserve(self, size: int) -> None:
        """Reserve disk space before the first write.

        Args:
            size: Number of bytes that will be written.

        Raises:
            OSError: The disk does not have enough space.
        """

    def write(self, data: bytes) -> None:
        """Write all of the data.

        Raises:
            OSError: The file raised it, or it is non-blocking and accepted nothing.
        """
        while data:
            size = self._file.write(data)
            if size is None and not isinstance(self._file, io.RawIOBase):
                size = len(data)
            if not size:
                raise BlockingIOError(errno.EAGAIN, "the target does not accept data now")
            self.written += size
            data = data[size:]

    def rewind(self) -> bool:
        """Seek to the position at which the download started, and truncate what it appended.

        Returns:
            Whether another attempt can start; False if the file has data and cannot seek.

        Raises:
            OSError: The file raised it.
        """
        if self.written and self._start is None:
            return False
        if self.written:
            self._file.seek(self._start)
            if self._is_at_end:
                with suppress(AttributeError, io.UnsupportedOperation):
                    self._file.truncate()
        self.written = 0
        return True

    def finish(self, name: str) -> Path | None:  # noqa: ARG002
        """Flush the file.

        Args:
            name: A safe name for the file, which a directory target uses.

        Returns:
            The path of the file, or None if the caller opened it.

        Raises:
            OSError: The file raised it.
        """
        if hasattr(self._file, "flush"):
            self._file.flush()
        return None


class _PathTarget(Target):
    """A temporary file that is renamed when it is complete."""

    def __init__(self, file: IO[bytes], temporary_path: Path, path: Path, real_path: Path) -> None:
        super().__init__(file)
        self._temporary_path = temporary_path
        self._path, self._real_path = path, real_path
        self._writeback_start = 0

    def reserve(self, size: int) -> None:
        try:
            # This also makes the writes and fsync faster.
            if hasattr(os, "posix_fallocate") and size:
                os.posix_fallocate(self._file.fileno(), 0, size)
        except OSError as error:
            # Not every file system can reserve space.
            if error.errno in _NO_SPACE:
                raise

    def write(self, data: bytes) -> None:
        super().write(data)
        size = self.written - self._writeback_start
        if size >= _WRITEBACK_SIZE and hasattr(os, "posix_fadvise"):
            # Linux starts to write these bytes to the disk now, which saves time in fsync.
            os.posix_fadvise(
                self._file.fileno(), self._writeback_start, size, os.POSIX_FADV_DONTNEED
            )
            self._writeback_start = self.written

    def rewind(self) -> bool:
        self._writeback_start = 0
        return super().rewind()

    def finish(self, name: str) -> Path | None:
        # An earlier attempt may have reserved more space.
        self._file.truncate()
        os.fsync(self._file.fileno())
        # Windows does not rename an open file.
        self._file.close()
        return self._publish(name)

    def _publish(self, name: str) -> Path:  # noqa: ARG002
        self._temporary_path.replace(self._real_path)
        return self._path


class _FolderTarget(_PathTarget):
    """A temporary file that is renamed to an unused name in a directory when it is complete."""

    def _publish(self, name: str) -> Path:
        number = 0
        file_name = name
        while not _rename_without_overwriting(self._temporary_path, self._real_path / file_name):
            number += 1
            file_name = numbered_name(name, number)
        return self._path / file_name


@contextmanager
def open_target(target: FileTarget) -> Iterator[Target]:
    """Open a target. If the block raises, restore the target as far as possible.

    Args:
        target: The path of a file or of a directory, or a writable binary file.

    Raises:
        InvalidInputError: `target` cannot be opened, is not writable, or has another type.
        OSError: The file system raised it.
    """
    if isinstance(target, (str, os.PathLike)):
        with _open_path(target) as opened:
            yield opened
        return
    _require_writable(target)
    opened = Target(target)
    try:
        yield opened
    except BaseException:
        # If the caller passes the same file again, it must not contain a part of this download.
        with suppress(OSError, ValueError):
            opened.rewind()
        raise


@contextmanager
def _open_path(target: str | os.PathLike[str]) -> Iterator[Target]:
    text = os.fspath(target)
    if not isinstance(text, str) or not text:
        raise InvalidInputError("target", f"must be the path of a file, not {text!r}")
    with _reject_path(text):
        mode = _file_mode(text)
        # A symbolic link is not replaced, but the file that it points to is.
        real_path = Path(os.path.realpath(text))
    is_folder = mode is not None and stat.S_ISDIR(mode)
    folder = real_path if is_folder else real_path.parent
    temporary_path = folder / f".attach-confirm-{uuid4().hex}.part"
    try:
        with _reject_path(text):
            # open() creates the temporary file with the same permissions as the final file.
            file = temporary_path.open("xb", buffering=0)
        with closing(file):
            if mode is not None and not is_folder:
                temporary_path.chmod(stat.S_IMODE(mode))
            target_type = _FolderTarget if is_folder else _PathTarget
            yield target_type(file, temporary_path, Path(text), real_path)
    finally:
        temporary_path.unlink(missing_ok=True)


@contextmanager
def _reject_path(path: str) -> Iterator[None]:
    """Raise InvalidInputError for errors that depend on the path."""
    try:
        yield
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in _INVALID_PATH:
            raise
        reason = getattr(error, "strerror", None) or error
        raise InvalidInputError("target", f"cannot write to {path!r}: {reason}") from error


def _file_mode(path: str) -> int | None:
    """Return the mode of a file or directory, or None if it does not exist.

    Raises:
        ValueError: It is neither a regular file nor a directory.
        OSError: The file system raised it, or the path ends with a separator and does not exist.
    """
    try:
        # Path removes a separator at the end.
        mode = os.stat(path).st_mode  # noqa: PTH116
    except FileNotFoundError:
        if path.endswith((os.sep, os.altsep or os.sep)):
            raise
        return None
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ValueError("not a file or directory; open it and pass the binary file")
    return mode


def _seek_position(file: Any) -> tuple[int | None, bool]:
    """Return a file's position and whether it is the end; None if the file cannot seek."""
    try:
        if hasattr(file, "seekable") and file.seekable():
            position = file.tell()
            is_at_end = file.seek(0, os.SEEK_END) <= position
            file.seek(position)
            return position, is_at_end
    except (OSError, ValueError):
        # gzip.GzipFile.seekable() returns True, but a file that is written cannot seek.
        pass
    return None, False


def _require_writable(file: Any) -> None:
    if not hasattr(file, "write"):
        raise InvalidInputError(
            "target", f"must be a path or a binary file, not {type(file).__name__}"
        )
    if hasattr(file, "encoding"):
        raise InvalidInputError("target", "is a text file; open it in binary mode")
    try:
        is_writable = not hasattr(file, "writable") or file.writable()
    except ValueError as error:
        raise InvalidInputError("target", f"cannot write to the file: {error}") from error
    if not is_writable:
        raise InvalidInputError("target", "is not open for writing")


def _rename_without_overwriting(source: Path, path: Path) -> bool:
    """Rename a file atomically, unless the new name exists.

    Returns:
        Whether the file was renamed.
    """
    try:
        path.hardlink_to(source)
    except FileExistsError:
        return False
    except OSError:
        # FAT and some network file systems have no hard links.
        return _replace_reserved(source, path)
    return True


def _replace_reserved(source: Path, path: Path) -> bool:
    try:
        path.open("xb").close()
    except FileExistsError:
        return False
    try:
        source.replace(path)
    except BaseException:
        path.unlink()
        raise
    return True
