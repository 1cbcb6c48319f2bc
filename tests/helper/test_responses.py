import contextlib
import copy
import io
import time
from datetime import datetime, timedelta, timezone

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import UnexpectedResponseError
from attach_confirm._responses import get_error_code, get_status_code

UTF8_PAGE = b"<!DOCTYPE html><html><body>Welcome to the hotel. Please log in.</body></html>"
LATIN1_PAGE = "<!DOCTYPE html><html><body>Willkommen in M\xfcnchen.</body></html>".encode("latin-1")
HTML = {"Content-Type": "text/html; charset=utf-8"}
JSON = {"Content-Type": "application/json"}
REQUEST_ID = {"x-amzn-RequestId": "R1"}

COMPLETE = "connectparticipant.CompleteAttachmentUpload"

START_RESPONSE = {
    "AttachmentId": "att-1",
    "UploadMetadata": {
        "Url": "https://bucket.example/staging/att-1?X-Amz-Signature=5eed",
        "UrlExpiry": "2026-11-22T08:15:46Z",
        "HeadersToInclude": {"Content-Length": "3"},
    },
}
CONNECT_RESPONSE = {
    "ConnectionCredentials": {"ConnectionToken": "tok", "Expiry": "2026-11-23T08:15:46.000Z"}
}


def start(client):
    return attach_confirm.start(
        client, name="a.txt", size=3, content_type="text/plain", connection_token="token"
    )


CALLS = [
    pytest.param(
        lambda c: attach_confirm.connect(c, "token"), "CreateParticipantConnection", id="connect"
    ),
    pytest.param(start, "StartAttachmentUpload", id="start"),
    pytest.param(
        lambda c: attach_confirm.confirm(c, "att-1", "token"),
        "CompleteAttachmentUpload",
        id="confirm",
    ),
    pytest.param(
        lambda c: attach_confirm.status(c, "att-1", "token"), "GetTranscript", id="status"
    ),
    pytest.param(lambda c: attach_confirm.wait(c, "att-1", "token"), "GetTranscript", id="wait"),
]


@pytest.mark.parametrize(("call", "operation"), CALLS)
class TestEveryOperation:
    @pytest.mark.parametrize("body", [UTF8_PAGE, LATIN1_PAGE])
    def test_captive_portal_page_raises(self, client, scripted_responses, call, operation, body):
        requests = scripted_responses(client, f"connectparticipant.{operation}", (200, body, HTML))
        with pytest.raises(UnexpectedResponseError) as raised:
            call(client)
        assert raised.value.operation == operation
        assert raised.value.reason == (
            f"the body is not a JSON object (content type: {HTML['Content-Type']})"
        )
        assert len(requests) == 1

    @pytest.mark.parametrize("body", [UTF8_PAGE, LATIN1_PAGE, b'{"message": "M\xfcnchen"}'])
    def test_proxy_error_page_is_retried(self, client, scripted_responses, call, operation, body):
        requests = scripted_responses(client, f"connectparticipant.{operation}", (502, body, HTML))
        with pytest.raises(client.exceptions.ClientError) as raised:
            call(client)
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
        assert len(requests) == 3
        assert attach_confirm.advise(raised.value).action == "RETRY"

    def test_json_that_is_not_an_object_raises(self, client, scripted_responses, call, operation):
        """The request ID does not help, because the service sends no such body."""
        nested = b'{"a":' * 100_000
        for body in (b"[]", b'"ok"', b"7", b"null", b"true", b"{x", b'{"a": 1', b"{} {}", nested):
            response = (203, body, {**JSON, **REQUEST_ID})
            scripted_responses(client, f"connectparticipant.{operation}", response)
            with pytest.raises(UnexpectedResponseError) as raised:
                call(client)
            assert raised.value.operation == operation
            assert raised.value.reason == (
                "the body is not a JSON object (content type: application/json)"
            )

    def test_page_with_a_redirect_status_is_an_error(
        self, client, scripted_responses, call, operation
    ):
        """In botocore, each status from 300 on is an error."""
        scripted_responses(client, f"connectparticipant.{operation}", (300, UTF8_PAGE, HTML))
        with pytest.raises(ClientError):
            call(client)


