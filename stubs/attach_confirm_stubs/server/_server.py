"""Serve the fake over HTTP, for clients in any language."""

from __future__ import annotations

import socket
import sys
from contextlib import contextmanager, suppress
from functools import cached_property
from http.server import HTTPServer, ThreadingHTTPServer
from threading import TIMEOUT_MAX, Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from botocore.config import Config

import attach_confirm
from attach_confirm_stubs._session import shared_session
from attach_confirm_stubs.fake._handle import FakeConnectParticipant
from attach_confirm_stubs.fake.models import reset_all
from attach_confirm_stubs.fake.responses import DEFAULT_REGION
from attach_confirm_stubs.server._handler import RequestHandler
from attach_confirm_stubs.server._router import Router

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_connectparticipant.client import ConnectParticipantClient

_WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class Server(ThreadingHTTPServer):
    """An HTTP server with one thread per connection.

    Args:
        host: Name or address to bind.
        port: Port to bind; 0 picks a free one.

    Attributes:
        router: Dispatches the requests.
        url: Base URL of the server.

    Raises:
        OSError: `host` cannot be resolved, or the port is in use.
        ValueError: `host` is empty.
    """

    allow_reuse_port = False
    daemon_threads = False
    request_queue_size = 128
    timeout = 1.0

    def __init__(self, host: str, port: int) -> None:
        # A socket bound to an empty host accepts connections on every interface.
        if not host:
            raise ValueError("host must not be empty")
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, str(error)) from None
        self.address_family, _, _, _, address = addresses[0]
        self.router = Router(host)
        self._stopping = Event()
        self._lock = Lock()
        self._connections: set[Any] = set()
        # typeshed has no IPv6 addresses here.
        super().__init__(address, RequestHandler)  # type: ignore[arg-type]
        client_host = _WILDCARD_HOSTS.get(host, host)
        netloc = f"[{client_host}]" if ":" in client_host else client_host
        self.url = f"http://{netloc}:{self.server_port}"
        self._accept_thread = Thread(target=self._accept, name="connectparticipant", daemon=True)

    def server_bind(self) -> None:
        """Bind the socket, without HTTPServer's reverse DNS look-up."""
        super(HTTPServer, self).server_bind()
        self._address = self.server_name, self.server_port = self.socket.getsockname()[:2]

    def start(self) -> None:
        """Accept connections in a background thread."""
        self._accept_thread.start()

    def stop(self) -> None:
        """Close all connections and wait for all threads to end."""
        self._stopping.set()
        with suppress(OSError):
            socket.create_connection(self._address, self.timeout).close()
        self._accept_thread.join()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def sleep_or_stop(self, seconds: float) -> None:
        """Sleep for a number of seconds, or until the server stops."""
        self._stopping.wait(min(seconds, TIMEOUT_MAX))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in a new thread, and record it for `stop`."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Handle the requests of a connection."""
        RequestHandler(request, client_address, self, router=self.router, sleep=self.sleep_or_stop)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        super().shutdown_request(request)
        with self._lock:
            self._connections.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore client disconnects; log other errors without request data."""
        del request, client_address
        exception_type, _, _ = sys.exc_info()
        if exception_type is not None and not issubclass(exception_type, OSError):
            print(  # noqa: T201
                f"attach_confirm_stubs: internal error: {exception_type.__name__}", file=sys.stderr
            )

    def _accept(self) -> None:
        while not self._stopping.is_set():
            self.handle_request()


class ConnectParticipantServer(FakeConnectParticipant):
    """A handle for one region of the fake service that is served over HTTP.

    Attributes:
        endpoint_url: Endpoint URL for clients.
        region_name: Name of the region.
    """

    def __init__(self, endpoint_url: str, region_name: str = DEFAULT_REGION) -> None:
        super().__init__(region_name)
        self.endpoint_url = endpoint_url

    @cached_property
    def client(self) -> ConnectParticipantClient:
        """A client of the server, like those of `attach_confirm.client`. Its retries do sleep."""
        options: Any = {"proxies": {}}
        return attach_confirm.client(
            self.region_name,
            session=shared_session(),
            config=Config(**options),
            endpoint_url=self.endpoint_url,
            verify=True,
        )


@contextmanager
def serve_connectparticipant(
    host: str = "127.0.0.1", port: int = 0, *, region_name: str = DEFAULT_REGION
) -> Iterator[ConnectParticipantServer]:
    """Serve the fake over HTTP while a `with` block or a decorated function runs.

    Delays take real time; `clock.advance` adds to it. The server handles all regions and does not
    need `mock_aws`. All servers in a process share one state, which is deleted when a server starts
    and when it stops, so run one server at a time.

    The endpoint also has a dashboard at `/`, and under `/_fake/` an admin API for tests in other
    languages; see `attach_confirm_stubs.server._admin_api`. Both accept only the host names
    `localhost` and `host`, and IP addresses.

    Args:
        host: Name or address to bind. Anyone who can reach it has full control of the fake.
        port: Port to bind; 0 picks a free one.
        region_name: Region of the handle.

    Returns:
        A context manager that returns the handle.

    Raises:
        OSError: `host` cannot be resolved, or the port is in use.
        ValueError: `host` is empty.
    """
    server = Server(host, port)
    handle = ConnectParticipantServer(server.url, region_name)
    reset_all()
    server.start()
    try:
        yield handle
    finally:
        if "client" in vars(handle):
            handle.client.close()
        server.stop()
        reset_all()
