"""`download` saves an attachment completely, or does not leave a partial file."""

import copy
import errno
import io
import json
import logging
import os
import pickle
import signal
import socket
import ssl
import struct
import subprocess
import sys
import textwrap
import tracemalloc
from collections import deque
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, Event, Thread
from types import SimpleNamespace

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from hypothesis import given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import (
    Download,
    DownloadFailedError,
    InvalidInputError,
    UnexpectedResponseError,
)
from attach_confirm_stubs import fake_connectparticipant, serve_connectparticipant

TOKEN = "connection-token-" + "c0ffee" * 8
SIGNATURE = "5ec2e7" * 10
BLOCK_SIZE = 128 * 1024
GET_ATTACHMENT = "connectparticipant.GetAttachment"
GET_OBJECT = "s3.GetObject"
EXPIRED = b"<Error><Code>AccessDenied</Code><Message>%s</Message>%s</Error>"
REQUEST_EXPIRED = EXPIRED % (b"Request has expired", b"<Expires>2026-11-24T08:00:00Z</Expires>")


class ObjectServer(ThreadingHTTPServer):
    """A loopback server for GetAttachment and the presigned GET.

    Args:
        context: The `ssl.SSLContext` of an HTTPS server; None serves plain HTTP.

    Attributes:
        url: The server's URL, without a path.
        data: The body of a GET without a scripted response.
        attachment: Members of the response to GetAttachment that differ from the default.
        responses: Functions that respond to the next GETs; each gets the request handler.
        requests: The requests so far: `method`, `path` and `headers`.
        stalled: Set when a response stalls; `released` ends the stall.
    """

    daemon_threads = False
    request_queue_size = 32

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), ObjectHandler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server_port}"
        self.data = b"abc"
        self.attachment = {}
        self.responses = deque()
        self.requests = []
        self.stalled, self.released = Event(), Event()

    def handle_error(self, request, client_address):
        """Ignore disconnects."""

    def methods(self):
        """Return the methods of the requests."""
        return [request.method for request in self.requests]


class ObjectHandler(BaseHTTPRequestHandler):
    """Handles one connection of an `ObjectServer`."""

    timeout = 20

    def log_message(self, *_):
        """Keep the access log out of the test's output."""

    def record(self):
        self.server.requests.append(
            SimpleNamespace(method=self.command, path=self.path, headers=self.headers)
        )

    def do_POST(self):
        self.record()
        params = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        members = {
            "Url": f"{self.server.url}/final/att-1?X-Amz-Signature={SIGNATURE}",
            "UrlExpiry": "2026-11-24T08:00:00.000Z",
            "AttachmentSizeInBytes": len(self.server.data),
            **self.server.attachment,
        }
        assert params.keys() == {"AttachmentId"}
        body = json.dumps(members).encode()
        self.respond(200, body, {"x-amzn-RequestId": "1", "Content-Type": "application/json"})

    def do_GET(self):
        self.record()
        response = self.server.responses.popleft() if self.server.responses else respond()
        response(self)

    def respond(self, status_code, body, headers):
        self.send_response(status_code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def respond(status_code=200, body=None, headers=None):
    """Return a function that responds with the server's data or another body."""

    def run(handler):
        default_headers = {"ETag": '"1"', "Content-Type": "text/plain"}
        data = handler.server.data if body is None else body
        handler.respond(status_code, data, {**default_headers, **(headers or {})})

    return run


def truncate(size, *, resets=False, headers=None):
    """Return a function that closes the connection after a number of bytes of the body."""

    def run(handler):
        data = handler.server.data
        handler.respond(200, data[:size], {"Content-Length": str(len(data)), **(headers or {})})
        if resets:
            # SO_LINGER 0 makes close() send RST instead of FIN.
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    return run


def stall(size):
    """Return a function that sends a number of bytes of the body and then stops sending."""

    def run(handler):
        data = handler.server.data
        handler.respond(200, data[:size], {"Content-Length": str(len(data))})
        handler.wfile.flush()
        handler.server.stalled.set()
        handler.server.released.wait(20)

    return run


def send_slowly(handler, status_code=200):
    """Send one byte at a time, until the client closes the connection."""
    handler.respond(status_code, b"", {"Content-Length": str(len(handler.server.data))})
    for byte in handler.server.data:
        handler.wfile.write(bytes([byte]))
        handler.server.released.wait(0.02)


def close_without_response(handler):
    """Close the connection without a response."""
    handler.close_connection = True


@pytest.fixture
def start_object_server():
    """Return a function that starts an `ObjectServer`."""
    servers = []

    def start(context=None):
        server = ObjectServer(context)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return server

    yield start
    for server, thread in servers:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server(start_object_server):
    """Start a server without TLS; `server.client` is its client."""
    server = start_object_server()
    server.client = make_client(server)
    return server


def make_client(server, **kwargs):
    """Return a client of a server whose API calls are not retried."""
    options = {"connect_timeout": 5, "read_timeout": 5, "retries": {"total_max_attempts": 1}}
    config = Config(**{**options, **kwargs.pop("options", {})})
    return attach_confirm.client("us-west-2", endpoint_url=server.url, config=config, **kwargs)


@pytest.fixture
def client(server):
    """Return the client of the server without TLS."""
    return server.client


@pytest.fixture(params=["http", "https"])
def any_server(request, start_object_server, certificates):
    """Start a server with and without TLS; `server.client` is its client."""
    context = None
    if request.param == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.server)
    server = start_object_server(context)
    server.client = make_client(server, verify=certificates.bundle)
    return server


