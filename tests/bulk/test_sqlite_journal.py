"""SQLiteJournal with real processes, forks and crashes."""

import multiprocessing
import os
import pickle
import signal
import socket
import sqlite3
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from itertools import count
from threading import Event

import pytest

from attach_confirm import InvalidInputError, JournalEntry, SQLiteJournal
from attach_confirm_stubs import check_journal

ENTRY = JournalEntry("att-1", "a.txt", 3, "text/plain")


@pytest.fixture
def path(tmp_path):
    """Return the path of a journal that does not exist yet."""
    return tmp_path / "journal.sqlite"


def claim(path, number):
    """Claim one key with an entry of this process."""
    return SQLiteJournal(path).claim("key", JournalEntry(f"att-{number}", "a.txt", 3, "text/plain"))


def test_journal_passes_check(path):
    check_journal(lambda: SQLiteJournal(path))


def test_one_object_passes_check(path):
    """Threads can share one object."""
    journal = SQLiteJournal(path)
    check_journal(lambda: journal)


@pytest.mark.parametrize("path", ["", b"", ":memory:", b":memory:", "a\0b"])
def test_path_without_file_rejected(path):
    with pytest.raises(InvalidInputError, match=r"path: .* is not a file"):
        SQLiteJournal(path)


@pytest.mark.parametrize("path", [None, 3])
def test_path_of_other_type_rejected(path):
    with pytest.raises(InvalidInputError, match="path: must be the path of a file, not "):
        SQLiteJournal(path)


@pytest.mark.parametrize("name", ["journal.sqlite", "file::memory:?cache=shared"])
def test_relative_path_is_resolved_once(tmp_path, monkeypatch, name):
    """Another thread or process with another current directory must open the same file."""
    monkeypatch.chdir(tmp_path)
    journal = SQLiteJournal(name)
    journal.claim("key", ENTRY)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir("other")
    copy = pickle.loads(pickle.dumps(journal))
    journal.close()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(journal.get, "key").result() == ENTRY
    assert copy.get("key") == ENTRY
    assert (tmp_path / name).is_file()


def test_missing_folder_raises(tmp_path):
    with pytest.raises(sqlite3.OperationalError):
        SQLiteJournal(tmp_path / "missing" / "journal.sqlite")


def test_file_that_is_not_a_journal_raises(path):
    path.write_bytes(b"not a database, but longer than the header of one" * 10)
    with pytest.raises(sqlite3.DatabaseError):
        SQLiteJournal(path)


@pytest.mark.parametrize(
    "columns",
    [
        "id",
        "key, attachment_id, name, size, content_type, confirmed",
        "key PRIMARY KEY, attachment_id, name, size, content_type",
    ],
)
def test_table_of_other_program_raises(path, columns):
    """Otherwise the file would be sent before the first write fails."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE uploads ({columns})")
    with pytest.raises(sqlite3.OperationalError):
        SQLiteJournal(path)


def test_processes_open_a_fresh_file_at_once(path):
    """Switching to the write-ahead log ignores SQLite's busy timeout, so it must be retried."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(8, mp_context=context) as pool:
        winners = list(pool.map(claim, [path] * 8, range(8)))
    assert len(set(winners)) == 1
    assert SQLiteJournal(path).get("key") == winners[0]


