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
from attach_confirm._retry import Deadline, create_retrying, is_retryable

URL = "https://bucket.example"


@pytest.fixture
def clock(monkeypatch):
    """Replace the monotonic clock, and return a list whose only item is its time."""
    now = [100.0]
    monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: now[0])
    return now


class TestDeadline:
    def test_remaining_counts_elapsed_time(self, clock):
        deadline = Deadline(10.0)
        assert deadline.remaining() == 10.0
        clock[0] += 4.0
        assert deadline.remaining() == 6.0
        clock[0] += 7.0
        assert deadline.remaining() == 0.0

    @pytest.mark.usefixtures("clock")
    def test_remaining_counts_requested_sleep(self, sleeps):
        """The clock does not move, like in a test that replaces `_clock.sleep`."""
        deadline = Deadline(10.0)
        deadline.sleep(4.0)
        deadline.sleep(1.5)
        assert deadline.remaining() == 4.5
        assert sleeps == [4.0, 1.5]

    def test_sleep_is_not_counted_twice(self, clock):
        deadline = Deadline(10.0)
        deadline.sleep(4.0)
        clock[0] += 4.0
        assert deadline.remaining() == 6.0

    @pytest.mark.usefixtures("clock")
    def test_sleep_until_deadline_leaves_no_rounding_error(self):
        limit, first_sleep = 7.3, 2.61
        assert first_sleep + (limit - first_sleep) < limit
        deadline = Deadline(limit)
        deadline.sleep(first_sleep)
        deadline.sleep(deadline.remaining())
        assert deadline.remaining() == 0.0

    @pytest.mark.parametrize("seconds", [0.0, -1.0])
    def test_limit_of_zero_or_less_is_reached_at_once(self, seconds):
        assert Deadline(seconds).remaining() == 0.0


class TestCreateRetrying:
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


def test_is_retryable_for_transient_errors():
    for error in (
        *(PutFailedError(status, None, None) for status in (408, 429, 500, 502, 503, 504)),
        PutFailedError(400, "RequestTimeout", None),
        PutFailedError(400, "SlowDown", None),
        ConnectionClosedError(endpoint_url=URL),
        ConnectTimeoutError(endpoint_url=URL),
        EndpointConnectionError(endpoint_url=URL),
        ProxyConnectionError(proxy_url=URL),
        ReadTimeoutError(endpoint_url=URL),
    ):
        assert is_retryable(error), repr(error)


def test_is_retryable_for_permanent_errors():
    for error in (
        *(PutFailedError(status, None, None) for status in (307, 400, 403, 404, 501)),
        PutFailedError(403, "AccessDenied", None),
        SSLError(endpoint_url=URL, error=""),
        HTTPClientError(error=""),
        InvalidInputError("source", "changed"),
        None,
    ):
        assert not is_retryable(error), repr(error)
