"""Websockets, which push the events of a chat to its participants.

A websocket transports messages in JSON, with a `topic` each. This module knows the messages, and
the server transports them.
"""

from __future__ import annotations

import json
import secrets
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from attach_confirm_stubs.fake import _limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from attach_confirm_stubs.fake.models._entities import Participant
    from attach_confirm_stubs.fake.models._events import ChatEvent

# A client that has not read more than this many events is disconnected.
MAX_QUEUED_MESSAGES = 1000

_CHAT_TOPIC = "aws/chat"
_TYPING = f"{_limits.EVENT_PREFIX}typing"
# What a participant who has left still receives.
_LAST_EVENTS = {f"{_limits.EVENT_PREFIX}{name}" for name in ("chat.ended", "participant.left")}


@dataclass(frozen=True, slots=True)
class Ticket:
    """The permission to open websockets, which a websocket's URL contains.

    Attributes:
        participant: The participant.
        expires_at: Time from which the ticket is not valid.
    """

    participant: Participant
    expires_at: datetime


class Websocket:
    """The service's end of an open websocket.

    The transport takes messages from the queue in the thread that `wake` wakes. The queue of events
    is bounded. All methods may be called from any thread, and none of them waits.

    Attributes:
        participant: The participant.
        is_reset: Whether the connection must be reset.
        is_closed: Whether the websocket must be closed.
    """

    def __init__(self, participant: Participant, *, queues_before_subscription: bool) -> None:
        self.participant = participant
        self.is_reset = False
        self.is_closed = False
        self._queues_before_subscription = queues_before_subscription
        self._lock = Lock()
        self._is_subscribed = False
        self._connection_id = str(uuid4())
        self._messages: deque[str] = deque()
        self._early_messages: deque[str] = deque(maxlen=MAX_QUEUED_MESSAGES)
        self._wake: Callable[[], object] | None = None

    def attach(self, wake: Callable[[], object] | None) -> None:
        """Set the function that wakes the transport's thread. It must not wait."""
        self._wake = wake

    def wake(self) -> None:
        """Wake the transport's thread, if there is one."""
        wake = self._wake
        if wake:
            wake()

    def receive(self, text: str) -> None:
        """Process a message of the client.

        Amazon's client for iOS appends a stray parenthesis to a message, so what follows the JSON
        document is ignored.
        """
        try:
            message, _ = json.JSONDecoder().raw_decode(text.lstrip())
            topic = message["topic"]
        except (ValueError, TypeError, KeyError, RecursionError):
            topic = None
        if topic == "aws/subscribe":
            self._subscribe(message.get("content"))
        elif topic == "aws/ping":
            self._send({"topic": topic, "statusCode": 200, "statusContent": "OK"})
        elif topic == "aws/heartbeat":
            self._send({"topic": topic})
        else:
            self._send(
                {
                    "message": "Forbidden",
                    "connectionId": self._connection_id,
                    "requestId": str(uuid4()),
                }
            )

    def push(self, text: str) -> None:
        """Queue the message of an event, if the client has subscribed to its chat."""
        with self._lock:
            if self._is_subscribed and len(self._messages) >= MAX_QUEUED_MESSAGES:
                self.is_reset = True
            elif self._is_subscribed:
                self._messages.append(text)
            elif self._queues_before_subscription:
                self._early_messages.append(text)
        self.wake()

    def take(self) -> list[str]:
        """Remove and return the queued messages."""
        with self._lock:
            messages = list(self._messages)
            self._messages.clear()
        return messages

    def reset(self) -> None:
        """Reset the connection."""
        self.is_reset = True
        self.wake()

    def close(self) -> None:
        """Close the websocket."""
        self.is_closed = True
        self.wake()

    def _subscribe(self, content: Any) -> None:
        topics = content.get("topics") if isinstance(content, dict) else None
        is_valid = topics == [_CHAT_TOPIC]
        status = "success" if is_valid else "failure"
        self._send({"topic": "aws/subscribe", "content": {"status": status, "topics": topics}})
        if is_valid:
            with self._lock:
                self._is_subscribed = True
                self._messages += self._early_messages
                self._early_messages.clear()

    def _send(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._messages.append(json.dumps(message))


class Websockets:
    """The open websockets, and the tickets for others."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tickets: dict[str, Ticket] = {}
        self._open: list[Websocket] = []

    def create_ticket(self, participant: Participant, now: datetime) -> tuple[str, datetime]:
        """Return a new ticket, and the time from which it is not valid.

        Args:
            participant: The participant.
            now: The current time.
        """
        ticket, expires_at = secrets.token_hex(32), now + _limits.WEBSOCKET_LIFETIME
        with self._lock:
            # Older tickets expire first, unless the clock was reset.
            for oldest in list(self._tickets):
                if now < self._tickets[oldest].expires_at:
                    break
                del self._tickets[oldest]
            self._tickets[ticket] = Ticket(participant, expires_at)
        return ticket, expires_at

    def find_participant(self, ticket: str, now: datetime) -> Participant | None:
        """Return the participant of a ticket, or None if the ticket is not valid."""
        found = self._tickets.get(ticket)
        return found.participant if found and now < found.expires_at else None

    def open(
        self, participant: Participant, *, queues_before_subscription: bool
    ) -> Websocket | None:
        """Open a websocket, or return None if the participant has as many as are allowed."""
        with self._lock:
            others = [w for w in self._open if w.participant is participant]
            if len(others) >= _limits.WEBSOCKETS_PER_PARTICIPANT:
                return None
            websocket = Websocket(
                participant, queues_before_subscription=queues_before_subscription
            )
            self._open.append(websocket)
            return websocket

    def release(self, websocket: Websocket) -> None:
        """Remove a websocket that has ended."""
        with self._lock, suppress(ValueError):
            self._open.remove(websocket)

    def publish(self, event: ChatEvent, *, returns_own_typing: bool) -> None:
        """Queue an event for the participants of its chat.

        Args:
            event: The event.
            returns_own_typing: Whether a participant receives the participant's own typing events.
        """
        with self._lock:
            websockets = [w for w in self._open if w.participant.chat is event.chat]
        if not websockets:
            return
        item, content_type = event.item, event.item.get("ContentType")
        text = json.dumps(
            {
                "topic": _CHAT_TOPIC,
                "contentType": "application/json",
                "content": json.dumps(item),
            }
        )
        for websocket in websockets:
            participant = websocket.participant
            is_own = item.get("ParticipantId") == participant.participant_id
            if content_type == _TYPING and is_own and not returns_own_typing:
                continue
            if participant.disconnected and content_type not in _LAST_EVENTS:
                continue
            websocket.push(text)

    def reset_oldest(self, pop_fault: Callable[[], object | None]) -> None:
        """Reset open websockets, the oldest first, as long as there are faults.

        Args:
            pop_fault: Removes and returns the next fault, or returns None.
        """
        with self._lock:
            while self._open and pop_fault():
                self._open.pop(0).reset()

    def close_all(self) -> None:
        """Close all websockets."""
        with self._lock:
            websockets, self._open = self._open, []
            self._tickets.clear()
        for websocket in websockets:
            websocket.close()
