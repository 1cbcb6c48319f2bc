"""`put` sends the PUT, retries it, and accepts a 2xx only from S3."""

import errno
import gzip
import io
import math
import pickle
import zlib
from concurrent.futures import CancelledError
from datetime import datetime, timezone

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
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
    Action,
    AttachConfirmError,
    InvalidInputError,
    PutFailedError,
    SourceReadError,
    UnexpectedResponseError,
    UploadTimeoutError,
    UploadUrlExpiredError,
    _put,
    _source,
    advise,
)

PUT = "s3.PutObject"
UTC_TIME = "2026-11-22T08:20:00+00:00"
URL = "https://bucket.example/staging/att-1?X-Amz-Signature=5eed"
READ_TIMEOUT = ReadTimeoutError(endpoint_url=URL)
CONNECTION_ERRORS = [
    READ_TIMEOUT,
    ConnectTimeoutError(endpoint_url=URL),
    ConnectionClosedError(endpoint_url=URL),
    EndpointConnectionError(endpoint_url=URL, error="no route"),
    ProxyConnectionError(proxy_url="http://proxy.example", error="refused"),
]


def class_name(error):
    """Return the class name of an exception, as a test ID."""
    return type(error).__name__


def error_body(code, message="no", **members):
    """Return the XML body of an S3 error response."""
    members = {"Code": code, "Message": message, **members}
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in members.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()


def pending_with_headers(**headers):
    """Return a pending upload with exactly these headers."""
    return attach_confirm.PendingUpload("att-1", URL, headers, datetime.now(timezone.utc))


class TestRequest:
    """The request that is sent."""

    def test_put_sends_one_request(self, client, scripted_responses, make_pending_upload):
        requests = scripted_responses(client, PUT, 200)
        event_names = []
        client.meta.events.register(
            "before-send", lambda event_name, **_: event_names.append(event_name)
        )
        assert attach_confirm.put(client, make_pending_upload(url=URL), b"abc") == 1
        (request,) = requests
        assert (request.method, request.url, request.body) == ("PUT", URL, b"abc")
        assert event_names == ["before-send.s3.PutObject"]

    def test_headers_are_sent_unchanged(self, client, scripted_responses, make_pending_upload):
        """A value that is not Latin-1 is sent in UTF-8, as it was signed."""
        headers = {
            "x-amz-meta-contact_id": "3dff5a86",
            "Content-Disposition": 'attachment; filename="\u65e5\u672c_file.txt"',
            "Content-Type": "text/plain",
            "x-amz-server-side-encryption-context": "e30=",
            "X-Unknown": " with  spaces ",
            "X-Empty": "",
        }
        requests = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, make_pending_upload(**headers), b"abc")
        sent_headers = {name: value.decode() for name, value in requests[0].headers.items()}
        assert sent_headers == {"Content-Length": "3", **headers}

    @given(
        headers=st.dictionaries(
            st.from_regex(r"[Xx]-[A-Za-z0-9_-]{1,20}", fullmatch=True),
            st.text(max_size=40),
            max_size=8,
        ).filter(lambda headers: len({name.lower() for name in headers}) == len(headers))
    )
    def test_headers_property(self, client, scripted_responses, make_pending_upload, headers):
        headers = {name: value.encode(errors="ignore").decode() for name, value in headers.items()}
        requests = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, make_pending_upload(**headers), b"abc")
        sent_headers = {name: value.decode() for name, value in requests[0].headers.items()}
        assert sent_headers == {"Content-Length": "3", **headers}

    def test_missing_content_length_is_added(self, client, scripted_responses):
        """S3 rejects a PUT without Content-Length."""
        requests = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, pending_with_headers(), b"abc")
        assert requests[0].headers == {"Content-Length": b"3"}

    def test_lower_case_content_length_is_not_repeated(self, client, scripted_responses):
        requests = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, pending_with_headers(**{"content-length": "3"}), b"abc")
        assert requests[0].headers == {"content-length": b"3"}

    @pytest.mark.parametrize(("name", "size"), [("Content-Length", 2), ("content-length", 4)])
    def test_wrong_source_size_is_rejected(self, client, scripted_responses, name, size):
        requests = scripted_responses(client, PUT, 200)
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.put(client, pending_with_headers(**{name: str(size)}), b"abc")
        assert str(raised.value) == f"source: has 3 bytes; must have {size}"
        assert raised.value.attachment_id == "att-1"
        assert requests == []

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content-Length": "3", "content-length": "3"},
            {"Content-Length": "3", "CONTENT-LENGTH": 3},
        ],
    )
    def test_duplicate_content_length_is_sent_once(self, client, scripted_responses, headers):
        requests = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, pending_with_headers(**headers), b"abc")
        assert requests[0].headers == {"Content-Length": b"3"}

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content-Length": "3", "content-length": "4"},
            {"Content-Length": "three"},
            {"Content-Length": "-3"},
            {"Content-Length": "\u0663"},
            {"Content-Length": ""},
        ],
        ids=repr,
    )
    def test_invalid_content_length_raises(self, client, scripted_responses, headers):
        requests = scripted_responses(client, PUT, 200)
        with pytest.raises(UnexpectedResponseError) as raised:
            attach_confirm.put(client, pending_with_headers(**headers), b"abc")
        assert raised.value.operation == "StartAttachmentUpload"
        assert raised.value.reason.startswith("invalid Content-Length: [")
        assert requests == []

    def test_lone_surrogate_in_header_raises(self, client, scripted_responses):
        """JSON can contain one."""
        requests = scripted_responses(client, PUT, 200)
        with pytest.raises(UnexpectedResponseError) as raised:
            attach_confirm.put(client, pending_with_headers(**{"X-A": "\udcff"}), b"abc")
        assert raised.value.reason == "a header contains a lone surrogate"
        assert requests == []

    def test_numeric_header_values_are_sent(self, client, scripted_responses):
        requests = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, pending_with_headers(**{"Content-Length": 3, "X-A": 1}), b"abc")
        assert requests[0].headers == {"Content-Length": b"3", "X-A": b"1"}


