"""Decorate functions and classes so that they run inside a context manager."""

from __future__ import annotations

import inspect
import unittest
from contextlib import AbstractContextManager, ExitStack, aclosing
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from types import TracebackType

    Function = Callable[..., Any]
    CreateContext = Callable[[], AbstractContextManager[object]]

T = TypeVar("T")


def decorate(decorated: T, create_context: CreateContext) -> T:
    """Return a function or class of which each call or test runs inside a new context.

    Args:
        decorated: A function, coroutine function or generator function, for example that of a
            fixture, a subclass of `unittest.TestCase`, or a test class of pytest.
        create_context: Returns the context manager for a call or a test.

    Raises:
        TypeError: `decorated` is something else, for example a fixture.
    """
    if isinstance(decorated, type):
        if issubclass(decorated, unittest.TestCase):
            _decorate_test_case(decorated, create_context)
        else:
            _decorate_pytest_class(decorated, create_context)
        return cast("T", decorated)
    if isinstance(decorated, staticmethod | classmethod):
        function = _decorate_function(decorated.__func__, create_context)
        return cast("T", type(decorated)(function))
    # Since pytest 8.4, a fixture is not a function.
    if not callable(decorated) or type(decorated).__module__ == "_pytest.fixtures":
        raise TypeError(
            f"cannot decorate {decorated!r}: not a function or a class; put the decorator below"
            " @pytest.fixture"
        )
    return cast("T", _decorate_function(decorated, create_context))


def _decorate_function(function: Function, create_context: CreateContext) -> Function:
    if inspect.isasyncgenfunction(function):

        @wraps(function)
        async def async_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            with create_context():
                async with aclosing(function(*args, **kwargs)) as values:
                    step = values.asend(None)
                    while True:
                        try:
                            value = await step
                        except StopAsyncIteration:
                            return
                        sent = None
                        with _Caught() as caught:
                            sent = yield value
                        error = caught.error
                        step = values.athrow(error) if error else values.asend(sent)

        return async_generator
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with create_context():
                return (yield from function(*args, **kwargs))

        return generator
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with create_context():
                return await function(*args, **kwargs)

        return coroutine

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with create_context():
            return function(*args, **kwargs)

    return call


class _Caught(AbstractContextManager["_Caught"]):
    """Catches the exception that a generator's caller throws into it, except GeneratorExit."""

    error: BaseException | None = None

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self.error = exception
        return not isinstance(exception, GeneratorExit)


def _decorate_test_case(cls: type[unittest.TestCase], create_context: CreateContext) -> None:
    for name in ("run", "debug"):
        setattr(cls, name, _run_in_context(getattr(cls, name), create_context))


def _run_in_context(run: Function, create_context: CreateContext) -> Function:
    @wraps(run)
    def wrapper(test_case: unittest.TestCase, *args: Any, **kwargs: Any) -> Any:
        with ExitStack() as stack:
            stack.enter_context(create_context())
            # The first cleanup runs last. unittest reports what it raises as a failure of the test.
            test_case.addCleanup(stack.close)
            return run(test_case, *args, **kwargs)

    return wrapper


def _decorate_pytest_class(cls: type, create_context: CreateContext) -> None:
    set_up = inspect.getattr_static(cls, "setup_method", None)
    tear_down = inspect.getattr_static(cls, "teardown_method", None)
    # pytest calls the hooks of a nested class once more for each outer class that has them.
    stacks: WeakKeyDictionary[Any, list[ExitStack]] = WeakKeyDictionary()

    def setup_method(self: Any, method: Any) -> None:
        with ExitStack() as stack:
            if self not in stacks:
                stacks[self] = []
                stack.callback(stacks.pop, self)
                stack.enter_context(create_context())
                _call_hook(set_up, self, method)
                stack.callback(_call_hook, tear_down, self, method)
            stacks[self].append(stack.pop_all())

    def teardown_method(self: Any, method: Any) -> None:  # noqa: ARG001
        stacks[self].pop().close()

    for hook in (setup_method, teardown_method):
        setattr(cls, hook.__name__, hook)
    for value in list(vars(cls).values()):
        if isinstance(value, type) and value.__qualname__ == f"{cls.__qualname__}.{value.__name__}":
            decorate(value, create_context)


def _call_hook(hook: Any, instance: object, method: object) -> None:
    """Call a setup or teardown method, which takes the test method or no argument."""
    if hook is not None:
        bound = hook.__get__(instance, type(instance))
        bound(*[method][: len(inspect.signature(bound).parameters)])
