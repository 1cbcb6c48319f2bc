"""Faults with moto and `requests`. `tests/server/test_faults.py` tests faults with botocore."""

import re
from contextlib import suppress

import boto3
import pytest
import requests
from botocore import xform_name
from botocore.config import Config

import attach_confirm
from attach_confirm_stubs import (
    ConnectionReset,
    ConnectTimeout,
    Fault,
    Latency,
    ModeledError,
    ProxyPage,
    ReadTimeout,
    ServerError,
    Throttle,
    TruncatedResponse,
    _service_model,
    fake_connectparticipant,
    modeled_errors,
)
from attach_confirm_stubs.fake._moto import BOTOCORE_DETECTS_TRUNCATION
from tests.fake.uploads import start_pending, upload_file

OPERATIONS = _service_model.service_model().operation_names


@pytest.fixture
def call_operation(fake, token):
    """Return a function that calls an operation once, with parameters that botocore accepts."""
    client = boto3.client(
        "connectparticipant", "us-east-1", config=Config(retries={"total_max_attempts": 1})
    )
    upload = {"AttachmentName": "a", "AttachmentSizeInBytes": 1, "ContentType": "text/plain"}
    params = {
        "CancelParticipantAuthentication": {"SessionId": "x" * 36},
        "CompleteAttachmentUpload": {"AttachmentIds": ["a"]},
        "DescribeView": {"ViewToken": "a"},
        "GetAttachment": {"AttachmentId": "a"},
        "GetAuthenticationUrl": {"SessionId": "x" * 36, "RedirectUri": "https://example.com"},
        "SendEvent": {"ContentType": "application/vnd.amazonaws.connect.event.typing"},
        "SendMessage": {"ContentType": "text/plain", "Content": "Hello"},
        "StartAttachmentUpload": upload,
    }

    def call(operation):
        tokens = {"ConnectionToken": token}
        if operation == "CreateParticipantConnection":
            tokens = {
                "ParticipantToken": fake.participant_token(),
                "Type": ["CONNECTION_CREDENTIALS"],
            }
        return getattr(client, xform_name(operation))(**tokens, **params.get(operation, {}))

    call.exceptions = client.exceptions
    return call


@pytest.fixture
def put(fake, token):
    """Return a function that sends a PUT of one byte with `requests`, which does not retry."""

    def send():
        pending = start_pending(fake, token)
        return requests.put(pending.url, b"1", headers=pending.headers, timeout=5)

    return send


def last_attempt(fake, operation):
    """Return the only attempt of the last call of an operation."""
    (attempt,) = fake.calls(operation)[-1].attempts
    return attempt


@pytest.mark.parametrize("operation", OPERATIONS)
def test_modeled_errors_are_raised_by_name(fake, call_operation, operation):
    for code in modeled_errors(operation):
        fake.inject(operation, ModeledError(code))
        with pytest.raises(getattr(call_operation.exceptions, code)):
            call_operation(operation)
        assert not last_attempt(fake, operation).committed


def test_proxy_page_is_success_for_plain_client(fake, call_operation):
    """Clients of `attach_confirm` raise UnexpectedResponseError."""
    fake.inject("SendMessage", ProxyPage())
    response = call_operation("SendMessage")
    assert response["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "text/html"
    assert not last_attempt(fake, "SendMessage").committed
    assert fake.transcript == []


def test_latency_advances_clock(fake, call_operation):
    fake.inject("SendMessage", Latency(40))
    call_operation("SendMessage")
    assert fake.clock.offset_seconds == 40
    assert last_attempt(fake, "SendMessage").committed


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        (Throttle(), 503, "SlowDown"),
        (ServerError(), 500, "InternalError"),
        (ModeledError("SlowDown"), 503, "SlowDown"),
        (ModeledError("InternalError"), 500, "InternalError"),
        (ModeledError("ServiceUnavailable"), 503, "ServiceUnavailable"),
        (ModeledError("RequestTimeout"), 400, "RequestTimeout"),
        (ModeledError("SignatureDoesNotMatch"), 403, "SignatureDoesNotMatch"),
        (ModeledError("AccessDenied"), 403, "Request has expired"),
        (ServerError(502), 502, ""),
        (ProxyPage(), 200, "<!DOCTYPE html>"),
    ],
    ids=repr,
)
def test_put_with_requests_receives_errors_of_s3(fake, put, fault, status, text):
    fake.inject("PutObject", fault)
    response = put()
    assert response.status_code == status
    assert text in response.text
    assert [attachment.state for attachment in fake.attachments] == ["STARTED"]
    assert not last_attempt(fake, "PutObject").committed


