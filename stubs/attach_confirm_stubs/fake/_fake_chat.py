"""A chat, as tests see it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend
    from attach_confirm_stubs.fake.models._entities import Chat
    from attach_confirm_stubs.fake.models._snapshot import FakeAttachment


@dataclass(frozen=True, slots=True)
class FakeParticipant:
    """A snapshot of a participant.

    Attributes:
        participant_id: ID of the participant.
        role: CUSTOMER, AGENT, SYSTEM, CUSTOM_BOT or SUPERVISOR.
        display_name: Name that the chat's other participants see.
        participant_token: The participant token.
        connected: Whether the participant has ever connected.
        disconnected: Whether the participant has disconnected.
    """

    participant_id: str
    role: str
    display_name: str
    participant_token: str = field(repr=False)
    connected: bool
    disconnected: bool


class FakeChat:
    """A chat. The attributes show its current state.

    Attributes:
        contact_id: ID of the contact.
        instance_id: ID of the Connect instance.
        region_name: Region of the Connect instance.
    """

    def __init__(self, backend: ConnectParticipantBackend, chat: Chat) -> None:
        self.contact_id = chat.contact_id
        self.instance_id = chat.instance_id
        self.region_name = backend.region_name
        self._backend = backend
        self._chat = chat

    def __repr__(self) -> str:
        return f"FakeChat(contact_id={self.contact_id!r}, ended={self.ended})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FakeChat) and other.contact_id == self.contact_id

    def __hash__(self) -> int:
        return hash(self.contact_id)

    @property
    def participants(self) -> list[FakeParticipant]:
        """A snapshot of the participants, in the order in which they were added."""
        with self._backend.lock:
            return [
                FakeParticipant(
                    participant_id=participant.participant_id,
                    role=participant.role,
                    display_name=participant.display_name,
                    participant_token=participant.token,
                    connected=participant.connected,
                    disconnected=participant.disconnected,
                )
                for participant in self._chat.participants
            ]

    @property
    def transcript(self) -> list[dict[str, Any]]:
        """A copy of the items, oldest first, with the members of GetTranscript."""
        with self._backend.lock:
            self._backend.apply_due_verdicts()
            return copy.deepcopy(self._chat.items)

    @property
    def attachments(self) -> list[FakeAttachment]:
        """A snapshot of the attachments, oldest first."""
        return self._backend.list_attachments(self._chat)

    @property
    def attributes(self) -> dict[str, str]:
        """A copy of the contact's user-defined attributes."""
        with self._backend.lock:
            return dict(self._chat.attributes)

    @property
    def ended(self) -> bool:
        """Whether the chat has ended."""
        return not self._chat.is_active(self._backend.clock.now())