@pytest.mark.parametrize("step", ["claim", "mark_confirmed"])
def test_entry_survives_kill(path, step):
    """An entry that a method has written remains after `kill -9` of its process."""
    program = (
        "import os, signal, sys; from attach_confirm import JournalEntry, SQLiteJournal\n"
        "journal = SQLiteJournal(sys.argv[1])\n"
        "journal.claim('key', JournalEntry('att-1', 'a.txt', 3, 'text/plain'))\n"
        "if sys.argv[2] == 'mark_confirmed': journal.mark_confirmed('key')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, path, step], check=False)
    assert killed.returncode == -signal.SIGKILL
    stored = SQLiteJournal(path).get("key")
    assert stored == JournalEntry("att-1", "a.txt", 3, "text/plain", step == "mark_confirmed")


def test_kill_inside_a_transaction_rolls_back(path):
    """A process that dies between insert and commit leaves no entry and no lock."""
    journal = SQLiteJournal(path)
    pid = os.fork()
    if pid == 0:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO uploads VALUES ('key', 'att-0', 'a.txt', 3, '', 0)")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert journal.get("key") is None
    assert journal.claim("key", ENTRY) == ENTRY


def test_fork_opens_another_connection(path):
    """Parent and child write through one object, and neither loses entries."""
    journal = SQLiteJournal(path)
    pid = os.fork()
    if pid == 0:
        for number in range(50):
            journal.claim(f"child-{number}", ENTRY)
        os._exit(0)
    for number in range(50):
        journal.claim(f"parent-{number}", ENTRY)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    for name in ("parent", "child"):
        assert all(journal.get(f"{name}-{number}") == ENTRY for number in range(50))
    check = sqlite3.connect(path)
    assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    check.close()


def test_parent_that_closes_after_fork_keeps_entries_of_child(path):
    """The last connection deletes the write-ahead log, so the child must have locked the file."""
    journal = SQLiteJournal(path)
    (child_end, parent_end) = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        journal.claim("child", ENTRY)
        child_end.send(b"1")
        child_end.recv(1)
        is_found = journal.get("parent") == ENTRY
        journal.claim("late", ENTRY)
        os._exit(0 if is_found else 1)
    parent_end.recv(1)
    journal.close()
    other = SQLiteJournal(path)
    other.claim("parent", ENTRY)
    other.close()
    parent_end.send(b"1")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert other.get("child") == other.get("late") == ENTRY
    child_end.close()
    parent_end.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_fork_waits_for_other_threads(path):
    """A child that is forked inside another thread's transaction can write."""
    journal, is_done = SQLiteJournal(path), Event()

    def write():
        for number in count():
            journal.claim(f"key-{number}", ENTRY)
            if is_done.is_set():
                return

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        for number in range(2):
            pid = os.fork()
            if pid == 0:
                signal.alarm(20)
                journal.claim(f"child-{number}", ENTRY)
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        is_done.set()
        writer.result()
    assert all(journal.get(f"child-{number}") == ENTRY for number in range(2))


def test_connection_that_a_fork_did_not_close_is_not_used(path, monkeypatch):
    """A C extension can fork without calling Python's handlers."""
    journal = SQLiteJournal(path)
    parent_connection = journal._connection()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert journal.claim("key", ENTRY) == ENTRY
    journal.close()
    assert parent_connection.execute("SELECT key FROM uploads").fetchall() == [("key",)]


def test_pickle_opens_the_same_file(path):
    journal = SQLiteJournal(path)
    journal.claim("key", ENTRY)
    assert pickle.loads(pickle.dumps(journal)).get("key") == ENTRY
    assert repr(journal) == f"SQLiteJournal({str(path)!r})"


def test_claim_is_repeated_if_entry_is_deleted(path):
    """Another process deletes the entry after this one found it."""
    journal, other = SQLiteJournal(path), SQLiteJournal(path)
    other.claim("key", JournalEntry("att-0", "a.txt", 3, "text/plain"))

    def delete_before_select(statement):
        if "SELECT" in statement:
            journal._connection().set_trace_callback(None)
            other.delete("key")

    journal._connection().set_trace_callback(delete_before_select)
    assert journal.claim("key", ENTRY) == ENTRY


def test_failed_transaction_is_rolled_back(path):
    """An entry that SQLite rejects leaves the journal usable."""
    journal = SQLiteJournal(path)
    with pytest.raises(sqlite3.IntegrityError):
        journal.claim("key", JournalEntry(None, "a.txt", 3, "text/plain"))
    assert journal.claim("key", ENTRY) == ENTRY


def test_every_commit_is_synced(path):
    """`synchronous=FULL` holds on every connection: a crashed machine loses nothing."""
    journal = SQLiteJournal(path)

    def levels(_):
        connection = journal._connection()
        return (
            connection.execute("PRAGMA synchronous").fetchone()[0],
            connection.execute("PRAGMA journal_mode").fetchone()[0],
        )

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(levels, range(4))) == {(2, "wal")}


def test_closed_journal_can_be_used_again(path):
    journal = SQLiteJournal(path)
    journal.close()
    journal.close()
    assert journal.claim("key", ENTRY) == ENTRY
