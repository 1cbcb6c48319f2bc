"""`upload` with a `client_token` leaves one attachment, however often it is repeated.

For each rule of the search for an earlier attachment, one test fails without the rule.
"""

import errno
import io
import os
import pickle
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from uuid import UUID

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

import attach_confirm
from attach_confirm import (
    Action,
    InvalidInputError,
    SourceReadError,
    SQLiteJournal,
    UploadTimeoutError,
    UploadUrlExpiredError,
    advise,
)
from attach_confirm_stubs import (
    ConnectionReset,
    Latency,
    ModeledError,
    ServerError,
    serve_connectparticipant,
)
from tests.support.stubs import NonSeekableStream, skew_clock
from tests.support.uploads import (
    COMPLETE,
    GET_TRANSCRIPT,
    LIFETIME,
    PDF,
    PUT,
    START,
    listed_ids,
    start_upload,
)

RESTART_DELAY = 90


@pytest.fixture
def send(fake, token):
    """Return a function that uploads the file with the client token "mine"."""

    def send(source=PDF, **kwargs):
        return attach_confirm.upload(
            fake.client, source, token, **{"name": "a.pdf", "client_token": "mine", **kwargs}
        )

    return send


@pytest.fixture
def crash(fake, token):
    """Return a function that starts the same upload without confirming it, like a crash."""

    def crash(client_token="mine", *, sends_file=True):
        pending = start_upload(fake.client, token, client_token)
        if sends_file:
            attach_confirm.put(fake.client, pending, PDF)
        return pending.attachment_id

    return crash


@pytest.fixture
def requests(fake, recorded_requests):
    """Record the requests. `operations()` and `tokens()` return what they contain, in order."""
    recorded = recorded_requests(fake.client)
    return SimpleNamespace(
        recorded=recorded,
        operations=lambda: [request.operation for request in recorded],
        tokens=lambda: [r.body["ClientToken"] for r in recorded if r.operation == START],
    )


def confirm_with_another_client(fake, token, attachment_id):
    """Confirm an attachment with another client."""
    client = attach_confirm.client(fake.region_name)
    attach_confirm.confirm(client, attachment_id, token)


def call_before_request(fake, operation, action, *, number=1):
    """Call a function once, before request `number` of this operation is sent."""
    remaining = [number]

    def handler(event_name, **_):
        if event_name.endswith(f".{operation}"):
            remaining[0] -= 1
            if remaining[0] == 0:
                action()

    fake.client.meta.events.register_first("before-send", handler)


class UnseekableOnDemand(io.BytesIO):
    """A file that cannot seek any more after `stop_seeking`."""

    can_seek = True

    def stop_seeking(self):
        self.can_seek = False

    def seek(self, *args):
        if not self.can_seek:
            raise OSError(errno.EIO, "Input/output error")
        return super().seek(*args)


class TestFirstCall:
    def test_first_call_sends_three_requests(self, fake, send, requests):
        sent = send()
        assert requests.operations() == [START, PUT, COMPLETE]
        assert requests.tokens() == ["mine"]
        assert (sent.attempts, sent.put_attempts, sent.already_confirmed) == (1, 1, False)
        assert listed_ids(fake) == [sent.attachment_id]

    @pytest.mark.parametrize("client_token", ["", "x" * 501, 7])
    def test_invalid_client_token_raises(self, send, requests, client_token):
        with pytest.raises(InvalidInputError) as raised:
            send(client_token=client_token)
        assert raised.value.parameter == "client_token"
        assert requests.recorded == []


