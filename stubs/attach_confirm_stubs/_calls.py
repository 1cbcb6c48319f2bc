"""The call history of a test double."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from unittest.mock import Mock, call

from attach_confirm_stubs import _service_model
from attach_confirm_stubs._redaction import redact, redact_member

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def format_call(operation: str, params: Mapping[str, Any]) -> str:
    """Format a call as Python code, with its secrets redacted."""
    return f"{operation}({', '.join(f'{k}={v!r}' for k, v in redact(params).items())})"


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One call of an operation.

    Attributes:
        operation: The operation's name in the API, for example `CompleteAttachmentUpload`.
        params: The parameters that were sent, including a ClientToken that botocore generated.
            Their `repr` shows no tokens.
        result: The response that the call returned, or the exception that it raised.
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
    """Calls in the order in which they were made, with the assertions of `unittest.mock`.

    Each operation is compared like a separate mock: `assert_called_once_with("SendMessage", ...)`
    ignores calls of other operations. The parameters include every parameter that was sent; pass
    `unittest.mock.ANY` for those that do not matter.
    """

    def __init__(self, operations: Iterable[str], calls: Iterable[CallT] = ()) -> None:
        super().__init__(calls)
        self._operations = frozenset(operations)

    def __call__(self, operation: str) -> CallList[CallT]:
        """Return the calls of one operation."""
        self._check(operation)
        return CallList(self._operations, [c for c in self if c.operation == operation])

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
        """Assert that the operation was not called; without an operation, that none was."""
        for name in [operation] if operation else sorted({c.operation for c in self}):
            self._mock(name).assert_not_called()

    def assert_has_calls(self, calls: Iterable[Any], *, any_order: bool = False) -> None:
        """Assert that these calls were made, directly after one another.

        Args:
            calls: Calls built with `unittest.mock.call`, for example
                `call.SendMessage(Content="Hello", ...)`.
            any_order: Whether the calls may come in any order, with other calls between them.
        """
        expected = []
        for name, positional, params in calls:
            self._check(name)
            expected.append(getattr(call, name)(*positional, **redact(params)))
        self._as_mock().assert_has_calls(expected, any_order=any_order)

    def _check(self, operation: str) -> None:
        if operation not in self._operations:
            raise _service_model.unknown_operation(operation, self._operations)

    def _mock(self, operation: str) -> Any:
        self._check(operation)
        return getattr(self._as_mock(), operation)

    def _as_mock(self) -> Mock:
        mock = Mock(name="calls")
        for recorded in self:
            getattr(mock, recorded.operation)(**redact(recorded.params))
        return mock
