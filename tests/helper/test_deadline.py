import math
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from weakref import WeakSet

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

import attach_confirm
from attach_confirm import InvalidInputError
from attach_confirm._deadline import (
    Deadline,
    DeadlineReachedError,
    create_deadline,
    limit_api_calls,
    prepare_client,
)


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
        """The clock does not advance if a test replaces `_clock.sleep`."""
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

    def test_parent_limits_child(self, clock):
        parent = Deadline(10.0)
        child = Deadline(60.0, parent)
        assert child.remaining() == 10.0
        clock[0] += 4.0
        assert child.remaining() == 6.0
        assert Deadline(3.0, parent).remaining() == 3.0

    @pytest.mark.usefixtures("clock")
    def test_sleep_counts_for_parent(self, sleeps):
        parent = Deadline(10.0)
        Deadline(60.0, parent).sleep(4.0)
        assert parent.remaining() == 6.0
        assert sleeps == [4.0]

    def test_create_deadline_sets_limit(self):
        assert create_deadline(2.5).seconds == 2.5
        assert create_deadline(0).remaining() == 0.0

    @pytest.mark.parametrize("timeout", [-0.1, math.inf, math.nan, True, "5", None])
    def test_create_deadline_rejects_invalid_timeout(self, timeout):
        with pytest.raises(InvalidInputError) as raised:
            create_deadline(timeout)
        assert raised.value.parameter == "timeout"


STATUS = "connectparticipant.GetTranscript"
FOUND = (200, {"Transcript": []}, {})
LOST = ReadTimeoutError(endpoint_url="https://bucket.example")