class TestRetries:
    """Retries, and the delays between them."""

    @pytest.mark.parametrize("error", CONNECTION_ERRORS, ids=class_name)
    def test_retries_connection_errors(
        self, client, scripted_responses, make_pending_upload, error
    ):
        requests = scripted_responses(client, PUT, error, error, 200)
        attach_confirm.put(client, make_pending_upload(), b"abc")
        assert [request.body for request in requests] == [b"abc"] * 3

    @pytest.mark.parametrize(
        "response",
        [408, 429, 500, 502, 503, 504, (400, error_body("RequestTimeout"), {})],
    )
    def test_retries_transient_errors(
        self, client, scripted_responses, make_pending_upload, response
    ):
        requests = scripted_responses(client, PUT, response, 200)
        attach_confirm.put(client, make_pending_upload(), b"abc")
        assert len(requests) == 2

    @pytest.mark.parametrize(
        "response",
        [
            (403, error_body("SignatureDoesNotMatch"), {}),
            (403, error_body("AccessDenied"), {}),
            (400, error_body("IncompleteBody"), {}),
            (501, error_body("NotImplemented"), {}),
            (505, b"", {}),
            (307, error_body("TemporaryRedirect"), {"Location": "https://elsewhere.example/"}),
        ],
        ids=lambda response: str(response[0]),
    )
    def test_does_not_retry_permanent_errors(
        self, client, scripted_responses, make_pending_upload, sleeps, response
    ):
        """A redirect is not followed either."""
        requests = scripted_responses(client, PUT, response, 200)
        with pytest.raises(PutFailedError) as raised:
            attach_confirm.put(client, make_pending_upload(), b"abc")
        assert raised.value.status_code == response[0]
        assert len(requests) == 1
        assert sleeps == []
        assert advise(raised.value).action is Action.FIX

    @pytest.mark.parametrize(
        "error",
        [
            SSLError(endpoint_url=URL, error="untrusted"),
            HTTPClientError(error="unknown"),
            RuntimeError("raised by a handler of the event before-send"),
        ],
        ids=class_name,
    )
    def test_does_not_retry_unknown_errors(
        self, client, scripted_responses, make_pending_upload, error
    ):
        requests = scripted_responses(client, PUT, error, 200)
        with pytest.raises(type(error)):
            attach_confirm.put(client, make_pending_upload(), b"abc")
        assert len(requests) == 1

    def test_returns_number_of_attempts(self, client, scripted_responses, make_pending_upload):
        scripted_responses(client, PUT, 500, READ_TIMEOUT, 200)
        assert attach_confirm.put(client, make_pending_upload(), b"abc") == 3

    def test_retries_and_success_are_logged(
        self, client, scripted_responses, make_pending_upload, caplog
    ):
        caplog.set_level("INFO", logger="attach_confirm")
        scripted_responses(client, PUT, 500, READ_TIMEOUT, 200)
        attach_confirm.put(client, make_pending_upload(url=URL), b"abc")
        records = [(record.levelname, record.getMessage()) for record in caplog.records]
        assert [level for level, _ in records] == ["WARNING", "WARNING", "INFO"]
        assert "attempt 1" in records[0][1]
        assert "HTTP 500" in records[0][1]
        assert "attempt 2" in records[1][1]
        assert records[2][1] == "put: attachment att-1: sent 3 bytes, attempts: 3"
        assert "5eed" not in caplog.text

    def test_backoff_schedule(self, client, scripted_responses, make_pending_upload, sleeps):
        scripted_responses(client, PUT, *[500] * 9, 200)
        attach_confirm.put(client, make_pending_upload(), b"abc")
        for sleep, backoff in zip(sleeps, [0.5, 1, 2, 4, 8, 16, 30, 30, 30], strict=True):
            assert backoff <= sleep <= backoff + 0.5

    @pytest.mark.parametrize(
        ("response", "error_class"), [(500, PutFailedError), (READ_TIMEOUT, ReadTimeoutError)]
    )
    def test_stops_retrying_at_url_expiry(
        self, client, scripted_responses, sleeps, make_pending_upload, *, response, error_class
    ):
        requests = scripted_responses(client, PUT, response)
        with pytest.raises(error_class):
            attach_confirm.put(client, make_pending_upload(lifetime=60), b"abc")
        assert len(requests) == len(sleeps) + 1
        assert 0.5 + 1 + 2 + 4 + 8 + 16 < sum(sleeps) < 60

    @pytest.mark.parametrize("lifetime", [0.4, 0, -86400])
    def test_first_attempt_ignores_clock_skew(
        self, client, scripted_responses, make_pending_upload, lifetime
    ):
        scripted_responses(client, PUT, 200)
        attach_confirm.put(client, make_pending_upload(lifetime=lifetime), b"abc")
        requests = scripted_responses(client, PUT, 500, 200)
        with pytest.raises(PutFailedError):
            attach_confirm.put(client, make_pending_upload(lifetime=lifetime), b"abc")
        assert len(requests) == 1

    def test_retry_repeats_the_request(self, client, scripted_responses, make_pending_upload):
        """A file is sent from its position at the call, and stays open."""
        file = io.BytesIO(b"header" + b"abc")
        file.seek(6)
        requests = scripted_responses(client, PUT, 500, READ_TIMEOUT, 200)
        attach_confirm.put(client, make_pending_upload(**{"x-amz-acl": "private"}), file)
        assert [request.body for request in requests] == [b"abc"] * 3
        assert all(request.headers == requests[0].headers for request in requests)
        assert all(request.url == requests[0].url for request in requests)
        assert not file.closed