@pytest.fixture
def folder(tmp_path):
    """Return an empty directory."""
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def download(client, target, **kwargs):
    """Download the server's attachment."""
    return attach_confirm.download(client, "att-1", TOKEN, target, **kwargs)


def fail(client, target, error_type=DownloadFailedError, **kwargs):
    """Download the server's attachment, and return the error."""
    with pytest.raises(error_type) as raised:
        download(client, target, **kwargs)
    assert raised.value.attachment_id == "att-1"
    return raised.value


class TestResult:
    def test_directory_gets_file_with_sent_name(self, any_server, folder):
        any_server.data = os.urandom(3 * BLOCK_SIZE + 1)
        headers = {"Content-Disposition": 'attachment; filename="a b.pdf"'}
        any_server.responses.append(respond(headers={**headers, "Content-Type": "application/pdf"}))
        result = download(any_server.client, folder)
        assert result == Download(
            attachment_id="att-1",
            path=folder / "a b.pdf",
            name="a b.pdf",
            size=3 * BLOCK_SIZE + 1,
            content_type="application/pdf",
            attempts=1,
        )
        assert result.path.read_bytes() == any_server.data
        assert list(folder.iterdir()) == [result.path]
        assert any_server.methods() == ["POST", "GET"]

    def test_path_is_written(self, server, client, folder):
        headers = {"Content-Disposition": 'attachment; filename="../a.pdf"', "Content-Type": None}
        server.responses.append(respond(headers=headers))
        result = download(client, str(folder / "b.pdf"))
        assert (result.path, result.name) == (folder / "b.pdf", "a.pdf")
        assert result.content_type is None
        assert result.path.read_bytes() == b"abc"

    def test_binary_file_is_written(self, client):
        file = io.BytesIO()
        result = download(client, file)
        assert (result.path, result.size) == (None, 3)
        assert file.getvalue() == b"abc"

    @pytest.mark.parametrize(
        ("attachment_id", "header", "name"),
        [
            ("att-1", None, "att-1"),
            ("att-1", "attachment", "att-1"),
            ("att-1", 'attachment; filename=".."', "att-1"),
            ("a/b:c", None, "b_c"),
            ("...", None, "attachment"),
        ],
    )
    def test_missing_name_is_replaced_by_attachment_id(
        self, server, folder, attachment_id, header, name
    ):
        server.responses.append(respond(headers={"Content-Disposition": header}))
        result = attach_confirm.download(server.client, attachment_id, TOKEN, folder)
        assert (result.path, result.name) == (folder / name, name)

    def test_existing_file_is_not_overwritten(self, server, client, folder):
        names = []
        for data in (b"abc", b"def"):
            server.data = data
            result = download(client, folder)
            names.append((result.path.name, result.name, result.path.read_bytes()))
        assert names == [("att-1", "att-1", b"abc"), ("att-1 (1)", "att-1", b"def")]

    def test_concurrent_downloads_into_one_directory(self, client, folder):
        count = 8
        barrier = Barrier(count)
        paths = []

        def run():
            paths.append(download(client, folder, callback=lambda _: barrier.wait(20)).path)

        threads = [Thread(target=run) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expected = {"att-1", *(f"att-1 ({number})" for number in range(1, count))}
        assert {path.name for path in paths} == expected
        assert {path.name for path in folder.iterdir()} == expected
        assert all(path.read_bytes() == b"abc" for path in paths)

    def test_callback_gets_the_number_of_bytes(self, server, client, folder):
        server.data = os.urandom(2 * BLOCK_SIZE + 1)
        counts = []
        download(client, folder, callback=counts.append)
        assert counts == [BLOCK_SIZE, BLOCK_SIZE, 1]

    def test_memory_does_not_grow_with_the_size(self, server, client, folder):
        server.data = bytes(8 * 1024 * 1024)
        download(client, folder)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            download(client, folder)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak - before < 1024 * 1024

    @given(name=st.text(max_size=300))
    def test_any_name_stays_in_the_directory(self, client, scripted_responses, tmp_path, name):
        folder = tmp_path / "names"
        folder.mkdir(exist_ok=True)
        members = {"Url": "http://bucket.example/final", "AttachmentSizeInBytes": 3}
        scripted_responses(client, GET_ATTACHMENT, (200, members, {}))
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        scripted_responses(client, GET_OBJECT, (200, b"abc", headers))
        before = set(tmp_path.iterdir())
        path = download(client, folder).path
        assert list(folder.iterdir()) == [path]
        assert set(tmp_path.iterdir()) == before
        path.unlink()


class TestRequest:
    def test_get_request_is_minimal(self, server, client, folder):
        """The URL's query is sent as it is, and nothing may compress the bytes."""
        server.attachment = {"Url": f"{server.url}/a%2Fb//c?X-Amz-Signature=5%2F&b=%20+"}
        download(client, folder)
        get_attachment, get_object = server.requests
        assert get_attachment.headers["X-Amz-Bearer"] == TOKEN
        assert get_object.path == "/a%2Fb//c?X-Amz-Signature=5%2F&b=%20+"
        assert get_object.headers["Accept-Encoding"] == "identity"
        assert "X-Amz-Bearer" not in get_object.headers
        assert "Expect" not in get_object.headers
        assert "Authorization" not in get_object.headers

    def test_content_encoding_is_not_decoded(self, server, client, folder):
        server.data = b"\x1f\x8b not gzip"
        server.responses.append(respond(headers={"Content-Encoding": "gzip"}))
        assert download(client, folder).path.read_bytes() == server.data

    def test_response_without_content_length(self, any_server, folder):
        any_server.data = os.urandom(BLOCK_SIZE + 1)
        any_server.responses.append(respond(headers={"Content-Length": None}))
        assert download(any_server.client, folder).path.read_bytes() == any_server.data

    def test_informational_responses_are_skipped(self, server, client, folder):
        def run(handler):
            handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            respond()(handler)

        server.responses.append(run)
        assert download(client, folder).attempts == 1

    def test_before_send_handler_responds(self, client, scripted_responses, folder):
        """This is how moto and test doubles respond."""
        members = {"Url": "http://bucket.example/final", "AttachmentSizeInBytes": 300_000}
        scripted_responses(client, GET_ATTACHMENT, (200, members, {}))
        data = os.urandom(300_000)
        headers = {"content-disposition": "attachment; filename=a.pdf"}
        requests = scripted_responses(client, GET_OBJECT, (200, data, headers))
        result = download(client, folder)
        assert result.name == "a.pdf"
        assert result.path.read_bytes() == data
        (request,) = requests
        assert (request.method, request.url) == ("GET", "http://bucket.example/final")
        assert request.headers == {"Accept-Encoding": "identity"}

    def test_proxy_is_used(self, server, folder):
        server.attachment = {"Url": "http://bucket.example/final?X-Amz-Signature=5eed"}
        client = make_client(server, options={"proxies": {"http": server.url}})
        download(client, folder)
        assert server.requests[-1].path == "http://bucket.example/final?X-Amz-Signature=5eed"

    @pytest.mark.parametrize(
        ("attachment", "reason"),
        [
            ({"Url": None}, "missing Url"),
            ({"AttachmentSizeInBytes": None}, "missing AttachmentSizeInBytes"),
            ({"AttachmentSizeInBytes": -1}, "invalid AttachmentSizeInBytes: -1"),
            ({"AttachmentSizeInBytes": 2**63}, f"invalid AttachmentSizeInBytes: {2**63}"),
            ({"Url": "http://"}, "the presigned URL is malformed"),
            ({"Url": "http:///a?X-Amz-Signature=5eed"}, "the presigned URL is malformed"),
            ({"Url": "http://[/a?X-Amz-Signature=5eed"}, "the presigned URL is malformed"),
            ({"Url": "ftp://bucket.example/a"}, "the presigned URL is not https"),
            ({"Url": "file:///etc/passwd"}, "the presigned URL is not https"),
        ],
    )
    def test_unexpected_response_of_get_attachment(
        self, server, client, folder, attachment, reason
    ):
        server.attachment = attachment
        error = fail(client, folder, UnexpectedResponseError)
        assert (error.operation, error.reason) == ("GetAttachment", reason)
        assert server.methods() == ["POST"]
        assert list(folder.iterdir()) == []

    def test_url_must_be_https_if_the_endpoint_is(self, scripted_responses, folder):
        client = attach_confirm.client("us-west-2")
        members = {"Url": "http://bucket.example/final", "AttachmentSizeInBytes": 3}
        scripted_responses(client, GET_ATTACHMENT, (200, members, {}))
        requests = scripted_responses(client, GET_OBJECT, (200, b"abc", {}))
        error = fail(client, folder, UnexpectedResponseError)
        assert error.reason == "the presigned URL is not https"
        assert requests == []

    def test_error_of_get_attachment_propagates(self, client, scripted_responses, folder):
        body = {"__type": "AccessDeniedException", "message": "Access denied"}
        scripted_responses(client, GET_ATTACHMENT, (403, body, {}))
        error = fail(client, folder, ClientError)
        assert error.operation_name == "GetAttachment"
        assert pickle.loads(pickle.dumps(error)).attachment_id == "att-1"
        assert list(folder.iterdir()) == []


class TestLostConnection:
    """Each attempt starts at the first byte."""

    @pytest.mark.parametrize("resets", [False, True], ids=["fin", "rst"])
    def test_connection_ends_at_every_block(self, any_server, folder, resets):
        any_server.data = data = os.urandom(2 * BLOCK_SIZE + 7)
        edges = range(0, len(data), BLOCK_SIZE)
        sizes = {size for edge in edges for size in (edge - 1, edge, edge + 1) if size >= 0}
        for size in sorted({*sizes, len(data) - 1}):
            any_server.responses.append(truncate(size, resets=resets))
            counts = []
            result = download(any_server.client, folder, callback=counts.append)
            assert result.path.read_bytes() == data
            assert result.attempts == 2
            assert sum(counts) == len(data)
            # A reset may overtake bytes that were sent before it.
            assert all(-count <= size for count in counts if count < 0)
            result.path.unlink()
            assert list(folder.iterdir()) == []

    def test_nine_attempts_of_ten_fail(self, any_server, folder, sleeps):
        any_server.data = os.urandom(BLOCK_SIZE)
        any_server.responses.extend(
            [truncate(1000), truncate(0, resets=True), close_without_response] * 3
        )
        result = download(any_server.client, folder)
        assert result.attempts == 10
        assert result.path.read_bytes() == any_server.data
        assert any_server.methods() == ["POST", *["GET"] * 10]
        backoffs = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
        assert all(
            backoff <= delay <= backoff + 0.5
            for backoff, delay in zip(backoffs, sleeps, strict=True)
        )
        assert sleeps != backoffs

    def test_gives_up_after_15_attempts(self, any_server, folder, sleeps):
        any_server.data = bytes(1000)
        any_server.responses.extend([truncate(100)] * 20)
        error = fail(any_server.client, folder)
        assert len(any_server.requests) == 16
        assert len(sleeps) == 14
        assert error.reason == "the connection was lost after 100 of 1000 bytes"
        assert (error.status_code, error.error_code, error.retryable) == (200, None, True)
        assert list(folder.iterdir()) == []

    def test_body_without_content_length_ends_early(self, any_server, folder):
        any_server.data = bytes(1000)
        any_server.responses.append(truncate(999, headers={"Content-Length": None}))
        assert download(any_server.client, folder).attempts == 2

    def test_chunked_body_ends_early(self, server, client, folder):
        def run(handler):
            headers = {"Content-Length": None, "Transfer-Encoding": "chunked"}
            handler.protocol_version = "HTTP/1.1"
            handler.close_connection = True
            handler.respond(200, b"2\r\nab\r\n", headers)

        server.responses.append(run)
        result = download(client, folder)
        assert (result.attempts, result.path.read_bytes()) == (2, b"abc")

    def test_truncated_response_from_handler_is_retried(self, client, scripted_responses, folder):
        members = {"Url": "http://bucket.example/final", "AttachmentSizeInBytes": 3}
        scripted_responses(client, GET_ATTACHMENT, (200, members, {}))
        scripted_responses(
            client, GET_OBJECT, (200, b"ab", {"Content-Length": "3"}), (200, b"abc", {})
        )
        assert download(client, folder).attempts == 2

    def test_stalled_response_is_retried(self, server, folder):
        client = make_client(server, options={"read_timeout": 0.2})
        server.data = bytes(1000)
        server.responses.append(stall(500))
        assert download(client, folder).attempts == 2

    def test_refused_connection_raises(self, client, scripted_responses, folder):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            url = f"http://127.0.0.1:{unused.getsockname()[1]}/final"
        members = {"Url": f"{url}?X-Amz-Signature=5eed", "AttachmentSizeInBytes": 3}
        scripted_responses(client, GET_ATTACHMENT, (200, members, {}))
        error = fail(client, folder)
        assert error.reason == f'Could not connect to the endpoint URL: "{url}?<redacted>"'
        assert isinstance(error.__cause__, EndpointConnectionError)
        assert (error.status_code, error.retryable) == (None, True)

    @pytest.mark.parametrize(
        "error",
        [
            ReadTimeoutError(endpoint_url="http://bucket.example/?X-Amz-Signature=5eed"),
            ConnectionClosedError(endpoint_url="http://bucket.example/?X-Amz-Signature=5eed"),
            ProxyConnectionError(proxy_url="http://proxy.example", error="refused"),
        ],
    )
    def test_connection_error_from_handler_is_retried(
        self, client, scripted_responses, folder, error
    ):
        members = {"Url": "http://bucket.example/final", "AttachmentSizeInBytes": 3}
        scripted_responses(client, GET_ATTACHMENT, (200, members, {}))
        scripted_responses(client, GET_OBJECT, error, (200, b"abc", {}))
        assert download(client, folder).attempts == 2

    def test_untrusted_certificate_raises(self, start_object_server, certificates, folder, sleeps):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.server)
        https_server = start_object_server(context)
        http_server = start_object_server()
        http_server.attachment = {"Url": f"{https_server.url}/final?X-Amz-Signature=5eed"}
        error = fail(make_client(http_server), folder, SSLError)
        assert "5eed" not in str(error)
        assert sleeps == []

    def test_error_that_a_retry_cannot_change(self, client, scripted_responses, folder, sleeps):
        members = {"Url": "http://bucket.example/final", "AttachmentSizeInBytes": 3}
        scripted_responses(client, GET_ATTACHMENT, (200, members, {}))
        error = HTTPClientError(error="invalid header, X-Amz-Signature")
        scripted_responses(client, GET_OBJECT, error)
        fail(client, folder, HTTPClientError)
        assert sleeps == []


