"""A journal in a SQLite file, which the processes of one machine share."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from typing import Any
from weakref import WeakSet

from attach_confirm import _clock
from attach_confirm._exceptions import InvalidInputError
from attach_confirm._types import JournalEntry

_BUSY_TIMEOUT = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS uploads (
    key TEXT PRIMARY KEY,
    attachment_id TEXT NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    confirmed INTEGER NOT NULL
) WITHOUT ROWID
"""
_SELECT = "SELECT attachment_id, name, size, content_type, confirmed FROM uploads WHERE key = ?"
_INSERT = """
INSERT INTO uploads (key, attachment_id, name, size, content_type, confirmed)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING
"""

# SQLite must not be used while the process forks, and a child that inherits a connection does not
# lock the file: a process that closes it would delete the child's write-ahead log. So every
# connection is closed before a fork, and no thread may use one meanwhile.
_lock = threading.RLock()
_journals: WeakSet[SQLiteJournal] = WeakSet()


class SQLiteJournal:
    """A `Journal` in a SQLite file, shared by the threads and processes of one machine.

    Every change is on disk when the method returns (write-ahead log, `synchronous=FULL`), so it
    survives a crash of the process and of the machine. The object can be used by threads, after a
    fork, and by other processes that it is pickled to. Each process opens its own connection.

    Do not put the file on a network file system: SQLite's locks do not work there.

    Args:
        path: The file, which is created if it does not exist. Its folder must exist. A relative
            path is resolved once, in the current directory.

    Raises:
        InvalidInputError: `path` is not the path of a file, for example `":memory:"`.
        sqlite3.Error: The file cannot be opened, or is not a journal.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = _absolute_path(path)
        self._opened: sqlite3.Connection | None = None
        self._pid = os.getpid()
        self._inherited: list[sqlite3.Connection | None] = []
        with _lock:
            _journals.add(self)
            self._connection()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._path,)

    def __repr__(self) -> str:
        return f"SQLiteJournal({self._path!r})"

    def get(self, key: str) -> JournalEntry | None:
        """Return the entry of a key, or None."""
        with _lock:
            row = self._connection().execute(_SELECT, (key,)).fetchone()
        return None if row is None else _entry(row)

    def claim(self, key: str, entry: JournalEntry) -> JournalEntry:
        """Store an entry unless the key has one, and return the stored one."""
        values = (key, entry.attachment_id, entry.name, entry.size, entry.content_type)
        row = None
        with _lock:
            # Another process may delete the entry between the two statements.
            while row is None:
                self._connection().execute(_INSERT, (*values, entry.confirmed))
                row = self._connection().execute(_SELECT, (key,)).fetchone()
        return _entry(row)

    def mark_confirmed(self, key: str) -> None:
        """Mark the entry of a key as confirmed; an unknown key is ignored."""
        with _lock:
            self._connection().execute("UPDATE uploads SET confirmed = 1 WHERE key = ?", (key,))

    def delete(self, key: str) -> None:
        """Delete the entry of a key; an unknown key is ignored."""
        with _lock:
            self._connection().execute("DELETE FROM uploads WHERE key = ?", (key,))

    def close(self) -> None:
        """Close the connection; a later call opens another one."""
        with _lock:
            if self._opened is not None and self._pid == os.getpid():
                self._opened.close()
                self._opened = None

    def _connection(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            # A fork outside of Python may not have closed the connection. Closing it in the child
            # can corrupt the file.
            self._inherited.append(self._opened)
            self._opened, self._pid = None, os.getpid()
        if self._opened is None:
            self._opened = _open(self._path)
        return self._opened


def _before_fork() -> None:
    _lock.acquire()
    for journal in list(_journals):
        journal.close()


# Windows has neither fork nor this function.
getattr(os, "register_at_fork", dict)(
    before=_before_fork, after_in_parent=_lock.release, after_in_child=_lock.release
)


def _absolute_path(path: Any) -> str:
    try:
        text = os.fsdecode(path)
    except TypeError:
        reason = f"must be the path of a file, not {type(path).__name__}"
        raise InvalidInputError("path", reason) from None
    if text in {"", ":memory:"} or "\0" in text:
        raise InvalidInputError("path", f"{text!r} is not a file; pass a file name")
    return os.path.abspath(text)  # noqa: PTH100


def _open(path: str) -> sqlite3.Connection:
    from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random  # noqa: PLC0415

    connection = sqlite3.connect(
        path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        # Switching to the write-ahead log ignores the busy timeout.
        retrying = Retrying(
            sleep=_clock.sleep,
            retry=retry_if_exception(_is_locked),
            stop=stop_after_delay(_BUSY_TIMEOUT),
            wait=wait_random(0.001, 0.05),
            reraise=True,
        )
        retrying(_prepare, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", _SCHEMA):
        with closing(connection.execute(statement)):
            pass
    # This raises if another program's table has the same name.
    connection.execute(f"EXPLAIN {_INSERT}", (None,) * 6).close()


def _entry(row: tuple[Any, ...]) -> JournalEntry:
    attachment_id, name, size, content_type, confirmed = row
    return JournalEntry(attachment_id, name, size, content_type, bool(confirmed))


def _is_locked(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