class TestTimeout:
    """The argument `timeout`."""

    def test_stops_retrying_before_timeout(
        self, client, scripted_responses, sleeps, make_pending_upload
    ):
        requests = scripted_responses(client, PUT, 500)
        with pytest.raises(UploadTimeoutError) as raised:
            attach_confirm.put(client, make_pending_upload(), b"abc", timeout=10)
        assert isinstance(raised.value.__cause__, PutFailedError)
        assert str(raised.value) == "upload timed out after 10 seconds; upload again"
        assert (raised.value.timeout, raised.value.attachment_id, raised.value.acknowledged) == (
            10,
            "att-1",
            False,
        )
        assert len(requests) == len(sleeps) + 1 == 5
        assert sum(sleeps) < 10

    @pytest.mark.parametrize("lifetime", [0, 5])
    def test_url_expiry_before_timeout_raises_last_error(
        self, client, scripted_responses, make_pending_upload, lifetime
    ):
        scripted_responses(client, PUT, 500)
        pending_upload = make_pending_upload(lifetime=lifetime)
        with pytest.raises(PutFailedError):
            attach_confirm.put(client, pending_upload, b"abc", timeout=60)

    def test_delay_that_ends_at_the_deadline(
        self, client, scripted_responses, make_pending_upload, monkeypatch, sleeps
    ):
        monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: 100.0)
        monkeypatch.setattr("random.random", lambda: 0.0)
        requests = scripted_responses(client, PUT, 503)
        with pytest.raises(UploadTimeoutError):
            attach_confirm.put(client, make_pending_upload(), b"abc", timeout=0.5)
        assert (len(requests), sleeps) == (1, [])

    def test_permanent_error_is_raised(self, client, scripted_responses, make_pending_upload):
        scripted_responses(client, PUT, 403)
        with pytest.raises(PutFailedError):
            attach_confirm.put(client, make_pending_upload(), b"abc", timeout=0.1)

    def test_success_after_timeout_is_success(
        self, client, make_pending_upload, scripted_responses, monkeypatch
    ):
        """An attempt in progress is not interrupted."""
        scripted_responses(client, PUT, 200)
        now = [0.0]
        monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: now[0])

        def callback(_):
            now[0] = 100.0

        pending_upload = make_pending_upload()
        assert attach_confirm.put(client, pending_upload, b"abc", timeout=5, callback=callback) == 1

    def test_no_attempt_after_timeout(
        self, client, scripted_responses, sleeps, make_pending_upload
    ):
        requests = scripted_responses(client, PUT, 200)
        with pytest.raises(UploadTimeoutError) as raised:
            attach_confirm.put(client, make_pending_upload(), b"abc", timeout=0)
        assert raised.value.attachment_id == "att-1"
        assert requests == sleeps == []

    def test_timeout_includes_opening_the_source(
        self, client, scripted_responses, make_pending_upload, monkeypatch
    ):
        now = [0.0]
        monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: now[0])

        class SlowFile(io.BytesIO):
            def seekable(self):
                now[0] = 100.0
                return True

        requests = scripted_responses(client, PUT, 200)
        with pytest.raises(UploadTimeoutError):
            attach_confirm.put(client, make_pending_upload(), SlowFile(b"abc"), timeout=5)
        assert requests == []

    @pytest.mark.parametrize("timeout", [-1, math.inf, math.nan, "5"])
    def test_invalid_timeout_is_rejected(
        self, client, scripted_responses, make_pending_upload, timeout
    ):
        requests = scripted_responses(client, PUT, 200)
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.put(client, make_pending_upload(), b"abc", timeout=timeout)
        assert raised.value.parameter == "timeout"
        assert requests == []


