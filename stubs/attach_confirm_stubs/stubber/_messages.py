"""Failure messages of the stubber."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore import xform_name

from attach_confirm_stubs._calls import MAX_REPR_LENGTH, format_call
from attach_confirm_stubs._redaction import SECRET_MEMBERS, redact
from attach_confirm_stubs.stubber._matching import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attach_confirm_stubs.stubber._stub import Params, Stub

_OMITTED_PARAMS = SECRET_MEMBERS | {"ClientToken"}


def unexpected_call(
    operation: str,
    call_params: Params,
    request_params: Params,
    stubs: Sequence[Stub],
    first: Stub | None,
    *,
    has_method: bool,
) -> str:
    """Return the message for a call without a matching stub.

    It shows the call, the closest stub and how that differs, all stubs, and a line of code that
    would allow the call.

    Args:
        operation: The operation that was called.
        call_params: The parameters that the caller passed.
        request_params: The parameters that botocore would send, with those that it generated.
        stubs: All stubs, including used ones.
        first: The stub that must be used next, or None if calls may come in any order.
        has_method: Whether the stubber has a `stub_<operation>` method for the operation.
    """
    lines = ["Unexpected call:", f"  {format_call(operation, request_params)}"]
    lines += _closest_stub(operation, call_params, request_params, stubs, first)
    lines += format_stubs(stubs) if stubs else ["Nothing is stubbed."]
    position = f" before stub {stubs.index(first) + 1}" if first else ""
    format_code = _stub_method_code if has_method else _add_response_code
    code = format_code(operation, call_params)
    return "\n".join([*lines, f"To allow the call, add{position}:", f"  stubber.{code}"])


def unused_stubs(stubs: Sequence[Stub]) -> str:
    """Return the message for stubs that were not used."""
    return "\n".join(
        [
            "Not every stub was used.",
            *format_stubs(stubs),
            "To allow an unused stub, pass optional=True to it.",
        ]
    )


def suppressed_calls(messages: Sequence[str]) -> str:
    """Return the message for unexpected calls whose errors did not end the test."""
    summary = "The code under test made unexpected calls and caught the errors."
    return "\n\n".join([summary, *messages])


def format_stubs(stubs: Sequence[Stub]) -> list[str]:
    """Return the lines of a list of stubs, with how often each was used."""
    return ["Stubs:"] + [
        f"  {number}. {_format_stub(stub)}: {_usage(stub)}" for number, stub in enumerate(stubs, 1)
    ]


def _closest_stub(
    operation: str,
    call_params: Params,
    request_params: Params,
    stubs: Sequence[Stub],
    first: Stub | None,
) -> list[str]:
    same_operation = [stub for stub in stubs if stub.operation == operation]
    if not same_operation:
        return [f"{operation} is not stubbed."] if stubs else []
    closest = min(
        same_operation,
        key=lambda stub: (stub.is_used_up, len(stub.mismatches(call_params, request_params))),
    )
    reasons = closest.mismatches(call_params, request_params)
    if not reasons and first and not closest.is_used_up:
        number = stubs.index(first) + 1
        reasons = [f"stub {number} must be used first; pass any_order=True to ignore the order"]
    if not reasons:
        reasons = [f"it is used up (times={closest.times})"]
    number = stubs.index(closest) + 1
    return [f"The closest match is stub {number}, but:", *(f"  {reason}" for reason in reasons)]


def _format_stub(stub: Stub) -> str:
    return format_call(stub.operation, printable(stub.params or {}))


def _usage(stub: Stub) -> str:
    if stub.times is None:
        return f"used {stub.used} times, any number"
    used = "used" if stub.used else "unused"
    if stub.times > 1:
        used = f"used {stub.used} of {stub.times} times"
    return f"{used}, optional" if stub.optional else used


def _stub_method_code(operation: str, call_params: Params) -> str:
    params = {
        name: value
        for name, value in call_params.items()
        if name not in _OMITTED_PARAMS and len(repr(value)) <= MAX_REPR_LENGTH
    }
    return format_call(f"stub_{xform_name(operation)}", params)


def _add_response_code(operation: str, call_params: Params) -> str:
    return f"add_response({xform_name(operation)!r}, {{...}}, {redact(call_params)!r})"
