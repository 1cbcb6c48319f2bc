"""Capture what this process sends to AWS while a block runs."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from threading import RLock
from typing import TYPE_CHECKING

from moto.core.models import MockAWS

from attach_confirm_stubs.fake._clock import virtual_sleep

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Shared:
    """What all blocks share that run at the same time, nested or in several threads.

    It starts with the first block and ends with the last one, so that each change of the process is
    undone exactly once, in reverse order.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._blocks = 0
        self._stack = ExitStack()

    def enter(self) -> None:
        with self._lock:
            if not self._blocks:
                with ExitStack() as stack:
                    _start(stack)
                    self._stack = stack.pop_all()
            self._blocks += 1

    def exit(self) -> None:
        with self._lock:
            self._blocks -= 1
            if not self._blocks:
                self._stack.close()


_shared = _Shared()


@contextmanager
def capture() -> Iterator[None]:
    """Send to the fake and to moto what this process sends to AWS during a block."""
    with ExitStack() as stack:
        _shared.enter()
        stack.callback(_shared.exit)
        yield


def _start(stack: ExitStack) -> None:
    # `mock_aws` would use moto's server if TEST_SERVER_MODE is set.
    stack.enter_context(MockAWS())
    stack.enter_context(_credentials_restored())
    stack.enter_context(virtual_sleep())


@contextmanager
def _credentials_restored() -> Iterator[None]:
    """Restore moto's credentials at the end, because moto fails if the test has removed them."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    credentials = {name: os.environ[name] for name in names if name in os.environ}
    try:
        yield
    finally:
        for name, value in credentials.items():
            os.environ.setdefault(name, value)