class TestAnnotations:
    """The attributes that `put` sets on every error."""

    @pytest.mark.parametrize("response", [403, READ_TIMEOUT, (200, b"", {})])
    def test_error_has_attachment_id(
        self, client, scripted_responses, make_pending_upload, response
    ):
        scripted_responses(client, PUT, response)
        with pytest.raises((BotoCoreError, AttachConfirmError)) as raised:
            attach_confirm.put(client, make_pending_upload(lifetime=0), b"abc")
        for error in (raised.value, pickle.loads(pickle.dumps(raised.value))):
            assert (error.attachment_id, error.acknowledged) == ("att-1", False)

    def test_source_error_has_attachment_id(self, client, make_pending_upload):
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.put(client, make_pending_upload(), "no-such-file")
        assert (raised.value.attachment_id, raised.value.acknowledged) == ("att-1", False)

    def test_put_stream_annotates_errors(self, client, scripted_responses, make_pending_upload):
        scripted_responses(client, PUT, 403)
        source = _source.Source(io.BytesIO(b"abc"), 3, None)
        with pytest.raises(PutFailedError) as raised:
            _put.put_stream(client, make_pending_upload(), source, None)
        assert (raised.value.attachment_id, raised.value.acknowledged) == ("att-1", False)

    def test_put_stream_checks_the_size(self, client, scripted_responses, make_pending_upload):
        requests = scripted_responses(client, PUT, 200)
        source = _source.Source(io.BytesIO(b"abc"), 3, None)
        with pytest.raises(InvalidInputError) as raised:
            _put.put_stream(client, make_pending_upload(size=4), source, None)
        assert raised.value.reason == "has 3 bytes, but the upload was started with a size of 4"
        assert requests == []


