"""Messages, events and receipts of a chat."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attach_confirm_stubs.fake import _limits, _patterns, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake._operations import WEBSOCKET
from attach_confirm_stubs.fake.models import _transcript
from attach_confirm_stubs.fake.models._base import ParticipantsBackend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from attach_confirm_stubs.fake.models._entities import Item, Participant
    from attach_confirm_stubs.fake.models._events import ChatEvent
    from attach_confirm_stubs.fake.models._websockets import Websocket


class ChatsBackend(ParticipantsBackend):
    """The operations with which participants chat."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.listeners.append(self._push)

    def create_websocket_url(self, connection_token: str) -> tuple[str, datetime]:
        """Return the URL at AWS of a connection's websocket, and the URL's expiry time."""
        participant = self.connections[connection_token].participant
        ticket, expires_at = self.controls.websockets.create_ticket(participant, clock.now())
        return _patterns.websocket_url(self.region_name, self.partition, ticket), expires_at

    def open_websocket(self, participant: Participant) -> Websocket | None:
        """Open a websocket, or return None if the participant has as many as are allowed."""
        queues = self.assumptions.before_subscription == "queued"
        with self.lock:
            websocket = self.controls.websockets.open(
                participant, queues_before_subscription=queues
            )
            if websocket:
                self.join(participant)
            return websocket

    def reset_websockets(self) -> None:
        """Reset as many open websockets as there are faults."""
        self.controls.websockets.reset_oldest(lambda: self.faults.pop(WEBSOCKET))

    def connection_members(
        self, token: str, expires_at: datetime, types: Sequence[str]
    ) -> dict[str, Any]:
        """Return the members of a response that describe a connection.

        Args:
            token: The connection token.
            expires_at: The expiry time of the connection token.
            types: The requested types of connection information.
        """
        members: dict[str, Any] = {}
        if "CONNECTION_CREDENTIALS" in types:
            members["ConnectionCredentials"] = {
                "ConnectionToken": token,
                "Expiry": _transcript.format_timestamp(expires_at),
            }
        if "WEBSOCKET" in types:
            url, url_expires_at = self.create_websocket_url(token)
            members["Websocket"] = {
                "Url": url,
                "ConnectionExpiry": _transcript.format_timestamp(url_expires_at),
            }
        return members

    def _push(self, event: ChatEvent) -> None:
        own_typing = self.assumptions.own_typing
        self.controls.websockets.publish(event, returns_own_typing=own_typing)

    def send_message(self, params: Mapping[str, Any]) -> Item:
        """Add a message to the transcript, and return its item."""

        def add_message(participant: Participant) -> Item:
            content_type, content = params["ContentType"], params["Content"]
            if content_type not in participant.chat.content_types:
                raise exceptions.ValidationException(
                    f"The chat does not support the ContentType {content_type}."
                )
            if len(content.encode("utf-8", "replace")) > _limits.MESSAGE_BYTES:
                raise exceptions.ValidationException(
                    f"Content must not exceed {_limits.MESSAGE_BYTES} bytes."
                )
            return self.add_item(participant, "MESSAGE", ContentType=content_type, Content=content)

        return self.run_idempotent("SendMessage", params, add_message)

    def send_event(self, params: Mapping[str, Any]) -> Item:
        """Process a typing event, an acknowledgement or a receipt, and return its item."""

        def process(participant: Participant) -> Item:
            content_type = params["ContentType"]
            if content_type not in _limits.EVENT_CONTENT_TYPES:
                raise exceptions.ValidationException(
                    f"Participants cannot send events of the ContentType {content_type}."
                )
            receipt_timestamp = _limits.RECEIPT_TIMESTAMP_BY_EVENT.get(content_type)
            if receipt_timestamp:
                self._record_receipt(participant, params.get("Content") or "", receipt_timestamp)
            chat, now = participant.chat, clock.now()
            item = _transcript.new_item(chat, "EVENT", now, participant, ContentType=content_type)
            if content_type == f"{_limits.EVENT_PREFIX}typing":
                if self.assumptions.typing_item:
                    return self.append(chat, item)
                self.notify(chat, item)
            return item

        # chatjs sends each receipt with the same ClientToken.
        return self.run_idempotent("SendEvent", params, process, params_in_key=True)

    def disconnect_participant(self, params: Mapping[str, Any]) -> None:
        """Disconnect a participant, which by default ends the chat if it is the customer."""

        def disconnect(participant: Participant) -> None:
            participant.disconnected = True
            self.add_event(participant, "participant.left")
            if participant.role == "CUSTOMER" and self.assumptions.chat_ends_with_customer:
                self.end_chat(participant.chat)

        self.run_idempotent("DisconnectParticipant", params, disconnect)

    def _record_receipt(
        self, participant: Participant, content: str, timestamp_member: str
    ) -> None:
        """Record in a message's item that a participant has received or read it."""
        try:
            message_id = json.loads(content)["messageId"]
        except (ValueError, TypeError, KeyError):
            raise exceptions.ValidationException('Content must be {"messageId": "..."}.') from None
        chat, now = participant.chat, clock.now()
        active = [p for p in chat.participants if p.connected and not p.disconnected]
        roles = {p.role for p in active}
        if len(active) > _limits.PARTICIPANTS_WITH_RECEIPTS or "SUPERVISOR" in roles:
            raise exceptions.ServiceError(
                "ConflictException",
                "Receipts are not supported with a supervisor, or more than two participants.",
            )
        for item in chat.items:
            if item["Id"] == message_id and item["Type"] == "MESSAGE":
                _transcript.add_receipt(item, participant, timestamp_member, now)
                receipt = _transcript.new_receipt_item(item, now)
                self.notify(chat, receipt)
                return
        raise exceptions.ValidationException("The chat has no message with this messageId.")
