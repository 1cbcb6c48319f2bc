"""One accepted connection: plain or TLS, and the ways to end it."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import time
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK_SIZE = 1024 * 1024

# The first byte of a TLS handshake record. No HTTP method begins with it.
_TLS_HANDSHAKE = b"\x16"
# SO_LINGER with the time 0 makes close() send RST. Winsock's `struct linger` has two shorts.
_LINGER_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Connection:
    """A connection that the server has accepted.

    All methods but `abort` belong to the connection's thread. Methods that read or write raise
    OSError if the client is gone.

    Args:
        accepted: The socket.

    Attributes:
        timeout: Maximum time to wait for the next bytes from the client, in seconds.
        scheme: "https" after a TLS handshake, otherwise "http".
    """

    timeout = 20.0

    def __init__(self, accepted: socket.socket) -> None:
        self._socket = accepted
        self._lock = Lock()
        self.scheme = "http"

    def start(self, tls_context: Callable[[], ssl.SSLContext]) -> None:
        """Wait for the first byte, and do a TLS handshake if it starts one.

        Args:
            tls_context: Returns the context for the handshake.

        Raises:
            OSError: The client has closed the connection, or the handshake failed.
        """
        self._socket.settimeout(self.timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._socket.recv(1, socket.MSG_PEEK) != _TLS_HANDSHAKE:
            return
        # wrap_socket() moves the file descriptor, which `abort` must not miss.
        with self._lock:
            wrapped = tls_context().wrap_socket(
                self._socket, server_side=True, do_handshake_on_connect=False
            )
            self._socket = wrapped
        wrapped.do_handshake()
        self.scheme = "https"

    def receive(self, max_size: int) -> bytes:
        """Return the next bytes, or nothing at the end."""
        return self._socket.recv(max_size)

    def fileno(self) -> int:
        """Return the file descriptor, which selectors need."""
        return self._socket.fileno()

    def receive_available(self, max_size: int) -> bytes | None:
        """Return the next bytes, or nothing at the end, or None if there are none yet.

        With TLS, bytes may be available although the socket is not readable.
        """
        self._socket.settimeout(0)
        try:
            return self._socket.recv(max_size)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        finally:
            self._socket.settimeout(self.timeout)

    def send(self, data: bytes | memoryview) -> None:
        """Send bytes. The timeout applies to the call, so send a large body in blocks."""
        self._socket.sendall(data)

    def discard_rest(self) -> None:
        """Send EOF, and read until the client has closed the connection, or until a timeout.

        Closing a socket with unread data sends RST, and the client may then lose the response.
        """
        self.end()
        deadline = time.monotonic() + self.timeout
        while self._socket.recv(BLOCK_SIZE) and time.monotonic() < deadline:
            pass

    def end(self) -> None:
        """Send EOF."""
        # SSLSocket.shutdown() ends TLS as well: what is read afterwards is still encrypted.
        self._socket.shutdown(socket.SHUT_WR)

    def wait_for_close(self) -> None:
        """Read and ignore data, without a timeout, until the client has closed the connection."""
        self._socket.settimeout(None)
        while self._socket.recv(BLOCK_SIZE):
            pass

    def reset(self) -> None:
        """Close the connection so that the client sees a reset rather than EOF."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self._close()

    def close(self) -> None:
        """Close the connection."""
        with suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_WR)
        self._close()

    def abort(self) -> None:
        """Make the connection's thread see the end of the connection. For any thread."""
        with self._lock, suppress(OSError):
            # Not SSLSocket.shutdown(), which would make the thread read without TLS.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _close(self) -> None:
        with self._lock:
            self._socket.close()