class TestCallback:
    """The progress callback."""

    def test_callback_reports_byte_deltas(self, client, scripted_responses, make_pending_upload):
        deltas = []
        scripted_responses(client, PUT, 200)
        data = bytes(100_000)
        attach_confirm.put(
            client, make_pending_upload(size=len(data)), data, callback=deltas.append
        )
        assert deltas == [16384] * 6 + [1696]

    def test_callback_reports_negative_delta_on_retry(
        self, client, scripted_responses, make_pending_upload
    ):
        deltas = []
        scripted_responses(client, PUT, 500, 500, 200)
        attach_confirm.put(client, make_pending_upload(), b"abc", callback=deltas.append)
        assert deltas == [3, -3, 3, -3, 3]

    def test_no_negative_callback_before_progress(self, client, make_pending_upload):
        """The first attempt fails before it reads the body."""
        deltas, errors = [], [CONNECTION_ERRORS[1]]

        def fail_once(**_):
            if errors:
                raise errors.pop()

        client.meta.events.register_first(f"before-send.{PUT}", fail_once)
        with pytest.raises(PutFailedError):
            attach_confirm.put(client, make_pending_upload(), b"abc", callback=deltas.append)
        assert deltas == []

    @pytest.mark.parametrize(
        "error",
        [
            OSError(errno.EPIPE, "no terminal"),
            KeyboardInterrupt(),
            CancelledError(),
            AssertionError("stop"),
            READ_TIMEOUT,
            PutFailedError(503, "SlowDown", None),
            HTTPClientError(error="from another request"),
        ],
        ids=class_name,
    )
    @pytest.mark.parametrize(
        ("expected_deltas", "request_count"), [([3], 0), ([3, -3], 1)], ids=["read", "retry"]
    )
    def test_callback_exception_aborts_put(
        self,
        client,
        scripted_responses,
        make_pending_upload,
        *,
        error,
        expected_deltas,
        request_count,
    ):
        """An exception that looks like a connection error is not retried."""
        deltas = []

        def callback(delta):
            deltas.append(delta)
            if deltas == expected_deltas:
                raise error

        requests = scripted_responses(client, PUT, 500, 200)
        with pytest.raises(type(error)) as raised:
            attach_confirm.put(client, make_pending_upload(), b"abc", callback=callback)
        assert raised.value is error
        assert deltas == expected_deltas
        assert len(requests) == request_count


class ChangingFile(io.BytesIO):
    """A file that changes before the n-th read.

    Args:
        data: The content.
        read_number: The number of the read before which the file changes; the first is 1.
        change: A function that changes the file.
    """

    def __init__(self, data, read_number, change):
        super().__init__(data)
        self._reads_until_change = read_number
        self._change = change

    def read(self, size=-1, /):
        """Read, after changing the file if this is the n-th read."""
        if size:
            self._reads_until_change -= 1
        if self._reads_until_change == 0:
            position = self.tell()
            self._change(self)
            self.seek(position)
        return super().read(size)


class ShortReadsFile(io.BytesIO):
    """A file that returns at most 7 bytes per read."""

    def read(self, size=-1, /):
        """Read at most 7 bytes."""
        return super().read(min(size, 7))


