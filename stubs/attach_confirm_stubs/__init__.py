"""Test doubles for the Amazon Connect Participant Service.

`fake_connectparticipant` is a small service that behaves, as a moto backend: botocore's real
retries, parsing and idempotency run against it.

The names are loaded when they are first used, for pytest imports this package at every start.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attach_confirm_stubs._fake import (
        FakeAttachment,
        FakeConnectParticipant,
        fake_connectparticipant,
    )

__all__ = ["FakeAttachment", "FakeConnectParticipant", "fake_connectparticipant"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("attach_confirm_stubs._fake"), name)
