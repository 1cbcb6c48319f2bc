"""Serve the fake over HTTP or HTTPS, for clients in any language."""

from __future__ import annotations

import socket
import ssl
import sys
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from http.server import HTTPServer, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import TIMEOUT_MAX, Event, Lock, Thread
from typing import TYPE_CHECKING, Any

import trustme
from botocore.config import Config

import attach_confirm
from attach_confirm_stubs._session import shared_session
from attach_confirm_stubs.fake import _clock
from attach_confirm_stubs.fake._handle import FakeConnectParticipant
from attach_confirm_stubs.fake.models import DEFAULT_REGION, reset_all
from attach_confirm_stubs.server._handler import RequestHandler
from attach_confirm_stubs.server._router import Router

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_connectparticipant.client import ConnectParticipantClient

_WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class _TLSSocket(ssl.SSLSocket):
    """The TLS socket of an accepted connection, which the client may have reset already."""

    def getpeername(self) -> Any:
        """Return the client's address, or None after a reset.

        ssl.SSLSocket would raise while it is created, and leave the socket open.
        """
        with suppress(OSError):
            return super().getpeername()
        return None


class Server(ThreadingHTTPServer):
    """An HTTP server with one thread per connection.

    Args:
        host: Name or address to bind.
        port: Port to bind; 0 picks a free one.
        ca_bundle: Path to which to write the certificate of a new certificate authority, or None
            for plain HTTP. The authority issues the server's certificate.

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

    def __init__(self, host: str, port: int, ca_bundle: Path | None = None) -> None:
        # A socket bound to an empty host accepts connections on every interface.
        if not host:
            raise ValueError("host must not be empty")
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, str(error)) from None
        self.address_family, _, _, _, address = addresses[0]
        client_host = _WILDCARD_HOSTS.get(host, host)
        self._tls = _create_tls_context(client_host, ca_bundle) if ca_bundle else None
        self._scheme = "https" if self._tls else "http"
        self.router = Router(host)
        self._stopping = Event()
        self._lock = Lock()
        self._connections: set[Any] = set()
        # typeshed has no IPv6 addresses here.
        super().__init__(address, RequestHandler)  # type: ignore[arg-type]
        netloc = f"[{client_host}]" if ":" in client_host else client_host
        self.url = f"{self._scheme}://{netloc}:{self.server_port}"
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
                # Not SSLSocket.shutdown(), which would make its thread read without TLS.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self.server_close()

    def sleep_or_stop(self, seconds: float) -> None:
        """Sleep for a number of seconds, or until the server stops."""
        self._stopping.wait(min(seconds, TIMEOUT_MAX))

    def delay_response(self, seconds: float) -> None:
        """Delay a response, or only advance the clock if sleeps are skipped."""
        if _clock.clock.skips_sleeps:
            _clock.clock.advance(seconds)
        else:
            self.sleep_or_stop(seconds)

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection.

        The TLS handshake is part of the first read, which is in the connection's thread and has a
        timeout, so that a client that stalls does not block others.
        """
        request, client_address = super().get_request()
        if self._tls:
            request = self._tls.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False
            )
        return request, client_address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in a new thread, and record it for `stop`."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Handle the requests of a connection."""
        RequestHandler(
            request,
            client_address,
            self,
            scheme=self._scheme,
            router=self.router,
            sleep=self.delay_response,
        )

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


def _create_tls_context(host: str, ca_bundle: Path) -> ssl.SSLContext:
    """Create a certificate authority, and return a context with a certificate of it.

    Args:
        host: Name or address of the server. The certificate is also valid for loopback addresses.
        ca_bundle: Path to which the authority's certificate is written.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca_bundle))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.sslsocket_class = _TLSSocket
    names = {host, "localhost", "127.0.0.1", "::1"}
    authority.issue_cert(*sorted(names)).configure_cert(context)
    return context


class ConnectParticipantServer(FakeConnectParticipant):
    """A handle for one region of the fake service that is served over HTTP or HTTPS.

    Attributes:
        endpoint_url: Endpoint URL for clients.
        region_name: Name of the region.
        ca_bundle: Path of the PEM file with which clients verify the server's certificate. None
            without TLS.
    """

    def __init__(
        self,
        endpoint_url: str,
        region_name: str = DEFAULT_REGION,
        *,
        ca_bundle: str | None = None,
    ) -> None:
        super().__init__(region_name)
        self.endpoint_url = endpoint_url
        self.ca_bundle = ca_bundle

    @cached_property
    def client(self) -> ConnectParticipantClient:
        """A client of the server, like those of `attach_confirm.client`.

        Its retries sleep, unless the server was started with `virtual_sleep=True`.
        """
        options: Any = {"proxies": {}}
        return attach_confirm.client(
            self.region_name,
            session=shared_session(),
            config=Config(**options),
            endpoint_url=self.endpoint_url,
            verify=self.ca_bundle or True,
        )


@contextmanager
def serve_connectparticipant(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tls: bool = False,
    virtual_sleep: bool = False,
    region_name: str = DEFAULT_REGION,
) -> Iterator[ConnectParticipantServer]:
    """Serve the fake over HTTP or HTTPS while a `with` block or a decorated function runs.

    By default, delays take real time; `clock.advance` adds to it. The server handles all regions
    and does not need `mock_aws`. All servers in a process share one state, which is deleted when a
    server starts and when it stops, so run one server at a time.

    The endpoint also has a dashboard at `/`, and under `/_fake/` an admin API for tests in other
    languages; see `attach_confirm_stubs.server._admin_api`. Both accept only the host names
    `localhost` and `host`, and IP addresses.

    Args:
        host: Name or address to bind. Anyone who can reach it has full control of the fake.
        port: Port to bind; 0 picks a free one.
        tls: Whether to serve HTTPS instead of HTTP. The certificate is issued by a new authority,
            whose own certificate is in the file `ca_bundle` of the handle until the server stops.
        virtual_sleep: Whether the sleeps of botocore and `attach_confirm` in this process, and the
            server's delays, advance the fake's clock instead. Read timeouts take real time.
        region_name: Region of the handle.

    Returns:
        A context manager that returns the handle.

    Raises:
        OSError: `host` cannot be resolved, or the port is in use.
        ValueError: `host` is empty.
    """
    with ExitStack() as stack:
        ca_bundle = None
        if tls:
            directory = stack.enter_context(TemporaryDirectory(prefix="attach-confirm-"))
            ca_bundle = Path(directory, "ca.pem")
        server = Server(host, port, ca_bundle)
        handle = ConnectParticipantServer(
            server.url, region_name, ca_bundle=str(ca_bundle) if ca_bundle else None
        )
        reset_all(separate_regions=True)
        stack.callback(reset_all)
        server.start()
        stack.callback(server.stop)
        stack.callback(_close_client, handle)
        if virtual_sleep:
            stack.enter_context(_clock.virtual_sleep())
        yield handle


def _close_client(handle: ConnectParticipantServer) -> None:
    if "client" in vars(handle):
        handle.client.close()