class TestChangingFiles:
    """Files that change or fail during the upload."""

    @pytest.mark.parametrize("read_number", [1, 2, 3])
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda file: file.truncate(10), "now has fewer"),
            (lambda file: (file.seek(0, io.SEEK_END), file.write(b"more")), "now has more"),
        ],
        ids=["truncated", "grown"],
    )
    def test_file_changes_during_upload(
        self, client, scripted_responses, make_pending_upload, *, read_number, change, message
    ):
        requests = scripted_responses(client, PUT, 200)
        size = 3 * 16384
        with pytest.raises(SourceReadError) as raised:
            attach_confirm.put(
                client,
                make_pending_upload(size=size),
                ChangingFile(bytes(size), read_number, change),
            )
        assert raised.value.reason == f"changed during the upload: had {size} bytes, {message}"
        assert (raised.value.retryable, raised.value.changed) == (False, True)
        advice = advise(raised.value)
        assert advice.action is Action.FIX
        assert advice.reason == "The file changed while it was sent; close or copy it first."
        assert requests == []

    @pytest.mark.parametrize(
        ("error", "reason", "retryable"),
        [
            (OSError(errno.EIO, "Input/output error"), "Input/output error", True),
            (io.UnsupportedOperation("read"), "read", False),
        ],
        ids=class_name,
    )
    def test_read_error_during_upload(
        self, client, scripted_responses, make_pending_upload, *, error, reason, retryable
    ):
        def fail(_):
            raise error

        requests = scripted_responses(client, PUT, 200)
        with pytest.raises(SourceReadError) as raised:
            attach_confirm.put(
                client, make_pending_upload(size=40_000), ChangingFile(bytes(40_000), 2, fail)
            )
        assert raised.value.reason == f"read failed: {reason}"
        assert raised.value.retryable is retryable
        assert raised.value.__cause__ is error
        assert requests == []

    def test_short_read_does_not_end_the_file(
        self, client, scripted_responses, make_pending_upload
    ):
        requests = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, make_pending_upload(size=100), ShortReadsFile(bytes(range(100))))
        assert requests[0].body == bytes(range(100))

    def test_fake_receives_whole_body_of_short_reads(self, fake, token):
        """The fake reads the body with a single call of `read`."""
        deltas = []
        file = ShortReadsFile(bytes(range(100)))
        attach_confirm.upload(fake.client, file, token, name="a.txt", callback=deltas.append)
        assert fake.attachments[0].data == bytes(range(100))
        assert sum(deltas) == 100


