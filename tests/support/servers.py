"""A server on this machine, for what only a wire can show."""

import ipaddress
import json
import socket
import ssl
import struct
from collections import deque
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import attach_confirm

CONNECTION_TOKEN = "connection-token-" + "c0ffee" * 8
PARTICIPANT_TOKEN = "participant-token-" + "decade" * 8
SIGNATURE = "5ec2e7" * 10 + "beef"


class LoopbackServer(ThreadingHTTPServer):
    """A server on this machine: of the chat's API, and of the pre-signed PUT.

    `puts` are answers to give to PUTs before all others, as a status, or a tuple of status,
    body and headers; or "reset" to cut the connection when half of the body has arrived, or
    "silence" to say nothing until the client hangs up.
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
        """Say nothing about a client that hung up, as one does that mistrusts the certificate."""

    def upload_url(self):
        """Return the pre-signed URL that this server gives out."""
        return (
            f"{self.url}/staging/att-1?X-Amz-Algorithm=AWS4-HMAC-SHA256"
            f"&X-Amz-Security-Token={SIGNATURE[::-1]}&X-Amz-Signature={SIGNATURE}"
        )

    def api(self, path, params):
        """Return what the API answers."""
        expiry = (datetime.now(timezone.utc) + timedelta(seconds=300)).isoformat()
        attachment = {"AttachmentId": "att-1", "Status": "APPROVED"}
        return {
            "/participant/connection": lambda: {
                "ConnectionCredentials": {"ConnectionToken": CONNECTION_TOKEN, "Expiry": expiry}
            },
            "/participant/start-attachment-upload": lambda: {
                "AttachmentId": "att-1",
                "UploadMetadata": {
                    "Url": self.upload_url(),
                    "UrlExpiry": expiry,
                    "HeadersToInclude": {
                        "Content-Length": str(params["AttachmentSizeInBytes"]),
                        "Content-Type": params["ContentType"],
                    },
                },
            },
            "/participant/complete-attachment-upload": dict,
            "/participant/transcript": lambda: {"Transcript": [{"Attachments": [attachment]}]},
        }[path]()


class RequestHandler(BaseHTTPRequestHandler):
    """One request and its answer."""

    server: LoopbackServer
    timeout = 20

    def log_message(self, *_):
        """Keep the test's output to itself."""

    def do_POST(self):
        """Answer for the API."""
        params = json.loads(self.body(int(self.headers["Content-Length"])))
        body = json.dumps(self.server.api(self.path, params)).encode()
        self.answer(200, body, {"x-amzn-RequestId": "req-1", "Content-Type": "application/json"})

    def do_PUT(self):
        """Answer for S3."""
        length = int(self.headers["Content-Length"])
        put = self.server.puts.popleft() if self.server.puts else 200
        if put == "reset":
            self.body(length // 2)
            # Lingering for no time makes the close a reset, which no client takes for an end.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return
        self.body(length)
        if put == "silence":
            self.rfile.read(1)
            return
        self.answer(*((put, b"", {}) if isinstance(put, int) else put))

    def body(self, length):
        """Read and note as much of the body."""
        kept = bytearray()
        left = length
        while left and (chunk := self.rfile.read(min(left, 64 * 1024))):
            left -= len(chunk)
            if self.server.keep_bodies or self.command == "POST":
                kept += chunk
        headers = [(name, value.encode("latin-1")) for name, value in self.headers.items()]
        self.server.requests.append(
            SimpleNamespace(
                method=self.command,
                path=self.path,
                headers=headers,
                length=length - left,
                body=bytes(kept),
            )
        )
        return bytes(kept)

    def answer(self, status, body, headers):
        """Send the answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def start_server():
    """Return a way to start servers on this machine, with TLS if a context is given."""
    with ExitStack() as stack:

        def serve(context=None):
            server = stack.enter_context(LoopbackServer(context))
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return server

        yield serve


@pytest.fixture
def http_server(start_server):
    """Run a server on this machine without TLS."""
    return start_server()


@pytest.fixture
def http_server_client(http_server):
    """Return a client of that server."""
    made = attach_confirm.client("us-west-2", endpoint_url=http_server.url)
    yield made
    made.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Make a certificate authority of nobody's, and a server's and a client's certificate."""
    folder = tmp_path_factory.mktemp("authority")
    now = datetime.now(timezone.utc)

    def certificate(name, issuer=None):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer, signing_key = issuer or (subject, key)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(signer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=not issuer, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(identifier, critical=False)
            .add_extension(authority_id, critical=False)
            .sign(signing_key, hashes.SHA256())
        )
        path = folder / f"{name}.pem"
        path.write_bytes(
            made.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return str(path), (subject, key)

    bundle, issuer = certificate("authority")
    return SimpleNamespace(
        bundle=bundle,
        server=certificate("server", issuer)[0],
        client=certificate("client", issuer)[0],
    )


@pytest.fixture
def https_server(start_server, certificates):
    """Run a server whose certificate only that authority vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    return start_server(context)
