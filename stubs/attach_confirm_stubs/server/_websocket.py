"""Transport the messages of a websocket over a connection."""

from __future__ import annotations

import logging
import selectors
import socket
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request as HandshakeRequest
from websockets.protocol import State
from websockets.server import ServerProtocol

from attach_confirm_stubs.fake._http import Response

if TYPE_CHECKING:
    from attach_confirm_stubs.fake._websocket_responses import WebsocketSession
    from attach_confirm_stubs.server._connection import Connection

_MAX_READ = 64 * 1024
# A selector cannot wait for years.
_MAX_WAIT_SECONDS = 3600.0
# websockets logs each request, and the URL contains a ticket.
_LOGGER = logging.Logger("attach_confirm_stubs.websocket", logging.CRITICAL + 1)  # noqa: LOG001


def accept(head: bytes) -> ServerProtocol | Response:
    """Return the protocol after a handshake, or the response to an invalid one.

    Args:
        head: The head of the request.
    """
    protocol = ServerProtocol(logger=_LOGGER)
    protocol.receive_data(head)
    requests = [e for e in protocol.events_received() if isinstance(e, HandshakeRequest)]
    if not requests:
        return Response(400, {"content-type": "text/plain"}, b"The handshake is malformed.\n")
    response = protocol.accept(requests[0])
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        headers = {"content-type": "text/plain"}
        return Response(response.status_code, headers, bytes(response.body or b""))
    protocol.send_response(response)
    return protocol


class WebsocketHandler:
    """Transports the messages of one websocket.

    Args:
        connection: The connection.
        protocol: The protocol after the handshake.
        session: The websocket.
    """

    def __init__(
        self, connection: Connection, protocol: ServerProtocol, session: WebsocketSession
    ) -> None:
        self._connection = connection
        self._protocol = protocol
        self._session = session
        self._fragments = b""
        self._deadline: float | None = None

    def handle(self, received: bytes) -> None:
        """Transport messages until the websocket ends.

        Args:
            received: What the client has sent after the handshake.

        Raises:
            OSError: The client is gone.
        """
        receiver, sender = socket.socketpair()
        with receiver, sender, selectors.DefaultSelector() as selector:
            receiver.setblocking(False)
            sender.setblocking(False)
            selector.register(self._connection, selectors.EVENT_READ)
            selector.register(receiver, selectors.EVENT_READ)

            def wake() -> None:
                # If the buffer is full, the thread will wake anyway.
                with suppress(OSError):
                    sender.send(b"\0")

            self._session.start(wake)
            try:
                self._receive(received)
                while self._exchange():
                    selector.select(self._seconds_to_wait())
                    with suppress(BlockingIOError):
                        receiver.recv(_MAX_READ)
            finally:
                self._session.stop()

    def _exchange(self) -> bool:
        """Receive and send what there is, and return whether the websocket is still open."""
        websocket = self._session.websocket
        is_connected = self._receive_available()
        self._next_poll_seconds = self._session.poll()
        if websocket.is_reset:
            self._connection.reset()
            return False
        if self._protocol.state is State.OPEN:
            for text in websocket.take():
                self._protocol.send_text(text.encode())
            if websocket.is_closed:
                self._protocol.send_close(CloseCode.GOING_AWAY)
        self._send()
        if self._protocol.close_expected() and self._deadline is None:
            self._deadline = time.monotonic() + self._connection.timeout
        is_late = self._deadline is not None and time.monotonic() >= self._deadline
        return is_connected and not is_late

    def _seconds_to_wait(self) -> float:
        waits = [_MAX_WAIT_SECONDS]
        if self._next_poll_seconds is not None:
            waits.append(self._next_poll_seconds)
        if self._deadline is not None:
            waits.append(max(0.0, self._deadline - time.monotonic()))
        return min(waits)

    def _receive_available(self) -> bool:
        """Process what the client has sent, and return False at the end of the connection."""
        while (data := self._connection.receive_available(_MAX_READ)) is not None:
            if not data:
                self._protocol.receive_eof()
                return False
            self._receive(data)
        return True

    def _receive(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in {
                Opcode.TEXT,
                Opcode.BINARY,
                Opcode.CONT,
            }:
                self._fragments += event.data
                if event.fin:
                    text, self._fragments = self._fragments.decode("utf-8", "replace"), b""
                    self._session.websocket.receive(text)

    def _send(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._connection.send(data)
            else:
                self._connection.end()
