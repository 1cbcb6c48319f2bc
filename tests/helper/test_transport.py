"""The PUT over real connections, with and without TLS, that servers and proxies disrupt."""

import os
import pickle
import random
import re
import select
import socket
import ssl
import sys
import time
from contextlib import suppress
from threading import Event
from types import SimpleNamespace

import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import (
    ConnectionClosedError,
    HTTPClientError,
    InvalidConfigError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util import wait_for_read
from urllib3.util.ssltransport import SSLTransport

import attach_confirm
from attach_confirm import Action, PutFailedError, _transport, advise
from tests.support.servers import reset
from tests.support.stubs import NonSeekableStream

SEED = 10
MIB = 1024 * 1024
SIZE = 3 * MIB
DATA = os.urandom(SIZE)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
STORED = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 0\r\n\r\n'
EXPECTATION_FAILED = b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"
ERROR_BODY = b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
DENIED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n%b" % (len(ERROR_BODY), ERROR_BODY)


def read_head(connection):
    """Read the head of a request byte by byte, so that no byte of the body is read."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            raise ConnectionError
        head += byte
    return head


def content_length(head):
    return int(re.search(rb"(?i)content-length: (\d+)", head)[1])


def read_body(connection, size):
    body = bytearray()
    while len(body) < size:
        data = connection.recv(min(65536, size - len(body)))
        if not data:
            raise ConnectionError
        body += data
    return bytes(body)


class Script:
    """Handles each connection with the next function of a list, and at last stores the body.

    Attributes:
        heads: The heads of the requests that were read.
        bodies: The bodies that were stored.
    """

    def __init__(self, *handlers):
        self._handlers = list(handlers)
        self.heads = []
        self.bodies = []

    def __call__(self, connection):
        if self._handlers:
            self._handlers.pop(0)(self, connection)
        else:
            self.store(connection)

    def read_head(self, connection):
        self.heads.append(read_head(connection))
        return content_length(self.heads[-1])

    def accept(self, connection):
        """Read the head, agree to get the body, and return the body's size."""
        size = self.read_head(connection)
        connection.sendall(CONTINUE)
        return size

    def store(self, connection):
        size = self.accept(connection)
        self.bodies.append(read_body(connection, size))
        connection.sendall(STORED)


def end(connection):
    """Close a connection with FIN, without TLS's own notice."""
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def store_without_continue(script, connection):
    """Handle a request like a server that does not know `Expect`."""
    size = script.read_head(connection)
    script.bodies.append(read_body(connection, size))
    connection.sendall(STORED)


def reject_expectation_late(script, connection):
    """Reject `Expect` after the first byte of the body was received."""
    script.read_head(connection)
    connection.recv(1)
    connection.sendall(EXPECTATION_FAILED)
    with suppress(OSError):
        read_body(connection, len(DATA) - 1)


def break_at(offset, close):
    """Return a handler that closes the connection at an offset of the body; None: at once."""

    def handle(script, connection):
        if offset is not None:
            script.accept(connection)
            read_body(connection, offset)
        close(connection)

    return handle


def read_until_closed(connection):
    """Read until the client closes the connection."""
    with suppress(OSError):
        while connection.recv(65536):
            pass


@pytest.fixture(params=["http", "https"])
def context(request, tls_context):
    """Return the servers' SSL context, or None for plain HTTP."""
    return tls_context if request.param == "https" else None


@pytest.fixture
def make_client(certificates):
    """Return a function that creates a client of a loopback server."""

    def make(url, *, proxies=None, verify=certificates.bundle, **options):
        options = {"connect_timeout": 5, "read_timeout": 10, **options}
        config = Config(proxies=proxies or {}, **options)
        return attach_confirm.client("us-west-2", endpoint_url=url, verify=verify, config=config)

    return make


@pytest.fixture
def put(tcp_server, context, make_client, make_pending_upload):
    """Return a function that sends data to a scripted server and returns the attempts."""

    def run(script, source=DATA, *, size=SIZE, lifetime=300, callback=None, **options):
        url = tcp_server(script, context)
        pending = make_pending_upload(url=f"{url}/k?X-Amz-Signature=5eed", size=size)
        if not lifetime:
            pending = make_pending_upload(url=pending.url, size=size, lifetime=0)
        client = make_client(url, **options)
        return attach_confirm.put(client, pending, source, callback=callback)

    return run


class TestExpectContinue:
    def test_body_is_sent_after_100_continue(self, put):
        def handle(script, connection):
            script.read_head(connection)
            connection.settimeout(0.2)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(20)
            connection.sendall(CONTINUE)
            script.bodies.append(read_body(connection, len(DATA)))
            connection.sendall(STORED)

        script = Script(handle)
        assert put(script) == 1
        assert script.bodies == [DATA]
        assert b"\r\nExpect: 100-continue\r\n" in script.heads[0]

    def test_server_that_never_sends_100(self, put, monkeypatch):
        """RFC 9110 allows it, and the client must not wait forever."""
        monkeypatch.setattr(_transport, "_CONTINUE_TIMEOUT", 0.1)

        script = Script(store_without_continue)
        assert put(script) == 1
        assert script.bodies == [DATA]

    def test_wait_is_limited_to_one_second(self, put):
        def handle(script, connection):
            size = script.read_head(connection)
            script.bodies.append(time.monotonic())
            for _ in range(4):
                # The server does not send 100 Continue.
                connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
                if select.select([connection], [], [], 0.4)[0]:
                    break
            script.bodies.append(time.monotonic())
            read_body(connection, size)
            connection.sendall(STORED)

        script = Script(handle)
        assert put(script) == 1
        started_at, body_at = script.bodies
        assert 0.9 < body_at - started_at < 1.3

    def test_body_is_sent_if_another_response_follows_100_continue(self, put, monkeypatch):
        monkeypatch.setattr(_transport, "_CONTINUE_TIMEOUT", 10)
        delays = []

        def handle(script, connection):
            size = script.read_head(connection)
            connection.sendall(CONTINUE + b"HTTP/1.1 102 Processing\r\n\r\n")
            started_at = time.monotonic()
            read_body(connection, size)
            delays.append(time.monotonic() - started_at)
            connection.sendall(STORED)

        assert put(Script(handle)) == 1
        assert delays[0] < 5

    @pytest.mark.parametrize("chunk_size", [1, 1000])
    def test_informational_responses_are_skipped(self, put, chunk_size):
        def handle(script, connection):
            def send(data):
                for start in range(0, len(data), chunk_size):
                    connection.sendall(data[start : start + chunk_size])

            size = script.read_head(connection)
            send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + CONTINUE)
            read_body(connection, size // 2)
            send(b"HTTP/1.1 102 Processing\r\n\r\n")
            read_body(connection, size - size // 2)
            send(b"HTTP/1.1 102 Processing\n\n" + b"HTTP/1.1 103 Early Hints\r\n\r\n" + STORED)

        assert put(Script(handle)) == 1

    @pytest.mark.usefixtures("sleeps")
    @pytest.mark.parametrize("is_body_read", [True, False])
    def test_endless_informational_responses_are_a_connection_error(self, put, is_body_read):
        counts = []

        def handle(script, connection):
            size = script.read_head(connection)
            if is_body_read:
                connection.sendall(CONTINUE)
                read_body(connection, size)
            while len(counts) < 1000:
                connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000)
                counts.append(1000)

        assert put(Script(handle)) == 2
        assert len(counts) < 1000

    def test_rejected_expectation_is_repeated_without_it(self, put, sleeps):
        def reject(script, connection):
            script.read_head(connection)
            connection.sendall(EXPECTATION_FAILED)

        script = Script(reject)
        stream = NonSeekableStream(DATA)
        assert put(script, stream) == 1
        assert script.bodies == [DATA]
        assert [b"Expect" in head for head in script.heads] == [True, False]
        assert sleeps == []

    @pytest.mark.parametrize("can_seek", [True, False])
    def test_late_rejection_of_expectation(self, put, monkeypatch, can_seek):
        """A part of the body was read, so only a source that can seek can be sent again."""
        monkeypatch.setattr(_transport, "_CONTINUE_TIMEOUT", 0.1)

        script = Script(reject_expectation_late)
        counts = []
        if can_seek:
            assert put(script, callback=counts.append) == 1
            assert script.bodies == [DATA]
            assert sum(counts) == len(DATA)
            assert min(counts) < 0
        else:
            with pytest.raises(PutFailedError) as raised:
                put(script, NonSeekableStream(DATA))
            assert raised.value.status_code == 417

    def test_callback_exception_before_the_repetition(self, put, monkeypatch):
        """An exception that looks like one of the connection is not converted."""
        monkeypatch.setattr(_transport, "_CONTINUE_TIMEOUT", 0.1)
        error = urllib3.exceptions.ProtocolError("stop")

        def callback(count):
            if count < 0:
                raise error

        with pytest.raises(urllib3.exceptions.ProtocolError) as raised:
            put(Script(reject_expectation_late), callback=callback)
        assert raised.value is error


class TestEarlyResponse:
    @pytest.mark.parametrize("close", [socket.socket.close, reset])
    def test_error_after_head_is_reported(self, put, close):
        def handle(script, connection):
            script.read_head(connection)
            connection.sendall(DENIED)
            close(connection)

        counts = []
        with pytest.raises(PutFailedError) as raised:
            put(Script(handle), callback=counts.append)
        assert (raised.value.status_code, raised.value.error_code) == (403, "SignatureDoesNotMatch")
        assert counts == []

    def test_endless_error_response_is_read_in_part(self, put):
        """The response would not fit into the memory."""
        sent = []

        def handle(script, connection):
            read_body(connection, script.accept(connection))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 99999999\r\n\r\n")
            while len(sent) < 64:
                connection.sendall(bytes(MIB))
                sent.append(MIB)

        with pytest.raises(PutFailedError) as raised:
            put(Script(handle))
        assert raised.value.status_code == 403
        assert len(sent) < 32

    def test_body_of_a_success_is_not_read(self, put):
        def handle(script, connection):
            read_body(connection, script.accept(connection))
            connection.sendall(b'HTTP/1.1 200 OK\r\nETag: "1"\r\n\r\n')
            read_until_closed(connection)

        assert put(Script(handle), read_timeout=1) == 1

    @pytest.mark.parametrize("is_open", [True, False])
    def test_error_in_the_body_is_reported(self, put, monkeypatch, is_open):
        """The server reads no more, so that the client could not send the rest."""
        monkeypatch.setattr(_transport, "_MAX_WAIT", 20)
        is_done = Event()

        def handle(script, connection):
            script.accept(connection)
            read_body(connection, 100_000)
            connection.sendall(DENIED)
            if is_open:
                is_done.wait(20)

        counts = []
        started_at = time.monotonic()
        try:
            with pytest.raises(PutFailedError) as raised:
                put(Script(handle), bytes(50 * MIB), size=50 * MIB, callback=counts.append)
        finally:
            is_done.set()
        assert raised.value.error_code == "SignatureDoesNotMatch"
        assert sum(counts) < 50 * MIB
        assert time.monotonic() - started_at < 8

    @pytest.mark.parametrize("size", [0, 100_000, len(DATA) - 1])
    def test_success_before_the_whole_body_is_not_success(self, put, size):
        def handle(script, connection):
            script.read_head(connection)
            if size:
                connection.sendall(CONTINUE)
                read_body(connection, size)
            connection.sendall(STORED)

        # The client may have sent everything before it can see a response to the last byte.
        large = DATA * 10
        script = Script(handle)
        assert put(script, large, size=len(large)) == 2
        assert script.bodies == [large]
        with pytest.raises(ConnectionClosedError) as raised:
            put(Script(handle), large, size=len(large), lifetime=0)
        assert raised.value.kwargs["error"] == "success before the whole body was sent"

    def test_truncated_error_response_is_retried(self, put):
        def handle(script, connection):
            script.read_head(connection)
            connection.sendall(DENIED[:-10])

        script = Script(handle)
        assert put(script) == 2

    def test_one_shot_stream_is_retried_if_nothing_was_read(self, put):
        def handle(script, connection):
            script.read_head(connection)
            connection.sendall(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n")

        script = Script(handle, handle)
        assert put(script, NonSeekableStream(DATA)) == 3
        assert script.bodies == [DATA]

    def test_one_shot_stream_is_not_retried_after_a_read(self, put, sleeps):
        def handle(script, connection):
            size = script.accept(connection)
            read_body(connection, size)
            connection.sendall(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n")

        script = Script(handle)
        with pytest.raises(PutFailedError) as raised:
            put(script, NonSeekableStream(DATA))
        assert advise(raised.value).action is Action.RETRY
        assert sleeps == []

    @pytest.mark.parametrize(
        "response",
        [
            b"220 mail.example ESMTP\r\n",
            b"HTTP/1.1 2xx\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 20_000,
            b"\0" * 100_000,
        ],
        ids=["protocol", "status", "headers", "binary"],
    )
    def test_response_that_is_not_http(self, put, response):
        def handle(script, connection):
            script.read_head(connection)
            connection.sendall(response)
            # The client must not wait until the connection ends.
            read_until_closed(connection)

        started_at = time.monotonic()
        with pytest.raises(ConnectionClosedError):
            put(Script(handle), lifetime=0)
        assert time.monotonic() - started_at < 5


class TestTimeouts:
    def test_read_timeout_limits_sending(self, put, monkeypatch):
        monkeypatch.setattr(_transport, "_MAX_WAIT", 0.2)
        is_done = Event()

        def handle(script, connection):
            script.accept(connection)
            is_done.wait(20)

        started_at = time.monotonic()
        try:
            with pytest.raises(ReadTimeoutError) as raised:
                put(Script(handle), bytes(50 * MIB), size=50 * MIB, lifetime=0, read_timeout=0.7)
        finally:
            is_done.set()
        assert 0.7 <= time.monotonic() - started_at < 5
        assert "5eed" not in str(raised.value)
        assert raised.value.kwargs["error"].endswith("Sending timed out. (read timeout=0.7)")
        assert advise(raised.value).action is Action.RETRY

    @pytest.mark.parametrize(("read_timeout", "agrees"), [(5, True), (None, True), (5, False)])
    def test_connect_timeout_does_not_limit_sending(self, put, monkeypatch, read_timeout, agrees):
        monkeypatch.setattr(_transport, "_CONTINUE_TIMEOUT", 0.2)

        def handle(script, connection):
            size = script.read_head(connection)
            if agrees:
                connection.sendall(CONTINUE)
            Event().wait(0.6)
            script.bodies.append(read_body(connection, size))
            Event().wait(0.4)
            connection.sendall(STORED)

        large = DATA * 10
        script = Script(handle)
        options = {"connect_timeout": 0.2, "read_timeout": read_timeout}
        assert put(script, large, size=len(large), **options) == 1
        assert script.bodies == [large]

    def test_slow_connection_does_not_time_out(self, put):
        """The timeout limits the time without progress, not the time for the body or a block."""

        def handle(script, connection):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
            size = script.accept(connection)
            body = bytearray()
            while len(body) < size:
                Event().wait(0.02)
                body += read_body(connection, min(64 * 1024, size - len(body)))
            script.bodies.append(bytes(body))
            connection.sendall(STORED)

        script = Script(handle)
        assert put(script, read_timeout=0.5) == 1
        assert script.bodies == [DATA]

    def test_full_buffer_that_accepts_bytes_is_not_a_stall(self, monkeypatch):
        """A kernel with large buffers reports them as full for longer than the timeout."""
        monkeypatch.setattr(_transport, "wait_for_read", lambda *_: False)
        monkeypatch.setattr(_transport, "wait_for_socket", lambda *_, **__: False)
        counts = iter([0, 10, 0, 10, 0, 10, 0, 0, 0])
        connection = _transport._Connection("127.0.0.1", read_timeout=1.5, expect_continue=True)
        connection.sock = SimpleNamespace(send=lambda _: next(counts))
        assert connection._send_block(memoryview(bytes(30)))
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            connection._send_block(memoryview(bytes(30)))
        assert list(counts) == []


class TestUnsentBytes:
    def test_unsent_bytes_are_counted(self):
        client_socket, server_socket = socket.socketpair()
        with client_socket, server_socket:
            assert _transport._unsent_bytes(client_socket) == 0
            client_socket.send(bytes(100))
            assert _transport._unsent_bytes(client_socket) > 0

    def test_platform_without_ioctl_returns_zero(self, monkeypatch):
        client_socket, server_socket = socket.socketpair()
        with client_socket, server_socket:
            client_socket.send(bytes(100))
            monkeypatch.setitem(sys.modules, "fcntl", None)
            assert _transport._unsent_bytes(client_socket) == 0

    def test_unsupported_ioctl_returns_zero(self, tmp_path):
        path = tmp_path / "a"
        path.touch()
        with path.open() as file:
            assert _transport._unsent_bytes(file) == 0


class TestBrokenConnection:
    @pytest.mark.parametrize("close", [end, reset])
    @pytest.mark.parametrize(
        "offset",
        [None, 0, 1, *random.Random(SEED).sample(range(len(DATA)), 3), len(DATA) - 1, len(DATA)],
    )
    def test_connection_that_breaks_is_retried(self, put, close, offset):
        script = Script(break_at(offset, close))
        assert put(script) == 2
        assert script.bodies == [DATA]

    @pytest.mark.parametrize("close", [end, reset])
    @pytest.mark.parametrize("size", [0, 1])
    def test_handshake_that_breaks_is_retried(
        self, tcp_server, tls_context, make_client, make_pending_upload, *, close, size
    ):
        script = Script()
        breaks = [True]

        def handle(connection):
            if breaks:
                breaks.pop()
                connection.recv(size or 1000)
                close(connection)
                return
            with tls_context.wrap_socket(connection, server_side=True) as tls_connection:
                script(tls_connection)

        url = tcp_server(handle).replace("http:", "https:")
        pending = make_pending_upload(url=f"{url}/k", size=len(DATA))
        assert attach_confirm.put(make_client(url), pending, DATA) == 2
        assert script.bodies == [DATA]

    def test_server_without_tls_is_retryable(self, tcp_server, make_client, make_pending_upload):
        """Only a certificate that fails verification is a permanent error of TLS."""

        def handle(connection):
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        url = tcp_server(handle).replace("http:", "https:")
        pending = make_pending_upload(url=f"{url}/k", lifetime=0)
        with pytest.raises(ConnectionClosedError) as raised:
            attach_confirm.put(make_client(url), pending, b"abc")
        assert advise(raised.value).action is Action.RETRY

    def test_20_mb_arrive_although_nine_attempts_break(
        self, tcp_server, tls_context, make_client, make_pending_upload, sleeps
    ):
        data = os.urandom(20_000_000)
        rng = random.Random(SEED)
        offsets = [0, *(rng.randrange(len(data)) for _ in range(6)), len(data) - 1, len(data)]

        script = Script(*(break_at(offset, rng.choice([end, reset])) for offset in offsets))
        url = tcp_server(script, tls_context)
        pending = make_pending_upload(url=f"{url}/k", size=len(data))
        counts = []
        assert attach_confirm.put(make_client(url), pending, data, callback=counts.append) == 10
        assert script.bodies == [data]
        assert sum(counts) == len(data)
        assert len(sleeps) == 9


class TestBodyErrors:
    @pytest.mark.parametrize(
        "error",
        [
            BrokenPipeError("stop"),
            ConnectionResetError("stop"),
            ssl.SSLWantWriteError("stop"),
            TimeoutError("stop"),
            ValueError("stop"),
            RuntimeError("stop"),
            StopIteration("stop"),
            KeyboardInterrupt("stop"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_callback_exception_is_raised_at_once(self, put, error):
        """The server would wait for the rest of the body, and the client for a response."""
        is_done = Event()

        def handle(script, connection):
            script.accept(connection)
            is_done.wait(20)

        def callback(_):
            raise error

        started_at = time.monotonic()
        try:
            with pytest.raises(type(error)) as raised:
                put(Script(handle), callback=callback)
        finally:
            is_done.set()
        assert raised.value is error
        assert time.monotonic() - started_at < 5

    def test_source_exception_is_raised_at_once(self, put):
        is_done = Event()

        def handle(script, connection):
            script.accept(connection)
            is_done.wait(20)

        class Stream(NonSeekableStream):
            def readinto(self, _):
                raise BrokenPipeError

        try:
            with pytest.raises(attach_confirm.SourceReadError) as raised:
                put(Script(handle), Stream(b""))
        finally:
            is_done.set()
        assert isinstance(raised.value.__cause__, BrokenPipeError)
        assert advise(raised.value).action is Action.RETRY


class TestRequest:
    @pytest.mark.parametrize("path", ["//k?a=b", "/k", "/", "/a//b?x=%2F&y=", "?a=b"])
    def test_target_is_unchanged(self, tcp_server, make_client, make_pending_upload, path):
        """An object key may start with a slash."""
        script = Script()
        url = tcp_server(script)
        attach_confirm.put(make_client(url), make_pending_upload(url=url + path), b"abc")
        target = path if path.startswith("/") else f"/{path}"
        assert script.heads[0].startswith(f"PUT {target} HTTP/1.1\r\n".encode())

    def test_connection_is_closed(self, put):
        is_closed = Event()

        def handle(script, connection):
            script.store(connection)
            if connection.recv(1) == b"":
                is_closed.set()

        assert put(Script(handle)) == 1
        assert is_closed.wait(20)

    def test_invalid_header_is_not_retried(
        self, http_server, http_server_client, make_pending_upload, sleeps
    ):
        headers = {"x-amz-meta-a": "secret\r\nc: d"}
        pending = make_pending_upload(url=http_server.upload_url(), **headers)
        with pytest.raises(HTTPClientError) as raised:
            attach_confirm.put(http_server_client, pending, b"abc")
        assert type(raised.value) is HTTPClientError
        assert "Invalid header value" in str(raised.value)
        assert "secret" not in str(raised.value)
        assert sleeps == []


class TestCertificates:
    def test_failed_verification_is_the_cause(self, https_server, make_client, make_pending_upload):
        pending = make_pending_upload(url=https_server.upload_url())
        with pytest.raises(SSLError) as raised:
            attach_confirm.put(make_client(https_server.url, verify=True), pending, b"abc")
        assert isinstance(raised.value.__cause__, ssl.SSLCertVerificationError)
        assert raised.value.__context__ is raised.value.__cause__ or (
            raised.value.__context__ is None
        )
        assert https_server.signature not in str(raised.value)

    def test_wrong_host_name_raises(self, https_server, make_client, make_pending_upload, sleeps):
        """The certificate is for 127.0.0.1."""
        url = https_server.upload_url().replace("127.0.0.1", "localhost")
        with pytest.raises(SSLError) as raised:
            attach_confirm.put(make_client(https_server.url), make_pending_upload(url=url), b"abc")
        assert raised.value.__cause__ is not None
        assert "match" in str(raised.value)
        assert advise(raised.value).action is Action.FIX
        assert sleeps == []

    @pytest.mark.parametrize("option", ["verify", "client_cert", "client_cert_tuple"])
    def test_certificate_file_that_cannot_be_loaded(
        self, https_server, make_client, make_pending_upload, sleeps, *, tmp_path, option
    ):
        """Another attempt would not help."""
        missing = str(tmp_path / "missing.pem")
        options = {
            "verify": {"verify": missing},
            "client_cert": {"client_cert": missing},
            "client_cert_tuple": {"client_cert": (missing, missing)},
        }[option]
        pending = make_pending_upload(url=https_server.upload_url())
        with pytest.raises(InvalidConfigError) as raised:
            attach_confirm.put(make_client(https_server.url, **options), pending, b"abc")
        assert missing in str(raised.value)
        assert isinstance(raised.value.__cause__, FileNotFoundError)
        assert advise(raised.value).action is Action.FIX
        assert sleeps == []


class Tunnel:
    """A proxy's handler that connects CONNECT requests to their target.

    Attributes:
        heads: The heads of the CONNECT requests.
    """

    def __init__(self, *responses):
        self._responses = list(responses)
        self.heads = []

    def __call__(self, connection):
        head = read_head(connection)
        self.heads.append(head)
        if self._responses:
            connection.sendall(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % self._responses.pop(0))
            return
        host, port = head.split()[1].decode().split(":")
        with socket.create_connection((host, int(port))) as upstream:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            peers = {connection: upstream, upstream: connection}
            while True:
                is_pending = isinstance(connection, ssl.SSLSocket) and connection.pending()
                ready = [connection] if is_pending else select.select(list(peers), [], [], 20)[0]
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    peers[source].sendall(data)


class TestTunnel:
    """TLS through a proxy that is reached with or without TLS."""

    @pytest.fixture
    def put_through(self, tcp_server, context, tls_context, make_client, make_pending_upload):
        def run(tunnel, script, data=DATA, *, lifetime=300, **options):
            proxy = tcp_server(tunnel, context)
            url = tcp_server(script, tls_context)
            proxies = {"https": proxy.replace("//", "//user:passw0rd@")}
            pending = make_pending_upload(
                url=f"{url}/k?X-Amz-Signature=5eed", size=len(data), lifetime=lifetime
            )
            client = make_client(url, proxies=proxies, **options)
            return attach_confirm.put(client, pending, data)

        return run

    def test_body_is_sent_through_tunnel(self, put_through):
        tunnel, script = Tunnel(), Script()
        assert put_through(tunnel, script) == 1
        assert script.bodies == [DATA]
        assert b"\r\nProxy-Authorization: Basic " in tunnel.heads[0]
        assert b"Proxy-Authorization" not in script.heads[0]

    def test_server_that_never_sends_100(self, put_through, monkeypatch):
        monkeypatch.setattr(_transport, "_CONTINUE_TIMEOUT", 0.1)

        script = Script(store_without_continue)
        assert put_through(Tunnel(), script) == 1
        assert script.bodies == [DATA]

    @pytest.mark.parametrize("size", [0, 100_000])
    def test_early_error_is_reported(self, put_through, size):
        def handle(script, connection):
            script.read_head(connection)
            if size:
                connection.sendall(CONTINUE)
                read_body(connection, size)
            connection.sendall(DENIED)
            read_until_closed(connection)

        with pytest.raises(PutFailedError) as raised:
            put_through(Tunnel(), Script(handle), DATA * 10)
        assert raised.value.error_code == "SignatureDoesNotMatch"

    @pytest.mark.parametrize("offset", [None, 0, 1_000_000])
    @pytest.mark.parametrize("close", [end, reset])
    def test_connection_that_breaks_is_retried(self, put_through, close, offset):
        script = Script(break_at(offset, close))
        assert put_through(Tunnel(), script) == 2
        assert script.bodies == [DATA]

    def test_read_timeout_limits_sending(self, put_through):
        is_done = Event()

        def handle(script, connection):
            script.accept(connection)
            is_done.wait(20)

        started_at = time.monotonic()
        try:
            with pytest.raises(ReadTimeoutError):
                put_through(Tunnel(), Script(handle), DATA * 10, lifetime=0, read_timeout=1)
        finally:
            is_done.set()
        assert 1 <= time.monotonic() - started_at < 5

    @pytest.mark.parametrize("context", ["https"], indirect=True)
    def test_error_while_sending_is_blocked_is_reported(self, put_through, monkeypatch):
        """TLS within TLS cannot watch for the response while it sends."""
        send = SSLTransport.send

        def time_out(transport, data):
            if len(data) > 10_000:
                assert wait_for_read(transport, 10)
                raise TimeoutError
            return send(transport, data)

        def handle(script, connection):
            script.accept(connection)
            Event().wait(0.3)
            connection.sendall(DENIED)
            connection.recv(1)

        monkeypatch.setattr(SSLTransport, "send", time_out)
        with pytest.raises(PutFailedError) as raised:
            put_through(Tunnel(), Script(handle))
        assert raised.value.error_code == "SignatureDoesNotMatch"

    def test_blocking_socket_sends_little_at_once(self, put_through, monkeypatch, context):
        """The read timeout limits one call of `send`."""
        sizes = []
        send = SSLTransport.send

        def record(transport, data):
            sizes.append(len(data))
            return send(transport, data)

        monkeypatch.setattr(SSLTransport, "send", record)
        assert put_through(Tunnel(), Script()) == 1
        assert bool(sizes) == bool(context)
        assert max(sizes, default=0) <= 64 * 1024

    @pytest.mark.parametrize("status", [b"407 Proxy Authentication Required", b"403 Forbidden"])
    def test_rejection_is_not_retried(self, put_through, sleeps, status):
        """Repeating a wrong password can lock the account."""
        tunnel = Tunnel(status)
        with pytest.raises(ProxyConnectionError) as raised:
            put_through(tunnel, Script())
        assert len(tunnel.heads) == 1
        assert sleeps == []
        for error in (raised.value, pickle.loads(pickle.dumps(raised.value))):
            assert str(error).endswith(f": Tunnel connection failed: {status.decode()}")
        assert "passw0rd" not in str(raised.value)
        assert advise(raised.value).action is Action.FIX

    @pytest.mark.parametrize("status", [b"502 Bad Gateway", b"429 Too Many Requests"])
    def test_unavailable_server_is_retried(self, put_through, status):
        tunnel, script = Tunnel(status), Script()
        assert put_through(tunnel, script) == 2
        assert script.bodies == [DATA]

    def test_untrusted_proxy_raises(
        self, tcp_server, tls_context, make_pending_upload, make_client
    ):
        proxy = tcp_server(Tunnel(), tls_context)
        client = make_client("https://127.0.0.1:1", proxies={"https": proxy}, verify=True)
        with pytest.raises(SSLError) as raised:
            attach_confirm.put(client, make_pending_upload(url="https://127.0.0.1:1/k"), b"abc")
        assert isinstance(raised.value.__cause__, ssl.SSLCertVerificationError)


def test_reader_of_a_connection_without_a_response_is_closed():
    """Python 3.13 reports exceptions that `close` raises when an object is deleted."""
    reader = _transport._ResponseReader(sock=None)
    reader.close()
    assert reader.closed