class TestErrorResponse:
    @pytest.mark.parametrize(
        "response",
        [
            (408, b""),
            (429, b"<html>"),
            (500, b"<Error><Code>InternalError</Code></Error>"),
            (503, b"<Error><Code>SlowDown</Code></Error>"),
            (507, b""),
            (599, b""),
            (400, b"<Error><Code>RequestTimeout</Code></Error>"),
        ],
    )
    def test_is_retried(self, server, folder, sleeps, response):
        server.responses.append(respond(*response))
        result = download(server.client, folder)
        assert (result.attempts, result.path.read_bytes()) == (2, b"abc")
        assert server.methods() == ["POST", "GET", "GET"]
        assert len(sleeps) == 1

    @pytest.mark.parametrize(
        ("status_code", "body", "error_code"),
        [
            (403, b"<Error><Code>AccessDenied</Code></Error>", "AccessDenied"),
            (403, EXPIRED % (b"Access Denied", b""), "AccessDenied"),
            (403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", "SignatureDoesNotMatch"),
            (404, b"<Error><Code>NoSuchKey</Code></Error>", "NoSuchKey"),
            (404, b"<html>", None),
            (400, b"<?xml version='1.0' encoding='x'?><Error/>", None),
            (401, b"<Error><Code></Code></Error>", None),
            (204, b"", None),
            (206, b"ab", None),
            (416, b"", None),
        ],
    )
    def test_is_not_retried(self, server, folder, status_code, body, error_code):
        server.responses.append(respond(status_code, body))
        error = fail(server.client, folder)
        assert (error.status_code, error.error_code) == (status_code, error_code)
        assert not error.retryable
        assert error.reason == f"HTTP {status_code}, {error_code or 'no error code'}"
        assert server.methods() == ["POST", "GET"]
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize("status_code", [301, 302, 303, 307, 308])
    def test_redirect_is_not_followed(self, server, client, folder, status_code):
        headers = {"Location": f"{server.url}/elsewhere"}
        server.responses.append(respond(status_code, b"", headers))
        assert fail(client, folder).status_code == status_code
        assert server.methods() == ["POST", "GET"]

    def test_last_error_is_raised(self, server, client, folder):
        server.responses.extend([respond(503, b"<Error><Code>SlowDown</Code></Error>")] * 15)
        error = fail(client, folder)
        assert (error.status_code, error.error_code, error.retryable) == (503, "SlowDown", True)

    def test_truncated_error_response_is_retried(self, client, scripted_responses, folder):
        members = {"Url": "http://bucket.example/final", "AttachmentSizeInBytes": 3}
        scripted_responses(client, GET_ATTACHMENT, (200, members, {}))
        truncated = (403, b"<Error><Code>Requ", {"Content-Length": "300"})
        scripted_responses(client, GET_OBJECT, truncated, (200, b"abc", {}))
        assert download(client, folder).attempts == 2
        scripted_responses(client, GET_OBJECT, truncated)
        error = fail(client, folder)
        assert error.args == ("att-1", "truncated error response", 403, None, True)

    def test_large_error_response_is_read_completely(self, server, client, folder):
        code = "A" * 200_000
        server.responses.append(respond(404, f"<Error><Code>{code}</Code></Error>".encode()))
        assert fail(client, folder).error_code == code

    def test_error_response_without_end_is_not_read(self, server, client, folder):
        def send_many_bytes(handler):
            handler.respond(403, b"", {"Content-Length": str(1000 * BLOCK_SIZE)})
            for _ in range(1000):
                handler.wfile.write(bytes(BLOCK_SIZE))
            server.stalled.set()

        server.responses.append(send_many_bytes)
        error = fail(client, folder)
        assert (error.status_code, error.error_code, error.retryable) == (403, None, False)
        assert not server.stalled.wait(0.1)

    @pytest.mark.parametrize(
        ("status_code", "body"),
        [
            (403, REQUEST_EXPIRED),
            (403, EXPIRED % (b"Request has expired", b"")),
            (400, b"<Error><Code>ExpiredToken</Code></Error>"),
            (403, b"<Error><Code>RequestExpired</Code></Error>"),
        ],
    )
    def test_expired_url_is_replaced(self, server, client, folder, status_code, body):
        server.responses.append(respond(status_code, body))
        result = download(client, folder)
        assert (result.attempts, result.path.read_bytes()) == (2, b"abc")
        assert server.methods() == ["POST", "GET", "POST", "GET"]

    def test_url_expires_between_two_attempts(self, server, client, folder):
        server.data = bytes(100)
        server.responses.extend([truncate(50), respond(403, REQUEST_EXPIRED), truncate(50)])
        assert download(client, folder).attempts == 4
        assert server.methods() == ["POST", "GET", "GET", "POST", "GET", "GET"]

    def test_url_is_always_expired(self, server, client, folder):
        """Otherwise a wrong clock would keep the loop going."""
        server.responses.extend([respond(403, REQUEST_EXPIRED)] * 20)
        error = fail(client, folder)
        assert error.reason == "the presigned URL has expired"
        assert (error.status_code, error.error_code, error.retryable) == (403, "AccessDenied", True)
        assert server.methods() == ["POST", "GET"] * 15

    def test_size_of_the_new_url_counts(self, server, client, folder):
        def expire(handler):
            server.data = b"abc"
            respond(403, REQUEST_EXPIRED)(handler)

        server.data = bytes(1000)
        server.responses.append(expire)
        result = download(client, folder)
        assert (result.size, result.path.read_bytes()) == (3, b"abc")


class TestSize:
    @pytest.mark.parametrize("size", [2, 4])
    def test_wrong_content_length_raises(self, server, client, folder, size):
        """A response of S3 will have the same size the next time."""
        server.attachment = {"AttachmentSizeInBytes": size}
        error = fail(client, folder)
        assert error.reason == f"the response has 3 bytes, but the attachment has {size}"
        assert (error.status_code, error.retryable) == (200, False)
        assert server.methods() == ["POST", "GET"]
        assert list(folder.iterdir()) == []

    def test_too_long_body_without_content_length_raises(self, server, client, folder):
        server.attachment = {"AttachmentSizeInBytes": 2}
        server.responses.append(respond(headers={"Content-Length": None}))
        error = fail(client, folder)
        assert error.reason == "the response has more than 2 bytes, but the attachment has 2"
        assert (error.status_code, error.retryable) == (200, False)
        assert server.methods() == ["POST", "GET"]
        assert list(folder.iterdir()) == []

    def test_page_of_a_proxy_is_retried(self, server, client, folder):
        headers = {"ETag": None, "Content-Type": "text/html"}
        server.responses.append(respond(body=b"<html>Sign in</html>", headers=headers))
        result = download(client, folder)
        assert (result.attempts, result.path.read_bytes()) == (2, b"abc")

    @pytest.mark.parametrize("name", ["etag", "X-Amz-Request-Id"])
    def test_s3_is_recognized_by_its_headers(self, server, client, folder, name):
        server.attachment = {"AttachmentSizeInBytes": 4}
        server.responses.append(respond(headers={"ETag": None, name: "1"}))
        assert not fail(client, folder).retryable

    def test_too_many_bytes_are_not_written(self, server, client):
        """A target that cannot seek would keep them."""
        server.data = bytes(10)
        server.attachment = {"AttachmentSizeInBytes": 4}
        server.responses.append(respond(headers={"Content-Length": None}))
        counts = []
        fail(client, io.BytesIO(), callback=counts.append)
        assert sum(counts) == 0

    def test_empty_attachment_is_written(self, server, client, folder):
        server.data = b""
        result = download(client, folder, max_bytes=0)
        assert (result.size, result.path.read_bytes()) == (0, b"")

    def test_attachment_above_max_bytes_is_not_requested(self, server, client, folder):
        assert download(client, folder, max_bytes=3).size == 3
        del server.requests[:]
        error = fail(client, folder / "b", max_bytes=2)
        assert error.reason == "has 3 bytes, more than max_bytes=2"
        assert not error.retryable
        assert server.methods() == ["POST"]
        assert not (folder / "b").exists()

    def test_response_above_max_bytes_raises(self, server, client, folder):
        """The declared size is within the limit, and the response is not."""
        server.data = bytes(10)
        server.attachment = {"AttachmentSizeInBytes": 2}
        fail(client, folder, max_bytes=2)
        assert list(folder.iterdir()) == []


class TestTimeout:
    def test_no_attempt_starts_after_the_deadline(self, server, client, folder, sleeps):
        server.responses.extend([respond(503, b"")] * 15)
        error = fail(client, folder, timeout=5)
        assert error.reason == "timed out after 5 seconds"
        assert (error.status_code, error.retryable) == (None, True)
        assert error.__cause__.status_code == 503
        assert 2 <= len(sleeps) <= 3
        assert sum(sleeps) < 5
        assert len(server.requests) == 2 + len(sleeps)
        assert list(folder.iterdir()) == []

    def test_delay_that_ends_at_the_deadline(self, server, client, folder, sleeps, monkeypatch):
        monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: 100.0)
        monkeypatch.setattr("random.uniform", lambda *_: 0.0)
        server.responses.append(respond(503, b""))
        assert fail(client, folder, timeout=0.5).__cause__.status_code == 503
        assert sleeps == []

    def test_timeout_of_zero_sends_nothing(self, server, client, folder):
        assert fail(client, folder, timeout=0).reason == "timed out after 0 seconds"
        assert server.requests == []

    def test_deadline_during_get_attachment(self, server, folder, sleeps):
        """The retries of botocore end as well."""
        client = make_client(server, options={"retries": {"total_max_attempts": 10}})
        events = []

        def respond_with_error(request, **_):
            events.append(request)
            response = SimpleNamespace(stream=lambda **_: iter([b"{}"]))
            return AWSResponse(request.url, 500, {"Content-Type": "application/json"}, response)

        client.meta.events.register_first(f"before-send.{GET_ATTACHMENT}", respond_with_error)
        error = fail(client, folder, timeout=0.001)
        assert error.reason == "timed out after 0.001 seconds"
        assert len(events) <= 1
        assert sleeps == []

    def test_deadline_between_two_blocks(self, any_server, folder):
        """A slow server sends each byte within the read timeout."""
        any_server.data = bytes(100_000)
        any_server.responses.append(send_slowly)
        counts = []
        error = fail(any_server.client, folder, timeout=0.5, callback=counts.append)
        assert error.reason == "timed out after 0.5 seconds"
        assert error.retryable
        assert counts
        assert list(folder.iterdir()) == []

    def test_deadline_during_error_response(self, any_server, folder):
        any_server.data = bytes(1000)
        any_server.responses.append(partial(send_slowly, status_code=403))
        error = fail(any_server.client, folder, timeout=0.5)
        assert error.reason == "timed out after 0.5 seconds"
        assert error.retryable

    def test_deadline_before_get_of_empty_attachment(self, server, client, folder, monkeypatch):
        """A GET that is not sent cannot return the last byte."""
        server.data = b""
        now = [0.0]
        monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: now[0])
        client.meta.events.register(
            f"after-call.{GET_ATTACHMENT}", lambda **_: now.append(now.pop() + 60)
        )
        error = fail(client, folder, timeout=50)
        assert error.reason == "timed out after 50 seconds"
        assert server.methods() == ["POST"]

    def test_deadline_after_the_last_byte(self, client, folder, monkeypatch):
        """A complete file is not thrown away."""
        now = iter([0.0, *[1.0] * 10])
        last = []

        def monotonic():
            return last[0] if last else next(now)

        monkeypatch.setattr("attach_confirm._clock.monotonic", monotonic)
        result = download(client, folder, timeout=50, callback=lambda _: last.append(100.0))
        assert result.path.read_bytes() == b"abc"

    def test_timeout_with_complete_download(self, any_server, folder):
        any_server.data = os.urandom(3 * BLOCK_SIZE)
        assert download(any_server.client, folder, timeout=60).path.read_bytes() == any_server.data


