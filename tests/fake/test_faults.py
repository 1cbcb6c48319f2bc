"""Faults of the fake in the same process: what botocore sees of them, and what was done."""

import re
from contextlib import suppress
from functools import partial

import boto3
import pytest
import requests
from botocore import exceptions as botocore_errors
from botocore.config import Config
from botocore.exceptions import ClientError

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
    fake_connectparticipant,
    modeled_errors,
)
from attach_confirm_stubs.fake._moto import BOTOCORE_DETECTS_TRUNCATION

OPERATIONS = sorted(
    boto3.client("connectparticipant", "us-east-1").meta.service_model.operation_names
)

# What an attempt with a fault gets: an HTTP status or an exception; and whether it was done.
LOST = {
    ConnectTimeout(): (botocore_errors.ConnectTimeoutError, False),
    ReadTimeout(): (botocore_errors.ReadTimeoutError, False),
    ReadTimeout(after_commit=True): (botocore_errors.ReadTimeoutError, True),
    ConnectionReset(): (botocore_errors.ConnectionClosedError, False),
    ConnectionReset(after_commit=True): (botocore_errors.ConnectionClosedError, True),
}
ANSWERED = {
    Throttle(): (429, "ThrottlingException"),
    ServerError(): (500, "InternalServerException"),
    ServerError(502): (502, "502"),
    ServerError(503): (503, "503"),
}


@pytest.fixture
def ready(fake, token):
    """Return a maker of calls that the fake takes, each one attempt of a plain boto3 client."""
    client = boto3.client(
        "connectparticipant", "us-east-1", config=Config(retries={"total_max_attempts": 1})
    )
    methods = {api: name for name, api in client.meta.method_to_api_mapping.items()}

    def make(operation):
        started = attach_confirm.start(
            fake.client, name="a", size=1, content_type="text/plain", connection_token=token
        )
        attach_confirm.put(fake.client, started, b"1")
        there = attach_confirm.upload(fake.client, b"1", token, name="b.txt").attachment_id
        signing_in = {"SessionId": fake.authentication_session(token)}
        file = {"AttachmentName": "a", "AttachmentSizeInBytes": 1, "ContentType": "text/plain"}
        params = {
            "CancelParticipantAuthentication": signing_in,
            "CompleteAttachmentUpload": {"AttachmentIds": [started.attachment_id]},
            "CreateParticipantConnection": {"Type": ["CONNECTION_CREDENTIALS"]},
            "DescribeView": {"ViewToken": fake.view_token(Name="form")},
            "GetAttachment": {"AttachmentId": there},
            "GetAuthenticationUrl": {**signing_in, "RedirectUri": "https://example.com"},
            "SendEvent": {"ContentType": "application/vnd.amazonaws.connect.event.typing"},
            "SendMessage": {"ContentType": "text/plain", "Content": "Hello"},
            "StartAttachmentUpload": file,
        }.get(operation, {})
        if operation == "CreateParticipantConnection":
            params["ParticipantToken"] = fake.participant_token()
        else:
            params["ConnectionToken"] = token
        return partial(getattr(client, methods[operation]), **params)

    return make


def last_attempt(fake, operation):
    """Return the only attempt of the last call of an operation."""
    (attempt,) = fake.calls(operation)[-1].attempts
    return attempt


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_answers(fake, ready, operation):
    """Without a fault, each operation does what it is asked for."""
    answer = ready(operation)()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    attempt = last_attempt(fake, operation)
    assert (attempt.status, attempt.committed, attempt.fault) == (200, True, None)


@pytest.mark.parametrize("fault", LOST, ids=repr)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_that_is_lost(fake, ready, operation, fault):
    """Botocore sees the exception that its own HTTP layer raises."""
    error, committed = LOST[fault]
    call = ready(operation)
    fake.inject(operation, fault)
    with pytest.raises(error):
        call()
    attempt = last_attempt(fake, operation)
    assert (attempt.status, attempt.committed, attempt.fault) == (None, committed, fault)


@pytest.mark.parametrize("fault", ANSWERED, ids=repr)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_that_is_an_error(fake, ready, operation, fault):
    """The service answers with an error, and does nothing."""
    status, code = ANSWERED[fault]
    call = ready(operation)
    fake.inject(operation, fault)
    with pytest.raises(ClientError) as raised:
        call()
    assert raised.value.response["Error"]["Code"] == code
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    attempt = last_attempt(fake, operation)
    assert (attempt.status, attempt.committed, attempt.fault) == (status, False, fault)


@pytest.mark.parametrize(
    ("operation", "code"), [(name, code) for name in OPERATIONS for code in modeled_errors(name)]
)
def test_every_modeled_error(fake, ready, operation, code):
    """Each error that an operation declares is caught by its name."""
    call = ready(operation)
    fake.inject(operation, ModeledError(code))
    with pytest.raises(getattr(call.func.__self__.exceptions, code)):
        call()
    assert not last_attempt(fake, operation).committed


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_proxys_page(fake, ready, operation):
    """A page of HTML comes in the service's place, which did nothing."""
    call = ready(operation)
    fake.inject(operation, ProxyPage())
    answer = call()
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "text/html"
    assert not last_attempt(fake, operation).committed


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_late_answer(fake, ready, operation):
    """The service did it, and the fake's clock is later; no time was spent."""
    call = ready(operation)
    fake.inject(operation, Latency(40))
    call()
    assert fake.clock.offset_seconds == 40
    assert last_attempt(fake, operation).committed


