"""The lock of a backend."""

from __future__ import annotations

from contextlib import ExitStack
from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class DeferringLock:
    """A reentrant lock, as a context manager, with functions that run after its release.

    Code of tests and of other services runs deferred, because it may wait for another request to
    the same backend.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._depth = 0
        self._deferred: list[Callable[[], object]] = []

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        deferred: list[Callable[[], object]] = []
        if self._depth == 0:
            deferred, self._deferred = self._deferred, deferred
        self._lock.release()
        # If a function raises, the others are called as well.
        with ExitStack() as stack:
            for function in reversed(deferred):
                stack.callback(function)

    def defer(self, function: Callable[[], object]) -> None:
        """Call a function in this thread as soon as the thread has released the lock.

        The caller must hold the lock.
        """
        self._deferred.append(function)