class TestTarget:
    def test_binary_file_is_rewound_before_a_retry(self, server, client):
        server.data = os.urandom(1000)
        server.responses.append(truncate(500))
        file = io.BytesIO(b"before")
        file.seek(6)
        assert download(client, file).attempts == 2
        assert file.getvalue() == b"before" + server.data

    def test_binary_file_is_rewound_after_an_error(self, server, client):
        server.data = bytes(1000)
        server.responses.extend([truncate(500)] * 15)
        file = io.BytesIO(b"before")
        file.seek(6)
        assert fail(client, file).retryable
        assert (file.getvalue(), file.tell()) == (b"before", 6)

    def test_non_seekable_file_is_not_retried(self, server, client, sleeps):
        """Retrying would write the first bytes twice."""
        server.data = bytes(1000)
        server.responses.append(truncate(500))
        reader, writer = os.pipe()
        with open(reader, "rb") as source, open(writer, "wb", buffering=0) as file:  # noqa: PTH123
            error = fail(client, file)
            file.close()
            assert source.read() == bytes(500)
        assert error.reason == (
            "the connection was lost after 500 of 1000 bytes; the target cannot seek, so the"
            " download cannot start again"
        )
        assert (error.status_code, error.retryable) == (200, False)
        assert isinstance(error.__cause__, ConnectionClosedError)
        assert sleeps == []

    def test_non_seekable_file_is_retried_before_first_byte(self, server, client):
        server.responses.extend([respond(503, b""), close_without_response, truncate(0)])
        reader, writer = os.pipe()
        with open(reader, "rb") as source, open(writer, "wb") as file:  # noqa: PTH123
            assert download(client, file).attempts == 4
            file.close()
            assert source.read() == b"abc"

    def test_non_seekable_file_at_deadline_is_not_retryable(self, server, client):
        server.data = bytes(100_000)
        server.responses.append(send_slowly)
        reader, writer = os.pipe()
        with open(reader, "rb"), open(writer, "wb") as file:  # noqa: PTH123
            assert not fail(client, file, timeout=0.3).retryable

    def test_full_disk_raises_oserror(self, server, client):
        with open("/dev/full", "wb", buffering=0) as file:  # noqa: PTH123
            error = fail(client, file, OSError)
        assert error.errno == errno.ENOSPC
        assert server.methods() == ["POST", "GET"]

    def test_full_disk_is_detected_before_get(self, server, client, folder, monkeypatch):
        def raise_error(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("os.posix_fallocate", raise_error)
        fail(client, folder, OSError)
        assert server.methods() == ["POST"]
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize(
        "error",
        [
            KeyboardInterrupt(),
            BrokenPipeError(),
            ReadTimeoutError(endpoint_url="http://other.example"),
            DownloadFailedError("att-2", "another download", retryable=True),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_callback_error_propagates(self, server, client, folder, error):
        """An error of the caller's own code is not taken for one of the connection."""

        def callback(_):
            raise error

        assert fail(client, folder, type(error), callback=callback) is error
        assert list(folder.iterdir()) == []
        assert server.methods() == ["POST", "GET"]

    def test_file_error_propagates(self, server, client):
        class File:
            def write(self, _):
                raise ConnectionClosedError(endpoint_url="http://other.example")

        fail(client, File(), ConnectionClosedError)
        assert server.methods() == ["POST", "GET"]

    def test_killed_process_leaves_no_file_under_the_name(self, server, folder):
        server.data = bytes(3 * BLOCK_SIZE)
        server.responses.append(stall(2 * BLOCK_SIZE + 5))
        script = """
            import sys, attach_confirm
            client = attach_confirm.client("us-west-2", endpoint_url=sys.argv[1])
            attach_confirm.download(client, "att-1", sys.argv[2], sys.argv[3])
        """
        path = folder / "a.pdf"
        path.write_bytes(b"before")
        arguments = [server.url, TOKEN, str(path)]
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), *arguments])
        try:
            assert server.stalled.wait(60)
        finally:
            process.kill()
        assert process.wait() == -signal.SIGKILL
        assert path.read_bytes() == b"before"
        (temporary_path,) = set(folder.iterdir()) - {path}
        assert temporary_path.name.startswith(".attach-confirm-")