@pytest.mark.parametrize(("call", "operation"), [call for call in CALLS if call.id != "confirm"])
def test_response_without_members_raises(client, scripted_responses, call, operation):
    for body in (b"", b"{}", b'{"error": "login required"}', b'{"message": null}'):
        scripted_responses(client, f"connectparticipant.{operation}", (200, body, JSON))
        with pytest.raises(UnexpectedResponseError) as raised:
            call(client)
        assert raised.value.operation == operation


def test_page_without_content_type_raises(client, scripted_responses):
    scripted_responses(client, "connectparticipant.GetTranscript", (200, UTF8_PAGE, {}))
    with pytest.raises(UnexpectedResponseError) as raised:
        attach_confirm.status(client, "att-1", "token")
    assert raised.value.reason == "the body is not a JSON object (content type: unknown)"


def test_truncated_response_raises(client, scripted_responses):
    scripted_responses(
        client, "connectparticipant.CompleteAttachmentUpload", (200, b"{}", {"Content-Length": "3"})
    )
    with pytest.raises(UnexpectedResponseError) as raised:
        attach_confirm.confirm(client, "att-1", "token")
    assert raised.value.operation == "CompleteAttachmentUpload"
    assert raised.value.reason == "the body ended after 2 of 3 bytes"


@pytest.mark.parametrize("content_length", ["2", "1", "two", "-3"])
def test_complete_response_is_accepted(client, scripted_responses, content_length):
    headers = {**JSON, **REQUEST_ID, "Content-Length": content_length}
    scripted_responses(client, "connectparticipant.CompleteAttachmentUpload", (200, b"{}", headers))
    assert attach_confirm.confirm(client, "att-1", "token").attempts == 1


@pytest.mark.parametrize(
    "path",
    [
        ("AttachmentId",),
        ("UploadMetadata",),
        ("UploadMetadata", "Url"),
        ("UploadMetadata", "UrlExpiry"),
        ("UploadMetadata", "HeadersToInclude"),
    ],
    ids=".".join,
)
def test_start_response_without_member_raises(client, scripted_responses, path):
    """A null member is missing from the response that botocore returns."""
    without_member, with_null = copy.deepcopy(START_RESPONSE), copy.deepcopy(START_RESPONSE)
    *parents, name = path
    for parent in parents:
        del without_member[parent][name]
        with_null[parent][name] = None
    if not parents:
        del without_member[name]
        with_null[name] = None
    for response in (without_member, with_null):
        scripted_responses(
            client, "connectparticipant.StartAttachmentUpload", (200, response, JSON)
        )
        with pytest.raises(UnexpectedResponseError) as raised:
            start(client)
        assert raised.value.reason.startswith(f"missing {'.'.join(path)}")


@pytest.mark.parametrize(
    ("response", "member"),
    [
        ({}, "ConnectionCredentials.ConnectionToken"),
        ({"ConnectionCredentials": {}}, "ConnectionCredentials.ConnectionToken"),
        ({"Websocket": {"Url": "wss://x"}}, "ConnectionCredentials.ConnectionToken"),
        ({"ConnectionCredentials": {"ConnectionToken": "tok"}}, "ConnectionCredentials.Expiry"),
    ],
)
def test_connect_response_without_member_raises(client, scripted_responses, response, member):
    scripted_responses(
        client, "connectparticipant.CreateParticipantConnection", (200, response, JSON)
    )
    with pytest.raises(UnexpectedResponseError) as raised:
        attach_confirm.connect(client, "token")
    assert raised.value.reason == f"missing {member}"


