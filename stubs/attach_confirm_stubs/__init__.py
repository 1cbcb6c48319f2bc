"""Test doubles for the Amazon Connect Participant Service.

`ConnectParticipantStubber` is a script: it answers calls with what a test said, and checks that
the calls were made. `fake_connectparticipant` is a small service that behaves, as a moto backend:
botocore's real retries, parsing and idempotency run against it. `serve_connectparticipant` serves
it over HTTP, for clients in any language.

The names are loaded when they are first used, for pytest imports this package at every start.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attach_confirm_stubs._attachment import FakeAttachment
    from attach_confirm_stubs._calls import Attempt, Call, Calls, FakeCall
    from attach_confirm_stubs._failures import Failure, every_failure, modeled_errors
    from attach_confirm_stubs._fake import FakeConnectParticipant, fake_connectparticipant
    from attach_confirm_stubs._faults import (
        ConnectionReset,
        ConnectTimeout,
        Fault,
        Latency,
        ModeledError,
        ProxyPage,
        ReadTimeout,
        ServerError,
        Throttle,
        TruncatedBody,
    )
    from attach_confirm_stubs._server import ServedConnectParticipant, serve_connectparticipant
    from attach_confirm_stubs._stubber import ConnectParticipantStubber, UnexpectedCall

__all__ = [
    "Attempt",
    "Call",
    "Calls",
    "ConnectParticipantStubber",
    "ConnectTimeout",
    "ConnectionReset",
    "Failure",
    "FakeAttachment",
    "FakeCall",
    "FakeConnectParticipant",
    "Fault",
    "Latency",
    "ModeledError",
    "ProxyPage",
    "ReadTimeout",
    "ServedConnectParticipant",
    "ServerError",
    "Throttle",
    "TruncatedBody",
    "UnexpectedCall",
    "every_failure",
    "fake_connectparticipant",
    "modeled_errors",
    "serve_connectparticipant",
]

_MODULES = {
    "Attempt": "_calls",
    "Call": "_calls",
    "Calls": "_calls",
    "ConnectParticipantStubber": "_stubber",
    "ConnectTimeout": "_faults",
    "ConnectionReset": "_faults",
    "Failure": "_failures",
    "FakeAttachment": "_attachment",
    "FakeCall": "_calls",
    "FakeConnectParticipant": "_fake",
    "Fault": "_faults",
    "Latency": "_faults",
    "ModeledError": "_faults",
    "ProxyPage": "_faults",
    "ReadTimeout": "_faults",
    "ServedConnectParticipant": "_server",
    "ServerError": "_faults",
    "Throttle": "_faults",
    "TruncatedBody": "_faults",
    "UnexpectedCall": "_stubber",
    "every_failure": "_failures",
    "fake_connectparticipant": "_fake",
    "modeled_errors": "_failures",
    "serve_connectparticipant": "_server",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"attach_confirm_stubs.{_MODULES[name]}"), name)
