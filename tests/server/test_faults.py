"""Faults as clients observe them, in-process, over a socket and over TLS."""

import io
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
# Of each kind one: reads, writes with a ClientToken, uploads to S3.
KINDS = ["GetTranscript", "CompleteAttachmentUpload", PUT]

# Fault, exception in-process, exception over a socket, whether the service commits the request.
CONNECTION_FAULTS = [
    (ConnectTimeout(), "ConnectTimeoutError", "ConnectionClosedError", False),
    (ReadTimeout(), "ReadTimeoutError", "ReadTimeoutError", False),
    (ReadTimeout(after_commit=True), "ReadTimeoutError", "ReadTimeoutError", True),
    (ConnectionReset(), "ConnectionClosedError", "ConnectionClosedError", False),
    (ConnectionReset(after_commit=True), "ConnectionClosedError", "ConnectionClosedError", True),
]


def error_faults(operation):
    """Return the faults that return an error, each with its status and error code."""
    if operation == PUT:
        modeled, internal_error = _faults.S3_ERRORS, "InternalError"
    else:
        codes = _service_model.error_codes(operation)
        modeled = {code: _service_model.error_status(code) for code in codes}
        internal_error = "InternalServerException"
    return [
        (operation, ServerError(), 500, internal_error),
        (operation, ServerError(502), 502, None if operation == PUT else "502"),
        *((operation, ModeledError(code), status, code) for code, status in modeled.items()),
    ]


ERROR_FAULTS = [
    *((operation, Throttle(), 429, "ThrottlingException") for operation in OPERATIONS[:-1]),
    (PUT, Throttle(), 503, "SlowDown"),
    *error_faults(PUT),
    *error_faults("CompleteAttachmentUpload"),
    # The error that only this operation declares.
    ("DescribeView", ModeledError("ResourceNotFoundException"), 404, "ResourceNotFoundException"),
]


@dataclass
class Transport:
    """A way to send requests to the fake.

    Attributes:
        name: "in_process", "socket" or "tls".
        fake: The fake's handle.
        endpoint_url: The endpoint URL of clients, or None for AWS's.
        verify: The `verify` setting of clients.
    """

    name: str
    fake: FakeConnectParticipant
    endpoint_url: str | None
    verify: bool | str = True

    def client(self, fault=None):
        """Return a client without retries; its read timeout is short if the fault needs that."""
        read_timeout = 0.1 if isinstance(fault, ReadTimeout) else 20
        return create_client(self.endpoint_url, self.verify, read_timeout)


@cache
def create_client(endpoint_url, verify, read_timeout):
    """Return a client without retries."""
    config = Config(proxies={}, read_timeout=read_timeout, retries={"total_max_attempts": 1})
    return attach_confirm.client(
        REGION,
        session=shared_session(),
        config=config,
        endpoint_url=endpoint_url,
        verify=verify,
    )


@pytest.fixture(scope="module")
def transports():
    """Return the transports. The fake of this process and the servers share their state."""
    with (
        fake_connectparticipant() as fake,
        serve_connectparticipant() as server,
        serve_connectparticipant(tls=True) as tls_server,
    ):
        transports = (
            Transport("in_process", fake, None),
            Transport("socket", server, server.endpoint_url),
            Transport("tls", tls_server, tls_server.endpoint_url, tls_server.ca_bundle),
        )
        yield transports
        for transport in transports:
            for fault in (None, ReadTimeout()):
                transport.client(fault).close()


def make_members(fake, operation):
    """Return valid parameters of an operation, without the connection token."""
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


def make_params(fake, operation):
    """Return valid parameters of an operation, and set up the chat or upload that they name."""
    if operation == "CreateParticipantConnection":
        return {"Type": ["CONNECTION_CREDENTIALS"], "ParticipantToken": fake.participant_token()}
    token = fake.connection_token()
    if operation == "GetAttachment":
        confirmation = attach_confirm.upload(fake.client, b"abc", token, name="a.txt")
        return {"AttachmentId": confirmation.attachment_id, "ConnectionToken": token}
    if operation in {"CompleteAttachmentUpload", PUT}:
        pending = attach_confirm.start(
            fake.client, name="a", size=3, content_type="text/plain", connection_token=token
        )
        if operation == PUT:
            return {"url": pending.url, "headers": dict(pending.headers), "data": b"abc"}
        attach_confirm.put(fake.client, pending, b"abc")
        return {"AttachmentIds": [pending.attachment_id], "ConnectionToken": token}
    if "Authentication" in operation:
        params = {"SessionId": fake.authentication_session(token), "ConnectionToken": token}
        uri = {"RedirectUri": "https://shop.example"}
        return params | (uri if operation == "GetAuthenticationUrl" else {})
    return {"ConnectionToken": token, **make_members(fake, operation)}


def attachment_state(fake, operation, params):
    """Return the state of the attachment that a request was about."""
    path = urlsplit(params["url"]).path if operation == PUT else params["AttachmentIds"][0]
    attachment_id = path.rpartition("/")[2]
    return next(
        attachment.state
        for attachment in fake.attachments
        if attachment.attachment_id == attachment_id
    )


def put(client, url, headers, data):
    """Send a PUT once through botocore's HTTP layer, as `attach_confirm.put` does."""
    request = AWSRequest("PUT", url, headers, io.BytesIO(data)).prepare()
    response = _http.send_request(client, request, "s3.PutObject")
    return response.status_code, response.content


def observe(client, operation, params):
    """Send a request, and return status and error code, or the name of botocore's exception."""
    try:
        if operation == PUT:
            status, body = put(client, **params)
            code = body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()
            return status, code or None
        response = getattr(client, xform_name(operation))(**params)
    except ClientError as error:
        response = error.response
    except attach_confirm.UnexpectedResponseError:
        return 200, "UnexpectedResponseError"
    except (BotoCoreError, HTTPClientError) as error:
        return next(base.__name__ for base in type(error).mro() if "botocore" in base.__module__)
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return status, response.get("Error", {}).get("Code")