class TestErrorResponses:
    """How error responses are parsed."""

    @pytest.fixture
    def put_error(self, client, scripted_responses, make_pending_upload):
        """Return a function that sends a PUT, responds to it, and returns the error."""

        def put(response):
            scripted_responses(client, PUT, response)
            with pytest.raises(PutFailedError) as raised:
                attach_confirm.put(client, make_pending_upload(), b"abc")
            error = raised.value
            return error.status_code, error.error_code, error.request_id

        return put

    def test_s3_error_is_parsed(self, put_error):
        body = error_body("SignatureDoesNotMatch", RequestId="R1", HostId="H1")
        assert put_error((403, body, {})) == (403, "SignatureDoesNotMatch", "R1")

    @pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
    def test_compressed_error_is_parsed(self, put_error, compress):
        """A proxy may compress a response although the request does not accept that."""
        body = compress(error_body("SignatureDoesNotMatch"))
        headers = {"Content-Encoding": "gzip", "Content-Length": str(len(body))}
        assert put_error((403, body, headers))[1] == "SignatureDoesNotMatch"

    @pytest.mark.parametrize(
        "body", [b"not compressed", error_body("NoSuchKey"), gzip.compress(b" " * 5_000_000)]
    )
    def test_body_that_cannot_be_decompressed(self, put_error, body):
        error_code = "NoSuchKey" if body.startswith(b"<") else None
        assert put_error((403, body, {"Content-Encoding": "gzip"}))[1] == error_code

    def test_request_id_from_header(self, put_error):
        assert put_error((403, b"", {"x-amz-request-id": "R2"})) == (403, None, "R2")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"Forbidden",
            b"<html><head><title>403</title></head><body><hr>Forbidden</body></html>",
            b"<html><body>Forbidden</body></html>",
            b"<Error><Code>Acc",
            b"<Error/>",
            b"<Error><Code/></Error>",
            b"\xff\xfe\x00\x01",
            b'<?xml version="1.0" encoding="Shift_JIS"?><html/>',
            b'<?xml version="1.0" encoding="no-such-thing"?><Error/>',
            b'<?xml version="1.0" encoding="idna"?><Error/>',
            b'<!DOCTYPE html [<!ENTITY a "b">]><html>&a;&c;</html>',
        ],
    )
    def test_non_s3_error_body_has_no_code(self, put_error, body):
        assert put_error((403, body, {})) == (403, None, None)

    @given(
        body=st.one_of(
            st.binary(max_size=60), st.text(max_size=30).map(lambda t: t.encode(errors="ignore"))
        )
    )
    def test_error_body_property(self, put_error, body):
        status_code, *_ = put_error((403, body, {}))
        assert status_code == 403

    @pytest.mark.parametrize(
        ("status_code", "body", "headers", "server_time"),
        [
            (
                403,
                error_body(
                    "AccessDenied",
                    "Request has expired",
                    **{"X-Amz-Expires": "300"},
                    Expires="2026-11-22T08:15:46Z",
                    ServerTime="2026-11-22T08:20:00Z",
                ),
                {"Date": "Sun, 22 Nov 2026 08:20:01 GMT"},
                "2026-11-22T08:20:00+00:00",
            ),
            (
                400,
                error_body("ExpiredToken", "The provided token has expired."),
                {"Date": "Sun, 22 Nov 2026 08:20:01 GMT"},
                "2026-11-22T08:20:01+00:00",
            ),
            (403, error_body("AccessDenied", "Request has expired"), {}, None),
            (403, error_body("RequestExpired", ServerTime="2026-11-22T08:20:00"), {}, UTC_TIME),
            (403, error_body("RequestExpired", ServerTime="soon"), {}, None),
            (403, error_body("RequestExpired"), {}, None),
        ],
    )
    def test_expired_url_raises(
        self,
        client,
        scripted_responses,
        make_pending_upload,
        *,
        status_code,
        body,
        headers,
        server_time,
    ):
        response = (status_code, body, headers)
        requests = scripted_responses(client, PUT, 500, response, 200)
        expired = make_pending_upload()
        with pytest.raises(UploadUrlExpiredError) as raised:
            attach_confirm.put(client, expired, b"abc")
        assert raised.value.attachment_id == "att-1"
        assert raised.value.expires_at == expired.expires_at
        expected_time = server_time and datetime.fromisoformat(server_time)
        assert raised.value.server_time == expected_time
        assert (raised.value.attempts, raised.value.retry_after) == (2, None)
        assert len(requests) == 2

    def test_truncated_error_response_is_retried(
        self, client, scripted_responses, make_pending_upload
    ):
        """The error code may be missing, so an expired URL could be reported as another error."""
        body = error_body("AccessDenied", "Request has expired", Expires="2026-11-22T08:15:46Z")
        truncated = (403, body[: len(body) // 2], {"Content-Length": str(len(body))})
        requests = scripted_responses(client, PUT, truncated, 200)
        attach_confirm.put(client, make_pending_upload(), b"abc")
        assert len(requests) == 2

    def test_truncated_error_response_on_every_attempt(
        self, client, scripted_responses, make_pending_upload
    ):
        scripted_responses(client, PUT, (403, b"<Err", {"Content-Length": "99"}))
        with pytest.raises(ConnectionClosedError) as raised:
            attach_confirm.put(client, make_pending_upload(), b"abc")
        assert "https://bucket.example/staging/att-1?" in str(raised.value)
        assert "5eed" not in f"{raised.value} {raised.value.kwargs}"
        assert advise(raised.value).action is Action.RETRY


class TestSuccessResponses:
    """Which 2xx responses are accepted as S3's."""

    @pytest.mark.parametrize(
        ("headers", "content_type"),
        [({"Content-Type": "text/html"}, "text/html"), ({}, "unknown type")],
    )
    @pytest.mark.parametrize("body", [b"<!DOCTYPE html><title>Sign in</title>", b""])
    @pytest.mark.parametrize("status_code", [200, 202, 204])
    def test_response_without_s3_header_is_not_success(
        self,
        client,
        scripted_responses,
        make_pending_upload,
        *,
        status_code,
        body,
        headers,
        content_type,
    ):
        requests = scripted_responses(client, PUT, (status_code, body, headers))
        with pytest.raises(UnexpectedResponseError) as raised:
            attach_confirm.put(client, make_pending_upload(), b"abc")
        assert (raised.value.operation, raised.value.reason) == (
            "PutObject",
            f"no ETag, no request ID, and a body of {content_type}",
        )
        assert advise(raised.value).action is Action.RETRY
        assert len(requests) == 1

    @pytest.mark.parametrize(
        ("body", "headers"),
        [(b"", {"x-amz-request-id": "1"}), (b"<Done/>", {"ETag": '"1"'}), (b"", {"eTAG": "1"})],
    )
    def test_s3_success_headers_accepted(
        self, client, scripted_responses, make_pending_upload, body, headers
    ):
        scripted_responses(client, PUT, (200, body, headers))
        attach_confirm.put(client, make_pending_upload(), b"abc")


class TestUploadUrl:
    """Which upload URLs are accepted."""

    @pytest.mark.parametrize(
        "url", ["http://bucket.example/k?X-Amz-Signature=5eed", "ftp://b/k", ""]
    )
    def test_non_https_upload_url_rejected(self, client, scripted_responses, url):
        """The client's endpoint is https, so the bytes must not be sent unencrypted."""
        requests = scripted_responses(client, PUT, 200)
        upload = attach_confirm.PendingUpload("att-1", url, {}, datetime.now(timezone.utc))
        with pytest.raises(UnexpectedResponseError) as raised:
            attach_confirm.put(client, upload, b"abc")
        assert (raised.value.operation, raised.value.reason) == (
            "StartAttachmentUpload",
            "the presigned URL is not https",
        )
        assert requests == []

    def test_upload_url_of_another_scheme_rejected(self, make_pending_upload):
        client = attach_confirm.client("us-west-2", endpoint_url="http://service.example")
        with pytest.raises(UnexpectedResponseError) as raised:
            attach_confirm.put(client, make_pending_upload(url="ftp://bucket.example/k"), b"abc")
        assert raised.value.reason == "the presigned URL is not https"

    @pytest.mark.parametrize("endpoint_url", ["https://service.example", "http://service.example"])
    def test_malformed_upload_url_raises(self, make_pending_upload, endpoint_url):
        client = attach_confirm.client("us-west-2", endpoint_url=endpoint_url)
        with pytest.raises(UnexpectedResponseError) as raised:
            attach_confirm.put(
                client, make_pending_upload(url="https://[::1/k?X-Amz-Signature=5eed"), b"abc"
            )
        assert (raised.value.operation, raised.value.reason) == (
            "StartAttachmentUpload",
            "the presigned URL is malformed",
        )
        assert raised.value.__suppress_context__

    def test_upper_case_scheme_accepted(self, client, scripted_responses, make_pending_upload):
        requests = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, make_pending_upload(url="HTTPS://bucket.example/k"), b"abc")
        assert len(requests) == 1

    def test_http_endpoint_allows_http_upload_url(self, scripted_responses, make_pending_upload):
        """By default, the served fake does not use TLS."""
        client = attach_confirm.client("us-west-2", endpoint_url="http://127.0.0.1:5000")
        requests = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, make_pending_upload(url="http://127.0.0.1:5000/k"), b"abc")
        attach_confirm.put(client, make_pending_upload(url="https://bucket.example/k"), b"abc")
        assert len(requests) == 2


@pytest.mark.parametrize(
    "error",
    [
        *CONNECTION_ERRORS,
        SSLError(endpoint_url=URL, error=f"bad {URL}"),
        HTTPClientError(error=f"at {URL}"),
    ],
    ids=class_name,
)
def test_botocore_errors_are_redacted(client, scripted_responses, make_pending_upload, error):
    scripted_responses(client, PUT, error)
    with pytest.raises(type(error)) as raised:
        attach_confirm.put(client, make_pending_upload(url=URL, lifetime=0), b"abc")
    assert type(raised.value) is type(error)
    assert "5eed" not in str(raised.value)
    assert "5eed" not in repr(vars(raised.value))
    assert raised.value.__cause__ is raised.value.__context__ is None