class TestInvalidInput:
    @pytest.mark.parametrize(
        ("arguments", "parameter"),
        [
            ({"attachment_id": ""}, "attachment_id"),
            ({"attachment_id": "a" * 257}, "attachment_id"),
            ({"connection_token": "a b"}, "connection_token"),
            ({"max_bytes": -1}, "max_bytes"),
            ({"max_bytes": True}, "max_bytes"),
            ({"max_bytes": 1.5}, "max_bytes"),
            ({"timeout": -1}, "timeout"),
            ({"timeout": float("inf")}, "timeout"),
            ({"target": 1}, "target"),
        ],
    )
    def test_invalid_argument_is_rejected(self, server, client, folder, arguments, parameter):
        valid = {"attachment_id": "att-1", "connection_token": TOKEN, "target": folder}
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.download(client, **{**valid, **arguments})
        assert raised.value.parameter == parameter
        assert raised.value.attachment_id == arguments.get("attachment_id", "att-1")
        assert server.requests == []

    def test_invalid_max_bytes_message(self, client, folder):
        error = "max_bytes: must be a whole number of bytes, 0 or more, or None, not -1"
        with pytest.raises(InvalidInputError) as raised:
            download(client, folder, max_bytes=-1)
        assert str(raised.value) == error

    def test_client_of_other_service_is_rejected(self, folder):
        client = boto3.client("s3", region_name="us-west-2")
        with pytest.raises(InvalidInputError, match="cannot call GetAttachment"):
            download(client, folder)