def run_with_fault(transport, operation, fault, params):
    """Send a request with a fault; return what the client observed, and the recorded attempt."""
    before, deadline = len(transport.fake.calls(operation)), monotonic() + 20
    transport.fake.inject(operation, fault)
    outcome = observe(transport.client(fault), operation, params)
    # After a timeout the client can be ahead of the server.
    while monotonic() < deadline:
        calls = transport.fake.calls(operation)[before:]
        if calls and calls[0].attempts:
            break
        threading.Event().wait(0.001)
    ((attempt,),) = (call.attempts for call in calls)
    assert attempt.fault == fault
    return outcome, attempt


@pytest.mark.parametrize("operation", KINDS)
@pytest.mark.parametrize("row", CONNECTION_FAULTS, ids=repr)
def test_connection_fault_raises_its_error(transports, operation, row):
    """A request is committed only if the fault is `after_commit`; the next attempt succeeds."""
    fault, in_process_error, socket_error, committed = row
    expected = {"in_process": in_process_error, "socket": socket_error, "tls": socket_error}
    for transport in transports:
        fake, params = transport.fake, make_params(transport.fake, operation)
        outcome, attempt = run_with_fault(transport, operation, fault, params)
        assert outcome == expected[transport.name]
        assert (attempt.status, attempt.committed) == (None, committed)
        if operation == "CompleteAttachmentUpload":
            state = attachment_state(fake, operation, params)
            assert state == ("APPROVED" if committed else "UPLOADED")
        if operation == PUT:
            state = attachment_state(fake, operation, params)
            assert state == ("UPLOADED" if committed else "STARTED")
        if not committed:
            assert observe(transport.client(), operation, params) == (200, None)


@pytest.mark.parametrize("operation", KINDS)
def test_truncated_response_is_committed(transports, operation):
    """Only the PUT succeeds, because its client does not need the body."""
    for transport in transports:
        params = make_params(transport.fake, operation)
        outcome, attempt = run_with_fault(transport, operation, TruncatedResponse(), params)
        undetected = (200, None if operation == PUT else "UnexpectedResponseError")
        assert outcome == ("ConnectionClosedError" if BOTOCORE_DETECTS_TRUNCATION else undetected)
        assert (attempt.status, attempt.committed) == (200, True)


@pytest.mark.skipif(BOTOCORE_DETECTS_TRUNCATION, reason="this botocore detects truncated bodies")
def test_truncated_response_is_empty_success_for_plain_client(transports):
    """Without `attach_confirm`, botocore parses half a JSON document as an empty response."""
    for transport in transports:
        client = boto3.client(
            "connectparticipant",
            REGION,
            config=Config(proxies={}, signature_version=UNSIGNED),
            endpoint_url=transport.endpoint_url,
            verify=transport.verify,
        )
        transport.fake.inject("StartAttachmentUpload", TruncatedResponse())
        params = make_params(transport.fake, "StartAttachmentUpload")
        assert client.start_attachment_upload(**params).keys() == {"ResponseMetadata"}
        client.close()


@pytest.mark.parametrize(("operation", "fault", "status", "code"), ERROR_FAULTS, ids=repr)
def test_error_fault_returns_its_error(transports, operation, fault, status, code):
    """The request is not committed, and the next attempt succeeds."""
    for transport in transports:
        params = make_params(transport.fake, operation)
        outcome, attempt = run_with_fault(transport, operation, fault, params)
        assert outcome == (status, code)
        assert (attempt.status, attempt.committed) == (status, False)
        assert observe(transport.client(), operation, params) == (200, None)


@pytest.mark.parametrize("operation", KINDS)
@pytest.mark.parametrize(("fault", "committed"), [(ProxyPage(), False), (Latency(0), True)])
def test_success_status_fault_raises_only_for_api_calls(transports, operation, fault, committed):
    """A proxy page has status 200, and the PUT in this module checks only the status."""
    for transport in transports:
        params = make_params(transport.fake, operation)
        outcome, attempt = run_with_fault(transport, operation, fault, params)
        succeeds = committed or operation == PUT
        assert outcome == (200, None if succeeds else "UnexpectedResponseError")
        assert (attempt.status, attempt.committed) == (200, committed)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (ConnectTimeout(), requests.exceptions.ConnectionError),
        (ReadTimeout(), requests.exceptions.ReadTimeout),
        (ConnectionReset(after_commit=True), requests.exceptions.ConnectionError),
        (TruncatedResponse(), requests.exceptions.ChunkedEncodingError),
    ],
    ids=repr,
)
def test_connection_fault_raises_error_of_requests(fault, expected):
    with serve_connectparticipant() as fake:
        params = make_params(fake, PUT)
        fake.inject(PUT, fault)
        with pytest.raises(expected):
            requests.put(**params, timeout=0.1 if isinstance(fault, ReadTimeout) else 20)


def test_botocore_retries_commit_once():
    """All attempts share one ClientToken, so the service processes the call once."""
    with serve_connectparticipant() as fake:
        params = make_params(fake, "CompleteAttachmentUpload")
        fake.inject("CompleteAttachmentUpload", ConnectionReset(after_commit=True), Throttle())
        fake.client.complete_attachment_upload(**params)
        (call,) = fake.calls("CompleteAttachmentUpload")
        assert [attempt.committed for attempt in call.attempts] == [True, False, True]
        assert len({attempt.client_token for attempt in call.attempts}) == 1
        assert len([item for item in fake.transcript if item["Type"] == "ATTACHMENT"]) == 1
