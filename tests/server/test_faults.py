"""Every fault on every operation: what botocore sees in-process, and what over a socket."""

import threading
from dataclasses import dataclass
from functools import cache
from time import monotonic
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from botocore import UNSIGNED, xform_name
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

import attach_confirm
from attach_confirm import _http
from attach_confirm_stubs import (
    ConnectionReset,
    ConnectTimeout,
    FakeConnectParticipant,
    Latency,
    ModeledError,
    ProxyPage,
    ReadTimeout,
    ServerError,
    Throttle,
    TruncatedResponse,
    _service_model,
    fake_connectparticipant,
    serve_connectparticipant,
)
from attach_confirm_stubs._session import shared_session
from attach_confirm_stubs.fake import _faults
from attach_confirm_stubs.fake._moto import BOTOCORE_DETECTS_TRUNCATION

REGION = "us-east-1"
PUT = "PutObject"
OPERATIONS = [*_service_model.service_model().operation_names, PUT]

# The fault, what is seen of it in-process and over a socket, and whether the service did it.
LOST = [
    (ConnectTimeout(), "ConnectTimeoutError", "ConnectionClosedError", False),
    (ReadTimeout(), "ReadTimeoutError", "ReadTimeoutError", False),
    (ReadTimeout(after_commit=True), "ReadTimeoutError", "ReadTimeoutError", True),
    (ConnectionReset(), "ConnectionClosedError", "ConnectionClosedError", False),
    (ConnectionReset(after_commit=True), "ConnectionClosedError", "ConnectionClosedError", True),
]
REFUSED = [
    (operation, fault, status, code)
    for operation in OPERATIONS
    for fault, status, code in (
        (Throttle(), *((503, "SlowDown") if operation == PUT else (429, "ThrottlingException"))),
        (
            ServerError(),
            500,
            "InternalError" if operation == PUT else "InternalServerException",
        ),
        (ServerError(502), 502, None if operation == PUT else "502"),
        *(
            (ModeledError(code), status, code)
            for code, status in (
                _faults.S3_ERRORS.items()
                if operation == PUT
                else (
                    (code, _service_model.error_status(code))
                    for code in _service_model.error_codes(operation)
                )
            )
        ),
    )
]


@dataclass
class Way:
    """A way to the fake: its handle, and which column of `LOST` says what is seen."""

    fake: FakeConnectParticipant
    endpoint_url: str | None
    seen: int

    def client(self, fault=None):
        """Return a client that tries once, and gives up soon where it is to give up."""
        return made_client(self.endpoint_url, 0.1 if isinstance(fault, ReadTimeout) else 20)


@cache
def made_client(endpoint_url, read_timeout):
    """Return a client that tries once."""
    config = Config(proxies={}, read_timeout=read_timeout, retries={"total_max_attempts": 1})
    return attach_confirm.client(
        REGION,
        session=shared_session(),
        config=config,
        endpoint_url=endpoint_url,
        verify=True,
    )


@pytest.fixture(scope="module")
def ways():
    """Give both ways: in-process and over a socket."""
    with fake_connectparticipant() as fake, serve_connectparticipant() as served:
        yield Way(fake, None, 1), Way(served, served.endpoint_url, 2)
        for read_timeout in (0.1, 20):
            made_client(served.endpoint_url, read_timeout).close()


def members(fake, operation):
    """Return parameters with which an operation succeeds, but for the token."""
    match operation:
        case "StartAttachmentUpload":
            return {"AttachmentName": "a", "AttachmentSizeInBytes": 3, "ContentType": "text/plain"}
        case "DescribeView":
            return {"ViewToken": fake.view_token(Id="view")}
        case "SendMessage":
            return {"Content": "Hello", "ContentType": "text/plain"}
        case "SendEvent":
            return {"ContentType": "application/vnd.amazonaws.connect.event.typing"}
    return {}


def arranged(fake, operation):
    """Return the parameters with which an operation succeeds, and see to what they need."""
    if operation == "CreateParticipantConnection":
        return {
            "Type": ["CONNECTION_CREDENTIALS"],
            "ParticipantToken": fake.participant_token(),
        }
    token = fake.connection_token()
    if operation == "GetAttachment":
        sent = attach_confirm.upload(fake.client, b"abc", token, name="a.txt")
        return {"AttachmentId": sent.attachment_id, "ConnectionToken": token}
    if operation in {"CompleteAttachmentUpload", PUT}:
        pending = attach_confirm.start(
            fake.client, name="a", size=3, content_type="text/plain", connection_token=token
        )
        if operation == PUT:
            return {"url": pending.url, "headers": dict(pending.headers), "data": b"abc"}
        attach_confirm.put(fake.client, pending, b"abc")
        return {"AttachmentIds": [pending.attachment_id], "ConnectionToken": token}
    if "Authentication" in operation:
        given = {"SessionId": fake.authentication_session(token), "ConnectionToken": token}
        uri = {"RedirectUri": "https://shop.example"}
        return given | (uri if operation == "GetAuthenticationUrl" else {})
    return {"ConnectionToken": token, **members(fake, operation)}


def state(fake, operation, params):
    """Return the state of the attachment that an attempt was about."""
    path = urlsplit(params["url"]).path if operation == PUT else params["AttachmentIds"][0]
    attachment_id = path.rpartition("/")[2]
    return next(one.state for one in fake.attachments if one.attachment_id == attachment_id)


def put(client, url, headers, data):
    """Put once through botocore's HTTP layer, as `attach_confirm.put` does."""
    request = AWSRequest("PUT", url, headers, data).prepare()
    with _http.http_session(client, url) as session:
        answer = _http.send_request(client, session, request, "s3.PutObject")
    return answer.status_code, answer.content


