"""The whole flow against the fake, with botocore's real parsing and retries underneath."""

import hashlib
import io
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError

import attach_confirm
from attach_confirm import (
    Action,
    AttachmentStatus,
    PutFailedError,
    UnexpectedResponseError,
    Upload,
    UploadUrlExpiredError,
    advise,
)

PDF = b"%PDF-1.7 a receipt"
STEPS = ["StartAttachmentUpload", "PutObject", "CompleteAttachmentUpload"]


@pytest.fixture
def receipt(tmp_path):
    """Write a file to send."""
    path = tmp_path / "receipt.pdf"
    path.write_bytes(PDF)
    return path


def operations(sent):
    """Return the operations of what was sent, in their order."""
    return [request.operation for request in sent]


def test_the_four_lines(fake, receipt):
    """The flow of the documentation: connect, upload, wait, and the file is there."""
    client = fake.client
    connection = attach_confirm.connect(client, fake.participant_token())
    sent = attach_confirm.upload(client, receipt, connection.token)
    found = attach_confirm.wait(client, sent.attachment_id, connection.token)
    assert found is AttachmentStatus.APPROVED
    (attachment,) = fake.attachments
    assert (attachment.attachment_id, attachment.state) == (sent.attachment_id, "APPROVED")
    assert attachment.data == PDF


def test_what_connects(fake, recorded_requests):
    """A participant without a websocket is connected by the one request for credentials."""
    sent = recorded_requests(fake.client)
    participant_token = fake.participant_token()
    attach_confirm.connect(fake.client, participant_token)
    (request,) = sent
    assert request.body == {"Type": ["CONNECTION_CREDENTIALS"], "ConnectParticipant": True}
    assert request.headers["X-Amz-Bearer"] == participant_token.encode()


def test_what_upload_returns(fake, token, receipt):
    """An upload tells what was confirmed, under which token, and as what it was announced."""
    sent = attach_confirm.upload(fake.client, receipt, token)
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
    )
    assert sent.request_id


def test_the_steps_in_their_order(fake, token, recorded_requests):
    """One request a step, none sent ahead of its turn, and none more."""
    sent = recorded_requests(fake.client)
    attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
    assert operations(sent) == STEPS


def test_the_steps_one_by_one(fake, token):
    """Each step can be taken by itself, with what the one before returned."""
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
    assert attach_confirm.status(client, pending.attachment_id, token) is None
    assert attach_confirm.put(client, pending, PDF) is None
    assert attach_confirm.status(client, pending.attachment_id, token) is None
    confirmed = attach_confirm.confirm(client, pending.attachment_id, token)
    assert confirmed.attachment_id == pending.attachment_id
    found = attach_confirm.status(client, pending.attachment_id, token)
    assert found is AttachmentStatus.APPROVED


def test_many_kilobytes(fake, token):
    """Every byte arrives, in its place, and none twice."""
    data = random.Random(7).randbytes(3 * 1024 * 1024 + 17)
    sent = attach_confirm.upload(fake.client, io.BytesIO(data), token, name="a.mp4")
    assert sent.size == len(data)
    arrived = fake.attachments[0].data
    assert hashlib.sha256(arrived).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    "name", ["Beleg M\u00e4rz.pdf", "\u65e5\u672c.pdf", 'a "b" \\c.pdf', "\U0001f600.pdf"]
)
def test_names_beyond_ascii(fake, token, name):
    """A name of any script goes through all steps."""
    assert attach_confirm.upload(fake.client, PDF, token, name=name).name == name
    assert fake.attachments[0].name == name


def test_one_upload_a_call(fake, token):
    """Two calls are two attachments, for nobody said that they are one."""
    for _ in range(2):
        attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
    assert len({attachment.attachment_id for attachment in fake.attachments}) == 2


