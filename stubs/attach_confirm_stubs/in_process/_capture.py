"""Capture what this process sends to AWS while a block runs."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from threading import RLock
from typing import TYPE_CHECKING

from moto.core.models import MockAWS

from attach_confirm_stubs.fake._clock import virtual_sleep
from attach_confirm_stubs.in_process._attempts import UnservedAttempts
from attach_confirm_stubs.in_process._clients import captured_clients
from attach_confirm_stubs.in_process._environment import proxies, without_proxies_and_endpoints
from attach_confirm_stubs.in_process._loopback import LoopbackServer
from attach_confirm_stubs.in_process._other_libraries import adapted_libraries, reject_uvloop
from attach_confirm_stubs.in_process._sockets import Redirection, redirected_connections

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
        self.attempts = UnservedAttempts()

    def enter(self) -> None:
        with self._lock:
            if not self._blocks:
                self.attempts = UnservedAttempts()
                with ExitStack() as stack:
                    _start(stack, self.attempts)
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
    """Send to the fake and to moto what this process sends to AWS during a block.

    Raises:
        UnservedAttemptError: The block did not raise, but there were attempts to reach AWS that
            cannot be served.
    """
    with ExitStack() as stack:
        _shared.enter()
        stack.callback(_shared.exit)
        attempts = _shared.attempts
        start = len(attempts)
        yield
        attempts.raise_if_any(start)


def _start(stack: ExitStack, attempts: UnservedAttempts) -> None:
    reject_uvloop(attempts)
    # `mock_aws` would use moto's server if TEST_SERVER_MODE is set.
    stack.enter_context(MockAWS())
    stack.enter_context(_credentials_restored())
    stack.enter_context(captured_clients(attempts))
    server = LoopbackServer(attempts)
    stack.callback(server.stop)
    redirection = Redirection(server, attempts, proxies())
    stack.enter_context(redirected_connections(redirection))
    stack.enter_context(adapted_libraries(redirection))
    stack.enter_context(without_proxies_and_endpoints())
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
