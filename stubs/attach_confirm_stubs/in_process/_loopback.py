"""The server that receives what HTTP and websocket libraries send to AWS."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest
from moto.core.botocore_stubber import BotocoreStubber

from attach_confirm_stubs.fake import _patterns
from attach_confirm_stubs.fake._http import Response
from attach_confirm_stubs.server import _router
from attach_confirm_stubs.server._listener import Server

if TYPE_CHECKING:
    from attach_confirm_stubs.fake._http import Request
    from attach_confirm_stubs.in_process._attempts import UnservedAttempts

_HOST = "127.0.0.1"
_EARLY_PROXY_CLIENT = "An HTTP client with a proxy from before the block"
# The server sends its own.
_CONNECTION_HEADERS = {"connection", "date", "transfer-encoding"}


class LoopbackServer:
    """A server on loopback, which starts when it is needed, in each process anew.

    Args:
        attempts: Receives requests that cannot be served.
    """

    def __init__(self, attempts: UnservedAttempts) -> None:
        self._attempts = attempts
        # By process ID: a forked process has a copy of these, but not the threads of the servers.
        self._locks: dict[int, Lock] = {}
        self._servers: dict[int, Server] = {}

    def start(self) -> Server:
        """Return the server, which the first call starts.

        Raises:
            OSError: The server cannot be started.
        """
        pid = os.getpid()
        with self._locks.setdefault(pid, Lock()):
            if pid not in self._servers:
                server = Server(_HOST, 0)
                server.start(self._dispatch, is_tunnel_allowed=self._is_tunnel_allowed)
                self._servers[pid] = server
            return self._servers[pid]

    def stop(self) -> None:
        """Stop the server if this process has started it."""
        server = self._servers.get(os.getpid())
        if server is not None:
            server.stop()

    def is_peer(self, address: object) -> bool:
        """Return whether an address is that of the server."""
        return any(address == (_HOST, server.port) for server in list(self._servers.values()))

    def _is_tunnel_allowed(self, host: str) -> bool:
        """Return whether a client may connect to a host through the environment's proxy."""
        name = host.lower().rstrip(".")
        if _patterns.is_aws_host(name) and _patterns.is_served_host(name):
            return True
        self._attempts.add(f"{_EARLY_PROXY_CLIENT} called {name}")
        return False

    def _dispatch(self, request: Request) -> Response:
        if _patterns.is_fake_url(request.url):
            return _router.dispatch(request)
        host = _patterns.host_of(request.url)
        if not _patterns.is_aws_host(host):
            return self._reject(f"{_EARLY_PROXY_CLIENT} called {host}")
        return self._dispatch_to_moto(request)

    def _reject(self, description: str) -> Response:
        message = self._attempts.add(description)
        return Response(501, {"content-type": "text/plain"}, f"{message}\n".encode())

    def _dispatch_to_moto(self, request: Request) -> Response:
        create_request: Any = AWSPreparedRequest
        response: Any = None
        # moto does not know the domains of all partitions.
        for url in dict.fromkeys([request.url, _patterns.with_default_domain(request.url)]):
            prepared = create_request(
                request.method, url, dict(request.headers), request.body, False
            )
            response = response or BotocoreStubber().process_request(prepared)
        if response is None:
            host = _patterns.host_of(request.url)
            return self._reject(f"An HTTP library called {host}, which moto does not serve")
        status, headers, body = response
        data: bytes = body if isinstance(body, bytes) else str(body).encode()
        if request.method != "HEAD":
            headers = {**headers, "content-length": str(len(data))}
        lowered = {name.lower(): str(value) for name, value in headers.items()}
        kept = {name: value for name, value in lowered.items() if name not in _CONNECTION_HEADERS}
        return Response(int(status), kept, data)
