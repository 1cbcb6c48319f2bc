"""A conformance test for journals."""

from __future__ import annotations

import inspect
import random
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
# With equal delays, the threads would run in step, and their last write would look like the first.
_DELAYS = (0.0005, *[0] * 15)


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
        for key in [*keys, *_race_keys(prefix)]:
            journal.delete(key)


def _race_keys(prefix: str) -> list[str]:
    keys = [f"{prefix}-race-{index}" for index in range(_ROUND_COUNT)]
    return keys + [f"{key}-{number}" for key in keys for number in range(_THREAD_COUNT)]


def _check_entries(factory: Callable[[], Journal], keys: list[str]) -> None:
    journal, other = factory(), factory()
    for key in keys:
        _check(journal.get(key) is None, f"get({key!r}) of an unknown key must return None")
        journal.mark_confirmed(key)
        _check(journal.get(key) is None, f"mark_confirmed({key!r}) must ignore an unknown key")
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
        stored = other.claim(key, JournalEntry("another", "another.pdf", 1, "text/plain"))
        _check(stored == entry, f"claim must return a confirmed entry unchanged, not {stored!r}")
        marked = journal.get(key)
        _check(marked == entry, f"claim must not change a confirmed entry to {marked!r}")
    journal.delete(f"{keys[0]}-unknown")
    journal.delete(keys[0])
    _check(other.get(keys[0]) is None, "delete must remove the entry")
    _check(other.get(keys[1]) is not None, "delete must remove only the entry of its key")


def _check_races(factory: Callable[[], Journal], prefix: str) -> None:
    """Check that threads that claim a key at the same time all receive the same entry.

    Each thread also claims and confirms a key that no other thread uses. The threads switch after
    each instruction of the journal, which makes a race likely.
    """
    with ThreadPoolExecutor(_THREAD_COUNT) as pool:
        for index in range(_ROUND_COUNT):
            key, barrier = f"{prefix}-race-{index}", threading.Barrier(_THREAD_COUNT)

            def claim(number: int, key: str = key, barrier: Any = barrier) -> JournalEntry:
                journal = factory()
                entry = JournalEntry(str(number), "a.txt", 1, "text/plain")
                journal.get(key)
                barrier.wait()
                previous = sys.gettrace()
                sys.settrace(partial(_yield_at_each_instruction, _source_files(journal)))
                try:
                    stored = journal.claim(key, entry)
                    journal.claim(f"{key}-{number}", entry)
                    journal.mark_confirmed(f"{key}-{number}")
                finally:
                    sys.settrace(previous)
                return stored

            entries = set(pool.map(claim, range(_THREAD_COUNT)))
            _check(
                len(entries) == 1,
                f"claim is not atomic: {_THREAD_COUNT} claims of one key at the same time returned"
                f" {len(entries)} different entries; insert the entry in one step if it is absent",
            )
            journal = factory()
            stored = journal.get(key)
            _check(stored in entries, f"claim is not atomic: it returned {entries}, not {stored!r}")
            for number in range(_THREAD_COUNT):
                stored = journal.get(f"{key}-{number}")
                _check(
                    stored is not None and stored.confirmed,
                    f"claim or mark_confirmed of another key at the same time removed {stored!r}",
                )


def _source_files(journal: Journal) -> set[str]:
    """Return the files with the journal's code, which are not known for code in C."""
    functions = [function for cls in type(journal).__mro__ for function in vars(cls).values()]
    codes = [getattr(inspect.unwrap(function), "__code__", None) for function in functions]
    return {code.co_filename for code in codes if code is not None}


def _yield_at_each_instruction(
    files: set[str], frame: FrameType, *_: Any
) -> Any:  # pragma: no cover
    """Trace the code of some files, and switch to another thread before each instruction.

    Coverage is not measured here, because Python does not trace a trace function.
    """
    if frame.f_code.co_filename not in files:
        return None
    frame.f_trace_opcodes = True
    time.sleep(random.choice(_DELAYS))  # noqa: S311
    return partial(_yield_at_each_instruction, files)


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
