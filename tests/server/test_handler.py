"""Malformed, slow and oversized requests over a raw socket."""

import dataclasses
import json
import re
import socket
import ssl
from itertools import count
from urllib.parse import urlsplit

import pytest
import urllib3

from attach_confirm_stubs import (
    ConnectionReset,
    FakeConnectParticipant,
    ModeledError,
    ProxyPage,
    ReadTimeout,
    ServerError,
    Throttle,
    serve_connectparticipant,
)
from attach_confirm_stubs.server import _connection, _handler
from tests.fake.uploads import start_pending

OBJECT_PATH = "/amzn-s3-demo-connect-attachments-123456789012-us-east-1/staging/a"
MALFORMED = "MalformedHttpRequestException"
DATA = bytes(range(100))
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture(scope="module", params=[False, True], ids=["http", "https"])
def server(request):
    """Return the handle of a server that this module's tests share."""
    with serve_connectparticipant(tls=request.param) as server:
        yield server


@pytest.fixture(scope="module")
def endpoint(server):
    """Return the endpoint URL of the server."""
    return server.endpoint_url


@pytest.fixture
def short_timeout(monkeypatch):
    """Reduce the time that the server waits for a client to 0.2 seconds."""
    monkeypatch.setattr(_connection.Connection, "timeout", 0.2)


@pytest.fixture(autouse=True)
def nothing_on_stderr(endpoint, capfd):  # noqa: ARG001
    """Fail the test if the server prints an error."""
    yield
    assert capfd.readouterr().err == ""


def connect(endpoint):
    """Return a socket that is connected to the server, after the TLS handshake if there is one."""
    url = urlsplit(endpoint)
    client = socket.create_connection((url.hostname, url.port), timeout=20)
    if url.scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client = context.wrap_socket(client)
    return client


def send_raw(endpoint, *chunks, shutdown=False):
    """Send bytes, and return all bytes that the server sends before it closes the connection."""
    with connect(endpoint) as client:
        for chunk in chunks:
            client.sendall(chunk if isinstance(chunk, bytes) else chunk.encode("latin-1"))
        if shutdown:
            # SSLSocket.shutdown() would end TLS for the response, too.
            socket.socket.shutdown(client, socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(64 * 1024), b""))


def make_request(method, path, *headers, body=b"", connection="close"):
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Connection: {connection}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def send_for_error(endpoint, *chunks, shutdown=False):
    """Send bytes, and return the status and the error code of the last response."""
    head, _, body = send_raw(endpoint, *chunks, shutdown=shutdown).rpartition(b"\r\n\r\n")
    status = int(head.rpartition(b"HTTP/1.1 ")[2][:3])
    if body.startswith(b"<?xml"):
        return status, re.search(rb"<Code>(\w+)</Code>", body)[1].decode()
    assert not body or json.loads(body)
    code = re.search(rb"x-amzn-errortype: (\w+)", head)
    return status, code and code[1].decode()


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("nonsense", 400),
        ("GET / HTTP/9.9", 505),
        ("GET / HTTP/x", 400),
        ("POST /participant/message", 400),
        ("BREW /participant/message HTTP/1.1", 501),
        (f"GET /{'a' * 70_000} HTTP/1.1", 414),
        ("OPTIONS * HTTP/1.1", 400),
        ("GET /\xe9 HTTP/1.1", 400),
        ("GET http:// HTTP/1.1", 400),
        ("GET http://[ HTTP/1.1", 400),
        ("GET https://localhost/ HTTP/1.1", 400),
    ],
)
def test_malformed_request_line_rejected(endpoint, line, status):
    error = send_for_error(endpoint, f"{line}\r\nHost: localhost\r\n\r\n")
    assert error == (status, MALFORMED)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Host:",),
        ("Host: two words",),
        ("Host: example.com/path",),
        ("Host: localhost:999999",),
        ("Host: [1.2.3.4]",),
        ("Host: a", "Host: b"),
        ("Host: localhost", "no colon here"),
    ],
)
def test_malformed_host_or_header_rejected(endpoint, headers):
    for target, code in (
        ("POST /participant/transcript", MALFORMED),
        (f"PUT {OBJECT_PATH}", "InvalidRequest"),
        (f"PUT {OBJECT_PATH}?query", "InvalidRequest"),
    ):
        request = "\r\n".join([f"{target} HTTP/1.1", *headers, "", ""])
        assert send_for_error(endpoint, request) == (400, code)


@pytest.mark.parametrize("length", ["-1", "+1", "1.0", "\xb2", "9" * 5000])
def test_malformed_content_length_rejected(endpoint, length):
    header = f"Content-Length: {length}"
    call = make_request("POST", "/participant/transcript", header)
    assert send_for_error(endpoint, call) == (400, MALFORMED)
    put = make_request("PUT", OBJECT_PATH, header)
    assert send_for_error(endpoint, put) == (400, "InvalidRequest")