class TestBeforeExpiry:
    """The URL of the earlier call is still valid."""

    @pytest.mark.parametrize("start_again", ["same_url", "fresh_url"])
    def test_confirmed_upload_is_not_confirmed_again(self, fake, send, requests, start_again):
        fake.assumptions.start_again = start_again
        first = send()
        second = send()
        assert second.attachment_id == first.attachment_id
        assert requests.operations() == [START, PUT, COMPLETE] * 2
        assert listed_ids(fake) == [first.attachment_id]

    @pytest.mark.parametrize("sends_file", [False, True])
    def test_unconfirmed_upload_is_completed(self, fake, send, crash, sends_file):
        attachment_id = crash(sends_file=sends_file)
        assert send().attachment_id == attachment_id
        assert listed_ids(fake) == [attachment_id]

    @pytest.mark.parametrize("code", ["ValidationException", "ConflictException"])
    def test_rejected_confirmation_is_checked_in_transcript(self, fake, send, requests, code):
        """The service may reject the second confirmation in several ways."""
        first = send()
        fake.inject(COMPLETE, ModeledError(code))
        second = send()
        assert (second.attachment_id, second.already_confirmed) == (first.attachment_id, True)
        assert requests.operations()[3:] == [START, PUT, COMPLETE, GET_TRANSCRIPT]

    def test_rejected_confirmation_without_client_token_is_raised(self, fake, send, requests):
        fake.inject(COMPLETE, ModeledError("ValidationException"))
        with pytest.raises(ClientError):
            send(client_token=None)
        assert requests.operations() == [START, PUT, COMPLETE]

    def test_several_threads_leave_one_attachment(self, fake, send):
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: send().attachment_id, range(8)))
        assert len(set(results)) == 1
        assert listed_ids(fake) == results[:1]


