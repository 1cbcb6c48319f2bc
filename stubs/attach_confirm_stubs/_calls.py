"""The calls that a test double records, and assertions about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from unittest.mock import Mock, call

from attach_confirm_stubs import _service_model
from attach_confirm_stubs._redaction import redact, redact_member

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


MAX_REPR_LENGTH = 200


def format_call(operation: str, params: Mapping[str, Any]) -> str:
    """Return a call like Python code, with its secrets redacted and long values shortened."""
    arguments = [f"{name}={format_value(value)}" for name, value in redact(params).items()]
    return f"{operation}({', '.join(arguments)})"


def format_value(value: Any) -> str:
    """Return the `repr` of a value; a long one without its middle."""
    text = repr(value)
    half = MAX_REPR_LENGTH // 2
    return text if len(text) <= MAX_REPR_LENGTH else f"{text[:half]}...{text[-half:]}"


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One call of an operation.

    Attributes:
        operation: The operation's name in the API, for example `CompleteAttachmentUpload`.
        params: The parameters that were sent, including a ClientToken that botocore generated.
            Their `repr` does not contain tokens.
        result: The response that the call returned, or the exception that it raised.
    """

    operation: str
    params: dict[str, Any]
    result: Any

    def __repr__(self) -> str:
        failed = isinstance(self.result, BaseException)
        result = type(self.result).__name__ if failed else repr(redact_member("", self.result))
        return f"Call({format_call(self.operation, self.params)} -> {result})"


class _CallLike(Protocol):
    """A `Call` or a `RecordedCall`."""

    @property
    def operation(self) -> str: ...

    @property
    def params(self) -> dict[str, Any]: ...


CallT = TypeVar("CallT", bound=_CallLike)


class CallList(list[CallT], Generic[CallT]):
    """A list of calls, oldest first, with the assertion methods of `unittest.mock`.

    Each operation is treated as a separate mock: `assert_called_once_with("SendMessage", ...)`
    ignores calls of other operations. Pass every parameter that was sent; use `unittest.mock.ANY`
    for those whose value does not matter.
    """

    def __init__(self, operations: Iterable[str], calls: Iterable[CallT] = ()) -> None:
        super().__init__(calls)
        self._operations = frozenset(operations)

    def __call__(self, operation: str) -> CallList[CallT]:
        """Return the calls of one operation."""
        self._check_operation(operation)
        return CallList(self._operations, [c for c in self if c.operation == operation])

    def assert_called(self, operation: str) -> None:
        """Assert that the operation was called at least once."""
        self._operation_mock(operation).assert_called()

    def assert_called_once(self, operation: str) -> None:
        """Assert that the operation was called exactly once."""
        self._operation_mock(operation).assert_called_once()

    def assert_called_with(self, operation: str, **params: Any) -> None:
        """Assert that the operation's last call had these parameters."""
        self._operation_mock(operation).assert_called_with(**redact(params))

    def assert_called_once_with(self, operation: str, **params: Any) -> None:
        """Assert that the operation was called exactly once, with these parameters."""
        self._operation_mock(operation).assert_called_once_with(**redact(params))

    def assert_any_call(self, operation: str, **params: Any) -> None:
        """Assert that one of the operation's calls had these parameters."""
        self._operation_mock(operation).assert_any_call(**redact(params))

    def assert_not_called(self, operation: str | None = None) -> None:
        """Assert that the operation was not called. None asserts that no operation was called."""
        for name in [operation] if operation else sorted({c.operation for c in self}):
            self._operation_mock(name).assert_not_called()

    def assert_has_calls(self, calls: Iterable[Any], *, any_order: bool = False) -> None:
        """Assert that these calls were made in this order, with no other calls between them.

        Args:
            calls: Calls built with `unittest.mock.call`, for example
                `call.SendMessage(Content="Hello", ...)`.
            any_order: Whether to ignore the order, and to allow other calls between these.
        """
        expected = []
        for name, positional, params in calls:
            self._check_operation(name)
            expected.append(getattr(call, name)(*positional, **redact(params)))
        self._replay_on_mock().assert_has_calls(expected, any_order=any_order)

    def _check_operation(self, operation: str) -> None:
        if operation not in self._operations:
            raise _service_model.unknown_operation(operation, self._operations)

    def _operation_mock(self, operation: str) -> Any:
        self._check_operation(operation)
        return getattr(self._replay_on_mock(), operation)

    def _replay_on_mock(self) -> Mock:
        """Return a mock on which the recorded calls were made."""
        mock = Mock(name="calls")
        for recorded in self:
            getattr(mock, recorded.operation)(**redact(recorded.params))
        return mock
