"""The stored state of chats, participants, connections and attachments."""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args
from uuid import uuid4

from attach_confirm_stubs.fake import _limits

if TYPE_CHECKING:
    from datetime import datetime

    from attach_confirm_stubs.fake._presigned_urls import PresignedUrl
    from attach_confirm_stubs.fake.models._idempotency import IdempotentResult
    from attach_confirm_stubs.fake.models._snapshot import AttachmentState, StreamFailure

Item: TypeAlias = "dict[str, Any]"
Role: TypeAlias = Literal["AGENT", "CUSTOMER", "SYSTEM", "CUSTOM_BOT", "SUPERVISOR"]

MAX_RECORDS = 10_000
ROLES: tuple[str, ...] = get_args(Role)


def new_token() -> str:
    """Return a random token. It never starts with "-", which the AWS CLI parses as an option."""
    return secrets.token_hex(64)


def check_role(role: str) -> None:
    """Raise if a role is unknown.

    Raises:
        ValueError: `role` is unknown.
    """
    if role not in ROLES:
        raise ValueError(f"unknown role {role!r}; choose one of {', '.join(ROLES)}")


@dataclass(eq=False)
class Chat:
    """A chat and its transcript. It has one contact, which is the initial contact.

    Attributes:
        contact_id: ID of the contact, as in `StartChatContact`.
        instance_id: ID of the Connect instance that the chat belongs to.
        started_at: Start time of the chat.
        expires_at: End time of the chat, which may be in the past.
        content_types: Content types that a message of the chat may have.
        attributes: User-defined attributes of the contact.
        details: Members of DescribeContact's `Contact` that StartChatContact sets.
        continued_from: The ended chat that a persistent chat continues, or None.
        items: The transcript items, oldest first.
        participants: The participants, in the order in which they were added.
        attachments: The attachments, in the order in which they were started.
        streams: The streams to which the items are published.
        attachment_count: Number of attachments that count towards the quota of 35.
        updated_at: Time of the last change of the contact.
    """

    contact_id: str
    instance_id: str
    started_at: datetime
    expires_at: datetime
    content_types: frozenset[str]
    attributes: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    continued_from: Chat | None = None
    items: list[Item] = field(default_factory=list)
    participants: list[Participant] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    attachment_count: int = 0
    updated_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.updated_at = self.started_at

    def is_active(self, now: datetime) -> bool:
        """Return whether the chat is open."""
        return now < self.expires_at

    def past_items(self) -> list[Item]:
        """Return the items of the chats that this one continues, oldest first."""
        source = self.continued_from
        if source is None:
            return []
        items = [
            {
                **{name: value for name, value in item.items() if name != "ContactId"},
                "RelatedContactId": source.contact_id,
            }
            for item in source.items
        ]
        past = [*source.past_items(), *items]
        return [{**item, "InitialContactId": self.contact_id} for item in past]


@dataclass(eq=False)
class Participant:
    """A participant of a chat.

    Attributes:
        chat: The chat that the participant belongs to.
        role: A value of `ROLES`.
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
    idempotent_results: dict[tuple[str, ...], IdempotentResult] = field(default_factory=dict)

    def is_active(self, now: datetime) -> bool:
        """Return whether the chat is open and the participant has not disconnected."""
        return not self.disconnected and self.chat.is_active(now)

    def can_connect(self, now: datetime) -> bool:
        """Return whether the participant may connect.

        The first connection must be created within 5 minutes after the participant was added.
        """
        is_in_time = self.connected or now < self.created_at + _limits.CONNECT_TIMEOUT
        return is_in_time and self.is_active(now)


@dataclass(eq=False)
class Stream:
    """The stream of a chat; see `FakeStream`."""

    topic_arn: str
    streaming_id: str = field(default_factory=lambda: str(uuid4()))
    active: bool = True
    records: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MAX_RECORDS))
    failures: deque[StreamFailure] = field(default_factory=lambda: deque(maxlen=MAX_RECORDS))


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
        started_at: Time at which the upload was started.
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
    started_at: datetime
    key: str
    upload_url: PresignedUrl
    state: AttachmentState = "STARTED"
    item: Item = field(default_factory=dict)