class TestAfterExpiry:
    """The URL of the earlier call has expired."""

    @pytest.mark.parametrize("delay", [LIFETIME, LIFETIME + RESTART_DELAY, 86_000])
    @pytest.mark.parametrize("verdict", ["approve", "reject"])
    def test_confirmed_upload_is_found(self, fake, send, requests, delay, verdict):
        getattr(fake.scanner, verdict)()
        first = send()
        fake.clock.advance(delay)
        second = send()
        assert requests.operations()[3:] == [START, PUT, GET_TRANSCRIPT]
        assert second.attachment_id == first.attachment_id
        assert second.client_token == first.client_token
        assert second.already_confirmed
        assert (second.attempts, second.put_attempts, second.request_id) == (0, 1, None)
        assert (second.name, second.size) == ("a.pdf", len(PDF))
        assert listed_ids(fake) == [first.attachment_id]

    def test_confirmed_upload_is_found_on_the_last_page(self, fake, send, token):
        first = send()
        for number in range(220):
            fake.client.send_message(
                ContentType="text/plain", Content=f"{number}", ConnectionToken=token
            )
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        assert send().attachment_id == first.attachment_id
        assert listed_ids(fake) == [first.attachment_id]

    def test_url_with_a_new_expiry_is_used(self, fake, send, requests):
        fake.assumptions.start_again = "fresh_url"
        first = send()
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        assert send().attachment_id == first.attachment_id
        assert requests.operations() == [START, PUT, COMPLETE] * 2
        assert listed_ids(fake) == [first.attachment_id]

    def test_url_that_the_service_renews_is_used(self, fake, send, requests):
        """The process is suspended before its PUT, so the first URL expires."""
        fake.assumptions.start_again = "fresh_url"
        call_before_request(fake, PUT, lambda: fake.clock.advance(LIFETIME + RESTART_DELAY))
        first = send()
        assert requests.operations() == [START, PUT, GET_TRANSCRIPT, START, PUT, COMPLETE]
        assert requests.tokens() == ["mine", "mine"]
        assert send().attachment_id == first.attachment_id
        assert listed_ids(fake) == [first.attachment_id]

    def test_url_that_is_renewed_ten_times(self, fake, send, requests):
        """The process is suspended before each PUT."""
        fake.assumptions.start_again = "fresh_url"
        for number in range(1, 11):
            call_before_request(
                fake, PUT, lambda: fake.clock.advance(LIFETIME + RESTART_DELAY), number=number
            )
        with pytest.raises(UploadUrlExpiredError) as raised:
            send()
        assert requests.operations() == [START, PUT, GET_TRANSCRIPT] * 10
        assert len(fake.attachments) == 1
        assert advise(raised.value).action is Action.FIX

    @pytest.mark.parametrize("sends_file", [False, True])
    def test_unconfirmed_upload_starts_over(self, fake, send, crash, requests, sends_file):
        first = crash(sends_file=sends_file)
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        requests.recorded.clear()
        progress = []
        sent = send(callback=progress.append)
        assert requests.operations() == [
            START,
            PUT,
            GET_TRANSCRIPT,
            START,
            START,
            PUT,
            GET_TRANSCRIPT,
            COMPLETE,
        ]
        assert sent.attachment_id != first
        assert (sent.attempts, sent.put_attempts, sent.already_confirmed) == (1, 2, False)
        assert listed_ids(fake) == [sent.attachment_id]
        assert fake.attachments[1].data == PDF
        assert sum(progress) == len(PDF)

    def test_source_that_cannot_return_to_its_start_raises(self, fake, send, crash):
        crash()
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        stream = UnseekableOnDemand(PDF)
        call_before_request(fake, START, stream.stop_seeking, number=3)
        with pytest.raises(SourceReadError) as raised:
            send(stream)
        assert raised.value.reason == "seek failed: Input/output error"
        assert raised.value.attachment_id == fake.attachments[-1].attachment_id
        assert not raised.value.acknowledged
        assert advise(raised.value).action is Action.RETRY

    def test_error_of_the_callback_before_the_restart(self, fake, send, crash):
        crash()
        fake.clock.advance(LIFETIME + RESTART_DELAY)

        def callback(count):
            if count < 0:
                raise ValueError(count)

        with pytest.raises(ValueError, match=str(-len(PDF))) as raised:
            send(callback=callback)
        assert raised.value.attachment_id == fake.attachments[-1].attachment_id
        assert not raised.value.acknowledged

    def test_started_over_upload_is_found(self, fake, send, crash):
        crash()
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        second = send()
        for delay in (0, LIFETIME, RESTART_DELAY, 40_000):
            fake.clock.advance(delay)
            assert send().attachment_id == second.attachment_id
        assert listed_ids(fake) == [second.attachment_id]

    def test_tokens_are_derived_from_the_client_token(self, fake, send, crash, requests):
        """The values are those of past releases, so that their uploads can be repeated."""
        crash()
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        requests.recorded.clear()
        send()
        assert requests.tokens() == ["mine", "mine", "f371f69b-9ffb-52a1-830b-195196f6d396"]
        assert UUID(requests.tokens()[2]).version == 5

    @pytest.mark.parametrize("delay", [LIFETIME + 1, LIFETIME + RESTART_DELAY - 1.5])
    def test_restart_within_90_seconds_raises(self, fake, send, crash, requests, delay):
        """A confirmation may be in flight, or the scanner may not have finished."""
        crash()
        fake.clock.advance(delay)
        requests.recorded.clear()
        with pytest.raises(UploadUrlExpiredError) as raised:
            send()
        assert requests.operations() == [START, PUT, GET_TRANSCRIPT]
        advice = advise(raised.value)
        assert (advice.action, advice.attachment_id) == (Action.RETRY, None)
        # S3's clock has whole seconds, and the local one did not advance.
        remaining = LIFETIME + RESTART_DELAY - delay
        assert remaining - 1 <= advice.retry_after <= remaining + 2
        fake.clock.advance(advice.retry_after + 1)
        assert [send().attachment_id] == listed_ids(fake)

    def test_attachment_that_appears_after_the_scan_is_found(self, fake, send, crash, token):
        """Another process confirmed just before the URL expired, and the scan takes 60 seconds."""
        fake.assumptions.item_appears = "decided"
        fake.scanner.approve(after=60)
        attachment_id = crash()
        fake.clock.advance(LIFETIME - 1)
        confirm_with_another_client(fake, token, attachment_id)
        fake.clock.advance(3)
        with pytest.raises(UploadUrlExpiredError) as raised:
            send()
        fake.clock.advance(raised.value.retry_after)
        assert send().attachment_id == attachment_id
        assert listed_ids(fake) == [attachment_id]

    @pytest.mark.parametrize(("latency", "is_sent"), [(20, True), (45, False)])
    def test_late_confirmation_is_not_sent(self, fake, send, requests, latency, is_sent):
        """A call that repeats it could not find the attachment in time."""
        events = fake.client.meta.events
        events.register(f"after-call.*.{START}", lambda **_: fake.clock.advance(LIFETIME - 5))
        fake.inject(PUT, Latency(latency))
        if is_sent:
            assert [send().attachment_id] == listed_ids(fake)
            return
        with pytest.raises(UploadUrlExpiredError) as raised:
            send()
        assert requests.operations() == [START, PUT]
        assert raised.value.attempts == 1
        advice = advise(raised.value)
        assert (advice.action, advice.attachment_id) == (Action.RETRY, None)
        assert advice.retry_after == RESTART_DELAY - 25

    def test_late_confirmation_is_not_retried(self, fake, send, requests):
        fake.assumptions.item_appears = "decided"
        fake.scanner.approve(after=60)
        fake.inject(COMPLETE, ConnectionReset(after_commit=True))
        call_before_request(fake, COMPLETE, lambda: fake.clock.advance(LIFETIME + 26))
        with pytest.raises(UploadUrlExpiredError) as raised:
            send()
        assert requests.operations() == [START, PUT, COMPLETE]
        assert isinstance(raised.value.__cause__, ConnectionClosedError)
        fake.clock.advance(raised.value.retry_after)
        assert [send().attachment_id] == listed_ids(fake)

    def test_late_confirmation_after_timeout_raises_timeout_error(self, fake, send, requests):
        fake.inject(COMPLETE, ConnectionReset(after_commit=True))
        call_before_request(fake, COMPLETE, lambda: fake.clock.advance(LIFETIME + 26))
        with pytest.raises(UploadTimeoutError) as raised:
            send(timeout=10)
        assert requests.operations() == [START, PUT, COMPLETE]
        assert (raised.value.timeout, raised.value.acknowledged) == (10, True)

    @pytest.mark.parametrize("kwargs", [{"client_token": None}, {"journal": True}])
    def test_late_confirmation_is_sent_if_upload_cannot_start_over(
        self, fake, send, tmp_path, kwargs
    ):
        fake.inject(PUT, Latency(2 * LIFETIME))
        journal = SQLiteJournal(tmp_path / "journal.db") if "journal" in kwargs else None
        assert [send(**{**kwargs, "journal": journal}).attachment_id] == listed_ids(fake)

    def test_confirmation_without_a_time_from_s3_is_sent(self, client, scripted_responses):
        metadata = {
            "Url": "https://b.example/k",
            "UrlExpiry": "2026-11-22T08:15:46Z",
            "HeadersToInclude": {},
        }
        response = {"AttachmentId": "att-1", "UploadMetadata": metadata}
        scripted_responses(client, f"connectparticipant.{START}", (200, response, {}))
        scripted_responses(client, "s3.PutObject", (200, b"", {"ETag": '"x"'}))
        confirmations = scripted_responses(client, f"connectparticipant.{COMPLETE}", (200, {}, {}))
        attach_confirm.upload(client, PDF, "token", name="a.pdf", client_token="mine")
        assert len(confirmations) == 1

    @pytest.mark.parametrize("skew", [-10_000, 10_000])
    def test_local_clock_is_ignored(self, fake, send, crash, monkeypatch, skew):
        """S3's clock decides whether and when the URL has expired."""
        skew_clock(monkeypatch, skew)
        first = crash()
        assert send().attachment_id == first
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        assert send().attachment_id == first
        crash("other")
        fake.clock.advance(LIFETIME + 2)
        with pytest.raises(UploadUrlExpiredError) as raised:
            send(client_token="other")
        assert RESTART_DELAY - 5 <= raised.value.retry_after <= RESTART_DELAY

    @pytest.mark.parametrize(("age", "restarts"), [(80, False), (95, True)])
    def test_local_clock_is_used_without_a_time_from_s3(
        self, client, scripted_responses, age, restarts
    ):
        expiry = datetime.now(timezone.utc) - timedelta(seconds=age)
        metadata = {
            "Url": "https://b.example/k",
            "UrlExpiry": expiry.isoformat(),
            "HeadersToInclude": {},
        }
        response = {"AttachmentId": "att-1", "UploadMetadata": metadata}
        starts = scripted_responses(client, f"connectparticipant.{START}", (200, response, {}), 403)
        expired = b"<Error><Code>AccessDenied</Code><Expires>2026-11-22T08:15:46Z</Expires></Error>"
        scripted_responses(client, "s3.PutObject", (403, expired, {}))
        scripted_responses(
            client, f"connectparticipant.{GET_TRANSCRIPT}", (200, {"Transcript": []}, {})
        )
        with pytest.raises((UploadUrlExpiredError, ClientError)) as raised:
            attach_confirm.upload(client, PDF, "token", name="a.pdf", client_token="mine")
        assert len(starts) == 1 + restarts
        if not restarts:
            assert raised.value.retry_after == pytest.approx(RESTART_DELAY - age, abs=2)

    @pytest.mark.parametrize("response", [403, 500, (200, {"error": "x"}, {}), (200, b"<", {})])
    def test_error_of_the_first_search_is_raised(
        self, fake, send, scripted_responses, requests, response
    ):
        """The attachment may be in the part of the transcript that was not read."""
        first = send()
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        requests.recorded.clear()
        scripted_responses(
            fake.client,
            f"connectparticipant.{GET_TRANSCRIPT}",
            (200, {"Transcript": [{"Id": "1"}], "NextToken": "2"}, {}),
            response,
        )
        with pytest.raises((ClientError, attach_confirm.UnexpectedResponseError)) as raised:
            send()
        assert set(requests.operations()[2:]) == {GET_TRANSCRIPT}
        assert (raised.value.attachment_id, raised.value.acknowledged) == (
            first.attachment_id,
            False,
        )
        assert advise(raised.value).attachment_id is None

    def test_timeout_of_the_search_is_raised(self, fake, send, requests, monkeypatch):
        now = [0.0]
        monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: now[0])
        first = send()
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        fake.client.meta.events.register_first(
            f"before-call.connectparticipant.{GET_TRANSCRIPT}",
            lambda **_: now.append(now.pop() + 9),
        )
        requests.recorded.clear()
        with pytest.raises(UploadTimeoutError) as raised:
            send(timeout=5)
        assert requests.operations() == [START, PUT]
        assert raised.value.attachment_id == first.attachment_id
        assert advise(raised.value).attachment_id is None

    def test_attachment_confirmed_after_the_search_is_found(
        self, fake, send, crash, token, requests
    ):
        """Another process confirms the first attachment while this call sends the second."""
        first = crash()
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        call_before_request(
            fake, PUT, lambda: confirm_with_another_client(fake, token, first), number=2
        )
        requests.recorded.clear()
        sent = send()
        assert requests.operations() == [
            START,
            PUT,
            GET_TRANSCRIPT,
            START,
            START,
            PUT,
            GET_TRANSCRIPT,
        ]
        assert (sent.attachment_id, sent.already_confirmed) == (first, True)
        assert (sent.attempts, sent.put_attempts) == (0, 2)
        assert listed_ids(fake) == [first]

    def test_error_of_the_second_search_is_raised(self, fake, send, crash, requests):
        """`confirm` would skip the search, so the advice has no attachment ID."""
        crash()
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        call_before_request(
            fake,
            PUT,
            lambda: fake.inject(GET_TRANSCRIPT, ModeledError("AccessDeniedException")),
            number=2,
        )
        requests.recorded.clear()
        with pytest.raises(ClientError) as raised:
            send()
        assert requests.operations() == [
            START,
            PUT,
            GET_TRANSCRIPT,
            START,
            START,
            PUT,
            GET_TRANSCRIPT,
        ]
        assert raised.value.attachment_id == fake.attachments[1].attachment_id
        assert advise(raised.value).attachment_id is None
        assert [send().attachment_id] == listed_ids(fake)

    def test_url_that_expires_during_retries_raises(self, fake, send, requests):
        fake.inject(PUT, ServerError())
        call_before_request(
            fake, PUT, lambda: fake.clock.advance(LIFETIME + RESTART_DELAY), number=2
        )
        with pytest.raises(UploadUrlExpiredError) as raised:
            send()
        assert requests.operations() == [START, PUT, PUT]
        assert raised.value.attempts == 2
        assert advise(raised.value).action is Action.RETRY
        assert [send().attachment_id] == listed_ids(fake)

    def test_ten_expired_urls_raise(self, scripted_responses, fake, send, requests):
        """The clocks of the service and of S3 differ by hours."""
        expired = (
            b"<Error><Code>AccessDenied</Code><Expires>2026-11-22T08:15:46Z</Expires>"
            b"<ServerTime>2999-11-22T08:15:46Z</ServerTime></Error>"
        )
        scripted_responses(fake.client, "s3.PutObject", (403, expired, {}))
        with pytest.raises(UploadUrlExpiredError) as raised:
            send()
        assert requests.operations() == [
            START,
            PUT,
            GET_TRANSCRIPT,
            *[START, START, PUT, GET_TRANSCRIPT] * 9,
        ]
        assert len(set(requests.tokens())) == 10
        advice = advise(raised.value)
        assert (advice.action, advice.retry_after, advice.attachment_id) == (Action.FIX, None, None)

    def test_two_calls_start_over_with_the_same_attachment(self, fake, send, crash):
        crash()
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        barrier = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda _: (barrier.wait(), send().attachment_id)[1], range(2)))
        assert len(set(results)) == 1
        assert listed_ids(fake) == results[:1]

    @pytest.mark.parametrize("start_again", ["ConflictException", "ThrottlingException"])
    def test_rejected_start_is_raised(self, fake, send, requests, start_again):
        """The ID of the earlier upload is unknown, so it cannot be searched for."""
        send()
        requests.recorded.clear()
        fake.assumptions.start_again = start_again
        with pytest.raises(ClientError) as raised:
            send()
        assert set(requests.operations()) == {START}
        expected = Action.FIX if start_again == "ConflictException" else Action.RETRY
        assert advise(raised.value).action is expected
        assert len(listed_ids(fake)) == 1

    def test_restart_is_logged(self, fake, send, crash, caplog):
        crash()
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        send()
        assert "upload: attempt 0: UploadUrlExpiredError, starting over" in caplog.messages


