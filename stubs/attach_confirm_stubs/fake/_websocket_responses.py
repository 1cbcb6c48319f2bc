"""Handle the requests with which clients open websockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from attach_confirm_stubs.fake import _wakeups, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake._http import Request, Response, json_response
from attach_confirm_stubs.fake._operations import WEBSOCKET
from attach_confirm_stubs.fake.models import all_backends

if TYPE_CHECKING:
    from collections.abc import Callable

    from attach_confirm_stubs.fake.models import ConnectParticipantBackend
    from attach_confirm_stubs.fake.models._entities import Participant
    from attach_confirm_stubs.fake.models._websockets import Websocket


class WebsocketSession:
    """An open websocket, as its transport sees it.

    Args:
        backend: The backend of the chat.
        websocket: The websocket.

    Attributes:
        websocket: The websocket.
    """

    def __init__(self, backend: ConnectParticipantBackend, websocket: Websocket) -> None:
        self._backend = backend
        self.websocket = websocket

    def start(self, wake: Callable[[], object]) -> None:
        """Begin to call a function when the transport must call `poll` or take messages.

        Args:
            wake: The function. It is called from any thread, and must not wait.
        """
        self._wake = wake
        self.websocket.attach(wake)
        _wakeups.add(wake)

    def poll(self) -> float | None:
        """Apply what is due, and return the seconds until `poll` must be called again, or None."""
        self._backend.reset_websockets()
        due_at = self._backend.next_verdict_at()
        return None if due_at is None else max(0.0, (due_at - clock.now()).total_seconds())

    def stop(self) -> None:
        """End the websocket, which must have been started."""
        _wakeups.remove(self._wake)
        self.websocket.attach(None)
        self._backend.controls.websockets.release(self.websocket)


@dataclass(frozen=True, slots=True)
class Upgrade(Response):
    """The response that opens a websocket. The transport adds the headers of the handshake.

    Attributes:
        session: The open websocket. The transport must call its `start` and `stop`.
    """

    session: WebsocketSession = field(kw_only=True)


def open_websocket(request: Request) -> Response:
    """Return the response to a websocket handshake.

    Raises:
        exceptions.ResponseNotDelivered: An injected fault resets the connection.
    """
    if request.headers.get("upgrade", "").lower() != "websocket":
        return Response(426, {"upgrade": "websocket", "content-type": "text/plain"})
    ticket = parse_qs(urlsplit(request.url).query).get("ticket", [""])[0]
    found = _find_ticket(ticket)
    if found is None:
        return _error(403, "Forbidden")
    backend, participant = found
    backend.reset_websockets()
    fault = backend.faults.pop(WEBSOCKET)
    if fault:
        raise exceptions.ResponseNotDelivered(fault)
    websocket = backend.open_websocket(participant)
    if websocket is None:
        return _error(backend.assumptions.too_many_websockets, "Too many websockets")
    return Upgrade(101, {}, session=WebsocketSession(backend, websocket))


def _find_ticket(ticket: str) -> tuple[ConnectParticipantBackend, Participant] | None:
    """Return the backend and the participant of a ticket, or None if it is not valid."""
    for backend in all_backends():
        participant = backend.controls.websockets.find_participant(ticket, clock.now())
        if participant and participant.chat.contact_id in backend.chats:
            return (backend, participant) if participant.is_active(clock.now()) else None
    return None


def _error(status: int, message: str) -> Response:
    return json_response(f'{{"message": "{message}"}}', status=status)