class TestLog:
    def test_steps_and_retries_are_logged(self, server, client, folder, caplog):
        caplog.set_level(logging.INFO, "attach_confirm")
        server.responses.append(respond(503, b"<Error><Code>SlowDown</Code></Error>"))
        download(client, folder)
        messages = [(record.levelname, record.getMessage()) for record in caplog.records]
        (retry, done) = [message for message in messages if "GetAttachment" not in message[1]]
        assert retry[0] == "WARNING"
        assert retry[1].startswith("download: attempt 1 failed, retrying in ")
        assert retry[1].endswith(" s: HTTP 503, SlowDown")
        assert done == ("INFO", "download: attachment att-1: received 3 bytes, attempts: 2")

    def test_log_and_error_have_no_secrets(self, any_server, folder, caplog):
        """urllib3 logs the URL of a response with malformed headers."""

        def malformed(handler):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 3\r\n\r\n")

        caplog.set_level(logging.DEBUG)
        any_server.responses.extend(
            [close_without_response, malformed, respond(403, b""), respond()]
        )
        error = fail(any_server.client, folder)
        chain = [error, error.__cause__, error.__context__]
        texts = [caplog.text, *map(repr, chain), *map(str, chain), repr(vars(error))]
        assert "attempt 1 failed" in caplog.text
        for secret in (SIGNATURE, TOKEN):
            assert not any(secret in text for text in texts)

    def test_error_survives_pickle_and_copy(self, server, client, folder):
        server.responses.append(respond(404, b"<Error><Code>NoSuchKey</Code></Error>"))
        error = fail(client, folder)
        for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
            assert str(other) == str(error)
            names = ("attachment_id", "reason", "status_code", "error_code", "retryable")
            assert all(getattr(other, name) == getattr(error, name) for name in names)


