"""Chats, participants, connections and attachments."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from attach_confirm_stubs.fake import _limits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from attach_confirm_stubs.fake._presigned_urls import PresignedUrl
    from attach_confirm_stubs.fake.models._snapshot import AttachmentState

Item: TypeAlias = "dict[str, Any]"


def new_token() -> str:
    """Return a random token. It never starts with "-", which the AWS CLI parses as an option."""
    return secrets.token_hex(64)


@dataclass(eq=False)
class Chat:
    """A chat.

    Attributes:
        contact_id: The contact id.
        instance_id: The Connect instance.
        expires_at: The time at which the chat ends or has ended.
        content_types: The content types of messages that the chat accepts.
        items: The transcript, oldest first.
        attachment_count: The number of attachments that count against the quota.
    """

    contact_id: str
    instance_id: str
    expires_at: datetime
    content_types: frozenset[str]
    items: list[Item] = field(default_factory=list)
    attachment_count: int = 0


@dataclass(frozen=True)
class IdempotentResult:
    """The stored result of an idempotent operation.

    Attributes:
        result: The result.
        params: The request's parameters, except for its tokens.
        created_at: The time at which the request was processed.
    """

    result: Any
    params: Mapping[str, Any]
    created_at: datetime


@dataclass(eq=False)
class Participant:
    """A participant of a chat.

    Attributes:
        chat: The chat.
        role: A value of the model's ParticipantRole.
        display_name: The name that the chat's other participants see.
        token: The participant token.
        created_at: The time at which the participant was added.
        participant_id: The participant id.
        connected: Whether the participant has ever connected.
        joined: Whether the transcript has an item for the participant's first connection.
        disconnected: Whether the participant has disconnected.
        idempotent_results: The results of idempotent operations, by operation and ClientToken.
    """

    chat: Chat
    role: str
    display_name: str
    token: str
    created_at: datetime
    participant_id: str = field(default_factory=lambda: str(uuid4()))
    connected: bool = False
    joined: bool = False
    disconnected: bool = False
    idempotent_results: dict[tuple[str, str], IdempotentResult] = field(default_factory=dict)

    def is_active(self, now: datetime) -> bool:
        """Return whether the chat is open and the participant has not disconnected."""
        return not self.disconnected and now < self.chat.expires_at

    def can_connect(self, now: datetime) -> bool:
        """Return whether the participant may connect. The first time must be within 5 minutes."""
        in_time = self.connected or now < self.created_at + _limits.CONNECT_TIMEOUT
        return in_time and self.is_active(now)


@dataclass(frozen=True)
class Connection:
    """A connection, which a connection token identifies.

    Attributes:
        participant: The connected participant.
        expires_at: The time at which the connection token expires.
    """

    participant: Participant
    expires_at: datetime


@dataclass(eq=False)
class Attachment:
    """An attachment whose upload was started.

    Attributes:
        attachment_id: The attachment id.
        name: The declared name.
        content_type: The declared MIME type.
        size: The declared size, in bytes.
        participant: The participant who started the upload.
        key: The object key in the bucket: `staging/...`, or `final/...` once confirmed.
        upload_url: The pre-signed URL for the PUT.
        state: The state, see `FakeAttachment`.
        completed_at: The time of the confirmation, or None.
        item: The transcript item; empty before the confirmation.
    """

    attachment_id: str
    name: str
    content_type: str
    size: int
    participant: Participant
    key: str
    upload_url: PresignedUrl
    state: AttachmentState = "STARTED"
    completed_at: datetime | None = None
    item: Item = field(default_factory=dict)
