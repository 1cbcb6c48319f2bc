"""`upload` runs start, put and confirm in order, and confirms only what S3 has received."""

import hashlib
import io
import logging
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from functools import partial

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

import attach_confirm
from attach_confirm import (
    Action,
    AttachmentStatus,
    InvalidInputError,
    PutFailedError,
    UnexpectedResponseError,
    Upload,
    UploadTimeoutError,
    UploadUrlExpiredError,
    advise,
)
from attach_confirm_stubs import ConnectionReset, ModeledError, ReadTimeout, ServerError
from tests.support.stubs import NonSeekableStream

PDF = b"%PDF-1.7 a receipt"
STEPS = ["StartAttachmentUpload", "PutObject", "CompleteAttachmentUpload"]
COMPLETE = "connectparticipant.CompleteAttachmentUpload"


@pytest.fixture
def receipt(tmp_path):
    """Return the path of a PDF file."""
    path = tmp_path / "receipt.pdf"
    path.write_bytes(PDF)
    return path


def operations(requests):
    """Return the operations of recorded requests."""
    return [request.operation for request in requests]


def test_connect_upload_and_wait(fake, receipt):
    client = fake.client
    connection = attach_confirm.connect(client, fake.participant_token())
    sent = attach_confirm.upload(client, receipt, connection.token)
    status = attach_confirm.wait(client, sent.attachment_id, connection.token)
    assert status is AttachmentStatus.APPROVED
    (attachment,) = fake.attachments
    assert (attachment.attachment_id, attachment.state) == (sent.attachment_id, "APPROVED")
    assert attachment.data == PDF


def test_connect_requests_credentials_only(fake, recorded_requests):
    """ConnectParticipant connects a participant that has no websocket."""
    requests = recorded_requests(fake.client)
    participant_token = fake.participant_token()
    attach_confirm.connect(fake.client, participant_token)
    (request,) = requests
    assert request.body == {"Type": ["CONNECTION_CREDENTIALS"], "ConnectParticipant": True}
    assert request.headers["X-Amz-Bearer"] == participant_token.encode()


def test_upload_returns_upload(fake, token, receipt):
    callback_sizes = []
    sent = attach_confirm.upload(fake.client, receipt, token, callback=callback_sizes.append)
    assert isinstance(sent, attach_confirm.Confirmation)
    assert sent == Upload(
        attachment_id=fake.attachments[0].attachment_id,
        client_token=sent.client_token,
        attempts=1,
        request_id=sent.request_id,
        already_confirmed=False,
        name="receipt.pdf",
        size=len(PDF),
        content_type="application/pdf",
        put_attempts=1,
    )
    assert sent.request_id
    assert sum(callback_sizes) == len(PDF)


def test_upload_sends_one_request_per_step(fake, token, recorded_requests):
    """The caller's client token is for the start; the confirmation has its own."""
    requests = recorded_requests(fake.client)
    sent = attach_confirm.upload(fake.client, PDF, token, name="a.pdf", client_token="mine")
    assert operations(requests) == STEPS
    assert requests[0].body["ClientToken"] == "mine"
    assert requests[2].body["ClientToken"] == sent.client_token != "mine"


def test_start_put_confirm_separately(fake, token):
    client = fake.client
    pending = attach_confirm.start(
        client,
        name="receipt.pdf",
        size=len(PDF),
        content_type="application/pdf",
        connection_token=token,
    )
    lifetime = pending.expires_at - datetime.now(timezone.utc)
    assert timedelta(0) < lifetime <= timedelta(seconds=301)
    assert pending.headers["Content-Type"] == "application/pdf"
    assert attach_confirm.put(client, pending, PDF) == 1
    assert attach_confirm.status(client, pending.attachment_id, token) is None
    confirmation = attach_confirm.confirm(client, pending.attachment_id, token)
    assert confirmation.attachment_id == pending.attachment_id
    status = attach_confirm.status(client, pending.attachment_id, token)
    assert status is AttachmentStatus.APPROVED


