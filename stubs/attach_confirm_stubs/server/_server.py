"""The fake over HTTP, for any client in any language."""

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

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class Server(ThreadingHTTPServer):
    """A listening socket, and a thread for each connection to it.

    Attributes:
        router: Where the requests go.
        url: Where it is reached.
    """

    allow_reuse_port = False
    daemon_threads = False
    request_queue_size = 128
    timeout = 1.0

    def __init__(self, host: str, port: int) -> None:
        if not host:
            raise ValueError("host is empty, which would be every address of the machine")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, str(error)) from None
        self.address_family, _, _, _, address = found[0]
        self.router = Router(host)
        self._stopping = Event()
        self._lock = Lock()
        self._open: set[Any] = set()
        super().__init__(address, RequestHandler)  # type: ignore[arg-type]
        reached = _WILDCARDS.get(host, host)
        self.url = f"http://{f'[{reached}]' if ':' in reached else reached}:{self.server_port}"
        self._accepting = Thread(target=self._accept, name="connectparticipant", daemon=True)

    def server_bind(self) -> None:
        """Bind the socket, without asking the network for the machine's name."""
        super(HTTPServer, self).server_bind()
        self._address = self.server_name, self.server_port = self.socket.getsockname()[:2]

    def start(self) -> None:
        """Serve, in threads."""
        self._accepting.start()

    def stop(self) -> None:
        """End every connection, and wait until no thread is left."""
        self._stopping.set()
        with suppress(OSError):
            socket.create_connection(self._address, self.timeout).close()
        self._accepting.join()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def wait(self, seconds: float) -> None:
        """Let seconds pass, unless it stops before."""
        self._stopping.wait(min(seconds, TIMEOUT_MAX))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, and know of it."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        super().shutdown_request(request)
        with self._lock:
            self._open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where the client went away, and where the fake is wrong not what it held."""
        del request, client_address
        kind, _, _ = sys.exc_info()
        if kind is not None and not issubclass(kind, OSError):
            print(f"attach_confirm_stubs: the fake failed: {kind.__name__}", file=sys.stderr)  # noqa: T201

    def _accept(self) -> None:
        while not self._stopping.is_set():
            self.handle_request()


class ConnectParticipantServer(FakeConnectParticipant):
    """A handle on the fake service in one region, which is served over HTTP.

    Attributes:
        endpoint_url: Where it is served: what a client takes as its endpoint.
        region_name: The region.
    """

    def __init__(self, endpoint_url: str, region_name: str = DEFAULT_REGION) -> None:
        super().__init__(region_name)
        self.endpoint_url = endpoint_url

    @cached_property
    def client(self) -> ConnectParticipantClient:
        """A client of the server, as `attach_confirm.client` makes them. Its pauses are real."""
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
    """Run a block, or as a decorator a function, while the fake is served over HTTP.

    Time is real: what waits does wait, besides what the clock is advanced by. It is served for
    all regions at once, and no `mock_aws` is needed. There is one state in a process, so serve
    it once at a time; it is forgotten at the start and at the end.

    At the endpoint there are also a page for people, at `/`, and under `/_fake/` what the handle
    has, for callers in other languages; see `attach_confirm_stubs.server._admin_api`. Both serve
    only the names `localhost` and `host`, and to addresses.

    Args:
        host: The name or address to listen at. Anybody who reaches it can do anything with
            the fake.
        port: The port; 0 takes a free one.
        region_name: The region that the handle looks at.

    Returns:
        A context manager that gives the handle.

    Raises:
        OSError: The host is not known, or the port is taken.
        ValueError: `host` is empty.
    """
    server = Server(host, port)
    served = ConnectParticipantServer(server.url, region_name)
    reset_all()
    server.start()
    try:
        yield served
    finally:
        if "client" in vars(served):
            served.client.close()
        server.stop()
        reset_all()
