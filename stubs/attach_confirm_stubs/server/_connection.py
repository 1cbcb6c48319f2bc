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
_MAX_TUNNEL_HEAD = 8192
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

    def start(
        self,
        tls_context: Callable[[], ssl.SSLContext],
        is_tunnel_allowed: Callable[[str], bool] | None = None,
    ) -> None:
        """Wait for the first byte, and do a TLS handshake if it starts one.

        Args:
            tls_context: Returns the context for the handshake.
            is_tunnel_allowed: Whether a client that uses the server as its HTTP proxy may connect
                to a host, which the server is then as well. By default no client may.

        Raises:
            OSError: The client has closed the connection, the handshake failed, or the client may
                not connect to a host.
        """
        self._socket.settimeout(self.timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        first = self._socket.recv(1, socket.MSG_PEEK)
        if is_tunnel_allowed and first == b"C":
            self._open_tunnel(is_tunnel_allowed)
            first = self._socket.recv(1, socket.MSG_PEEK)
        if first != _TLS_HANDSHAKE:
            return
        # wrap_socket() moves the file descriptor, which `abort` must not miss.
        with self._lock:
            wrapped = tls_context().wrap_socket(
                self._socket, server_side=True, do_handshake_on_connect=False
            )
            self._socket = wrapped
        wrapped.do_handshake()
        self.scheme = "https"

    def _open_tunnel(self, is_tunnel_allowed: Callable[[str], bool]) -> None:
        """Respond to a CONNECT request.

        Raises:
            OSError: The client has closed the connection, or may not connect to the host.
        """
        head = b""
        # What follows belongs to the TLS handshake.
        while not head.endswith(b"\r\n\r\n"):
            data = self._socket.recv(1)
            if not data or len(head) > _MAX_TUNNEL_HEAD:
                raise ConnectionAbortedError
            head += data
        target = head.partition(b" ")[2].partition(b" ")[0]
        if not is_tunnel_allowed(target.decode("latin-1").rpartition(":")[0]):
            self._socket.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            raise ConnectionAbortedError
        self._socket.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

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