class TestStream:
    """The source is a stream that can be read once, and its size is passed.

    The in-process fake reads the whole body before it checks whether the URL has expired.
    """

    @pytest.fixture
    def send_stream(self, send):
        def send_stream(stream=None, **kwargs):
            return send(stream or NonSeekableStream(PDF), size=len(PDF), **kwargs)

        return send_stream

    def test_stream_is_copied_if_the_url_has_expired(
        self, fake, send_stream, crash, requests, monkeypatch
    ):
        crash()
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        skew_clock(monkeypatch, LIFETIME + RESTART_DELAY)
        requests.recorded.clear()
        stream, counts = NonSeekableStream(PDF + b"next"), []
        sent = send_stream(stream, callback=counts.append)
        assert requests.operations() == [
            START,
            PUT,
            GET_TRANSCRIPT,
            START,
            START,
            PUT,
            GET_TRANSCRIPT,
            COMPLETE,
        ]
        assert listed_ids(fake) == [sent.attachment_id]
        assert fake.attachments[-1].data == PDF
        assert stream.read() == b"next"
        assert counts == [len(PDF), -len(PDF), len(PDF)]

    @pytest.mark.parametrize(
        ("create_source", "seconds_left", "client_token", "is_copied"),
        [
            (NonSeekableStream, 55, "mine", True),
            (NonSeekableStream, 65, "mine", False),
            (NonSeekableStream, -10, None, False),
            (io.BytesIO, -10, "mine", False),
        ],
    )
    def test_source_is_copied_only_if_needed(  # noqa: PLR0917
        self, send_stream, monkeypatch, create_source, seconds_left, client_token, is_copied
    ):
        files = []

        def create_file():
            files.append(io.BytesIO())
            return files[-1]

        monkeypatch.setattr("attach_confirm._source.tempfile.TemporaryFile", create_file)
        skew_clock(monkeypatch, LIFETIME - seconds_left)
        send_stream(create_source(PDF), client_token=client_token)
        assert [file.closed for file in files] == [True] * is_copied

    def test_stream_that_was_read_cannot_be_sent_again(self, fake, send_stream, crash, requests):
        """The local clock is late, so the stream was not copied, and would not be next time."""
        crash()
        fake.clock.advance(LIFETIME + RESTART_DELAY)
        requests.recorded.clear()
        with pytest.raises(UploadUrlExpiredError) as raised:
            send_stream()
        assert requests.operations() == [START, PUT, GET_TRANSCRIPT]
        for error in (raised.value, pickle.loads(pickle.dumps(raised.value))):
            advice = advise(error)
            assert error.consumed
            assert (advice.action, advice.retry_after) == (Action.FIX, None)
            assert advice.reason == (
                "The upload URL had expired; pass a source that can seek, or omit the size."
            )

    def test_stream_that_was_not_read_is_sent_again(self):
        """The served fake supports `Expect`, so it rejects the PUT before it gets the body."""
        with serve_connectparticipant() as fake:
            token = fake.connection_token()
            start_upload(fake.client, token, "mine")
            fake.clock.advance(LIFETIME + RESTART_DELAY)
            stream = NonSeekableStream(PDF)
            sent = attach_confirm.upload(
                fake.client, stream, token, name="a.pdf", client_token="mine", size=len(PDF)
            )
            assert (sent.put_attempts, listed_ids(fake)) == (2, [sent.attachment_id])

    def test_error_of_the_copy_has_the_attachment_id(self, fake, send_stream, crash, monkeypatch):
        attachment_id = crash()
        skew_clock(monkeypatch, LIFETIME)
        with pytest.raises(attach_confirm.SourceReadError) as raised:
            send_stream(NonSeekableStream(PDF[:5]))
        assert raised.value.reason == f"ended after 5 of {len(PDF)} bytes"
        assert raised.value.retryable
        assert (raised.value.attachment_id, raised.value.acknowledged) == (attachment_id, False)
        assert fake.calls(PUT) == fake.calls(PUT)[:1]

    def test_permanent_error_of_the_copy(self, send_stream, crash, monkeypatch):
        crash()
        skew_clock(monkeypatch, LIFETIME)
        stream = NonSeekableStream(PDF)
        stream.read = lambda size: "text" if size else b""
        with pytest.raises(attach_confirm.SourceReadError) as raised:
            send_stream(stream)
        assert not raised.value.retryable
        assert raised.value.reason == "read() returned str instead of bytes"


