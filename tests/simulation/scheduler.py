"""Threads that take turns, so that one seed always gives the same course."""

from __future__ import annotations

from contextvars import ContextVar
from threading import Semaphore, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

_mine: ContextVar[Semaphore] = ContextVar("mine")


class Turns:
    """Runs functions in threads of which one runs at a time, until it gives its turn away."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._waiting: list[Semaphore] = []
        self._failures: list[BaseException] = []
        self._over = Semaphore(0)

    def run(self, tasks: Sequence[Callable[[], object]]) -> None:
        """Run the tasks to their ends; what one raised is raised after that."""
        if len(tasks) == 1:
            tasks[0]()
            return
        threads = []
        for task in tasks:
            turn = Semaphore(0)
            self._waiting.append(turn)
            threads.append(Thread(target=self._live, args=(task, turn)))
        for thread in threads:
            thread.start()
        self._wake()
        self._over.acquire()
        for thread in threads:
            thread.join()
        for failure in self._failures:
            raise failure

    def switch(self) -> None:
        """Let the dice choose who runs on."""
        mine = _mine.get(None)
        if mine is not None and self._waiting:
            self._waiting.append(mine)
            self._wake()
            mine.acquire()

    def _wake(self) -> None:
        if self._waiting:
            self._waiting.pop(self._dice.randrange(len(self._waiting))).release()
        else:
            self._over.release()

    def _live(self, task: Callable[[], object], turn: Semaphore) -> None:
        turn.acquire()
        _mine.set(turn)
        try:
            task()
        except BaseException as failure:  # noqa: BLE001
            self._failures.append(failure)
        finally:
            self._wake()