@pytest.mark.parametrize(
    ("fault", "error", "state"),
    [
        (ConnectTimeout(), requests.exceptions.ConnectTimeout, "STARTED"),
        (ReadTimeout(), requests.exceptions.ReadTimeout, "STARTED"),
        (ReadTimeout(after_commit=True), requests.exceptions.ReadTimeout, "UPLOADED"),
        (ConnectionReset(), requests.exceptions.ConnectionError, "STARTED"),
        (ConnectionReset(after_commit=True), requests.exceptions.ConnectionError, "UPLOADED"),
        (
            TruncatedResponse(),
            requests.exceptions.ConnectionError
            if BOTOCORE_DETECTS_TRUNCATION
            else requests.exceptions.ChunkedEncodingError,
            "UPLOADED",
        ),
    ],
    ids=repr,
)
def test_put_with_requests_raises_its_exceptions(fake, put, fault, error, state):
    fake.inject("PutObject", fault)
    with pytest.raises(error):
        put()
    assert [attachment.state for attachment in fake.attachments] == [state]
    attempt = last_attempt(fake, "PutObject")
    status = 200 if fault == TruncatedResponse() else None
    assert (attempt.status, attempt.committed) == (status, state == "UPLOADED")


def test_confirm_after_truncated_response_reuses_client_token(fake, token):
    fake.inject("CompleteAttachmentUpload", TruncatedResponse())
    # botocore before 1.43.115 detects the truncation, and retries.
    with suppress(attach_confirm.UnexpectedResponseError):
        attach_confirm.upload(fake.client, b"1", token, name="a.txt")
    (attachment,) = fake.attachments
    confirmation = attach_confirm.confirm(fake.client, attachment.attachment_id, token)
    assert {call.client_token for call in fake.calls("CompleteAttachmentUpload")} == {
        confirmation.client_token
    }
    assert len(fake.transcript) == 1


def test_retry_after_read_timeout_confirms_once(fake, token):
    fake.inject("CompleteAttachmentUpload", ReadTimeout(after_commit=True))
    uploaded = attach_confirm.upload(fake.client, b"1", token, name="a.txt")
    (call,) = fake.calls("CompleteAttachmentUpload")
    first, second = call.attempts
    assert first.client_token == second.client_token == call.client_token == uploaded.client_token
    assert (first.status, first.committed, second.status) == (None, True, 200)
    assert len(fake.transcript) == len(fake.attachments) == 1
    assert uploaded.attempts == 2


def test_each_attempt_consumes_one_fault(fake, token):
    fake.inject("PutObject", Throttle(), ConnectTimeout())
    fake.inject("PutObject", ReadTimeout(after_commit=True))
    attach_confirm.upload(fake.client, b"1", token, name="a.txt")
    (call,) = fake.calls("PutObject")
    assert [attempt.status for attempt in call.attempts] == [503, None, None, 200]
    assert [attempt.committed for attempt in call.attempts] == [False, False, True, True]
    assert fake.clock.offset_seconds > 0


def test_reset_faults_removes_faults(fake, token):
    fake.inject("GetTranscript", *[ServerError()] * 9)
    fake.reset_faults()
    assert fake.client.get_transcript(ConnectionToken=token)["Transcript"] == []


def test_faults_apply_to_one_operation_in_all_regions(fake):
    with fake_connectparticipant("us-west-2") as other:
        fake.inject("GetTranscript", *[Throttle()] * 3)
        token = other.connection_token()
        other.client.send_message(ContentType="text/plain", Content="Hi", ConnectionToken=token)
        with pytest.raises(other.client.exceptions.ThrottlingException):
            other.client.get_transcript(ConnectionToken=token)
        fake.client.get_transcript(ConnectionToken=fake.connection_token())