def test_start_is_idempotent_with_client_token(fake, token):
    def start(**kwargs):
        return attach_confirm.start(
            fake.client,
            name="receipt.pdf",
            size=3,
            content_type="application/pdf",
            connection_token=token,
            **kwargs,
        )

    assert start(client_token="mine").attachment_id == start(client_token="mine").attachment_id
    assert start().attachment_id != start().attachment_id
    assert len(fake.attachments) == 3


def test_upload_large_file(fake, token):
    data = random.Random(7).randbytes(3 * 1024 * 1024 + 17)
    sent = attach_confirm.upload(fake.client, io.BytesIO(data), token, name="a.mp4")
    assert sent.size == len(data)
    stored = fake.attachments[0].data
    assert hashlib.sha256(stored).digest() == hashlib.sha256(data).digest()


def test_upload_with_participant_token_is_denied(fake, recorded_requests):
    requests = recorded_requests(fake.client)
    with pytest.raises(fake.client.exceptions.AccessDeniedException) as raised:
        attach_confirm.upload(fake.client, PDF, fake.participant_token(), name="receipt.pdf")
    assert operations(requests) == STEPS[:1]
    assert advise(raised.value).action is Action.RECONNECT
    assert "participant token" in advise(raised.value).reason


def test_connect_with_connection_token_is_denied(fake, token):
    with pytest.raises(fake.client.exceptions.AccessDeniedException) as raised:
        attach_confirm.connect(fake.client, token)
    assert advise(raised.value).action is Action.STOP


@pytest.mark.parametrize("status_code", [199, 300, 404])
def test_upload_does_not_confirm_after_failed_put(
    fake, token, scripted_responses, recorded_requests, status_code
):
    scripted_responses(fake.client, "s3.PutObject", status_code)
    requests = recorded_requests(fake.client)
    with pytest.raises(PutFailedError) as raised:
        attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
    assert raised.value.status_code == status_code
    assert operations(requests) == STEPS[:2]
    assert fake.transcript == []


@pytest.fixture
def script_start(client, scripted_responses):
    """Return a function that scripts the start of an upload with these signed headers."""

    def script(**headers):
        expiry = (datetime.now(timezone.utc) + timedelta(seconds=300)).isoformat()
        metadata = {"Url": "https://b.example/k", "UrlExpiry": expiry, "HeadersToInclude": headers}
        response = {"AttachmentId": "att-1", "UploadMetadata": metadata}
        return scripted_responses(
            client, "connectparticipant.StartAttachmentUpload", (200, response, {})
        )

    return script


@pytest.mark.parametrize("status_code", [200, 299])
def test_upload_confirms_after_any_2xx(client, scripted_responses, script_start, status_code):
    script_start()
    scripted_responses(client, "s3.PutObject", status_code)
    confirmations = scripted_responses(client, COMPLETE, (200, {}, {}))
    attach_confirm.upload(client, PDF, "token", name="receipt.pdf")
    assert len(confirmations) == 1


def test_upload_does_not_confirm_after_expired_url(
    fake, token, scripted_responses, recorded_requests
):
    """The advice has no attachment ID, because S3 has no bytes that could be confirmed."""
    body = b"<Error><Code>AccessDenied</Code><Expires>2026-11-22T08:15:46Z</Expires></Error>"
    scripted_responses(fake.client, "s3.PutObject", (403, body, {}))
    requests = recorded_requests(fake.client)
    with pytest.raises(UploadUrlExpiredError) as raised:
        attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
    assert raised.value.attachment_id == fake.attachments[0].attachment_id
    assert operations(requests) == STEPS[:2]
    advice = advise(raised.value)
    assert (advice.action, advice.attachment_id, advice.retry_after) == (Action.RETRY, None, 0.0)