def seen(client, operation, params):
    """Do it, and return what was seen: a status and an error code, or botocore's exception."""
    try:
        if operation == PUT:
            status, body = put(client, **params)
            code = body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()
            return status, code or None
        answer = getattr(client, xform_name(operation))(**params)
    except ClientError as error:
        answer = error.response
    except attach_confirm.UnexpectedResponseError:
        return 200, "UnexpectedResponseError"
    except (BotoCoreError, HTTPClientError) as error:
        return next(base.__name__ for base in type(error).mro() if "botocore" in base.__module__)
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return status, answer.get("Error", {}).get("Code")


def tried(way, operation, fault, params):
    """Try it with a fault; return what was seen, and what the fake noted of the attempt.

    The client may have given up before the fake had done it.
    """
    before, deadline = len(way.fake.calls(operation)), monotonic() + 20
    way.fake.inject(operation, fault)
    outcome = seen(way.client(fault), operation, params)
    while monotonic() < deadline:
        calls = way.fake.calls(operation)[before:]
        if calls and calls[0].attempts:
            break
        threading.Event().wait(0.001)
    ((attempt,),) = (call.attempts for call in calls)
    assert attempt.fault == fault
    return outcome, attempt


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("row", LOST, ids=repr)
def test_a_lost_answer(ways, operation, row):
    """The caller hears nothing of it, and it was done or not as the fault says."""
    fault, committed = row[0], row[3]
    for way in ways:
        params = arranged(way.fake, operation)
        outcome, attempt = tried(way, operation, fault, params)
        assert outcome == row[way.seen]
        assert (attempt.status, attempt.committed) == (None, committed)
        if operation == "CompleteAttachmentUpload":
            assert state(way.fake, operation, params) == ("APPROVED" if committed else "UPLOADED")
        if operation == PUT:
            assert state(way.fake, operation, params) == ("UPLOADED" if committed else "STARTED")
        # The next attempt is an ordinary one.
        if not committed:
            assert seen(way.client(), operation, params) == (200, None)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_half_an_answer(ways, operation):
    """It was done; the half that came is no success, and a PUT's status needs no more."""
    for way in ways:
        params = arranged(way.fake, operation)
        outcome, attempt = tried(way, operation, TruncatedResponse(), params)
        taken = (200, None if operation == PUT else "UnexpectedResponseError")
        assert outcome == ("ConnectionClosedError" if BOTOCORE_DETECTS_TRUNCATION else taken)
        assert (attempt.status, attempt.committed) == (200, True)


@pytest.mark.skipif(BOTOCORE_DETECTS_TRUNCATION, reason="this botocore notices when a body is cut")
def test_half_an_answer_has_no_members(ways):
    """Half a JSON document is an answer without members for plain botocore, either way."""
    for way in ways:
        client = boto3.client(
            "connectparticipant",
            REGION,
            config=Config(proxies={}, signature_version=UNSIGNED),
            endpoint_url=way.endpoint_url,
            verify=True,
        )
        way.fake.inject("StartAttachmentUpload", TruncatedResponse())
        params = arranged(way.fake, "StartAttachmentUpload")
        assert client.start_attachment_upload(**params).keys() == {"ResponseMetadata"}
        client.close()


@pytest.mark.parametrize(("operation", "fault", "status", "code"), REFUSED, ids=repr)
def test_a_refusal(ways, operation, fault, status, code):
    """The same status and code are seen either way, and nothing was done."""
    for way in ways:
        params = arranged(way.fake, operation)
        outcome, attempt = tried(way, operation, fault, params)
        assert outcome == (status, code)
        assert (attempt.status, attempt.committed) == (status, False)
        assert seen(way.client(), operation, params) == (200, None)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("fault", "committed"), [(ProxyPage(), False), (Latency(0), True)])
def test_an_answer_of_another_kind(ways, operation, fault, committed):
    """A proxy's page and a late answer are seen alike either way."""
    for way in ways:
        outcome, attempt = tried(way, operation, fault, arranged(way.fake, operation))
        unharmed = committed or operation == PUT
        assert outcome == (200, None if unharmed else "UnexpectedResponseError")
        assert (attempt.status, attempt.committed) == (200, committed)


def test_a_lost_answer_is_lost_to_requests_too():
    """The PUT of another HTTP client ends as its own exceptions say."""
    for fault, expected in (
        (ConnectTimeout(), requests.exceptions.ConnectionError),
        (ReadTimeout(), requests.exceptions.ReadTimeout),
        (ConnectionReset(after_commit=True), requests.exceptions.ConnectionError),
        (TruncatedResponse(), requests.exceptions.ChunkedEncodingError),
    ):
        with serve_connectparticipant() as fake:
            params = arranged(fake, PUT)
            fake.inject(PUT, fault)
            with pytest.raises(expected):
                requests.put(**params, timeout=0.1 if isinstance(fault, ReadTimeout) else 20)


def test_a_lost_answer_is_tried_again():
    """The retries of botocore run against the socket, and the service did it once."""
    with serve_connectparticipant() as fake:
        params = arranged(fake, "CompleteAttachmentUpload")
        fake.inject("CompleteAttachmentUpload", ConnectionReset(after_commit=True), Throttle())
        fake.client.complete_attachment_upload(**params)
        (call,) = fake.calls("CompleteAttachmentUpload")
        assert [attempt.committed for attempt in call.attempts] == [True, False, True]
        assert len({attempt.client_token for attempt in call.attempts}) == 1
        assert len([item for item in fake.transcript if item["Type"] == "ATTACHMENT"]) == 1