def test_one_upload_a_client_token(fake, token):
    """Under one ClientToken, a start that is repeated is the same attachment."""
    for _ in range(2):
        attach_confirm.start(
            fake.client,
            name="receipt.pdf",
            size=3,
            content_type="application/pdf",
            connection_token=token,
            client_token="mine",
        )
    assert len(fake.attachments) == 1


def test_the_client_token_of_a_start(fake, token, recorded_requests):
    """The caller's token is the start's, and the confirmation's own comes from the attachment."""
    sent = recorded_requests(fake.client)
    done = attach_confirm.upload(fake.client, PDF, token, name="a.pdf", client_token="mine")
    assert sent[0].body["ClientToken"] == "mine"
    assert sent[2].body["ClientToken"] == done.client_token != "mine"


def test_progress(fake, token, receipt):
    """The callback hears of every byte, as boto3's does."""
    heard = []
    attach_confirm.upload(fake.client, receipt, token, callback=heard.append)
    assert sum(heard) == len(PDF)


def test_a_wrong_token(fake, token, recorded_requests):
    """The service's refusal reaches the caller as botocore's own class, with nothing sent on."""
    sent = recorded_requests(fake.client)
    with pytest.raises(fake.client.exceptions.AccessDeniedException) as raised:
        attach_confirm.upload(fake.client, PDF, f"not-{token}"[:128], name="receipt.pdf")
    assert operations(sent) == STEPS[:1]
    assert advise(raised.value).action is Action.RECONNECT


def test_a_participant_token_in_a_connection_tokens_place(fake):
    """The commonest mistake is refused by the service, and the advice names it."""
    with pytest.raises(ClientError) as raised:
        attach_confirm.upload(fake.client, PDF, fake.participant_token(), name="receipt.pdf")
    assert "participant token" in advise(raised.value).reason


def test_a_connection_token_in_a_participant_tokens_place(fake, token):
    """And so is the opposite one."""
    with pytest.raises(fake.client.exceptions.AccessDeniedException) as raised:
        attach_confirm.connect(fake.client, token)
    assert advise(raised.value).action is Action.STOP


def test_the_quota(fake, token):
    """The 36th attachment of a chat is refused, and trying again is no advice."""
    for _ in range(35):
        attach_confirm.start(
            fake.client, name="a", size=3, content_type="text/plain", connection_token=token
        )
    with pytest.raises(fake.client.exceptions.ServiceQuotaExceededException) as raised:
        attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
    assert advise(raised.value).action is Action.STOP


@pytest.mark.parametrize("status", [100, 199, 300, 304, 307, 400, 403, 404, 411, 412])
def test_no_confirmation_unless_the_put_was_a_success(
    fake, token, scripted_responses, recorded_requests, status
):
    """Nothing but 2xx lets the confirmation go."""
    scripted_responses(fake.client, "s3.PutObject", status)
    sent = recorded_requests(fake.client)
    with pytest.raises(PutFailedError) as raised:
        attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
    assert raised.value.status_code == status
    assert operations(sent) == STEPS[:2]
    assert fake.transcript == []


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_success_is_one(client, scripted_responses, status):
    """Each 2xx lets the confirmation go."""
    expiry = (datetime.now(timezone.utc) + timedelta(seconds=300)).isoformat()
    metadata = {"Url": "https://b.example/k", "UrlExpiry": expiry, "HeadersToInclude": {}}
    started = {"AttachmentId": "att-1", "UploadMetadata": metadata}
    scripted_responses(client, "connectparticipant.StartAttachmentUpload", (200, started, {}))
    scripted_responses(client, "s3.PutObject", status)
    confirmed = scripted_responses(
        client, "connectparticipant.CompleteAttachmentUpload", (200, {}, {})
    )
    attach_confirm.upload(client, PDF, "token", name="receipt.pdf")
    assert len(confirmed) == 1