class TestOtherFile:
    """The client token was used before for another file."""

    @pytest.mark.parametrize(
        "other",
        [{"source": PDF + b"!"}, {"name": "b.pdf"}, {"content_type": "text/plain"}],
        ids=["size", "name", "content_type"],
    )
    def test_other_file_raises(self, fake, send, requests, other):
        first = send()
        requests.recorded.clear()
        with pytest.raises(InvalidInputError) as raised:
            send(**other)
        assert raised.value.parameter == "client_token"
        assert raised.value.reason == "was used before for another name, size or content type"
        assert raised.value.attachment_id == first.attachment_id
        assert not raised.value.acknowledged
        assert requests.operations() == [START]
        assert len(listed_ids(fake)) == 1

    @pytest.mark.parametrize(
        ("name", "content_type", "headers"),
        [
            ("a.pdf", "application/pdf", {}),
            ("a.pdf", "application/pdf", {"CONTENT-length": "3", "X-Amz-Meta": "b.pdf"}),
            ("a.pdf", "application/pdf", {"content-type": "Application/PDF"}),
            ("a.pdf", "application/pdf", {"Content-Type": "application/pdf; version=1"}),
            ("a.pdf", "application/pdf", {"Content-Type": "application/pdf;a=1;b=2"}),
            ("a.txt", "text/plain; charset=utf-8", {"Content-Type": "text/plain"}),
            ("a.txt", "text/plain; charset=utf-8", {"Content-Type": "text/plain;charset=UTF-8"}),
            ("a b.pdf", "application/pdf", {"Content-Disposition": 'x; filename="a b.pdf"'}),
            ("a b.pdf", "application/pdf", {"Content-Disposition": 'x; filename="a_b.pdf"'}),
            ("a b.pdf", "application/pdf", {"Content-Disposition": 'x; filename="a+b.pdf"'}),
            ("a b.pdf", "application/pdf", {"Content-Disposition": 'x; filename="a%20b.pdf"'}),
            ("ä.pdf", "application/pdf", {"Content-Disposition": 'x; filename="_.pdf"'}),
            ("a.pdf", "application/pdf", {"Content-Disposition": "x; filename*=UTF-8''b.pdf"}),
            ("a.pdf", "application/pdf", {"Content-Disposition": "attachment"}),
        ],
    )
    def test_header_that_does_not_contradict_is_accepted(
        self, client, script_upload, name, content_type, headers
    ):
        script_upload(headers)
        attach_confirm.upload(
            client, b"abc", "token", name=name, content_type=content_type, client_token="mine"
        )

    @pytest.mark.parametrize(
        ("name", "content_type", "headers"),
        [
            ("a.pdf", "application/pdf", {"content-LENGTH": "4"}),
            ("a.pdf", "application/pdf", {"Content-Type": "application/pdfx"}),
            ("a.txt", "text/plain;charset=utf-8", {"Content-Type": "text/plain;charset=latin-1"}),
            ("a.txt", "text/plain;a=1", {"Content-Type": "text/plain;a=1;b=2"}),
            ("a.txt", "text/plain;a=1;b=2", {"Content-Type": "text/plain;a=1;b=2;c=3"}),
            ("a.pdf", "application/pdf", {"content-disposition": 'x; filename="b.pdf"'}),
            ("a b.pdf", "application/pdf", {"Content-Disposition": 'x; filename="a b.pdf.pdf"'}),
        ],
    )
    def test_header_that_contradicts_raises(
        self, client, script_upload, name, content_type, headers
    ):
        puts = script_upload(headers)
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.upload(
                client, b"abc", "token", name=name, content_type=content_type, client_token="mine"
            )
        assert (raised.value.parameter, puts) == ("client_token", [])

    @pytest.mark.parametrize("length", [101, 256])
    def test_long_name_is_not_compared(self, fake, token, length):
        """It may be shortened in the header, which has at most 256 characters."""
        name = "x" * (length - 4) + ".pdf"
        for _ in range(2):
            attach_confirm.upload(fake.client, PDF, token, name=name, client_token="mine")
        assert [attachment.name for attachment in fake.attachments] == [name]

    def test_name_of_100_characters_is_compared(self, fake, token):
        for name in ("x" * 96 + ".pdf", "y" * 96 + ".pdf"):
            with pytest.raises(InvalidInputError) if "y" in name else nullcontext():
                attach_confirm.upload(fake.client, PDF, token, name=name, client_token="mine")

    def test_headers_are_not_compared_without_client_token(self, client, script_upload):
        script_upload({"Content-Type": "text/html"})
        attach_confirm.upload(client, b"abc", "token", name="a.pdf")

    @pytest.fixture
    def script_upload(self, client, scripted_responses):
        """Return a function that scripts all steps, and returns the recorded PUTs."""

        def script(headers):
            expiry = (datetime.now(timezone.utc) + timedelta(seconds=300)).isoformat()
            metadata = {
                "Url": "https://b.example/k",
                "UrlExpiry": expiry,
                "HeadersToInclude": headers,
            }
            start = {"AttachmentId": "att-1", "UploadMetadata": metadata}
            scripted_responses(client, f"connectparticipant.{START}", (200, start, {}))
            scripted_responses(client, f"connectparticipant.{COMPLETE}", (200, {}, {}))
            return scripted_responses(client, "s3.PutObject", 200)

        return script


