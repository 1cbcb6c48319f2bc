"""Test doubles for the Amazon Connect Participant Service.

`ConnectParticipantStubber` is a script: it answers calls with what a test said, and checks that
the calls were made. `fake_connectparticipant` is a small service that behaves, as a moto backend:
botocore's real retries, parsing and idempotency run against it.

The names are loaded when they are first used, for pytest imports this package at every start.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attach_confirm_stubs._calls import Call, Calls
    from attach_confirm_stubs._failures import Failure, every_failure, modeled_errors
    from attach_confirm_stubs._fake import (
        FakeAttachment,
        FakeConnectParticipant,
        fake_connectparticipant,
    )
    from attach_confirm_stubs._stubber import ConnectParticipantStubber, UnexpectedCall

__all__ = [
    "Call",
    "Calls",
    "ConnectParticipantStubber",
    "Failure",
    "FakeAttachment",
    "FakeConnectParticipant",
    "UnexpectedCall",
    "every_failure",
    "fake_connectparticipant",
    "modeled_errors",
]

_MODULES = {
    "Call": "_calls",
    "Calls": "_calls",
    "ConnectParticipantStubber": "_stubber",
    "Failure": "_failures",
    "FakeAttachment": "_fake",
    "FakeConnectParticipant": "_fake",
    "UnexpectedCall": "_stubber",
    "every_failure": "_failures",
    "fake_connectparticipant": "_fake",
    "modeled_errors": "_failures",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"attach_confirm_stubs.{_MODULES[name]}"), name)