def test_no_confirmation_after_an_expired_url(fake, token, scripted_responses, recorded_requests):
    """A URL whose time was up is told by its own error, and there is nothing to confirm."""
    body = b"<Error><Code>AccessDenied</Code><Expires>2026-11-22T08:15:46Z</Expires></Error>"
    scripted_responses(fake.client, "s3.PutObject", (403, body, {}))
    sent = recorded_requests(fake.client)
    with pytest.raises(UploadUrlExpiredError) as raised:
        attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
    assert raised.value.attachment_id == fake.attachments[0].attachment_id
    assert operations(sent) == STEPS[:2]
    assert advise(raised.value).attachment_id is None


def test_no_confirmation_after_a_callback_that_stopped_the_put(fake, token, recorded_requests):
    """A user who presses Cancel gets neither the rest of the bytes nor a confirmation."""
    sent = recorded_requests(fake.client)

    def cancel(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf", callback=cancel)
    assert operations(sent) == STEPS[:2]


def test_an_upload_url_that_is_not_https(client, scripted_responses):
    """Bytes that belong on an encrypted connection are not sent on another."""
    metadata = {
        "Url": "http://bucket.example/k?X-Amz-Signature=5eed",
        "UrlExpiry": "2099-11-22T08:15:46Z",
        "HeadersToInclude": {},
    }
    started = {"AttachmentId": "att-1", "UploadMetadata": metadata}
    scripted_responses(client, "connectparticipant.StartAttachmentUpload", (200, started, {}))
    put = scripted_responses(client, "s3.PutObject", 200)
    with pytest.raises(UnexpectedResponseError) as raised:
        attach_confirm.upload(client, PDF, "token", name="receipt.pdf")
    assert raised.value.reason == "its upload URL is not https"
    assert put == []
    assert "5eed" not in str(raised.value)


def test_the_attachment_of_a_confirmation_that_failed(fake, token, scripted_responses):
    """Where the bytes are there and the confirmation failed, the advice knows for which."""
    scripted_responses(fake.client, "connectparticipant.CompleteAttachmentUpload", 403)
    with pytest.raises(ClientError) as raised:
        attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
    advice = advise(raised.value)
    (attachment,) = fake.attachments
    assert advice.action is Action.RECONNECT
    assert advice.attachment_id == attachment.attachment_id


def test_an_interrupted_confirmation(fake, token, scripted_responses):
    """Even a Ctrl-C at that point carries the attachment, and stays what it is."""
    interrupt = KeyboardInterrupt()
    scripted_responses(fake.client, "connectparticipant.CompleteAttachmentUpload", interrupt)
    with pytest.raises(KeyboardInterrupt) as raised:
        attach_confirm.upload(fake.client, PDF, token, name="receipt.pdf")
    assert raised.value is interrupt
    assert advise(raised.value).attachment_id == fake.attachments[0].attachment_id


def test_many_threads_on_one_client(fake, token):
    """One client uploads for many threads at once, each its own file."""
    files = [f"file {n}".encode() for n in range(16)]

    def send(data):
        return attach_confirm.upload(fake.client, data, token, name="a.txt").attachment_id

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(send, files))
    arrived = {attachment.attachment_id: attachment.data for attachment in fake.attachments}
    assert [arrived[attachment_id] for attachment_id in ids] == files


def test_a_transcript_of_many_pages(fake, token):
    """An attachment is found behind all that came after it."""
    first = attach_confirm.upload(fake.client, PDF, token, name="a.pdf")
    for _ in range(12):
        attach_confirm.upload(fake.client, PDF, token, name="a.pdf")
    client = fake.client
    asked = []

    def ask_for_less(params, **_):
        asked.append(params.get("NextToken"))
        params["MaxResults"] = 5

    client.meta.events.register(
        "provide-client-params.connectparticipant.GetTranscript", ask_for_less
    )
    found = attach_confirm.status(client, first.attachment_id, token)
    assert found is AttachmentStatus.APPROVED
    assert len(set(asked)) == 3
