"""The history of calls that a double keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from unittest.mock import Mock, call

from attach_confirm_stubs._redaction import redact, redact_member

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def format_call(operation: str, params: Mapping[str, Any]) -> str:
    """Return a call as a test would write it, without its tokens."""
    return f"{operation}({', '.join(f'{k}={v!r}' for k, v in redact(params).items())})"


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One call of an operation.

    Attributes:
        operation: The operation's name in the API, such as `CompleteAttachmentUpload`.
        params: The parameters as they were sent, the ClientToken that botocore filled in
            included. Their `repr` shows no connection or participant token.
        result: What the call returned, or the exception that it raised.
    """

    operation: str
    params: dict[str, Any]
    result: Any

    def __repr__(self) -> str:
        failed = isinstance(self.result, BaseException)
        result = type(self.result).__name__ if failed else repr(redact_member("", self.result))
        return f"Call({format_call(self.operation, self.params)} -> {result})"


class _AnyCall(Protocol):
    @property
    def operation(self) -> str: ...

    @property
    def params(self) -> dict[str, Any]: ...


CallT = TypeVar("CallT", bound=_AnyCall)


class CallList(list[CallT], Generic[CallT]):
    """CallList in the order in which they were made, with the assertions of `unittest.mock`.

    Each operation counts as a mock of its own: `assert_called_once_with("SendMessage", ...)`
    is about SendMessage, whatever else was called. Parameters are all that were sent, so give
    `unittest.mock.ANY` for those that do not matter.
    """

    def __init__(self, operations: Iterable[str], calls: Iterable[CallT] = ()) -> None:
        super().__init__(calls)
        self._operations = frozenset(operations)

    def __call__(self, operation: str) -> CallList[CallT]:
        """Return the calls of one operation."""
        self._check(operation)
        return CallList(self._operations, [made for made in self if made.operation == operation])

    def assert_called(self, operation: str) -> None:
        """Assert that the operation was called at least once."""
        self._mock(operation).assert_called()

    def assert_called_once(self, operation: str) -> None:
        """Assert that the operation was called exactly once."""
        self._mock(operation).assert_called_once()

    def assert_called_with(self, operation: str, **params: Any) -> None:
        """Assert that the operation's last call had these parameters."""
        self._mock(operation).assert_called_with(**redact(params))

    def assert_called_once_with(self, operation: str, **params: Any) -> None:
        """Assert that the operation was called exactly once, with these parameters."""
        self._mock(operation).assert_called_once_with(**redact(params))

    def assert_any_call(self, operation: str, **params: Any) -> None:
        """Assert that one of the operation's calls had these parameters."""
        self._mock(operation).assert_any_call(**redact(params))

    def assert_not_called(self, operation: str | None = None) -> None:
        """Assert that the operation, or where none is named any, was not called."""
        for name in [operation] if operation else sorted({made.operation for made in self}):
            self._mock(name).assert_not_called()

    def assert_has_calls(self, calls: Iterable[Any], *, any_order: bool = False) -> None:
        """Assert that these calls were made, one right after the other.

        Args:
            calls: As `unittest.mock.call` writes them: `call.SendMessage(Content="Hello", ...)`.
            any_order: Whether they may stand anywhere.
        """
        expected = []
        for name, positional, params in calls:
            self._check(name)
            expected.append(getattr(call, name)(*positional, **redact(params)))
        self._replayed().assert_has_calls(expected, any_order=any_order)

    def _check(self, operation: str) -> None:
        if operation not in self._operations:
            known = ", ".join(sorted(self._operations))
            raise ValueError(f"{operation!r} is no operation; there are {known}")

    def _mock(self, operation: str) -> Any:
        self._check(operation)
        return getattr(self._replayed(), operation)

    def _replayed(self) -> Mock:
        replayed = Mock(name="calls")
        for made in self:
            getattr(replayed, made.operation)(**redact(made.params))
        return replayed