@pytest.mark.parametrize(
    ("inject", "message"),
    [
        (
            lambda fake: fake.inject("Complete", Throttle()),
            "unknown operation 'Complete'; choose one of Cancel",
        ),
        (
            lambda fake: fake.inject("Websocket", Throttle()),
            "fault: Throttle() does not apply to a websocket; pass ConnectionReset()",
        ),
        (
            lambda fake: fake.inject("GetObject", ModeledError("RequestTimeout")),
            "GetObject does not declare RequestTimeout; it declares AccessDenied",
        ),
        (
            lambda fake: fake.inject("PutObject", ModeledError("NoSuchKey")),
            "PutObject does not declare NoSuchKey; it declares AccessDenied",
        ),
        (
            lambda fake: fake.inject("StopContact", ModeledError("ConflictException")),
            "StopContact does not declare ConflictException; it declares ContactNotFound",
        ),
        (
            lambda fake: fake.inject("SendMessage", Throttle),
            "is not a Fault; pass an instance like Throttle()",
        ),
        (
            lambda fake: fake.inject("SendMessage", ModeledError("ConflictException")),
            "SendMessage does not declare ConflictException; it declares AccessDenied",
        ),
        (
            lambda fake: fake.inject("PutObject", ModeledError("NoSuchKey")),
            "PutObject does not declare NoSuchKey; it declares AccessDenied, I",
        ),
        (lambda _: ServerError(404), "status=404 is not a server error; pass 500 to 599"),
        (lambda _: Latency(-1), "seconds=-1 is negative; pass 0 or more"),
    ],
    ids=[
        "operation",
        "websocket",
        "GET",
        "PUT",
        "connect",
        "class",
        "undeclared",
        "undeclared by S3",
        "status",
        "seconds",
    ],
)
def test_invalid_fault_rejected(fake, inject, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        inject(fake)


def test_faults_compare_by_value():
    assert ReadTimeout(after_commit=True) == ReadTimeout(after_commit=True) != ReadTimeout()
    assert isinstance(Throttle(), Fault)
    assert repr(ReadTimeout(after_commit=True)) == "ReadTimeout(after_commit=True)"


def test_websocket_fault_waits_for_a_websocket(fake):
    fake.inject("Websocket", ConnectionReset())
    assert fake._backend.faults.pop("Websocket") == ConnectionReset()
    assert fake._backend.faults.pop("Websocket") is None


@pytest.fixture
def download_url(fake, token):
    """Return the presigned URL of an attachment with the bytes 123456."""
    attachment_id = upload_file(fake, token, data=b"123456")
    response = fake.client.get_attachment(AttachmentId=attachment_id, ConnectionToken=token)
    return response["Url"]


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        (Throttle(), 503, "<Code>SlowDown</Code>"),
        (ServerError(), 500, "<Code>InternalError</Code>"),
        (ServerError(502), 502, '{"message": null}'),
        (ModeledError("AccessDenied"), 403, "<Message>Request has expired</Message>"),
        (ModeledError("NoSuchKey"), 404, "<Code>NoSuchKey</Code>"),
        (ProxyPage(), 200, "<!DOCTYPE html>"),
    ],
    ids=str,
)
def test_get_receives_errors_of_s3(fake, download_url, fault, status, text):
    fake.inject("GetObject", fault)
    response = requests.get(download_url, timeout=5)
    assert response.status_code == status
    assert text in response.text
    assert requests.get(download_url, timeout=5).content == b"123456"
    (call,) = fake.calls("GetObject")
    assert call.params.keys() == {"Bucket", "Key"}
    assert [(attempt.fault, attempt.committed) for attempt in call.attempts] == [
        (fault, False),
        (None, True),
    ]


@pytest.mark.parametrize("fault", [ConnectTimeout(), ReadTimeout(), ConnectionReset()], ids=str)
def test_get_raises_exceptions_of_requests(fake, download_url, fault):
    fake.inject("GetObject", fault)
    with pytest.raises(requests.exceptions.RequestException):
        requests.get(download_url, timeout=5)


def test_get_of_other_url_is_another_call(fake, token, download_url):
    attachment_id = fake.attachments[0].attachment_id
    other = fake.client.get_attachment(AttachmentId=attachment_id, ConnectionToken=token)["Url"]
    for url in (download_url, other, other):
        requests.get(url, timeout=5)
    assert [len(call.attempts) for call in fake.calls("GetObject")] == [1, 2]
    assert "X-Amz-Signature" not in repr(fake.calls)


def test_download_retries_faults_of_the_get(fake, token, tmp_path):
    attachment_id = upload_file(fake, token, data=b"123456")
    fake.inject("GetObject", ServerError(), TruncatedResponse(), ReadTimeout(after_commit=True))
    download = attach_confirm.download(fake.client, attachment_id, token, tmp_path / "a.txt")
    assert download.path.read_bytes() == b"123456"
    attempts = [attempt for call in fake.calls("GetObject") for attempt in call.attempts]
    assert len(attempts) == 4
