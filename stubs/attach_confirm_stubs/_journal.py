"""A conformance test for journals."""

from __future__ import annotations

import inspect
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from attach_confirm import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from attach_confirm import Journal

_THREADS = 8
_ROUNDS = 10
_LONGEST_KEY = 500


def check_journal(factory: Callable[[], Journal]) -> None:
    """Check that a journal does what `attach_confirm.upload` relies on.

    It uses keys that begin with a random UUID, and deletes their entries at the end.

    Args:
        factory: Returns a new object for the same store each time, such as
            `lambda: SQLiteJournal(path)`.

    Raises:
        AssertionError: The journal breaks its contract; the message says how.
    """
    prefix = str(uuid4())
    keys = [f"{prefix}-{suffix}" for suffix in ("a", "A", "ä", "a ", "a%", "a'", "a/../b")]
    keys.append(prefix.ljust(_LONGEST_KEY, "x"))
    try:
        _check_entries(factory, keys)
        _check_races(factory, prefix)
    finally:
        journal = factory()
        for key in [*keys, *(f"{prefix}-race-{index}" for index in range(_ROUNDS))]:
            journal.delete(key)


def _check_entries(factory: Callable[[], Journal], keys: list[str]) -> None:
    journal, other = factory(), factory()
    for key in keys:
        journal.mark_confirmed(key)
        journal.delete(key)
        _check(journal.get(key) is None, f"get({key!r}) of an unknown key must return None")
    for index, key in enumerate(keys):
        entry = JournalEntry(f"attachment-{index}", f"größe-{index}.pdf", 2**40, "text/plain")
        later = JournalEntry("another", "another.pdf", 1, "application/pdf", confirmed=True)
        stored = journal.claim(key, entry)
        _check(stored == entry, f"the first claim must return its own entry, not {stored!r}")
        stored = other.claim(key, later)
        _check(stored == entry, f"a later claim must return the stored entry, not {stored!r}")
        stored_again = other.get(key)
        _check(stored_again == entry, f"get must return the claimed entry, not {stored_again!r}")
    for index, key in enumerate(keys):
        other.mark_confirmed(key)
        other.mark_confirmed(key)
        entry = JournalEntry(
            f"attachment-{index}", f"größe-{index}.pdf", 2**40, "text/plain", confirmed=True
        )
        marked = journal.get(key)
        _check(marked == entry, f"mark_confirmed must change `confirmed` alone, not {marked!r}")
    journal.delete(keys[0])
    _check(other.get(keys[0]) is None, "delete must remove the entry")
    _check(other.get(keys[1]) is not None, "delete must remove one key's entry only")


def _check_races(factory: Callable[[], Journal], prefix: str) -> None:
    """Let threads claim one key at the same time, at the pace of one line each."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for index in range(_ROUNDS):
            key, barrier = f"{prefix}-race-{index}", threading.Barrier(_THREADS)

            def claim(number: int, key: str = key, barrier: Any = barrier) -> JournalEntry:
                journal = factory()
                journal.get(key)
                barrier.wait()
                previous = sys.gettrace()
                sys.settrace(partial(_yield_at_each_line, inspect.getfile(type(journal))))
                try:
                    return journal.claim(key, JournalEntry(str(number), "a.txt", 1, "text/plain"))
                finally:
                    sys.settrace(previous)

            winners = set(pool.map(claim, range(_THREADS)))
            _check(
                len(winners) == 1,
                f"claim is not atomic: {_THREADS} claims of one key at the same time returned"
                f" {len(winners)} different entries; insert if absent in one step",
            )


def _yield_at_each_line(file: str, frame: FrameType, *_: Any) -> Any:
    """Trace the lines of one file, and switch threads at each."""
    if frame.f_code.co_filename != file:
        return None
    time.sleep(0)
    return partial(_yield_at_each_line, file)


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
