"""The stored state of chats, participants, connections and attachments."""

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
    """A chat and its transcript.

    Attributes:
        contact_id: ID of the contact, as in `StartChatContact`.
        instance_id: ID of the Connect instance that the chat belongs to.
        expires_at: End time of the chat, which may be in the past.
        content_types: Content types that a message of the chat may have.
        items: The transcript items, oldest first.
        attachment_count: Number of attachments that count towards the quota of 35.
    """

    contact_id: str
    instance_id: str
    expires_at: datetime
    content_types: frozenset[str]
    items: list[Item] = field(default_factory=list)
    attachment_count: int = 0


@dataclass(frozen=True)
class IdempotentResult:
    """The result of the first request with a ClientToken.

    Attributes:
        result: The return value of the operation.
        params: The parameters of the request, except for its tokens.
        created_at: Time at which the request was processed.
    """

    result: Any
    params: Mapping[str, Any]
    created_at: datetime


@dataclass(eq=False)
class Participant:
    """A participant of a chat.

    Attributes:
        chat: The chat that the participant belongs to.
        role: A value of the model's ParticipantRole, for example `CUSTOMER`.
        display_name: Name that the other participants see.
        token: The participant token.
        created_at: Time at which the participant was added.
        participant_id: ID of the participant.
        connected: Whether the participant has ever connected.
        joined: Whether the transcript has an item for the participant's first connection.
        disconnected: Whether the participant has disconnected.
        idempotent_results: Results of idempotent operations, by operation and ClientToken.
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
        """Return whether the participant may connect.

        The first connection must be created within 5 minutes after the participant was added.
        """
        is_in_time = self.connected or now < self.created_at + _limits.CONNECT_TIMEOUT
        return is_in_time and self.is_active(now)


@dataclass(frozen=True)
class Connection:
    """A connection of a participant, which a connection token identifies.

    Attributes:
        participant: The participant that created the connection.
        expires_at: Expiry time of the connection token.
    """

    participant: Participant
    expires_at: datetime


@dataclass(eq=False)
class Attachment:
    """An attachment whose upload was started.

    Attributes:
        attachment_id: ID of the attachment.
        name: Name that StartAttachmentUpload declared.
        content_type: MIME type that StartAttachmentUpload declared.
        size: Size that StartAttachmentUpload declared, in bytes.
        participant: The participant that started the upload.
        key: Object key in the bucket: `staging/...`, or `final/...` after the confirmation.
        upload_url: The presigned URL for the PUT.
        state: State of the attachment, as in `FakeAttachment`.
        item: The transcript item; empty until it is added to the transcript.
    """

    attachment_id: str
    name: str
    content_type: str
    size: int
    participant: Participant
    key: str
    upload_url: PresignedUrl
    state: AttachmentState = "STARTED"
    item: Item = field(default_factory=dict)
