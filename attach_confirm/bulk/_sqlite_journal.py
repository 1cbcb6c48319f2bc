"""A journal in a SQLite file, for the processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, cast

from attach_confirm import _clock
from attach_confirm._exceptions import InvalidInputError
from attach_confirm._types import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

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
_INSERT = "INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"


class SQLiteJournal:
    """A `Journal` in a SQLite file, shared by the threads and processes of one machine.

    Every change is on disk when the method returns (write-ahead log, `synchronous=FULL`), so it
    survives a crash of the process and of the machine. The object can be used by threads, after a
    fork, and by other processes that it is pickled to. Each of them opens its own connection.

    Do not put the file on a network file system: SQLite's locks do not work there.

    Args:
        path: The file, which is created if it does not exist. Its folder must exist.

    Raises:
        InvalidInputError: `path` is not the path of a file, for example `":memory:"`.
        sqlite3.Error: The file cannot be opened, or is not a journal.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        if self._path in {"", ":memory:"}:
            raise InvalidInputError("path", f"{self._path!r} is not a file; pass a file name")
        self._local = threading.local()
        self._inherited: list[sqlite3.Connection] = []
        self._connection()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._path,)

    def __repr__(self) -> str:
        return f"SQLiteJournal({self._path!r})"

    def get(self, key: str) -> JournalEntry | None:
        """Return the entry of a key, or None."""
        row = self._connection().execute(_SELECT, (key,)).fetchone()
        return None if row is None else _entry(row)

    def claim(self, key: str, entry: JournalEntry) -> JournalEntry:
        """Store an entry unless the key has one, and return the stored one."""
        values = (key, entry.attachment_id, entry.name, entry.size, entry.content_type)
        with self._transaction() as connection:
            connection.execute(_INSERT, (*values, entry.confirmed))
            row = connection.execute(_SELECT, (key,)).fetchone()
        return _entry(row)

    def mark_confirmed(self, key: str) -> None:
        """Mark the entry of a key as confirmed; an unknown key is ignored."""
        with self._transaction() as connection:
            connection.execute("UPDATE uploads SET confirmed = 1 WHERE key = ?", (key,))

    def delete(self, key: str) -> None:
        """Delete the entry of a key; an unknown key is ignored."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM uploads WHERE key = ?", (key,))

    def close(self) -> None:
        """Close the calling thread's connection; a later call opens another one."""
        pid, connection = getattr(self._local, "opened", (None, None))
        if connection is not None and pid == os.getpid():
            connection.close()
            del self._local.opened

    def _connection(self) -> sqlite3.Connection:
        opened: tuple[int | None, Any] = getattr(self._local, "opened", (None, None))
        pid, connection = opened
        if pid != os.getpid():
            if connection is not None:
                # Closing a connection that was opened before the fork can corrupt the file.
                self._inherited.append(connection)
            connection = _open(self._path)
            self._local.opened = os.getpid(), connection
        return cast("sqlite3.Connection", connection)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        # A transaction that reads first and then writes cannot wait for another writer.
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise


def _open(path: str) -> sqlite3.Connection:
    from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random  # noqa: PLC0415

    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT, isolation_level=None)
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


def _entry(row: tuple[Any, ...]) -> JournalEntry:
    attachment_id, name, size, content_type, confirmed = row
    return JournalEntry(attachment_id, name, size, content_type, bool(confirmed))


def _is_locked(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
