"""Threads that run one at a time in an order that depends only on the seed."""

from __future__ import annotations

from contextvars import ContextVar
from threading import Semaphore, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

_current_turn: ContextVar[Semaphore] = ContextVar("current_turn")


class CooperativeScheduler:
    """Runs each task in a thread, and resumes one thread at a time until it yields.

    Args:
        rng: Chooses the thread that runs next.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ready: list[Semaphore] = []
        self._errors: list[BaseException] = []
        self._all_finished = Semaphore(0)

    def run(self, tasks: Sequence[Callable[[], object]]) -> None:
        """Run all tasks until they return, then raise the first exception that one raised."""
        if len(tasks) == 1:
            tasks[0]()
            return
        threads = []
        for task in tasks:
            turn = Semaphore(0)
            self._ready.append(turn)
            threads.append(Thread(target=self._run_task, args=(task, turn)))
        for thread in threads:
            thread.start()
        self._resume_next()
        self._all_finished.acquire()
        for thread in threads:
            thread.join()
        for error in self._errors:
            raise error

    def switch(self) -> None:
        """Yield to a randomly chosen thread, which may be the current one."""
        turn = _current_turn.get(None)
        if turn is not None and self._ready:
            self._ready.append(turn)
            self._resume_next()
            turn.acquire()

    def _resume_next(self) -> None:
        if self._ready:
            self._ready.pop(self._rng.randrange(len(self._ready))).release()
        else:
            self._all_finished.release()

    def _run_task(self, task: Callable[[], object], turn: Semaphore) -> None:
        turn.acquire()
        _current_turn.set(turn)
        try:
            task()
        except BaseException as error:  # noqa: BLE001
            self._errors.append(error)
        finally:
            self._resume_next()