def test_conflicting_content_lengths_rejected(endpoint):
    lengths = ["Content-Length: 1", "Content-Length: 2"]
    call = make_request("POST", "/participant/transcript", *lengths)
    assert send_for_error(endpoint, call) == (400, MALFORMED)


@pytest.mark.parametrize("headers", [[f"A: {'a' * 70_000}"], [f"A{n}: a" for n in range(200)]])
def test_oversized_headers_rejected(endpoint, headers):
    call = make_request("POST", "/participant/transcript", *headers)
    assert send_for_error(endpoint, call) == (431, MALFORMED)


def test_missing_content_length_rejected_for_put_only(endpoint):
    put = make_request("PUT", OBJECT_PATH)
    assert send_for_error(endpoint, put) == (411, "MissingContentLength")
    get = make_request("GET", OBJECT_PATH)
    assert send_for_error(endpoint, get) == (403, "SignatureDoesNotMatch")
    call = make_request("POST", "/participant/transcript")
    assert send_for_error(endpoint, call) == (400, "ValidationException")


@pytest.mark.parametrize("encoding", ["chunked", "gzip", "gzip, chunked"])
def test_transfer_encoding_not_implemented(endpoint, encoding):
    for target, code in (
        (("PUT", OBJECT_PATH), "NotImplemented"),
        (("POST", "/participant/transcript"), MALFORMED),
    ):
        body = b"2\r\n{}\r\n0\r\n\r\n"
        request = make_request(*target, f"Transfer-Encoding: {encoding}", body=body)
        assert send_for_error(endpoint, request) == (501, code)


def test_oversized_request_rejected_before_body(endpoint):
    for expect in ([], ["Expect: 100-continue"]):
        put = make_request("PUT", OBJECT_PATH, "Content-Length: 5368709121", *expect)
        assert send_for_error(endpoint, put) == (400, "EntityTooLarge")
        length = "Content-Length: 10485761"
        call = make_request("POST", "/participant/transcript", length, *expect)
        assert send_for_error(endpoint, call) == (413, "RequestEntityTooLargeException")


@pytest.mark.usefixtures("short_timeout")
@pytest.mark.parametrize(
    ("shutdown", "put_error", "call_error"),
    [
        (False, (400, "RequestTimeout"), (408, "RequestTimeoutException")),
        (True, (400, "IncompleteBody"), (400, "RequestAbortedException")),
    ],
)
def test_incomplete_body_rejected(endpoint, shutdown, put_error, call_error):
    length = "Content-Length: 2"
    put = make_request("PUT", OBJECT_PATH, length, body=b"1")
    assert send_for_error(endpoint, put, shutdown=shutdown) == put_error
    call = make_request("POST", "/participant/transcript", length)
    assert send_for_error(endpoint, call, shutdown=shutdown) == call_error


@pytest.mark.usefixtures("short_timeout")
@pytest.mark.parametrize("received", ["", "POST", "POST / HTTP/1.1\r\nHost: a"])
def test_incomplete_headers_time_out(endpoint, received):
    assert send_raw(endpoint, received) == b""


def test_pipelined_requests_get_responses_in_order(endpoint):
    """Bytes after the end of a body are the start of the next request."""
    length = "Content-Length: 1"
    call = make_request(
        "POST", "/participant/transcript", length, body=b"{", connection="keep-alive"
    )
    unknown = make_request("GET", "/no/such/path", connection="keep-alive")
    received = send_raw(endpoint, call + unknown + b"surplus\r\n\r\n")
    statuses = re.findall(rb"HTTP/1\.1 (\d+)", received)
    codes = re.findall(rb"x-amzn-errortype: (\w+)", received)
    assert statuses == [b"400", b"404", b"400"]
    assert codes == [b"SerializationException", b"UnknownOperationException", MALFORMED.encode()]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_invalid_json_rejected(endpoint, body):
    length = f"Content-Length: {len(body)}"
    call = make_request("POST", "/participant/transcript", length, body=body)
    code = "SerializationException" if body else "ValidationException"
    assert send_for_error(endpoint, call) == (400, code)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/participant/nonsense"),
        ("GET", "/participant/transcript"),
        ("PATCH", "/participant/message"),
        ("POST", "/contact/chat"),
        ("GET", "/bucket/elsewhere/a"),
        ("GET", "/a?b=%zz&c"),
        ("GET", "/%00/[/%E9"),
        ("GET", "//evil.example/participant"),
    ],
)
def test_unknown_path_rejected(endpoint, method, path):
    error = send_for_error(endpoint, make_request(method, path))
    assert error == (404, "UnknownOperationException")