def test_upload_does_not_confirm_after_callback_exception(fake, token, recorded_requests):
    requests = recorded_requests(fake.client)

    def cancel(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf", callback=cancel)
    assert operations(requests) == STEPS[:2]


@pytest.mark.parametrize(
    ("response", "error_class", "action"),
    [
        (403, ClientError, Action.RECONNECT),
        (
            (200, b"<html>", {"Content-Type": "text/html"}),
            UnexpectedResponseError,
            Action.RETRY,
        ),
        (KeyboardInterrupt(), KeyboardInterrupt, Action.UNRELATED),
    ],
    ids=["denied", "captive-portal", "interrupted"],
)
def test_upload_failed_confirmation_has_attachment_id(
    fake, token, scripted_responses, *, response, error_class, action
):
    """S3 has the bytes, so `advise` returns the ID to confirm."""
    scripted_responses(fake.client, COMPLETE, response)
    with pytest.raises(error_class) as raised:
        attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
    assert advise(raised.value).action is action
    assert advise(raised.value).attachment_id == fake.attachments[0].attachment_id


def test_upload_checks_conflict_in_transcript(fake, token):
    """Another client has confirmed the attachment with another ClientToken."""
    other_client = attach_confirm.client(fake.region_name)

    def confirm_first(request, **_):
        (attachment,) = fake.attachments
        connection_token = request.headers["X-Amz-Bearer"].decode()
        attach_confirm.confirm(
            other_client, attachment.attachment_id, connection_token, client_token="other"
        )

    fake.client.meta.events.register_first(f"before-send.{COMPLETE}", confirm_first)
    sent = attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
    assert sent.already_confirmed
    assert len(fake.transcript) == 1


def test_upload_in_many_threads_on_one_client(fake, token):
    files = [f"file {n}".encode() for n in range(16)]

    def send(data):
        return attach_confirm.upload(fake.client, data, token, name="a.txt").attachment_id

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(send, files))
    stored = {attachment.attachment_id: attachment.data for attachment in fake.attachments}
    assert [stored[attachment_id] for attachment_id in ids] == files


class TestPutAttempts:
    def test_retries_are_counted(self, fake, token):
        fake.inject("PutObject", ServerError(), ConnectionReset())
        sent = attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
        assert (sent.put_attempts, sent.attempts) == (3, 1)

    def test_steps_and_retries_are_logged(self, fake, token, caplog):
        """The log contains no token and no signed query."""
        caplog.set_level(logging.INFO, "attach_confirm")
        fake.inject("StartAttachmentUpload", ServerError())
        fake.inject("PutObject", ServerError())
        sent = attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
        messages = [
            (record.levelname, record.getMessage())
            for record in caplog.records
            if record.name == "attach_confirm"
        ]
        start_retry, start, put_retry, put, confirm = messages
        assert start_retry[0] == put_retry[0] == "WARNING"
        assert start[0] == put[0] == confirm[0] == "INFO"
        assert start_retry[1].startswith("StartAttachmentUpload: attempt 2 after 0.0 s: HTTP 500 ")
        assert put_retry[1].startswith("put: attempt 1 failed, retrying in ")
        assert "HTTP 500, InternalError" in put_retry[1]
        assert f"attachment {sent.attachment_id}" in start[1]
        assert "attempts: 2" in put[1]
        assert confirm[1] == f"confirm: attachment {sent.attachment_id}: confirmed, attempts: 1"
        assert token not in str(messages)
        assert "X-Amz" not in str(messages)


