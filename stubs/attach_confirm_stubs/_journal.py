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

_THREAD_COUNT = 8
_ROUND_COUNT = 10
_MAX_KEY_LENGTH = 500


def check_journal(factory: Callable[[], Journal]) -> None:
    """Check that a journal does what `attach_confirm.upload` relies on.

    The check uses keys that begin with a random UUID, and deletes their entries at the end.

    Args:
        factory: Function that returns a new journal object for the same store, for example
            `lambda: SQLiteJournal(path)`.

    Raises:
        AssertionError: A method of the journal does not behave as `Journal` documents. The message
            names the method.
    """
    prefix = str(uuid4())
    keys = [f"{prefix}-{suffix}" for suffix in ("a", "A", "ä", "a ", "a%", "a'", "a/../b")]
    keys.append(prefix.ljust(_MAX_KEY_LENGTH, "x"))
    try:
        _check_entries(factory, keys)
        _check_races(factory, prefix)
    finally:
        journal = factory()
        for key in [*keys, *(f"{prefix}-race-{index}" for index in range(_ROUND_COUNT))]:
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
        _check(
            marked == entry,
            f"mark_confirmed must change only `confirmed`, not {marked!r}",
        )
    journal.delete(keys[0])
    _check(other.get(keys[0]) is None, "delete must remove the entry")
    _check(other.get(keys[1]) is not None, "delete must remove only the entry of its key")


def _check_races(factory: Callable[[], Journal], prefix: str) -> None:
    """Check that threads that claim a key at the same time all receive the same entry.

    The threads switch after each line of `claim`, which makes a race likely.
    """
    with ThreadPoolExecutor(_THREAD_COUNT) as pool:
        for index in range(_ROUND_COUNT):
            key, barrier = f"{prefix}-race-{index}", threading.Barrier(_THREAD_COUNT)

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

            entries = set(pool.map(claim, range(_THREAD_COUNT)))
            _check(
                len(entries) == 1,
                f"claim is not atomic: {_THREAD_COUNT} claims of one key at the same time returned"
                f" {len(entries)} different entries; insert the entry in one step if it is absent",
            )


def _yield_at_each_line(file: str, frame: FrameType, *_: Any) -> Any:  # pragma: no cover
    """Trace the lines of one file, and switch to another thread before each line.

    Coverage is not measured here, because Python does not trace a trace function.
    """
    if frame.f_code.co_filename != file:
        return None
    time.sleep(0)
    return partial(_yield_at_each_line, file)


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
