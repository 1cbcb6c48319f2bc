"""Messages, events and receipts of a chat."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attach_confirm_stubs.fake import _limits, _patterns, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake.models import _transcript
from attach_confirm_stubs.fake.models._base import ParticipantsBackend

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from attach_confirm_stubs.fake.models._entities import Item, Participant


class ChatsBackend(ParticipantsBackend):
    """The operations with which participants chat."""

    def create_websocket_url(self, connection_token: str) -> tuple[str, datetime]:
        """Return the URL of a connection's websocket, and the URL's expiry time."""
        url = _patterns.websocket_url(self.region_name, connection_token)
        return url, clock.now() + _limits.WEBSOCKET_LIFETIME

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

        return self.run_idempotent("SendEvent", params, process)

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
        for item in chat.items:
            if item["Id"] == message_id and item["Type"] == "MESSAGE":
                _transcript.add_receipt(item, participant, timestamp_member, now)
                receipt = _transcript.new_receipt_item(item, now)
                self.notify(chat, receipt)
                return
        raise exceptions.ValidationException("The chat has no message with this messageId.")
