"""Chats, participants and connections, which all parts of the backend share."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from moto.core.base_backend import BaseBackend

from attach_confirm_stubs.fake import _limits, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake.models import _transcript
from attach_confirm_stubs.fake.models._controls import controls_by_region
from attach_confirm_stubs.fake.models._entities import Chat, Connection, Participant, new_token
from attach_confirm_stubs.fake.models._events import ChatEvent
from attach_confirm_stubs.fake.models._idempotency import IdempotentResult, run_once
from attach_confirm_stubs.fake.models._lock import DeferringLock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from attach_confirm_stubs.fake._assumptions import Assumptions
    from attach_confirm_stubs.fake._faults import FaultQueue
    from attach_confirm_stubs.fake._history import History
    from attach_confirm_stubs.fake._quotas import Quotas
    from attach_confirm_stubs.fake.models._entities import Item
    from attach_confirm_stubs.fake.models._scanner import Scanner

T = TypeVar("T")


class ParticipantsBackend(BaseBackend):
    """The chats of one account and region, with their participants and connections.

    The base class of the mixins that `ConnectParticipantBackend` combines.

    Attributes:
        lock: Guards all state of the backend.
        listeners: Functions that receive each event of a chat. They are called with the lock held,
            in the order of the events, so they must not wait; see `notify`.
        instance_id: The Connect instance of chats that name none.
        chats: The chats, by contact ID.
        contact_results: Results of idempotent operations of Amazon Connect.
        participants: The participants, by participant token.
        connections: The connections, by connection token.
        transcript: The items of all chats, oldest first.
        controls: The controls of the region, which other regions may share.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lock = DeferringLock()
        self.listeners: list[Callable[[ChatEvent], object]] = []
        self.instance_id = str(uuid4())
        self.chats: dict[str, Chat] = {}
        self.contact_results: dict[tuple[str, ...], IdempotentResult] = {}
        self.participants: dict[str, Participant] = {}
        self.connections: dict[str, Connection] = {}
        self.transcript: list[Item] = []
        self.controls = controls_by_region.get(region_name)

    @property
    def assumptions(self) -> Assumptions:
        """Settings for undocumented behaviour of the service."""
        return self.controls.assumptions

    @property
    def faults(self) -> FaultQueue:
        """The injected faults."""
        return self.controls.faults

    @property
    def history(self) -> History:
        """The received calls."""
        return self.controls.history

    @property
    def quotas(self) -> Quotas:
        """The throttling quotas."""
        return self.controls.quotas

    @property
    def scanner(self) -> Scanner:
        """The attachment scanner."""
        return self.controls.scanner

    def start_chat(
        self,
        *,
        instance_id: str | None = None,
        duration: timedelta = _limits.CHAT_DURATION,
        content_types: frozenset[str] = _limits.MESSAGE_CONTENT_TYPES,
        **details: Any,
    ) -> Chat:
        """Start a chat without participants.

        Args:
            instance_id: The Connect instance; by default `self.instance_id`.
            duration: The time after which the chat ends.
            content_types: The content types of messages that the chat accepts.
            **details: Other attributes of `Chat`.
        """
        now = clock.now()
        chat = Chat(
            contact_id=str(uuid4()),
            instance_id=instance_id or self.instance_id,
            started_at=now,
            expires_at=now + duration,
            content_types=content_types,
            **details,
        )
        self.chats[chat.contact_id] = chat
        return chat

    def get_chat(self, contact_id: str) -> Chat:
        """Return the chat of a contact.

        Raises:
            ValueError: `contact_id` is unknown.
        """
        if contact_id not in self.chats:
            raise ValueError(f"unknown contact_id {contact_id!r}; pass the ID of an existing chat")
        return self.chats[contact_id]

    def add_participant(
        self, chat: Chat, role: str = "CUSTOMER", display_name: str = "Customer"
    ) -> Participant:
        """Add a participant to a chat."""
        participant = Participant(chat, role, display_name, new_token(), clock.now())
        chat.participants.append(participant)
        self.participants[participant.token] = participant
        return participant

    def create_participant_connection(
        self, participant_token: str, *, join: bool = False
    ) -> tuple[str, datetime]:
        """Connect a participant, and return the connection token and its expiry time.

        Args:
            participant_token: The participant token.
            join: Whether to mark the participant as connected, which adds an item to the
                transcript the first time.

        Raises:
            exceptions.AccessDeniedException: The token is unknown or has expired, the chat has
                ended, or the participant has disconnected.
        """
        with self.lock:
            now, participant = clock.now(), self.participants.get(participant_token)
            if participant is None or not participant.can_connect(now):
                raise exceptions.AccessDeniedException
            participant.connected = True
            if join:
                self.join(participant)
            token, expires_at = new_token(), now + _limits.CONNECTION_LIFETIME
            self.connections[token] = Connection(participant, expires_at)
            return token, expires_at

    def join(self, participant: Participant) -> None:
        """Add an item about the participant's arrival to the transcript, only the first time."""
        if not participant.joined and self.assumptions.joined_item:
            participant.joined = True
            self.add_event(participant, "participant.joined")

    def instance_id_for(self, token: str | None) -> str | None:
        """Return the Connect instance that a token belongs to, or None if the token is unknown."""
        if token in self.connections:
            return self.connections[token].participant.chat.instance_id
        participant = self.participants.get(token or "")
        return participant.chat.instance_id if participant else None

    def require_connected(self, connection_token: str) -> Participant:
        """Return the participant of a connection.

        Raises:
            exceptions.AccessDeniedException: The token is unknown or has expired, the chat has
                ended, or the participant has disconnected.
        """
        participant = self._get_participant(connection_token)
        if not participant.is_active(clock.now()):
            raise exceptions.AccessDeniedException
        return participant

    def run_idempotent(
        self,
        operation: str,
        params: Mapping[str, Any],
        action: Callable[[Participant], T],
        *,
        repeat: Callable[[T], object] | None = None,
        params_in_key: bool = False,
    ) -> T:
        """Run an action, or return the stored result of the same ClientToken.

        Args:
            operation: The operation's name in the API.
            params: The request's parameters, with a ConnectionToken and optionally a ClientToken.
            action: Processes the request of the participant, and returns the result.
            repeat: Called with a stored result before it is returned again.
            params_in_key: Whether a ClientToken with other parameters is a new request.

        Raises:
            exceptions.ErrorResponse: The request is rejected. Its ClientToken is not stored.
        """
        with self.lock:
            participant = self._get_participant(params["ConnectionToken"])
            return run_once(
                participant.idempotent_results,
                operation,
                params,
                lambda: action(self.require_connected(params["ConnectionToken"])),
                self.assumptions,
                repeat=repeat,
                params_in_key=params_in_key,
            )

    def add_item(self, participant: Participant, item_type: str, **members: Any) -> Item:
        """Add an item of a participant to the transcript, and notify the listeners.

        Args:
            participant: The sender of the item.
            item_type: A value of the model's ChatItemType, for example MESSAGE.
            **members: Other members of the item, for example `Content`.
        """
        chat = participant.chat
        item = _transcript.new_item(chat, item_type, clock.now(), participant, **members)
        return self.append(chat, item)

    def add_event(self, participant: Participant, event: str, **members: Any) -> Item:
        """Add an event of a participant to the transcript, by its name without a prefix."""
        content_type = f"{_limits.EVENT_PREFIX}{event}"
        return self.add_item(participant, "EVENT", ContentType=content_type, **members)

    def end_chat(self, chat: Chat) -> None:
        """End a chat, and add the event to the transcript."""
        content_type = f"{_limits.EVENT_PREFIX}chat.ended"
        now = clock.now()
        self.append(chat, _transcript.new_item(chat, "EVENT", now, ContentType=content_type))
        chat.expires_at = now

    def append(
        self, chat: Chat, item: Item, *, notify: bool = True, is_reply: bool = False
    ) -> Item:
        """Add an item to a chat's transcript, which each item passes through.

        Args:
            chat: The chat.
            item: The item.
            notify: Whether to notify the listeners, which an attachment does at the verdict.
            is_reply: Whether a rule of `fake.replies` sent the item.
        """
        chat.items.append(item)
        self.transcript.append(item)
        if notify:
            self.notify(chat, item, is_reply=is_reply)
        return item

    def notify(self, chat: Chat, item: Item, *, is_reply: bool = False) -> None:
        """Pass an event to the listeners, which each event passes through."""
        event = ChatEvent(chat, copy.deepcopy(item), is_reply)
        for listener in self.listeners:
            listener(event)

    def _get_participant(self, connection_token: str) -> Participant:
        connection = self.connections.get(connection_token)
        if connection is None or connection.expires_at <= clock.now():
            raise exceptions.AccessDeniedException
        return connection.participant
