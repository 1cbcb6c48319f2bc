"""One stub: the call that it waits for, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from botocore.exceptions import ParamValidationError

from attach_confirm_stubs import _answers, _messages

if TYPE_CHECKING:
    from attach_confirm_stubs._operations import Options

Params: TypeAlias = Mapping[str, Any]
Produce: TypeAlias = Callable[[Params], "_answers.Answer"]


@dataclass(slots=True, eq=False)
class Stub:
    """An answer that waits for its call.

    Attributes:
        operation: The operation that it answers.
        params: What the call must have been given; None takes any.
        produce: Makes the answer from the parameters sent, or raises.
        exactly: Whether the call may have been given nothing else.
        upstream: Whether it was added by botocore's methods, which look at the parameters
            before botocore fills in a ClientToken.
        times: How often it answers.
        optional: Whether it may stay unused.
        used: How often it has answered.
    """

    operation: str
    params: Params | None
    produce: Produce
    exactly: bool = False
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
        if self.exactly and given.keys() - self.params.keys():
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
            _messages.difference(name, wanted, seen)
            for name, wanted in self.params.items()
            if name not in seen or wanted != seen[name]
        ]
        surplus = [name for name in given if name not in self.params] if self.exactly else []
        return different + [_messages.surplus(name, given) for name in surplus]


def producer(operation: str, options: Options) -> Produce:
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
        answer = _answers.success(operation, {} if response is None else response)
    else:
        message, unmodeled = options.get("error_message"), options.get("unmodeled", False)
        answer = _answers.failure(operation, code, message, unmodeled=unmodeled)
    return lambda _: answer


def _asker(operation: str, response: Callable[[dict[str, Any]], Any]) -> Produce:
    def produce(sent: Params) -> _answers.Answer:
        given = response(_answers.snapshot(sent))
        try:
            return _answers.success(operation, {} if given is None else given)
        except ParamValidationError as error:
            # It is the test that is wrong, which code that catches botocore's errors must not hide.
            raise AssertionError(
                f"response= gave what {operation} cannot answer: {error}"
            ) from None

    return produce


def raiser(error: Any) -> Produce:
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