class TestMemberTypes:
    """botocore's parser raises an AttributeError, TypeError or ValueError for most of these."""

    @pytest.mark.parametrize(
        ("operation", "call", "response", "reason"),
        [
            (
                "CreateParticipantConnection",
                lambda client: attach_confirm.connect(client, "token"),
                {"ConnectionCredentials": "tok"},
                "ConnectionCredentials is of type str",
            ),
            (
                "StartAttachmentUpload",
                start,
                {**START_RESPONSE, "AttachmentId": 5},
                "AttachmentId is of type int",
            ),
            (
                "StartAttachmentUpload",
                start,
                {"UploadMetadata": {"HeadersToInclude": []}},
                "UploadMetadata.HeadersToInclude is of type list",
            ),
            (
                "GetTranscript",
                lambda client: list(attach_confirm.attachments(client, "token")),
                {"Transcript": 7},
                "Transcript is of type int",
            ),
            (
                "GetTranscript",
                lambda client: attach_confirm.status(client, "att-1", "token"),
                {"Transcript": [{"Id": "1"}, {"Attachments": [None]}]},
                "Transcript[1].Attachments[0] is of type NoneType",
            ),
            (
                "GetTranscript",
                lambda client: attach_confirm.wait(client, "att-1", "token"),
                {"Transcript": [], "NextToken": True},
                "NextToken is of type bool",
            ),
            *(
                (
                    "GetAttachment",
                    lambda client: attach_confirm.download(client, "att-1", "token", io.BytesIO()),
                    {"Url": "https://bucket.example/k", "AttachmentSizeInBytes": size},
                    f"AttachmentSizeInBytes is of type {type(size).__name__}",
                )
                for size in ("many", "3", 3.0, True, [3])
            ),
        ],
    )
    def test_wrong_type_raises(  # noqa: PLR0917
        self, client, scripted_responses, operation, call, response, reason
    ):
        scripted_responses(client, f"connectparticipant.{operation}", (200, response, {}))
        with pytest.raises(UnexpectedResponseError) as raised:
            call(client)
        assert (raised.value.operation, raised.value.reason) == (operation, reason)

    def test_null_and_unknown_members_are_ignored(self, client, scripted_responses):
        item = {"Id": None, "New": 5, "Attachments": None}
        response = {"Transcript": [item], "NextToken": None, "New": []}
        scripted_responses(client, "connectparticipant.GetTranscript", (200, response, {}))
        assert attach_confirm.status(client, "att-1", "token") is None

    def test_error_response_is_not_validated(self, client, scripted_responses):
        response = (400, {"Transcript": 5}, {"x-amzn-ErrorType": "ValidationException"})
        scripted_responses(client, "connectparticipant.GetTranscript", response)
        with pytest.raises(client.exceptions.ValidationException):
            attach_confirm.status(client, "att-1", "token")


class TestRequestId:
    """The service's response to a confirmation has no members, but always a request ID."""

    @pytest.mark.parametrize("body", [b"", b"{}", b" {}\n", b'{"New": "member"}'])
    def test_response_with_request_id_is_accepted(self, client, scripted_responses, body):
        for headers in (REQUEST_ID, {**REQUEST_ID, **HTML}, {"x-amz-request-id": "R1"}):
            scripted_responses(client, COMPLETE, (200, body, headers))
            assert attach_confirm.confirm(client, "att-1", "token").request_id == "R1"

    @pytest.mark.parametrize("body", [b"", b"{}", b'{"error": "login required"}'])
    @pytest.mark.parametrize("status_code", [200, 202, 204])
    @pytest.mark.parametrize("signs_requests", [True, False])
    def test_response_without_request_id_raises(
        self, client, scripted_responses, *, body, status_code, signs_requests
    ):
        """A response without any header is one of HTTP/1.0."""
        if signs_requests:
            client = boto3.client(
                "connectparticipant", "us-west-2", aws_access_key_id="a", aws_secret_access_key="b"
            )
        for headers in ({}, JSON, HTML, {"Server": "proxy"}, {"x-amzn-RequestId": ""}):
            scripted_responses(client, COMPLETE, (status_code, body, headers))
            with pytest.raises(UnexpectedResponseError) as raised:
                attach_confirm.confirm(client, "att-1", "token")
            content_type = headers.get("Content-Type", "unknown type")
            assert raised.value.operation == "CompleteAttachmentUpload"
            assert raised.value.reason == f"no request id, and a body of {content_type}"
            assert attach_confirm.advise(raised.value).attachment_id == "att-1"

    @pytest.mark.parametrize(
        "response", [{}, {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}}}]
    )
    def test_stubbed_response_is_accepted(self, client, response):
        """Responses of botocore's Stubber were not received over HTTP."""
        with Stubber(client) as stubber:
            stubber.add_response("complete_attachment_upload", response)
            assert attach_confirm.confirm(client, "att-1", "token").request_id is None

    def test_stubbed_response_with_headers_needs_request_id(self, client):
        metadata = {"HTTPStatusCode": 200, "HTTPHeaders": {"content-type": "text/html"}}
        with Stubber(client) as stubber:
            stubber.add_response("complete_attachment_upload", {"ResponseMetadata": metadata})
            with pytest.raises(UnexpectedResponseError):
                attach_confirm.confirm(client, "att-1", "token")


