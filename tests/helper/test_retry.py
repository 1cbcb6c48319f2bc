import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)

from attach_confirm import InvalidInputError, PutFailedError
from attach_confirm._deadline import Deadline
from attach_confirm._retry import create_retrying, is_retryable

URL = "https://bucket.example"


class TestCreateRetrying:
    """The tenacity loop of the PUT."""

    @staticmethod
    def create(deadline, max_attempts):
        return create_retrying(
            deadline,
            retry_if=lambda result: result != "done",
            wait=lambda retry_state: float(retry_state.attempt_number),
            stop=lambda retry_state: retry_state.attempt_number >= max_attempts,
        )

    def test_retries_until_predicate_is_false(self, sleeps):
        results = iter(["failed", "failed", "done"])
        deadline = Deadline(60.0)
        assert self.create(deadline, 5)(lambda: next(results)) == "done"
        assert sleeps == [1.0, 2.0]
        assert deadline.remaining() <= 57.0

    def test_retry_is_logged_without_query_string(self, caplog):
        error = ConnectionClosedError(endpoint_url=f"{URL}/key?X-Amz-Signature=5eed")
        results = iter([PutFailedError(500, "InternalError", "R1"), error, "done"])
        self.create(Deadline(60.0), 5)(lambda: next(results))
        first, second = caplog.messages
        assert first == (
            "put: attempt 1 failed, retrying in 1.0 s: PutFailedError: PUT failed: HTTP 500,"
            " InternalError (request ID R1)"
        )
        assert second.startswith(
            "put: attempt 2 failed, retrying in 2.0 s: ConnectionClosedError: Connection was"
        )
        assert second.endswith('"https://bucket.example/key?<redacted>".')
        assert all(record.levelname == "WARNING" for record in caplog.records)
        assert all(record.name == "attach_confirm" for record in caplog.records)

    def test_returns_last_result_when_stopped(self, sleeps):
        results = iter(["first", "second"])
        assert self.create(Deadline(60.0), 2)(lambda: next(results)) == "second"
        assert sleeps == [1.0]

    def test_exception_propagates_without_retry(self, sleeps):
        error = RuntimeError("stop")

        def attempt():
            raise error

        with pytest.raises(RuntimeError) as raised:
            self.create(Deadline(60.0), 5)(attempt)
        assert raised.value is error
        assert sleeps == []


def proxy_error(status_code):
    """Create the error that a proxy's response to CONNECT causes."""
    cause = OSError(f"Tunnel connection failed: {status_code} Something")
    return ProxyConnectionError(proxy_url=URL, error=f"('Unable to connect to proxy', {cause!r})")


def test_is_retryable_for_transient_errors():
    for error in (
        *(PutFailedError(status, None, None) for status in (408, 429, 500, 502, 503, 504)),
        PutFailedError(400, "RequestTimeout", None),
        PutFailedError(400, "SlowDown", None),
        ConnectionClosedError(endpoint_url=URL),
        ConnectTimeoutError(endpoint_url=URL),
        EndpointConnectionError(endpoint_url=URL),
        ProxyConnectionError(proxy_url=URL),
        *(proxy_error(status) for status in (408, 429, 500, 502, 504)),
        ReadTimeoutError(endpoint_url=URL),
    ):
        assert is_retryable(error), repr(error)


def test_is_retryable_for_permanent_errors():
    for error in (
        *(PutFailedError(status, None, None) for status in (307, 400, 403, 404, 501)),
        PutFailedError(403, "AccessDenied", None),
        SSLError(endpoint_url=URL, error=""),
        HTTPClientError(error=""),
        *(proxy_error(status) for status in (400, 403, 407, 499)),
        HTTPClientError(error="Tunnel connection failed: 502 Bad Gateway"),
        InvalidInputError("source", "changed"),
        None,
    ):
        assert not is_retryable(error), repr(error)
