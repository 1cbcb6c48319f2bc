"""Who and what is in a chat."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from attach_confirm_stubs.fake._presigned_urls import PresignedUrl
    from attach_confirm_stubs.fake.models._snapshot import AttachmentState

Item: TypeAlias = "dict[str, Any]"


def new_token() -> str:
    """Return a token that nobody guesses, and that no command takes for an option."""
    return secrets.token_hex(64)


@dataclass(eq=False)
class Chat:
    """A chat.

    Attributes:
        contact_id: Its contact.
        instance_id: The instance that it is in.
        expires_at: When its time is up, or was ended.
        content_types: Which messages it takes.
        items: Its transcript, the oldest first.
        attachment_count: How many count towards its quota.
    """

    contact_id: str
    instance_id: str
    expires_at: datetime
    content_types: frozenset[str]
    items: list[Item] = field(default_factory=list)
    attachment_count: int = 0


@dataclass(frozen=True)
class IdempotentResult:
    """What an idempotent operation answered, to what, and when."""

    answer: Any
    params: Mapping[str, Any]
    time: datetime


@dataclass(eq=False)
class Participant:
    """Someone in a chat.

    Attributes:
        chat: The chat.
        role: As in the model's ParticipantRole.
        display_name: The name that the others see.
        token: Their participant token.
        created_at: When they were added.
        participant_id: Their own id.
        connected: Whether they ever connected.
        joined: Whether the others were told that they joined.
        disconnected: Whether they disconnected.
        answered: What idempotent operations answered, by operation and ClientToken.
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
    answered: dict[tuple[str, str], IdempotentResult] = field(default_factory=dict)


@dataclass(frozen=True)
class Connection:
    """What a connection token stands for."""

    participant: Participant
    expires_at: datetime


@dataclass(eq=False)
class Attachment:
    """A file that was announced.

    Attributes:
        attachment_id: Its id.
        name: As declared.
        content_type: As declared.
        size: As declared, in bytes.
        participant: Who announced it.
        key: Where in the bucket it lies: first in `staging/`, once confirmed in `final/`.
        upload_url: The URL for the PUT.
        state: See `FakeAttachment`.
        completed_at: When it was confirmed.
        item: Its item in the transcript, once it is confirmed.
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
