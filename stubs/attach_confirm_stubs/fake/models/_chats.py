"""Chats: who is in them, and what they say."""

from __future__ import annotations

import json
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from moto.core.base_backend import BaseBackend

from attach_confirm_stubs.fake import _limits, exceptions
from attach_confirm_stubs.fake._assumptions import Assumptions
from attach_confirm_stubs.fake._clock import Clock
from attach_confirm_stubs.fake.models import _transcript
from attach_confirm_stubs.fake.models._entities import (
    Chat,
    Connection,
    IdempotentResult,
    Participant,
    new_token,
)
from attach_confirm_stubs.fake.models._transcript import EVENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from attach_confirm_stubs.fake.models._entities import Item

T = TypeVar("T")

# Time is one for all accounts and regions, as it is for botocore's pauses.
clock = Clock()


class Chats(BaseBackend):
    """The chats of one account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lock = RLock()
        self.clock = clock
        self.instance_id = str(uuid4())
        self.chats: dict[str, Chat] = {}
        self.chats_started: dict[tuple[str, str], Participant] = {}
        self.participants: dict[str, Participant] = {}
        self.connections: dict[str, Connection] = {}
        self.transcript: list[Item] = []
        self.assumptions = Assumptions()

    def start_chat(
        self,
        *,
        instance_id: str | None = None,
        duration: timedelta = _limits.CHAT_DURATION,
        content_types: frozenset[str] = _limits.MESSAGES,
    ) -> Chat:
        """Start a chat."""
        chat = Chat(
            str(uuid4()),
            instance_id or self.instance_id,
            clock.now() + duration,
            content_types,
        )
        self.chats[chat.contact_id] = chat
        return chat

    def chat(self, contact_id: str) -> Chat:
        """Return the chat of a contact.

        Raises:
            ValueError: There is none.
        """
        if contact_id not in self.chats:
            raise ValueError(f"there is no chat of the contact {contact_id!r}")
        return self.chats[contact_id]

    def add_participant(
        self, chat: Chat, role: str = "CUSTOMER", display_name: str = "Customer"
    ) -> Participant:
        """Add a participant to a chat."""
        participant = Participant(chat, role, display_name, new_token(), clock.now())
        self.participants[participant.token] = participant
        return participant

    def create_participant_connection(
        self, participant_token: str, *, join: bool = False
    ) -> tuple[str, datetime]:
        """Connect a participant, and return the connection token and when it expires.

        Args:
            participant_token: Theirs.
            join: Whether to tell the chat.
        """
        with self.lock:
            now, participant = clock.now(), self.participants.get(participant_token)
            if (
                participant is None
                or participant.disconnected
                or participant.chat.expires_at <= now
            ):
                raise exceptions.AccessDeniedException
            if (
                not participant.connected
                and participant.created_at + _limits.TIME_TO_CONNECT <= now
            ):
                raise exceptions.AccessDeniedException
            participant.connected = True
            if join and not participant.joined and self.assumptions.joined_item:
                participant.joined = True
                self.say(participant, "EVENT", ContentType=f"{EVENT}participant.joined")
            token, expires_at = new_token(), now + _limits.CONNECTION_LIFETIME
            self.connections[token] = Connection(participant, expires_at)
            return token, expires_at

    def websocket(self, connection_token: str) -> tuple[str, datetime]:
        """Return the URL of a connection's websocket, and until when it can be opened."""
        host = f"chat.transport.connect.{self.region_name}.amazonaws.com"
        return (
            f"wss://{host}/chat?token={connection_token}",
            clock.now() + _limits.WEBSOCKET_LIFETIME,
        )

    def disconnect_participant(self, params: Mapping[str, Any]) -> None:
        """Let a participant leave their chat."""

        def leave(participant: Participant) -> None:
            participant.disconnected = True
            self.say(participant, "EVENT", ContentType=f"{EVENT}participant.left")
            if participant.role == "CUSTOMER" and self.assumptions.chat_ends_with_customer:
                self.say(participant, "EVENT", ContentType=f"{EVENT}chat.ended")
                participant.chat.expires_at = clock.now()

        self.once("DisconnectParticipant", params, leave)

    def say(self, participant: Participant, kind: str, **members: Any) -> Item:
        """Add an item to the transcript of a participant's chat."""
        said = _transcript.item(participant, kind, clock.now(), **members)
        participant.chat.items.append(said)
        self.transcript.append(said)
        return said

    def send_message(self, params: Mapping[str, Any]) -> Item:
        """Say something."""

        def say(participant: Participant) -> Item:
            kind, content = params["ContentType"], params["Content"]
            if kind not in participant.chat.content_types:
                raise exceptions.ValidationException(
                    f"The chat does not support the ContentType {kind}."
                )
            if len(content.encode("utf-8", "replace")) > _limits.MESSAGE_BYTES:
                raise exceptions.ValidationException(
                    f"Content must not exceed {_limits.MESSAGE_BYTES} bytes."
                )
            return self.say(participant, "MESSAGE", ContentType=kind, Content=content)

        return self.once("SendMessage", params, say)

    def send_event(self, params: Mapping[str, Any]) -> Item:
        """Tell the others that someone types, or got or read a message."""

        def tell(participant: Participant) -> Item:
            kind = params["ContentType"]
            if kind not in _limits.EVENTS:
                raise exceptions.ValidationException(
                    f"There is no event of the ContentType {kind}."
                )
            if kind in _limits.RECEIPTS:
                self._receive(participant, params.get("Content") or "", _limits.RECEIPTS[kind])
            if kind == f"{EVENT}typing" and self.assumptions.typing_item:
                return self.say(participant, "EVENT", ContentType=kind)
            return _transcript.item(participant, "EVENT", clock.now(), ContentType=kind)

        return self.once("SendEvent", params, tell)

    def instance_of(self, token: str | None) -> str | None:
        """Return the instance that a token is of, or None where it is not of this service."""
        if token in self.connections:
            return self.connections[token].participant.chat.instance_id
        participant = self.participants.get(token or "")
        return participant.chat.instance_id if participant else None

    def connected(self, connection_token: str) -> Participant:
        """Return the participant of a connection that may still do something."""
        participant = self._connection(connection_token)
        if participant.disconnected or participant.chat.expires_at <= clock.now():
            raise exceptions.AccessDeniedException
        return participant

    def once(self, operation: str, params: Mapping[str, Any], act: Callable[[Participant], T]) -> T:
        """Do what a request asks for, unless one with its ClientToken was answered already."""
        asked = {n: v for n, v in params.items() if n not in {"ClientToken", "ConnectionToken"}}
        request = operation, params.get("ClientToken") or str(uuid4())
        with self.lock:
            participant, now = self._connection(params["ConnectionToken"]), clock.now()
            known, assumptions = participant.answered.get(request), self.assumptions
            remembered = assumptions.client_token_lifetime
            if known and (remembered is None or now < known.time + remembered):
                if known.params != asked:
                    refuse(assumptions.client_token_reused, "The ClientToken was used before.")
                answer: T = known.answer
                return answer
            answer = act(self.connected(params["ConnectionToken"]))
            participant.answered[request] = IdempotentResult(answer, asked, now)
            return answer

    def _connection(self, connection_token: str) -> Participant:
        connection = self.connections.get(connection_token)
        if connection is None or connection.expires_at <= clock.now():
            raise exceptions.AccessDeniedException
        return connection.participant

    def _receive(self, participant: Participant, content: str, time: str) -> None:
        """Note in a message's item that a participant got or read it."""
        try:
            message_id = json.loads(content)["messageId"]
        except (ValueError, TypeError, KeyError):
            raise exceptions.ValidationException('Content must be {"messageId": "..."}.') from None
        for said in participant.chat.items:
            if said["Id"] == message_id and said["Type"] == "MESSAGE":
                receipts = said.setdefault("MessageMetadata", {"MessageId": message_id})
                receipt = {"RecipientParticipantId": participant.participant_id}
                theirs = receipts.setdefault("Receipts", [])
                known = [r for r in theirs if r.items() >= receipt.items()]
                if not known:
                    theirs.append(receipt)
                (known or [receipt])[0][time] = _transcript.timestamp(clock.now())
                return
        raise exceptions.ValidationException("There is no message of that Id.")


def refuse(code: str | None, message: str) -> None:
    if code is not None:
        raise exceptions.ServiceError(code, message)
