"""HTTP and HTTPS servers on loopback, for tests that need real connections."""

import json
import socket
import ssl
import struct
from collections import deque
from contextlib import ExitStack, closing, suppress
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest

import attach_confirm

CONNECTION_TOKEN = "connection-token-" + "c0ffee" * 8
PARTICIPANT_TOKEN = "participant-token-" + "decade" * 8
SIGNATURE = "5ec2e7" * 10 + "beef"


class LoopbackServer(ThreadingHTTPServer):
    """A loopback server for the service's API and for the presigned PUT.

    Args:
        context: The `ssl.SSLContext` of an HTTPS server; None serves plain HTTP.

    Attributes:
        url: The server's URL, without a path.
        requests: The requests so far: `method`, `path`, `headers`, `length` and `body`.
        puts: Responses to the next PUTs. Each is a status code; a tuple of status code, body and
            headers; "reset" to reset the connection after half of the body; or "silence" to
            send no response. A PUT gets HTTP 200 if the queue is empty.
        keep_bodies: Whether `requests` includes the bodies of PUTs.
    """

    daemon_threads = False
    connection_token = CONNECTION_TOKEN
    participant_token = PARTICIPANT_TOKEN
    signature = SIGNATURE

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), RequestHandler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server_port}"
        self.requests = []
        self.puts = deque()
        self.keep_bodies = True

    def handle_error(self, request, client_address):
        """Ignore disconnects, for example of clients that do not trust the certificate."""

    def upload_url(self):
        """Return the presigned URL of every upload."""
        return (
            f"{self.url}/staging/att-1?X-Amz-Algorithm=AWS4-HMAC-SHA256"
            f"&X-Amz-Security-Token={SIGNATURE[::-1]}&X-Amz-Signature={SIGNATURE}"
        )

    def api_response(self, path, params):
        """Return the response to an API call."""
        expiry = (datetime.now(timezone.utc) + timedelta(seconds=300)).isoformat()
        match path:
            case "/participant/connection":
                credentials = {"ConnectionToken": CONNECTION_TOKEN, "Expiry": expiry}
                return {"ConnectionCredentials": credentials}
            case "/participant/start-attachment-upload":
                headers = {
                    "Content-Length": str(params["AttachmentSizeInBytes"]),
                    "Content-Type": params["ContentType"],
                }
                metadata = {
                    "Url": self.upload_url(),
                    "UrlExpiry": expiry,
                    "HeadersToInclude": headers,
                }
                return {"AttachmentId": "att-1", "UploadMetadata": metadata}
            case "/participant/complete-attachment-upload":
                return {}
            case "/participant/transcript":
                attachment = {"AttachmentId": "att-1", "Status": "APPROVED"}
                return {"Transcript": [{"Attachments": [attachment]}]}
        raise ValueError(path)


class RequestHandler(BaseHTTPRequestHandler):
    """Handles one connection of a `LoopbackServer`."""

    server: LoopbackServer
    # A server of HTTP/1.0 does not send `100 Continue`, and the client would wait for it.
    protocol_version = "HTTP/1.1"
    timeout = 20

    def log_message(self, *_):
        """Keep the access log out of the test's output."""

    def do_POST(self):
        """Handle an API call."""
        params = json.loads(self.read_body(int(self.headers["Content-Length"])))
        body = json.dumps(self.server.api_response(self.path, params)).encode()
        self.respond(200, body, {"x-amzn-RequestId": "req-1", "Content-Type": "application/json"})

    def do_PUT(self):
        """Handle an upload."""
        self.close_connection = True
        length = int(self.headers["Content-Length"])
        response = self.server.puts.popleft() if self.server.puts else 200
        if response == "reset":
            self.read_body(length // 2)
            # SO_LINGER 0 makes close() send RST, so that clients see a reset rather than EOF.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return
        self.read_body(length)
        if response == "silence":
            self.rfile.read(1)
            return
        if isinstance(response, int):
            response = (response, b"", {"ETag": '"1"'})
        self.respond(*response)

    def read_body(self, length):
        """Read this many bytes, record the request and return its body."""
        body = bytearray()
        remaining = length
        while remaining and (chunk := self.rfile.read(min(remaining, 64 * 1024))):
            remaining -= len(chunk)
            if self.server.keep_bodies or self.command == "POST":
                body += chunk
        headers = [(name, value.encode("latin-1")) for name, value in self.headers.items()]
        self.server.requests.append(
            SimpleNamespace(
                method=self.command,
                path=self.path,
                headers=headers,
                length=length - remaining,
                body=bytes(body),
            )
        )
        return bytes(body)

    def respond(self, status_code, body, headers):
        """Send a response."""
        self.send_response(status_code)
        all_headers = {"Content-Length": str(len(body)), "Connection": "close", **headers}
        for name, value in all_headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def start_server():
    """Return a function that starts a loopback server, with TLS if it gets an SSL context."""
    with ExitStack() as stack:

        def start(context=None):
            server = stack.enter_context(LoopbackServer(context))
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return server

        yield start


@pytest.fixture
def http_server(start_server):
    """Start a loopback server without TLS."""
    return start_server()


@pytest.fixture
def http_server_client(http_server):
    """Return a client of `http_server`."""
    client = attach_confirm.client("us-west-2", endpoint_url=http_server.url)
    yield client
    client.close()


@pytest.fixture
def https_server(start_server, tls_context):
    """Start a loopback server whose certificate only `certificates.bundle` verifies."""
    return start_server(tls_context)


@pytest.fixture
def tcp_server():
    """Return a function that runs a handler for each connection to a new loopback socket.

    With an SSL context, the handler gets a connection whose handshake is complete. The function
    returns the server's URL.
    """
    with ExitStack() as stack:

        def start(handle, context=None):
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def accept():
                while True:
                    try:
                        connection, _ = server.accept()
                    except OSError:
                        return
                    thread = Thread(target=run, args=(connection,))
                    thread.start()
                    stack.callback(thread.join)

            def run(connection):
                connection.settimeout(20)
                # A reset discards what waits to be sent.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                # A client that gives up breaks the connection.
                with suppress(OSError):
                    if context:
                        connection = context.wrap_socket(connection, server_side=True)
                    with closing(connection):
                        handle(connection)
                connection.close()

            accept_thread = Thread(target=accept)
            accept_thread.start()
            stack.callback(accept_thread.join)
            stack.callback(server.shutdown, socket.SHUT_RDWR)
            return f"{'https' if context else 'http'}://127.0.0.1:{server.getsockname()[1]}"

        yield start


@pytest.fixture
def tls_context(certificates):
    """Return the SSL context of a server whose certificate only `certificates.bundle` verifies."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    return context


def reset(connection):
    """Close a connection with RST.

    Args:
        connection: A socket.
    """
    # SO_LINGER 0 makes close() send RST, so that clients see a reset rather than EOF.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
