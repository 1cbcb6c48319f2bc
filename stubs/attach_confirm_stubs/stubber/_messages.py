"""What a failed test is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore import xform_name

from attach_confirm_stubs._calls import format_call
from attach_confirm_stubs._redaction import SECRET_MEMBERS, redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attach_confirm_stubs.stubber._stub import Params, Stub

_UNPRINTED = SECRET_MEMBERS | {"ClientToken"}


def unexpected(
    operation: str,
    given: Params,
    sent: Params,
    stubs: Sequence[Stub],
    first: Stub | None,
    *,
    has_method: bool,
) -> str:
    """Return what a call that no stub allows is answered with.

    It names the call, the nearest stub and where it differs, all stubs, and what would allow it.

    Args:
        operation: The operation called.
        given: The parameters that it was given.
        sent: The parameters with what botocore filled in.
        stubs: All stubs, the used ones included.
        first: The stub that must be used before all later ones; None if there is no order.
        has_method: Whether the operation can be stubbed with a `stub_<operation>`.
    """
    lines = ["No stub allows this call:", f"  {format_call(operation, sent)}"]
    lines += _nearest(operation, given, sent, stubs, first)
    lines += listed(stubs) if stubs else ["There are no stubs."]
    before = f" before stub {stubs.index(first) + 1}" if first else ""
    allowing = _stub_call(operation, given) if has_method else _response_call(operation, given)
    return "\n".join([*lines, f"To allow the call, add{before}:", f"  stubber.{allowing}"])


def unused(stubs: Sequence[Stub]) -> str:
    """Return the list of stubs, of which some were not used, and how to allow that."""
    return "\n".join(
        ["Not every stub was used.", *listed(stubs), "To allow that, give the stub optional=True."]
    )


def swallowed(messages: Sequence[str]) -> str:
    """Return the messages of calls without a stub, for a test that went on after them."""
    return "\n\n".join(["CallList were made without a stub, and the error was caught.", *messages])


def listed(stubs: Sequence[Stub]) -> list[str]:
    """Return the lines that name stubs, and how far each was used."""
    return ["Stubs:"] + [
        f"  {place}. {format_call(stub.operation, stub.params or {})}: {_use(stub)}"
        for place, stub in enumerate(stubs, 1)
    ]


def _nearest(
    operation: str, given: Params, sent: Params, stubs: Sequence[Stub], first: Stub | None
) -> list[str]:
    same = [stub for stub in stubs if stub.operation == operation]
    if not same:
        return [f"No stub is for {operation}."] if stubs else []
    near = min(same, key=lambda stub: (not stub.left, len(stub.differences(given, sent))))
    place = stubs.index(near) + 1
    different = near.differences(given, sent)
    if not different and first and near.left:
        before = f"stub {stubs.index(first) + 1} comes before it"
        different = [f"{before} (any_order=True lifts the order)"]
    reasons = different or [f"it was used up (times={near.times})"]
    return [f"Nearest is stub {place}, but", *(f"  {reason}" for reason in reasons)]


def _use(stub: Stub) -> str:
    used = "used" if stub.used else "unused"
    if stub.times > 1:
        used = f"used {stub.used} of {stub.times} times"
    return f"{used}, optional" if stub.optional else used


def _stub_call(operation: str, given: Params) -> str:
    named = {name: value for name, value in given.items() if name not in _UNPRINTED}
    return format_call(f"stub_{xform_name(operation)}", named)


def _response_call(operation: str, given: Params) -> str:
    return f"add_response({xform_name(operation)!r}, {{...}}, {redact(given)!r})"