@pytest.mark.parametrize("create_fake", [fake_connectparticipant, serve_connectparticipant])
@pytest.mark.parametrize("name", ["receipt.pdf", "M\u00e4rz \u65e5\u672c.pdf"])
def test_download_from_fake(folder, create_fake, name):
    with create_fake() as fake:
        client, token = fake.client, fake.connection_token()
        data = os.urandom(300_000)
        sent = attach_confirm.upload(client, data, token, name=name)
        (listed,) = attach_confirm.attachments(client, token)
        result = attach_confirm.download(client, listed.attachment_id, token, folder, timeout=60)
        assert result.attachment_id == sent.attachment_id
        assert result.path == folder / name
        assert result.path.read_bytes() == data
        assert result.content_type == "application/pdf"


@pytest.mark.parametrize("create_fake", [fake_connectparticipant, serve_connectparticipant])
def test_rejected_attachment_from_fake_raises(folder, create_fake):
    with create_fake() as fake:
        fake.scanner.reject()
        client, token = fake.client, fake.connection_token()
        sent = attach_confirm.upload(client, b"abc", token, name="a.pdf")
        with pytest.raises(ClientError) as raised:
            attach_confirm.download(client, sent.attachment_id, token, folder)
        assert raised.value.attachment_id == sent.attachment_id
        assert list(folder.iterdir()) == []