class TestTimeout:
    """`timeout` limits all steps. The error has the attribute `acknowledged`."""

    @pytest.fixture
    def clock(self, monkeypatch):
        """Replace the monotonic clock, and return a function that advances it."""
        now = [0.0]
        monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: now[0])

        def advance(seconds, **_):
            now[0] += seconds

        return advance

    @pytest.mark.parametrize("timeout", [-1, float("inf"), float("nan"), "5", True])
    def test_invalid_timeout_raises(self, client, recorded_requests, timeout):
        requests = recorded_requests(client)
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.upload(client, PDF, "token", name="a.pdf", timeout=timeout)
        assert (raised.value.parameter, requests) == ("timeout", [])

    def test_timeout_of_zero_sends_nothing(self, client, recorded_requests):
        requests = recorded_requests(client)
        with pytest.raises(UploadTimeoutError) as raised:
            attach_confirm.upload(client, PDF, "token", name="a.pdf", timeout=0)
        assert requests == []
        assert (raised.value.timeout, raised.value.attachment_id) == (0, None)
        advice = advise(raised.value)
        assert (advice.action, advice.attachment_id) == (Action.RETRY, None)

    def test_timeout_that_is_not_reached(self, fake, token):
        assert attach_confirm.upload(fake.client, PDF, token, name="a.pdf", timeout=60).request_id

    def test_start_is_not_retried_after_timeout(self, fake, token, clock, recorded_requests):
        requests = recorded_requests(fake.client)
        fake.inject("StartAttachmentUpload", *[ReadTimeout()] * 3)
        fake.client.meta.events.register_first("response-received", partial(clock, 5))
        with pytest.raises(UploadTimeoutError) as raised:
            attach_confirm.upload(fake.client, PDF, token, name="a.pdf", timeout=4)
        assert operations(requests) == STEPS[:1]
        assert isinstance(raised.value.__cause__, ReadTimeoutError)
        assert raised.value.attachment_id is None

    def test_put_does_not_begin_after_timeout(self, fake, token, clock, recorded_requests):
        requests = recorded_requests(fake.client)
        fake.client.meta.events.register_first("response-received", partial(clock, 5))
        with pytest.raises(UploadTimeoutError) as raised:
            attach_confirm.upload(fake.client, PDF, token, name="a.pdf", timeout=4)
        assert operations(requests) == STEPS[:1]
        assert raised.value.attachment_id == fake.attachments[0].attachment_id
        assert raised.value.acknowledged is False
        assert advise(raised.value).attachment_id is None

    def test_confirmation_is_not_sent_after_timeout(self, fake, token, clock, recorded_requests):
        """S3 has the bytes, so the advice is to confirm."""
        requests = recorded_requests(fake.client)
        with pytest.raises(UploadTimeoutError) as raised:
            attach_confirm.upload(
                fake.client, PDF, token, name="a.pdf", timeout=4, callback=lambda _: clock(5)
            )
        assert operations(requests) == STEPS[:2]
        assert (raised.value.timeout, raised.value.acknowledged) == (4, True)
        assert raised.value.__cause__ is None
        advice = advise(raised.value)
        assert advice.action is Action.RETRY
        attach_confirm.confirm(fake.client, advice.attachment_id, token)
        assert len(fake.transcript) == 1

    def test_confirmation_is_not_retried_after_timeout(self, fake, token, clock, recorded_requests):
        requests = recorded_requests(fake.client)
        fake.inject("CompleteAttachmentUpload", *[ReadTimeout(after_commit=True)] * 3)
        fake.client.meta.events.register_first(f"response-received.{COMPLETE}", partial(clock, 5))
        with pytest.raises(UploadTimeoutError) as raised:
            attach_confirm.upload(fake.client, PDF, token, name="a.pdf", timeout=4)
        assert operations(requests) == STEPS
        assert isinstance(raised.value.__cause__, ReadTimeoutError)
        assert advise(raised.value).attachment_id == fake.attachments[0].attachment_id

    @pytest.mark.usefixtures("clock")
    def test_conflict_check_ends_at_timeout(self, fake, token, recorded_requests):
        """The delays are 0.5, 1 and 2 seconds; without a timeout, the check takes 65."""
        fake.inject("CompleteAttachmentUpload", ModeledError("ConflictException"))
        requests = recorded_requests(fake.client)
        with pytest.raises(fake.client.exceptions.ConflictException) as raised:
            attach_confirm.upload(fake.client, PDF, token, name="a.pdf", timeout=4)
        assert operations(requests) == [*STEPS, *["GetTranscript"] * 4]
        assert advise(raised.value).attachment_id == fake.attachments[0].attachment_id

    def test_conflict_is_not_checked_after_timeout(self, fake, token, clock, recorded_requests):
        fake.inject("CompleteAttachmentUpload", ModeledError("ConflictException"))
        requests = recorded_requests(fake.client)
        fake.client.meta.events.register_first(f"response-received.{COMPLETE}", partial(clock, 5))
        with pytest.raises(fake.client.exceptions.ConflictException):
            attach_confirm.upload(fake.client, PDF, token, name="a.pdf", timeout=4)
        assert operations(requests) == STEPS


def test_upload_with_size_sends_a_pipe_without_a_copy(fake, token, monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", None)
    sent = attach_confirm.upload(
        fake.client, NonSeekableStream(PDF), token, name="a.pdf", size=len(PDF)
    )
    assert (sent.size, fake.attachments[0].data) == (len(PDF), PDF)