class TestLimitApiCalls:
    """`limit_api_calls` bounds the attempts of botocore's retries."""

    @pytest.fixture(params=["standard", "legacy"])
    def client(self, request):
        """Return a client that makes 5 attempts per call."""
        return attach_confirm.client(
            "us-west-2", config=Config(retries={"mode": request.param, "total_max_attempts": 5})
        )

    @pytest.fixture(autouse=True)
    def longest_delays(self, monkeypatch):
        """Set botocore's delays to 1, 2, 4, 8, ... seconds; releases differ in the first delay."""
        monkeypatch.setattr("random.random", lambda: 1.0)
        monkeypatch.setattr(
            "botocore.retries.standard.ExponentialBackoff.delay_amount",
            lambda _, context: 2.0 ** (context.attempt_number - 1),
        )

    @staticmethod
    def call(client):
        return client.get_transcript(ConnectionToken="token")

    def test_no_attempt_after_deadline(self, client, scripted_responses):
        requests = scripted_responses(client, STATUS, FOUND)
        with pytest.raises(DeadlineReachedError) as raised, limit_api_calls(client, Deadline(0)):
            self.call(client)
        assert requests == []
        assert (raised.value.deadline.seconds, raised.value.__cause__) == (0, None)
        assert (raised.value.attachment_id, raised.value.acknowledged) == (None, False)

    def test_free_attempt_after_deadline(self, client, scripted_responses):
        requests = scripted_responses(client, STATUS, FOUND)
        with limit_api_calls(client, Deadline(0), free_attempts=1):
            self.call(client)
            with pytest.raises(DeadlineReachedError):
                self.call(client)
        assert len(requests) == 1

    def test_calls_outside_the_block_are_not_limited(self, client, scripted_responses):
        scripted_responses(client, STATUS, FOUND)
        with limit_api_calls(client, Deadline(0)):
            with limit_api_calls(client, None):
                self.call(client)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(self.call, client).result()
        self.call(client)

    def test_response_after_deadline_is_returned(self, client, scripted_responses, clock):
        """An attempt in progress is finished."""
        requests = scripted_responses(client, STATUS, FOUND)
        client.meta.events.register_first(
            "response-received", lambda **_: clock.append(clock.pop() + 9)
        )
        with limit_api_calls(client, Deadline(5)):
            assert self.call(client)["Transcript"] == []
        assert len(requests) == 1

    @pytest.mark.parametrize("response", [LOST, 500, (429, {}, {})], ids=["lost", "500", "429"])
    def test_retry_within_the_time_left(self, client, scripted_responses, clock, sleeps, response):
        requests = scripted_responses(client, STATUS, response, FOUND)
        with limit_api_calls(client, Deadline(1.5)):
            self.call(client)
        assert (len(requests), sleeps, clock) == (2, [1.0], [100.0])

    @pytest.mark.parametrize("limit", [0.5, 1.0])
    def test_retry_that_would_start_after_deadline(
        self, client, scripted_responses, clock, sleeps, limit
    ):
        """Neither the delay nor another attempt is started."""
        requests = scripted_responses(client, STATUS, LOST)
        with (
            pytest.raises(DeadlineReachedError) as raised,
            limit_api_calls(client, Deadline(limit)),
        ):
            self.call(client)
        assert (len(requests), sleeps, clock) == (1, [], [100.0])
        assert isinstance(raised.value.__cause__, ReadTimeoutError)
        assert raised.value.deadline.seconds == limit

    def test_retries_end_at_deadline(self, client, scripted_responses, clock, sleeps, monkeypatch):
        """The next delays would be 4 and 8 seconds."""

        def sleep(seconds):
            clock[0] += seconds
            sleeps.append(seconds)

        monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=sleep))
        requests = scripted_responses(client, STATUS, 500)
        with pytest.raises(DeadlineReachedError), limit_api_calls(client, Deadline(6.5)):
            self.call(client)
        assert (len(requests), sleeps) == (3, [1.0, 2.0])

    def test_error_that_is_not_retried_is_raised_after_deadline(self, client, scripted_responses):
        scripted_responses(client, STATUS, 403)
        with (
            pytest.raises(ClientError),
            limit_api_calls(client, Deadline(0), free_attempts=1),
        ):
            self.call(client)

    def test_last_attempt_raises_its_error(self, client, scripted_responses):
        requests = scripted_responses(client, STATUS, 500)
        with pytest.raises(ClientError), limit_api_calls(client, Deadline(20.0)):
            self.call(client)
        assert len(requests) == 5

    @pytest.mark.usefixtures("clock")
    @pytest.mark.parametrize(("limit", "calls"), [(1000.0, 1), (25.1, 1), (25.0, 2), (10.0, 2)])
    def test_handlers_run_twice_only_near_the_deadline(
        self, client, scripted_responses, limit, calls
    ):
        attempts = []
        client.meta.events.register(
            "needs-retry", lambda attempts_=attempts, **_: attempts_.append(1)
        )
        scripted_responses(client, STATUS, LOST, FOUND)
        with limit_api_calls(client, Deadline(limit)):
            self.call(client)
        assert len(attempts) == calls + 1

    def test_long_delay_of_legacy_mode(self, scripted_responses, sleeps, clock):
        """The delay before the 8th attempt is 64 seconds."""
        client = attach_confirm.client(
            "us-west-2", config=Config(retries={"mode": "legacy", "total_max_attempts": 9})
        )
        decisions = []
        client.meta.events.register("needs-retry", lambda **_: decisions.append(1))
        requests = scripted_responses(client, STATUS, 500)
        with pytest.raises(DeadlineReachedError), limit_api_calls(client, Deadline(60.0)):
            self.call(client)
        assert (len(requests), sleeps, clock) == (7, [1, 2, 4, 8, 16, 32], [100.0])
        # The delay is decided twice only if it may be longer than the time left.
        assert len(decisions) == 5 + 2 + 1

    def test_call_that_is_not_retried_because_of_the_quota(self, client, scripted_responses):
        """For some operations, botocore's handler returns False if its retry quota is used up."""
        client.meta.events.register_first("needs-retry.connectparticipant", lambda **_: False)
        requests = scripted_responses(client, STATUS, LOST)
        with (
            pytest.raises(ReadTimeoutError),
            limit_api_calls(client, Deadline(0), free_attempts=1),
        ):
            self.call(client)
        assert len(requests) == 1

    def test_unresponsive_server_times_out_at_deadline(self):
        """The connection is real, and so are its timeouts."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            client = attach_confirm.client(
                "us-west-2",
                endpoint_url=f"http://127.0.0.1:{server.getsockname()[1]}",
                config=Config(read_timeout=0.2, retries={"total_max_attempts": 10}),
            )
            started_at = time.monotonic()
            with (
                pytest.raises(DeadlineReachedError) as raised,
                limit_api_calls(client, Deadline(0.1)),
            ):
                self.call(client)
            assert 0.2 <= time.monotonic() - started_at < 2.0
            assert isinstance(raised.value.__cause__, ReadTimeoutError)
            client.close()

    def test_handlers_are_registered_once(self, client, scripted_responses, caplog, monkeypatch):
        """Registering takes longer than all other work of a call."""
        scripted_responses(client, STATUS, 500, FOUND, LOST, FOUND)
        with limit_api_calls(client, None):
            self.call(client)
        monkeypatch.setattr(client.meta.events, "register", None)
        with limit_api_calls(client, None):
            self.call(client)
        assert caplog.messages == [
            "GetTranscript: attempt 2 after 0.0 s: HTTP 500",
            "GetTranscript: attempt 2 after 0.0 s: ReadTimeoutError",
        ]

    def test_client_is_prepared_by_two_threads(
        self, client, scripted_responses, monkeypatch, caplog
    ):
        """Both threads may find that the client has no handlers."""
        scripted_responses(client, STATUS, 500, FOUND)
        for _ in range(2):
            monkeypatch.setattr("attach_confirm._deadline._prepared_emitters", WeakSet())
            prepare_client(client)
        self.call(client)
        assert caplog.messages == ["GetTranscript: attempt 2 after 0.0 s: HTTP 500"]

    def test_retry_log_has_the_error_code(self, client, scripted_responses, caplog):
        error = (500, {"Message": "no"}, {"x-amzn-ErrorType": "InternalServerException"})
        scripted_responses(client, STATUS, error, FOUND)
        with limit_api_calls(client, None):
            self.call(client)
        assert caplog.messages == [
            "GetTranscript: attempt 2 after 0.0 s: HTTP 500 InternalServerException"
        ]
