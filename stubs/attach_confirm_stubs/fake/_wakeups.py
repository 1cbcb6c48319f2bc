"""Wake the threads that wait for the clock, the scanner's verdicts or a fault."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_lock = Lock()
_waiters: list[Callable[[], object]] = []


def add(wake: Callable[[], object]) -> None:
    """Call a function, which must not wait, at each `wake_all`."""
    with _lock:
        _waiters.append(wake)


def remove(wake: Callable[[], object]) -> None:
    """Stop calling a function."""
    with _lock:
        _waiters.remove(wake)


def wake_all() -> None:
    """Wake all threads, because what they wait for may be due earlier than before."""
    with _lock:
        waiters = list(_waiters)
    for wake in waiters:
        wake()
