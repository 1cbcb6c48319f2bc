"""Run code against the fake inside this process."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from attach_confirm_stubs.fake._handle import FakeConnectParticipant
from attach_confirm_stubs.fake.models import DEFAULT_REGION
from attach_confirm_stubs.in_process._capture import capture
from attach_confirm_stubs.in_process._decorators import decorate

if TYPE_CHECKING:
    from types import TracebackType

T = TypeVar("T")


def fake_connectparticipant(region_name: str = DEFAULT_REGION) -> FakeBlock:
    """Run a block or, as a decorator, a function or a class against the fake instead of AWS.

    Every boto3 client of the process reaches the fake, whenever it was created; clients of other
    services reach moto. HTTP and websocket libraries that use Python's `socket` and `ssl` reach a
    server on loopback, which starts when it is needed. Configured endpoints and proxies are
    ignored. Sleeps between attempts and polls, of botocore and of `attach_confirm`, advance the
    fake's clock instead. All state is deleted at the end.

    Clients with another explicit endpoint are left alone. Clients that are hidden by `gc.freeze()`
    are not found, and other processes, uvloop and aiobotocore cannot be captured.

    The decorator is for functions, coroutine functions, generator functions of fixtures (put it
    below `@pytest.fixture`), subclasses of `unittest.TestCase` and test classes of pytest. Each
    call of a function and each test of a class, including its `setUp` or `setup_method`, gets a new
    fake; `FakeConnectParticipant()` is the handle.

    Args:
        region_name: The region of `fake.client` and of new chats. The handle is about all regions.

    Returns:
        A context manager that returns the handle, and that is a decorator.

    Raises:
        AssertionError: At the end, if nothing else was raised: attempts to reach AWS could not be
            served, even if their errors were caught.
        RuntimeError: The running event loop is that of uvloop.
        TypeError: `region_name` is not a string, because the decorator was used without
            parentheses.
    """
    if not isinstance(region_name, str):
        raise TypeError(
            "region_name: not a string; write @fake_connectparticipant() with parentheses"
        )
    return FakeBlock(region_name)


class FakeBlock(AbstractContextManager[FakeConnectParticipant]):
    """Runs code against the fake; see `fake_connectparticipant`."""

    def __init__(self, region_name: str) -> None:
        self._region_name = region_name
        self._stacks: list[ExitStack] = []

    def __enter__(self) -> FakeConnectParticipant:
        with ExitStack() as stack:
            stack.enter_context(capture())
            fake = FakeConnectParticipant(self._region_name)
            self._stacks.append(stack.pop_all())
            return fake

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stacks.pop().__exit__(exception_type, exception, traceback)

    def __call__(self, decorated: T) -> T:
        """Decorate a function or a class."""
        return decorate(decorated, partial(FakeBlock, self._region_name))