@pytest.fixture
def put(fake, token):
    """Return a way to PUT one byte with requests, which does not retry."""

    def send():
        started = attach_confirm.start(
            fake.client, name="a", size=1, content_type="text/plain", connection_token=token
        )
        return requests.put(started.url, b"1", headers=started.headers, timeout=5)

    return send


@pytest.mark.parametrize(
    ("fault", "status", "code"),
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
def test_the_put_is_answered_as_s3_does(fake, put, fault, status, code):
    """Faults of the PUT are S3's errors in S3's XML, and nothing is stored."""
    fake.inject("PutObject", fault)
    answer = put()
    assert answer.status_code == status
    assert code in answer.text
    assert [a.state for a in fake.attachments] == ["STARTED"]
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
def test_requests_sees_its_own_exceptions(fake, put, fault, error, state):
    """A PUT with requests is interrupted by what requests raises."""
    fake.inject("PutObject", fault)
    with pytest.raises(error):
        put()
    assert [a.state for a in fake.attachments] == [state]
    attempt = last_attempt(fake, "PutObject")
    status = 200 if fault == TruncatedResponse() else None
    assert (attempt.status, attempt.committed) == (status, state == "UPLOADED")


def test_half_an_answer_is_no_confirmation(fake, token):
    """A confirmation whose answer was cut off is asked for again under the same ClientToken."""
    fake.inject("CompleteAttachmentUpload", TruncatedResponse())
    # An older botocore notices, and asks again by itself.
    with suppress(attach_confirm.UnexpectedResponseError):
        attach_confirm.upload(fake.client, b"1", token, name="a.txt")
    (attachment,) = fake.attachments
    again = attach_confirm.confirm(fake.client, attachment.attachment_id, token)
    assert {call.client_token for call in fake.calls("CompleteAttachmentUpload")} == {
        again.client_token
    }
    assert len(fake.transcript) == 1


def test_a_lost_answer_is_repeated_and_confirms_once(fake, token):
    """Botocore repeats a confirmation whose answer was lost, under the same ClientToken."""
    fake.inject("CompleteAttachmentUpload", ReadTimeout(after_commit=True))
    sent = attach_confirm.upload(fake.client, b"1", token, name="a.txt")
    (call,) = fake.calls("CompleteAttachmentUpload")
    first, second = call.attempts
    assert first.client_token == second.client_token == call.client_token == sent.client_token
    assert (first.status, first.committed, second.status) == (None, True, 200)
    assert len(fake.transcript) == len(fake.attachments) == 1
    assert sent.attempts == 2


def test_each_attempt_takes_one_fault(fake, token):
    """Faults are queued: one an attempt, in their order, and then none."""
    fake.inject("PutObject", Throttle(), ConnectTimeout())
    fake.inject("PutObject", ReadTimeout(after_commit=True))
    attach_confirm.upload(fake.client, b"1", token, name="a.txt")
    (call,) = fake.calls("PutObject")
    assert [attempt.status for attempt in call.attempts] == [503, None, None, 200]
    assert [attempt.committed for attempt in call.attempts] == [False, False, True, True]
    assert fake.clock.offset_seconds > 0


def test_faults_that_are_left_can_be_dropped(fake, token):
    """After `reset_faults` calls go through; a fault of another operation was never theirs."""
    fake.inject("SendEvent", Throttle())
    fake.inject("GetTranscript", *[ServerError()] * 9)
    fake.reset_faults()
    assert fake.client.get_transcript(ConnectionToken=token)["Transcript"] == []


def test_the_region_is_the_handles(fake):
    """A fault is for the region of the handle that it was injected with."""
    with fake_connectparticipant("us-west-2") as other:
        other.inject("GetTranscript", *[Throttle()] * 3)
        fake.client.get_transcript(ConnectionToken=fake.connection_token())
        with pytest.raises(other.client.exceptions.ThrottlingException):
            other.client.get_transcript(ConnectionToken=other.connection_token())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda f: f.inject("Complete", Throttle()),
            "unknown operation 'Complete'; choose one of Cancel",
        ),
        (
            lambda f: f.inject("SendMessage", Throttle),
            "is not a Fault; pass an instance like Throttle()",
        ),
        (
            lambda f: f.inject("SendMessage", ModeledError("ConflictException")),
            "SendMessage does not declare ConflictException; it declares AccessDenied",
        ),
        (lambda f: f.inject("PutObject", ModeledError("NoSuchKey")), "it declares AccessDenied, I"),
        (lambda _: ServerError(404), "status=404 is not a server error; pass 500 to 599"),
        (lambda _: Latency(-1), "seconds=-1 is negative; pass 0 or more"),
    ],
)
def test_what_is_no_fault_is_refused(fake, wrong, message):
    """A fault that could not happen is refused when it is injected, with what could."""
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        wrong(fake)


def test_faults_are_values():
    """Faults compare by what they are, so that a test can look for one in the attempts."""
    assert ReadTimeout(after_commit=True) == ReadTimeout(after_commit=True) != ReadTimeout()
    assert isinstance(Throttle(), Fault)
    assert repr(ReadTimeout(after_commit=True)) == "ReadTimeout(after_commit=True)"
