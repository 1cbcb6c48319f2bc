"""A stub: the call that it matches and the response that it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from botocore.exceptions import ParamValidationError

from attach_confirm_stubs._calls import format_value
from attach_confirm_stubs._redaction import redact_member
from attach_confirm_stubs.stubber import _matching, _responses

if TYPE_CHECKING:
    from attach_confirm_stubs.stubber._responses import StubbedResponse

Params: TypeAlias = Mapping[str, Any]
ResponseFactory: TypeAlias = Callable[[Params], "StubbedResponse"]


@dataclass(slots=True, eq=False)
class Stub:
    """A response that is queued for a call.

    Attributes:
        operation: The operation that the stub matches.
        params: What the parameters of the call must match; None matches any parameters.
        make_response: Returns the response for the request parameters, or raises.
        exact_params: Whether the caller must not pass other parameters.
        match_raw_params: Whether to compare the parameters before botocore adds a ClientToken, as
            botocore's own methods do.
        times: Number of calls that the stub matches; None means any number.
        optional: Whether the stub may remain unused.
        used: Number of calls that the stub has matched.
    """

    operation: str
    params: Params | None
    make_response: ResponseFactory
    exact_params: bool = False
    match_raw_params: bool = False
    times: int | None = 1
    optional: bool = False
    used: int = 0

    @property
    def is_used_up(self) -> bool:
        """Whether the stub has matched as many calls as it can."""
        return self.used == self.times

    @property
    def required(self) -> int:
        """The number of calls that must still be made."""
        return 0 if self.optional or self.times is None else self.times - self.used

    def matches(self, operation: str, call_params: Params, request_params: Params) -> bool:
        """Return whether the stub matches a call."""
        if operation != self.operation:
            return False
        if self.params is None:
            return True
        if self.exact_params and call_params.keys() - self.params.keys():
            return False
        actual = call_params if self.match_raw_params else request_params
        for name, expected in self.params.items():
            if name not in actual:
                return False
            value = actual[name]
            # Most values are equal, and calling `matches` takes longer.
            if expected != value and not _matching.matches(expected, value):
                return False
        return True

    def mismatches(self, call_params: Params, request_params: Params) -> list[str]:
        """Return the reasons why the stub does not match a call of its operation."""
        if self.params is None:
            return []
        actual = call_params if self.match_raw_params else request_params
        mismatches: list[str] = []
        for name, expected in self.params.items():
            if name in actual:
                mismatches += _matching.mismatches(name, expected, actual[name])
            else:
                mismatches.append(_matching.missing(name, expected))
        if self.exact_params:
            mismatches += [
                f"unexpected parameter {name}={format_value(redact_member(name, value))}"
                for name, value in call_params.items()
                if name not in self.params
            ]
        return mismatches


def response_factory(operation: str, options: Mapping[str, Any]) -> ResponseFactory:
    """Validate the options of a stub and return the factory of its responses.

    Raises:
        TypeError: The options are mutually exclusive or have a wrong type.
        ValueError: The operation does not declare the error.
        ParamValidationError: The response does not match the operation's output shape.
    """
    response, code = options.get("response"), options.get("error_code")
    error = options.get("error")
    if sum(option is not None for option in (response, code, error)) > 1:
        raise TypeError("response, error_code and error are mutually exclusive; pass one of them")
    if code is None and options.keys() & {"error_message", "unmodeled"}:
        raise TypeError("error_message and unmodeled require error_code")
    if error is not None:
        return raising_factory(error)
    if code is not None:
        message, unmodeled = options.get("error_message"), options.get("unmodeled", False)
        error_response = _responses.error_response(operation, code, message, unmodeled=unmodeled)
        return lambda _: error_response
    if callable(response):
        return _callable_factory(operation, response)
    success_response = _responses.success_response(operation, {} if response is None else response)
    return lambda params: _responses.complete_response(operation, success_response, params)


def _callable_factory(operation: str, response: Callable[[dict[str, Any]], Any]) -> ResponseFactory:
    def make_response(request_params: Params) -> StubbedResponse:
        returned = response(_responses.deep_copy(request_params))
        try:
            stubbed = _responses.success_response(operation, {} if returned is None else returned)
        except ParamValidationError as error:
            # The test is wrong, and `except BotoCoreError` in the code under test would hide a
            # ParamValidationError.
            raise AssertionError(
                f"response= returned an invalid {operation} response: {error}"
            ) from None
        return _responses.complete_response(operation, stubbed, request_params)

    return make_response


def raising_factory(error: Any) -> ResponseFactory:
    """Return a factory that raises an exception instead of returning a response.

    Raises:
        TypeError: `error` is not an exception instance.
    """
    if not isinstance(error, BaseException):
        raise TypeError(
            f"error must be an exception instance, for example TimeoutError(), not {error!r}"
        )

    def make_response(_: Params) -> NoReturn:
        # Without this, the traceback would grow each time the same exception is raised.
        raise error.with_traceback(None)

    return make_response
