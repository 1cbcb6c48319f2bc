"""The stubs of a stubber and the calls that were matched with them."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, NoReturn

from attach_confirm_stubs._calls import Call, CallList
from attach_confirm_stubs._redaction import redact
from attach_confirm_stubs.stubber import _botocore, _messages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from attach_confirm_stubs.stubber._stub import Params, Stub


class UnexpectedCallError(AssertionError):
    """A call was made that no stub matches.

    Handlers of `ClientError` and `BotoCoreError` do not catch it.
    """


class StubQueue:
    """The stubs of a stubber, in the order in which they were added, and the recorded calls.

    Attributes:
        any_order: Whether to match stubs by operation and parameters only.
        strict: Whether a call without a matching stub raises `UnexpectedCallError`.
        passthrough: Whether a call without a matching stub is sent to the service.
        stubs: All stubs, including used ones.
        calls: The recorded calls.
        unexpected: The messages about calls without a matching stub.
    """

    def __init__(
        self,
        operations: Iterable[str],
        *,
        any_order: bool,
        strict: bool,
        passthrough: bool,
        has_methods: bool,
    ) -> None:
        self.any_order = any_order
        self.strict = strict
        self.passthrough = passthrough
        self.stubs: list[Stub] = []
        self.calls: CallList[Call] = CallList(operations)
        self.unexpected: list[str] = []
        self._has_methods = has_methods
        self._lock = Lock()
        self._pending: deque[Stub] = deque()

    def append(self, stub: Stub) -> None:
        """Add a stub to the end."""
        with self._lock:
            self.stubs.append(stub)
            self._pending.append(stub)

    def required_calls(self) -> int:
        """Return the number of calls that must still be made."""
        return sum(stub.required for stub in self._pending)

    def match(self, operation: str, call_params: Params, request_params: Params) -> Stub | None:
        """Return the stub that matches a call, or None if the call is sent to the service.

        Args:
            operation: The operation that was called.
            call_params: The parameters that the caller passed.
            request_params: The parameters that botocore sends, with those that it generated.

        Raises:
            UnexpectedCallError: No stub matches, and the stubber is strict.
            botocore.exceptions.StubResponseError: No stub matches, and the stubber is not strict.
        """
        with self._lock:
            return self._match(operation, call_params, request_params)

    def use(
        self, stub: Stub | None, operation: str, call_params: Params, request_params: Params
    ) -> Stub | None:
        """Use a stub that `match` returned, or another one if other calls have used it up.

        Returns and raises the same as `match`.
        """
        with self._lock:
            if stub is None or stub.is_used_up:
                stub = self._match(operation, call_params, request_params)
            if stub is not None:
                stub.used += 1
                if stub.is_used_up:
                    self._pending.remove(stub)
            return stub

    def _match(self, operation: str, call_params: Params, request_params: Params) -> Stub | None:
        for stub in self._pending:
            if stub.matches(operation, call_params, request_params):
                return stub
            if stub.required and not self.any_order:
                break
        if self.passthrough and not any(
            stub.matches(operation, call_params, request_params) for stub in self._pending
        ):
            return None
        error = self._unexpected_call(operation, call_params, request_params)
        self.calls.append(Call(operation, redact(request_params), error))
        return _raise(error)

    def _unexpected_call(
        self, operation: str, call_params: Params, request_params: Params
    ) -> Exception:
        pending = list(self._pending)
        in_order = [] if self.any_order else pending
        first = next((stub for stub in in_order if stub.required), None)
        message = _messages.unexpected_call(
            operation,
            call_params,
            request_params,
            self.stubs,
            first,
            has_method=self._has_methods,
        )
        self.unexpected.append(message)
        if self.strict:
            return UnexpectedCallError(message)
        return _botocore.no_match_error(operation, call_params, in_order[:1] or pending)


def _raise(error: Exception) -> NoReturn:
    # pytest prints the arguments of the last frame, and those of the callers contain tokens.
    raise error
