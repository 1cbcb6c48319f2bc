"""One stub: the call that it waits for, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from botocore.exceptions import ParamValidationError

from attach_confirm_stubs._redaction import redact
from attach_confirm_stubs.stubber import _responses

if TYPE_CHECKING:
    from attach_confirm_stubs.stubber._methods import StubOptions

Params: TypeAlias = Mapping[str, Any]
ResponseFactory: TypeAlias = Callable[[Params], "_responses.StubbedResponse"]


@dataclass(slots=True, eq=False)
class Stub:
    """An answer that waits for its call.

    Attributes:
        operation: The operation that it answers.
        params: What the call must have been given; None takes any.
        produce: Makes the answer from the parameters sent, or raises.
        exact_params: Whether the call may have been given nothing else.
        upstream: Whether it was added by botocore's methods, which look at the parameters
            before botocore fills in a ClientToken.
        times: How often it answers.
        optional: Whether it may stay unused.
        used: How often it has answered.
    """

    operation: str
    params: Params | None
    produce: ResponseFactory
    exact_params: bool = False
    upstream: bool = False
    times: int = 1
    optional: bool = False
    used: int = 0

    @property
    def left(self) -> int:
        """How often it can still answer."""
        return self.times - self.used

    def matches(self, operation: str, given: Params, sent: Params) -> bool:
        """Tell whether it answers a call."""
        if operation != self.operation:
            return False
        if self.params is None:
            return True
        if self.exact_params and given.keys() - self.params.keys():
            return False
        seen = given if self.upstream else sent
        for name, wanted in self.params.items():
            if name not in seen or wanted != seen[name]:
                return False
        return True

    def differences(self, given: Params, sent: Params) -> list[str]:
        """Return why it does not answer a call of its operation; nothing where it does."""
        if self.params is None:
            return []
        seen = given if self.upstream else sent
        different = [
            param_mismatch(name, wanted, seen)
            for name, wanted in self.params.items()
            if name not in seen or wanted != seen[name]
        ]
        surplus = [name for name in given if name not in self.params] if self.exact_params else []
        return different + [unexpected_param(name, given) for name in surplus]


def producer(operation: str, options: StubOptions) -> ResponseFactory:
    """Return what makes a stub's answer, after a look at whether it can.

    Raises:
        TypeError: The options do not go together.
        ValueError: The operation does not declare the error.
        ParamValidationError: The response does not fit the operation's output.
    """
    response, code = options.get("response"), options.get("error_code")
    error = options.get("error")
    if sum(given is not None for given in (response, code, error)) > 1:
        raise TypeError("give one of response, error_code and error")
    if code is None and options.keys() & {"error_message", "unmodeled"}:
        raise TypeError("error_message and unmodeled go with error_code")
    if error is not None:
        return raiser(error)
    if callable(response):
        return _asker(operation, response)
    if code is None:
        answer = _responses.success(operation, {} if response is None else response)
    else:
        message, unmodeled = options.get("error_message"), options.get("unmodeled", False)
        answer = _responses.failure(operation, code, message, unmodeled=unmodeled)
    return lambda _: answer


def _asker(operation: str, response: Callable[[dict[str, Any]], Any]) -> ResponseFactory:
    def produce(sent: Params) -> _responses.StubbedResponse:
        given = response(_responses.snapshot(sent))
        try:
            return _responses.success(operation, {} if given is None else given)
        except ParamValidationError as error:
            # It is the test that is wrong, which code that catches botocore's errors must not hide.
            raise AssertionError(
                f"response= gave what {operation} cannot answer: {error}"
            ) from None

    return produce


def raiser(error: Any) -> ResponseFactory:
    """Return what raises an exception in an answer's place.

    Raises:
        TypeError: It is no exception.
    """
    if not isinstance(error, BaseException):
        raise TypeError(f"error is an exception to raise, such as TimeoutError(), not {error!r}")

    def produce(_: Params) -> NoReturn:
        # The trace of the call before, if it was raised before, says nothing about this one.
        raise error.with_traceback(None)

    return produce


def param_mismatch(name: str, wanted: Any, seen: Mapping[str, Any]) -> str:
    """Return how a parameter differs from what was stubbed."""
    stubbed = redact({name: wanted})[name]
    if name not in seen:
        return f"{name}: stubbed {stubbed!r}, called without it"
    return f"{name}: stubbed {stubbed!r}, called with {redact(seen)[name]!r}"


def unexpected_param(name: str, seen: Mapping[str, Any]) -> str:
    """Return that a parameter was given which the stub does not name."""
    return f"{name}: called with {redact(seen)[name]!r}, and the stub takes exactly what it names"