class TestGetTimestamp:
    @pytest.fixture
    def start_with_expiry(self, client, scripted_responses):
        """Return a function that starts an upload whose response has this `UrlExpiry`."""

        def call(expiry):
            metadata = {**START_RESPONSE["UploadMetadata"], "UrlExpiry": expiry}
            response = {**START_RESPONSE, "UploadMetadata": metadata}
            scripted_responses(
                client, "connectparticipant.StartAttachmentUpload", (200, response, JSON)
            )
            return start(client)

        return call

    @pytest.fixture
    def other_time_zone(self):
        """Set a local time that differs from UTC."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", "JST-9")
            time.tzset()
            yield
        time.tzset()

    @pytest.mark.parametrize(
        ("value", "microsecond"),
        [
            ("2023-08-03T08:15:46Z", 0),
            ("2023-08-03T08:15:46.789Z", 789000),
            ("2023-08-03T10:15:46+02:00", 0),
            ("2023-08-03T08:15:46", 0),
            (1691050546, 0),
        ],
    )
    @pytest.mark.usefixtures("other_time_zone")
    def test_timestamp_formats_are_parsed(self, start_with_expiry, value, microsecond):
        expires_at = start_with_expiry(value).expires_at
        assert expires_at == datetime(2023, 8, 3, 8, 15, 46, microsecond, tzinfo=timezone.utc)
        assert expires_at.utcoffset() == timedelta(0)

    def test_connection_expiry_is_utc(self, client, scripted_responses):
        scripted_responses(
            client, "connectparticipant.CreateParticipantConnection", (200, CONNECT_RESPONSE, JSON)
        )
        connection = attach_confirm.connect(client, "token")
        assert connection.token == "tok"
        assert connection.expires_at == datetime(2026, 11, 23, 8, 15, 46, tzinfo=timezone.utc)
        assert connection.expires_at.utcoffset() == timedelta(0)

    @pytest.mark.parametrize(
        "value",
        ["soon", "", "2023-13-45", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-02:00", 1e30],
    )
    def test_invalid_timestamp_raises(self, start_with_expiry, value):
        with pytest.raises(UnexpectedResponseError) as raised:
            start_with_expiry(value)
        assert raised.value.reason == f"invalid timestamp in UploadMetadata.UrlExpiry: {value!r}"

    @given(
        value=st.one_of(
            st.text("0123456789-:.+TZW/, ", max_size=30),
            st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
            st.from_regex(r"[0-9]{1,5}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9:.+Z-]{0,20}", fullmatch=True),
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(),
        )
    )
    def test_timestamp_property(self, start_with_expiry, value):
        """Every value is either parsed into UTC or rejected."""
        with contextlib.suppress(UnexpectedResponseError):
            assert start_with_expiry(value).expires_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({}, ("", 0)),
        ({"Error": {}, "ResponseMetadata": {}}, ("", 0)),
        ({"Error": {"Code": "x"}, "ResponseMetadata": {"HTTPStatusCode": 409}}, ("x", 409)),
    ],
)
def test_error_code_and_status_code_may_be_missing(response, expected):
    error = ClientError(response, "StartAttachmentUpload")
    assert (get_error_code(error), get_status_code(error)) == expected
