"""The fake, with a handle for tests."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID

import attach_confirm
from attach_confirm_stubs._session import hermetic_session
from attach_confirm_stubs.fake.models import State, connectparticipant_backends

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3
    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm_stubs.fake.models import ConnectParticipantBackend

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class FakeAttachment:
    """What the fake holds of an attachment, at the time it was asked.

    Attributes:
        attachment_id: Its id.
        name: Its name, as declared.
        content_type: Its MIME type, as declared.
        size: Its size in bytes, as declared.
        data: The bytes that arrived; empty before the PUT.
        state: STARTED before the PUT, UPLOADED before the confirmation, then what the
            transcript says: IN_PROGRESS, APPROVED or REJECTED.
    """

    attachment_id: str
    name: str
    content_type: str
    size: int
    data: bytes = field(repr=False)
    state: State


class FakeConnectParticipant:
    """A handle on the fake service in one region, with one chat to use.

    Attributes:
        region_name: The region.
    """

    def __init__(self, region_name: str = DEFAULT_REGION) -> None:
        self.region_name = region_name

    @cached_property
    def client(self) -> ConnectParticipantClient:
        """A client of the fake, as `attach_confirm.client` makes them."""
        return attach_confirm.client(self.region_name, session=_session())

    def participant_token(self) -> str:
        """Add a customer in a chat of their own, and return the participant token."""
        return self._backend.create_participant(contact_id=str(uuid4()))

    def connection_token(self) -> str:
        """Add a customer in a chat of their own, connect them, and return the token."""
        token, _ = self._backend.create_participant_connection(self.participant_token())
        return token

    @property
    def attachments(self) -> list[FakeAttachment]:
        """The attachments that were started, of all chats, the oldest first."""
        backend = self._backend
        with backend.lock:
            return [
                FakeAttachment(
                    attachment_id=attachment.attachment_id,
                    name=attachment.name,
                    content_type=attachment.content_type,
                    size=attachment.size,
                    data=backend.read(attachment),
                    state=attachment.state,
                )
                for attachment in backend.attachments.values()
            ]

    @property
    def transcript(self) -> list[dict[str, Any]]:
        """The items of all chats, the oldest first, with the members that GetTranscript gives."""
        return copy.deepcopy(self._backend.transcript)

    @property
    def _backend(self) -> ConnectParticipantBackend:
        return connectparticipant_backends[DEFAULT_ACCOUNT_ID][self.region_name]


@cache
def _session() -> boto3.Session:
    """Return the session of all handles' clients, for a session is what takes time to make."""
    return hermetic_session()


@contextmanager
def fake_connectparticipant(
    region_name: str = DEFAULT_REGION,
) -> Iterator[FakeConnectParticipant]:
    """Run a block, or as a decorator a function, with the fake in AWS's place.

    Everything else that moto fakes is there too, for this is moto's `mock_aws`: no request
    reaches AWS. State is gone at the end.

    Args:
        region_name: The region that the handle looks at.

    Returns:
        A context manager that gives the handle.
    """
    with mock_aws():
        yield FakeConnectParticipant(region_name)
