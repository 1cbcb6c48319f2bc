"""Test doubles for the Amazon Connect Participant Service.

`ConnectParticipantStubber` returns responses that a test queued, and checks that they were used.
`fake_connectparticipant` implements the service as a moto backend and keeps state: botocore's real
retries, parsing and idempotency run against it. `serve_connectparticipant` serves the same fake
over HTTP, for clients in any language.

Names are imported on first use, because pytest imports this package at every start.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attach_confirm_stubs._calls import Call as Call
    from attach_confirm_stubs._calls import CallList as CallList
    from attach_confirm_stubs._journal import check_journal as check_journal
    from attach_confirm_stubs.fake._fake_chat import FakeChat as FakeChat
    from attach_confirm_stubs.fake._fake_chat import FakeParticipant as FakeParticipant
    from attach_confirm_stubs.fake._faults import ConnectionReset as ConnectionReset
    from attach_confirm_stubs.fake._faults import ConnectTimeout as ConnectTimeout
    from attach_confirm_stubs.fake._faults import Fault as Fault
    from attach_confirm_stubs.fake._faults import Latency as Latency
    from attach_confirm_stubs.fake._faults import ModeledError as ModeledError
    from attach_confirm_stubs.fake._faults import ProxyPage as ProxyPage
    from attach_confirm_stubs.fake._faults import ReadTimeout as ReadTimeout
    from attach_confirm_stubs.fake._faults import ServerError as ServerError
    from attach_confirm_stubs.fake._faults import Throttle as Throttle
    from attach_confirm_stubs.fake._faults import TruncatedResponse as TruncatedResponse
    from attach_confirm_stubs.fake._handle import FakeConnectParticipant as FakeConnectParticipant
    from attach_confirm_stubs.fake._history import Attempt as Attempt
    from attach_confirm_stubs.fake._history import RecordedCall as RecordedCall
    from attach_confirm_stubs.fake.models._snapshot import FakeAttachment as FakeAttachment
    from attach_confirm_stubs.fake.models._snapshot import FakeStream as FakeStream
    from attach_confirm_stubs.fake.models._snapshot import StreamFailure as StreamFailure
    from attach_confirm_stubs.in_process._context import (
        fake_connectparticipant as fake_connectparticipant,
    )
    from attach_confirm_stubs.server._server import (
        ConnectParticipantServer as ConnectParticipantServer,
    )
    from attach_confirm_stubs.server._server import (
        serve_connectparticipant as serve_connectparticipant,
    )
    from attach_confirm_stubs.stubber._failures import FailureCase as FailureCase
    from attach_confirm_stubs.stubber._failures import failure_cases as failure_cases
    from attach_confirm_stubs.stubber._failures import modeled_errors as modeled_errors
    from attach_confirm_stubs.stubber._queue import UnexpectedCallError as UnexpectedCallError
    from attach_confirm_stubs.stubber._stubber import (
        ConnectParticipantStubber as ConnectParticipantStubber,
    )

# Type checkers read the imports above; a test compares them with this table.
_LAZY_IMPORTS = {
    "_calls": ("Call", "CallList"),
    "_journal": ("check_journal",),
    "fake._faults": (
        "ConnectTimeout",
        "ConnectionReset",
        "Fault",
        "Latency",
        "ModeledError",
        "ProxyPage",
        "ReadTimeout",
        "ServerError",
        "Throttle",
        "TruncatedResponse",
    ),
    "fake._fake_chat": ("FakeChat", "FakeParticipant"),
    "fake._handle": ("FakeConnectParticipant",),
    "fake._history": ("Attempt", "RecordedCall"),
    "fake.models._snapshot": ("FakeAttachment", "FakeStream", "StreamFailure"),
    "in_process._context": ("fake_connectparticipant",),
    "server._server": ("ConnectParticipantServer", "serve_connectparticipant"),
    "stubber._failures": ("FailureCase", "failure_cases", "modeled_errors"),
    "stubber._queue": ("UnexpectedCallError",),
    "stubber._stubber": ("ConnectParticipantStubber",),
}
_MODULE_OF = {name: module for module, names in _LAZY_IMPORTS.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_MODULE_OF[name]}")
    # Tracebacks and reports then show the name that users import.
    for public_name in _LAZY_IMPORTS[_MODULE_OF[name]]:
        value = getattr(module, public_name)
        value.__module__ = __name__
        globals()[public_name] = value
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
