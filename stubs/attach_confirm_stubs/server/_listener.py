"""Accept connections, plain or TLS, and handle each of them in its own thread."""

from __future__ import annotations

import selectors
import socket
import sys
from contextlib import ExitStack
from threading import TIMEOUT_MAX, Event, Lock, Thread
from typing import TYPE_CHECKING

from attach_confirm_stubs.fake import _clock
from attach_confirm_stubs.server._certificates import Certificates
from attach_confirm_stubs.server._connection import Connection
from attach_confirm_stubs.server._handler import RequestHandler

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from attach_confirm_stubs.fake._http import Request, Response

_WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
_BACKLOG = 128
# After a failure to accept, for example because the process has too many open files.
_RETRY_SECONDS = 0.05


class Server:
    """A server with one thread per connection, for HTTP and HTTPS on the same port.

    The port is bound at once. Connections are accepted between `start` and `stop`.

    Args:
        host: Name or address to bind. IPv4 is preferred if a name has addresses of both kinds.
        port: Port to bind; 0 picks a free one.
        tls: Whether the server's URL, and the URLs in responses, begin with https. Otherwise they
            begin with https in responses to requests over TLS only.

    Attributes:
        url: Base URL of the server.
        port: The port that the server is bound to.
        certificates: The server's certificates.

    Raises:
        OSError: `host` cannot be resolved, or the port is in use.
        ValueError: `host` is empty.
    """

    def __init__(self, host: str, port: int, *, tls: bool = False) -> None:
        # A socket bound to an empty host accepts connections on every interface.
        if not host:
            raise ValueError("host must not be empty")
        self._listener = _bind(host, port)
        client_host = _WILDCARD_HOSTS.get(host, host)
        netloc = f"[{client_host}]" if ":" in client_host else client_host
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{netloc}:{self.port}"
        names = {client_host, "localhost", "127.0.0.1", "::1"}
        self.certificates = Certificates(*sorted(names))
        self._tls = tls
        self._stopping = Event()
        self._lock = Lock()
        self._connections: set[Connection] = set()
        self._threads: list[Thread] = []
        self._accept_thread: Thread | None = None

    def start(
        self,
        dispatch: Callable[[Request], Response],
        *,
        is_tunnel_allowed: Callable[[str], bool] | None = None,
    ) -> None:
        """Accept connections in a background thread.

        Args:
            dispatch: Returns the response to a request. It is called in the connections' threads.
            is_tunnel_allowed: See `Connection.start`.
        """
        self._dispatch = dispatch
        self._is_tunnel_allowed = is_tunnel_allowed
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._accept_thread = Thread(target=self._accept, name="connectparticipant", daemon=True)
        self._accept_thread.start()

    def stop(self) -> None:
        """Close all connections and wait for all threads to end."""
        self._stopping.set()
        if self._accept_thread:
            self._wake_sender.close()
            self._accept_thread.join()
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.abort()
        for thread in self._threads:
            thread.join()

    def sleep_or_stop(self, seconds: float) -> None:
        """Sleep for a number of seconds, or until the server stops."""
        self._stopping.wait(min(seconds, TIMEOUT_MAX))

    def delay_response(self, seconds: float) -> None:
        """Delay a response, or only advance the clock if sleeps are skipped."""
        if _clock.clock.skips_sleeps:
            _clock.clock.advance(seconds)
        else:
            self.sleep_or_stop(seconds)

    def _accept(self) -> None:
        with self._wake_receiver, selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wake_receiver, selectors.EVENT_READ)
            while selector.select() and not self._stopping.is_set():
                try:
                    accepted, _ = self._listener.accept()
                except OSError:
                    self._stopping.wait(_RETRY_SECONDS)
                    continue
                self._start_thread(Connection(accepted))

    def _start_thread(self, connection: Connection) -> None:
        thread = Thread(target=self._handle, args=(connection,), daemon=True)
        with self._lock:
            self._connections.add(connection)
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        try:
            thread.start()
        except RuntimeError:
            # The process cannot start more threads at the moment.
            self._close(connection)
        else:
            self._threads.append(thread)

    def _handle(self, connection: Connection) -> None:
        with ExitStack() as stack:
            stack.callback(self._close, connection)
            stack.push(_report_error)
            connection.start(self.certificates.context, self._is_tunnel_allowed)
            handler = RequestHandler(
                connection, self._dispatch, self.delay_response, https_urls=self._tls
            )
            handler.handle()

    def _close(self, connection: Connection) -> None:
        connection.close()
        with self._lock:
            self._connections.discard(connection)


def _bind(host: str, port: int) -> socket.socket:
    """Return a listening socket."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from None
    # Browsers and chatjs expect a server on "localhost" at 127.0.0.1.
    family, _, _, _, address = min(addresses, key=lambda address: address[0] != socket.AF_INET)
    try:
        listener = socket.create_server(
            address,
            family=family,
            backlog=_BACKLOG,
            dualstack_ipv6=family == socket.AF_INET6 and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        # create_server() appends the address to the message.
        raise OSError(error.errno, str(error.strerror).partition(" (while")[0]) from None
    listener.setblocking(False)
    return listener


def _report_error(
    exception_type: type[BaseException] | None,
    exception: BaseException | None,
    traceback: TracebackType | None,
) -> bool:
    """Ignore disconnected clients. Print other errors without request data."""
    del exception, traceback
    if exception_type and not issubclass(exception_type, OSError):
        name = exception_type.__name__
        print(f"attach_confirm_stubs: internal error: {name}", file=sys.stderr)  # noqa: T201
    return True