@pytest.mark.parametrize(
    "bucket", ["bucket", "amzn-s3-demo-connect-attachments-123456789012-nowhere-1"]
)
def test_unknown_bucket_rejected(endpoint, bucket):
    for method in ("GET", "PUT", "POST", "DELETE"):
        request = make_request(method, f"/{bucket}/final/a", "Content-Length: 0")
        assert send_for_error(endpoint, request) == (403, "SignatureDoesNotMatch")


def test_head_response_has_no_body(endpoint):
    head, _, body = send_raw(endpoint, make_request("HEAD", "/")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert int(re.search(rb"content-length: (\d+)", head)[1]) > 1000
    assert body == b""


def test_expect_100_continue_sends_100_before_body(endpoint):
    headers = ["Content-Length: 1", "Expect: 100-continue"]
    with connect(endpoint) as client:
        client.sendall(make_request("POST", "/participant/transcript", *headers))
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{")
        assert b"SerializationException" in b"".join(iter(lambda: client.recv(4096), b""))


@pytest.fixture
def fake(server):
    """Return the handle of the server. Remaining faults are removed at the end."""
    yield server
    server.reset_faults()
    server.clock.reset()


@pytest.fixture
def pending(fake):
    """Start the upload of DATA."""
    return start_pending(fake, fake.connection_token(), size=len(DATA))


def make_put(pending, *headers, body=b"", version="HTTP/1.1"):
    """Return the bytes of an upload's PUT, which by default waits for 100 Continue."""
    parts = urlsplit(pending.url)
    lines = [f"PUT {parts.path}?{parts.query} {version}", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in pending.headers.items()]
    return "\r\n".join([*lines, "Expect: 100-continue", *headers, "", ""]).encode() + body


def get_attempt(fake, pending):
    """Return the only recorded attempt of an upload's PUT."""
    (call,) = (
        call for call in fake.calls("PutObject") if pending.attachment_id in call.params["Key"]
    )
    assert call.params["ContentLength"] == len(DATA)
    (attempt,) = call.attempts
    return attempt


def read_until_end(client):
    """Return the bytes that the server sends before it closes the connection."""
    return b"".join(iter(lambda: client.recv(64 * 1024), b""))


def test_put_with_expect_gets_100_continue(fake, pending):
    with connect(pending.url) as client:
        client.sendall(make_put(pending, "Connection: close"))
        assert client.recv(100) == CONTINUE
        client.sendall(DATA)
        assert read_until_end(client).startswith(b"HTTP/1.1 200 OK\r\n")
    assert (get_attempt(fake, pending).status, get_attempt(fake, pending).committed) == (200, True)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (ServerError(), 500, "InternalError"),
        (ServerError(502), 502, None),
        (Throttle(), 503, "SlowDown"),
        (ModeledError("SignatureDoesNotMatch"), 403, "SignatureDoesNotMatch"),
    ],
    ids=repr,
)
def test_injected_error_is_returned_before_body(fake, pending, fault, status, code):
    """The server closes the connection, because the next bytes may be the body or a request."""
    fake.inject("PutObject", fault)
    head, _, body = send_raw(pending.url, make_put(pending)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nconnection: close\r\n" in head
    assert (code or "").encode() in body
    attempt = get_attempt(fake, pending)
    assert (attempt.status, attempt.error_code, attempt.committed) == (status, code, False)


def test_injected_page_is_returned_after_body(fake, pending):
    """A success is never returned before the body."""
    fake.inject("PutObject", ProxyPage())
    with connect(pending.url) as client:
        client.sendall(make_put(pending, "Connection: close"))
        assert client.recv(100) == CONTINUE
        client.sendall(DATA)
        assert read_until_end(client).startswith(b"HTTP/1.1 200 OK\r\n")
    assert get_attempt(fake, pending).committed is False


def test_expired_or_changed_request_is_rejected_before_body(fake, pending):
    """The headers show whether the URL has expired and whether the signature matches."""
    url = pending.url.replace("X-Amz-Signature=", "X-Amz-Signature=0")
    for changed in (
        dataclasses.replace(pending, url=url),
        dataclasses.replace(pending, headers={**pending.headers, "x-amz-acl": "private"}),
        dataclasses.replace(pending, headers={**pending.headers, "Content-Length": "99"}),
    ):
        error = send_for_error(pending.url, make_put(changed))
        assert error == (403, "SignatureDoesNotMatch")
    fake.clock.advance(300)
    response = send_raw(pending.url, make_put(pending))
    assert response.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"<Message>Request has expired</Message>" in response


def test_body_after_early_error_is_discarded(fake, pending):
    """A client may send the body before it has read the response."""
    fake.inject("PutObject", Throttle())
    size = 8 * 1024 * 1024
    pending = start_pending(fake, fake.connection_token(), size=size)
    with connect(pending.url) as client:
        client.sendall(make_put(pending))
        client.sendall(bytes(size))
        assert read_until_end(client).startswith(b"HTTP/1.1 503 ")


def test_early_error_has_cors_headers(fake, pending):
    fake.inject("PutObject", Throttle())
    response = send_raw(pending.url, make_put(pending, "Origin: https://shop.example"))
    assert b"\r\naccess-control-allow-origin: *\r\n" in response


@pytest.mark.parametrize("after_commit", [False, True])
def test_connection_fault_applies_after_body(fake, pending, after_commit):
    fake.inject("PutObject", ConnectionReset(after_commit=after_commit))
    with connect(pending.url) as client:
        client.sendall(make_put(pending))
        assert client.recv(100) == CONTINUE
        client.sendall(DATA)
        # OpenSSL reports a reset like an end, so the test reads from the socket itself.
        with pytest.raises(ConnectionResetError):
            list(iter(lambda: socket.socket.recv(client, 100), b""))
    assert get_attempt(fake, pending).committed is after_commit


@pytest.mark.usefixtures("short_timeout")
@pytest.mark.parametrize(
    ("shutdown", "code"), [(False, "RequestTimeout"), (True, "IncompleteBody")]
)
@pytest.mark.parametrize("fault", [None, ConnectionReset()])
def test_incomplete_body_after_100_continue_rejected(fake, pending, shutdown, code, fault):
    """The attempt is recorded, because its headers had arrived."""
    fake.inject("PutObject", *([fault] if fault else []))
    put = make_put(pending, body=DATA[:-1])
    response = send_raw(pending.url, put, shutdown=shutdown)
    assert response.startswith(CONTINUE + b"HTTP/1.1 400 ")
    assert f"<Code>{code}</Code>".encode() in response
    attempt = get_attempt(fake, pending)
    assert (attempt.fault, attempt.committed) == (fault, False)
    assert attempt.error_code == (None if fault else code)


def test_slow_body_does_not_block_other_requests(fake, pending):
    """The URL must be valid at the start of the request only, as with S3."""
    with connect(pending.url) as client:
        client.sendall(make_put(pending, "Connection: close", body=DATA[:1]))
        assert client.recv(100) == CONTINUE
        fake.client.get_transcript(ConnectionToken=fake.connection_token())
        fake.clock.advance(300)
        client.sendall(DATA[1:])
        assert read_until_end(client).startswith(b"HTTP/1.1 200 OK\r\n")


def test_http_1_0_client_gets_no_100_continue(pending):
    response = send_raw(pending.url, make_put(pending, body=DATA, version="HTTP/1.0"))
    assert response.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("method", "path", "size", "status"),
    [
        ("PUT", OBJECT_PATH, 8 * 1024 * 1024, 403),
        ("POST", "/participant/message", _handler.MAX_REQUEST_SIZE + 1, 413),
    ],
)
def test_rejected_upload_receives_response(server, method, path, size, status):
    """The client must receive the error response, not a broken pipe."""
    with urllib3.PoolManager(retries=False, timeout=20, ca_certs=server.ca_bundle) as pool:
        response = pool.request(method, f"{server.endpoint_url}{path}", body=bytes(size))
    assert response.status == status