class TestKilledProcess:
    """A process is killed at one step, and another one repeats the upload."""

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls):
        """Serve the fake over HTTP for all tests of this class."""
        with serve_connectparticipant() as server:
            yield server

    @pytest.mark.parametrize("delay", [0, LIFETIME + RESTART_DELAY])
    @pytest.mark.parametrize("operation", [START, PUT, COMPLETE])
    @pytest.mark.parametrize("event", ["before-send", "response-received"])
    def test_upload_after_kill_leaves_one_attachment(self, server, event, operation, delay):
        token = server.connection_token()

        def send(client):
            return attach_confirm.upload(client, PDF, token, name="a.pdf", client_token=token)

        def kill(event_name, **_):
            if event_name.endswith(f".{operation}"):
                os.kill(os.getpid(), signal.SIGKILL)

        client = attach_confirm.client(server.region_name, endpoint_url=server.endpoint_url)
        pid = os.fork()
        if not pid:
            client.meta.events.register_last(event, kill)
            send(client)
            os._exit(0)
        _, wait_status = os.waitpid(pid, 0)
        # The PUT has no event after its response.
        is_killed = (event, operation) != ("response-received", PUT)
        assert os.WIFSIGNALED(wait_status) is is_killed
        server.clock.advance(delay)
        sent = send(client)
        client.close()
        transcript = attach_confirm.client(
            server.region_name, endpoint_url=server.endpoint_url
        ).get_transcript(ConnectionToken=token)["Transcript"]
        ids = [a["AttachmentId"] for item in transcript for a in item.get("Attachments", [])]
        assert ids == [sent.attachment_id]
