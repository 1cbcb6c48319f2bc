"""What did not come from the service is not taken for its answer."""

import contextlib
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import UnexpectedResponseError

PAGE = b"<!DOCTYPE html><html><body>Welcome to the hotel. Please log in.</body></html>"
LATIN = "<!DOCTYPE html><html><body>Willkommen in M\xfcnchen.</body></html>".encode("latin-1")
HTML = {"Content-Type": "text/html; charset=utf-8"}
JSON = {"Content-Type": "application/json"}

STARTED = {
    "AttachmentId": "att-1",
    "UploadMetadata": {
        "Url": "https://bucket.example/staging/att-1?X-Amz-Signature=5eed",
        "UrlExpiry": "2026-11-22T08:15:46Z",
        "HeadersToInclude": {"Content-Length": "3"},
    },
}
CONNECTED = {
    "ConnectionCredentials": {"ConnectionToken": "tok", "Expiry": "2026-11-23T08:15:46.000Z"}
}


def started(client):
    """Start an upload."""
    return attach_confirm.start(
        client, name="a.txt", size=3, content_type="text/plain", connection_token="token"
    )


CALLS = [
    pytest.param(
        lambda c: attach_confirm.connect(c, "token"), "CreateParticipantConnection", id="connect"
    ),
    pytest.param(started, "StartAttachmentUpload", id="start"),
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
@pytest.mark.parametrize("answer", [(200, PAGE), (203, PAGE), (200, LATIN)])
def test_a_captive_portals_page(client, scripted_responses, call, operation, answer):
    """A portal's page with HTTP 200 is no success of any step, whatever it is encoded in."""
    sent = scripted_responses(client, f"connectparticipant.{operation}", (*answer, HTML))
    with pytest.raises(UnexpectedResponseError) as raised:
        call(client)
    assert raised.value.operation == operation
    assert len(sent) == 1


@pytest.mark.parametrize(("call", "operation"), CALLS)
@pytest.mark.parametrize("body", [PAGE, LATIN, b'{"message": "M\xfcnchen"}'])
def test_a_failing_proxys_page(client, scripted_responses, call, operation, body):
    """A proxy's HTTP 502 is an error that is sent again, whatever its page is encoded in."""
    sent = scripted_responses(client, f"connectparticipant.{operation}", (502, body, HTML))
    with pytest.raises(client.exceptions.ClientError) as raised:
        call(client)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
    assert len(sent) == 3
    assert attach_confirm.advise(raised.value).action == "RETRY"


@pytest.mark.parametrize(("call", "operation"), CALLS)
@pytest.mark.parametrize("body", [b"[]", b'"ok"', b"7", b"null", b"true"])
def test_json_of_something_else(client, scripted_responses, call, operation, body):
    """JSON that is no object is no answer of the service's."""
    scripted_responses(client, f"connectparticipant.{operation}", (200, body, JSON))
    with pytest.raises(UnexpectedResponseError) as raised:
        call(client)
    assert raised.value.operation == operation


@pytest.mark.parametrize(("call", "operation"), [c for c in CALLS if c.id != "confirm"])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"Transcr', b'{"message": null}'])
def test_half_an_answer(client, scripted_responses, call, operation, body):
    """An answer that was cut short is no success, though botocore takes it for one."""
    scripted_responses(client, f"connectparticipant.{operation}", (200, body, JSON))
    with pytest.raises(UnexpectedResponseError) as raised:
        call(client)
    assert raised.value.operation == operation


@pytest.mark.parametrize(
    "path",
    [
        ("AttachmentId",),
        ("UploadMetadata",),
        ("UploadMetadata", "Url"),
        ("UploadMetadata", "UrlExpiry"),
        ("UploadMetadata", "HeadersToInclude"),
    ],
)
@pytest.mark.parametrize("gone", ["missing", "null"])
def test_a_start_that_lacks_something(client, scripted_responses, path, gone):
    """Without a place to put the file, or a time, or headers, there is no upload to go on with."""
    answer = {**STARTED, "UploadMetadata": {**STARTED["UploadMetadata"]}}
    inner = answer
    for name in path[:-1]:
        inner = inner[name]
    if gone == "null":
        inner[path[-1]] = None
    else:
        del inner[path[-1]]
    scripted_responses(client, "connectparticipant.StartAttachmentUpload", (200, answer, JSON))
    with pytest.raises(UnexpectedResponseError) as raised:
        started(client)
    assert raised.value.reason.startswith(f"it holds no {'.'.join(path)}")


@pytest.mark.parametrize(
    ("answer", "lacks"),
    [
        ({}, "ConnectionCredentials.ConnectionToken"),
        ({"ConnectionCredentials": {}}, "ConnectionCredentials.ConnectionToken"),
        ({"Websocket": {"Url": "wss://x"}}, "ConnectionCredentials.ConnectionToken"),
        ({"ConnectionCredentials": {"ConnectionToken": "tok"}}, "ConnectionCredentials.Expiry"),
    ],
)
def test_a_connection_that_lacks_something(client, scripted_responses, answer, lacks):
    """A connection without a token is none."""
    scripted_responses(
        client, "connectparticipant.CreateParticipantConnection", (200, answer, JSON)
    )
    with pytest.raises(UnexpectedResponseError) as raised:
        attach_confirm.connect(client, "token")
    assert raised.value.reason == f"it holds no {lacks}"


@pytest.mark.parametrize("body", [b"", b"{}", b"\n", b" {}\n"])
def test_a_confirmation_needs_no_body(client, scripted_responses, body):
    """The service's own answer holds nothing: its request id tells it, or else that it is JSON."""
    known = {"x-amzn-RequestId": "R1"}
    for headers in (known, {**known, **HTML}, JSON, {"Content-Type": "Application/JSON"}):
        scripted_responses(
            client, "connectparticipant.CompleteAttachmentUpload", (200, body, headers)
        )
        assert attach_confirm.confirm(client, "att-1", "token").attempts == 1


TIMES = [
    ("2023-08-03T08:15:46Z", datetime(2023, 8, 3, 8, 15, 46, tzinfo=timezone.utc)),
    ("2023-08-03T08:15:46.789Z", datetime(2023, 8, 3, 8, 15, 46, 789000, tzinfo=timezone.utc)),
    ("2023-08-03T08:15:46+00:00", datetime(2023, 8, 3, 8, 15, 46, tzinfo=timezone.utc)),
    ("2023-08-03T10:15:46+02:00", datetime(2023, 8, 3, 8, 15, 46, tzinfo=timezone.utc)),
    ("2023-08-03T08:15:46", datetime(2023, 8, 3, 8, 15, 46, tzinfo=timezone.utc)),
    (1691050546, datetime(2023, 8, 3, 8, 15, 46, tzinfo=timezone.utc)),
]


class TestTimes:
    """When a URL or a connection stops working."""

    @pytest.mark.parametrize(("text", "time"), TIMES)
    def test_spellings(self, client, scripted_responses, text, time):
        """With milliseconds and without, in any zone or none, a time is read and is in UTC."""
        metadata = {**STARTED["UploadMetadata"], "UrlExpiry": text}
        answer = {**STARTED, "UploadMetadata": metadata}
        scripted_responses(client, "connectparticipant.StartAttachmentUpload", (200, answer, JSON))
        found = started(client).expires_at
        assert found == time
        assert found.utcoffset() == timedelta(0)

    def test_of_a_connection(self, client, scripted_responses):
        """A connection tells when it ends, in UTC."""
        scripted_responses(
            client, "connectparticipant.CreateParticipantConnection", (200, CONNECTED, JSON)
        )
        connection = attach_confirm.connect(client, "token")
        assert connection.token == "tok"
        assert connection.expires_at == datetime(2026, 11, 23, 8, 15, 46, tzinfo=timezone.utc)
        assert connection.expires_at.utcoffset() == timedelta(0)

    @pytest.mark.parametrize(
        "text",
        ["soon", "", "2023-13-45", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-02:00", 1e30],
    )
    def test_no_time(self, client, scripted_responses, text):
        """What is no time is not taken for one, nor is one beyond all calendars."""
        metadata = {**STARTED["UploadMetadata"], "UrlExpiry": text}
        answer = {**STARTED, "UploadMetadata": metadata}
        scripted_responses(client, "connectparticipant.StartAttachmentUpload", (200, answer, JSON))
        with pytest.raises(UnexpectedResponseError) as raised:
            started(client)
        assert raised.value.reason == f"its UploadMetadata.UrlExpiry is no time: {text!r}"

    @given(
        text=st.one_of(
            st.text("0123456789-:.+TZW/, ", max_size=30),
            st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
            st.from_regex(r"[0-9]{1,5}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9:.+Z-]{0,20}", fullmatch=True),
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(),
        )
    )
    def test_wild(self, client, scripted_responses, text):
        """Whatever stands in a time's place, it is a time in UTC or not the service's answer."""
        metadata = {**STARTED["UploadMetadata"], "UrlExpiry": text}
        answer = {**STARTED, "UploadMetadata": metadata}
        scripted_responses(client, "connectparticipant.StartAttachmentUpload", (200, answer, JSON))
        with contextlib.suppress(UnexpectedResponseError):
            assert started(client).expires_at.utcoffset() == timedelta(0)