@pytest.mark.usefixtures("short_timeout")
def test_endless_request_is_disconnected(endpoint):
    """After an error response the server reads the request only until its timeout."""
    with connect(endpoint) as client:
        client.sendall(make_request("PUT", OBJECT_PATH, "Content-Length: 5368709121"))
        writes = (client.sendall(bytes(64 * 1024)) for _ in count())
        with pytest.raises((ConnectionError, ssl.SSLError)):
            all(result is None for result in writes)


def test_client_reset_does_not_stop_server(endpoint):
    """The server handles the next request after each reset."""
    put = make_request("PUT", OBJECT_PATH, "Content-Length: 9", body=b"1")
    for received in (b"", b"GET", put, b"GET /\r\n"):
        client = connect(endpoint)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.sendall(received)
        client.close()
    assert send_for_error(endpoint, make_request("GET", "/nowhere"))[0] == 404


def test_http_1_0_request_closes_connection(endpoint):
    received = send_raw(endpoint, "GET /nowhere HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert b"\r\nconnection: close\r\n" in received.lower()


def test_read_timeout_fault_ignores_pipelined_data(endpoint):
    token = FakeConnectParticipant().connection_token()
    FakeConnectParticipant().inject("GetTranscript", ReadTimeout())
    call = make_request("POST", "/participant/transcript", f"X-Amz-Bearer: {token}")
    assert send_raw(endpoint, call + bytes(1024 * 1024), shutdown=True) == b""
