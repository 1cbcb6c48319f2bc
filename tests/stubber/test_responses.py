"""The options of `stub_<operation>` methods and the responses that they produce."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError

from attach_confirm_stubs import ConnectParticipantStubber

ITEM = {"Id": "message-1", "Content": "Goodbye"}


@pytest.fixture
def stubber(client):
    """Return an active stubber that is verified at teardown."""
    with ConnectParticipantStubber(client) as stubber:
        yield stubber


def get_transcript(stubber, **options):
    """Stub GetTranscript with options and return the transcript."""
    stubber.stub_get_transcript(**options)
    return stubber.client.get_transcript(ConnectionToken="token")["Transcript"]


def send_message(stubber, text="a"):
    """Send a message and return the response."""
    return stubber.client.send_message(
        ContentType="text/plain", Content=text, ConnectionToken="token"
    )


def test_response_overrides_complete_default(stubber):
    first, second = get_transcript(stubber, response={"Transcript": [ITEM, {"Id": "message-2"}]})
    assert (first["Id"], first["Content"]) == ("message-1", "Goodbye")
    assert (second["Id"], second["Content"]) == ("message-2", "Hello")
    assert first["ParticipantRole"] == second["ParticipantRole"] == "AGENT"
    assert first["AbsoluteTime"] == second["AbsoluteTime"] == "2024-01-01T00:00:00.000Z"


def start_upload(stubber, **options):
    """Stub StartAttachmentUpload with options and return the upload metadata."""
    stubber.stub_start_attachment_upload(**options)
    return stubber.client.start_attachment_upload(
        AttachmentName="r\u00e9ceipt 1.pdf",
        AttachmentSizeInBytes=3,
        ContentType="application/pdf",
        ConnectionToken="token",
    )["UploadMetadata"]


UPLOAD_HEADERS = {
    "Content-Disposition": "attachment; filename*=UTF-8''r%C3%A9ceipt%201.pdf",
    "Content-Length": "3",
    "Content-Type": "application/pdf",
    "x-amz-acl": "bucket-owner-full-control",
}


def test_response_merges_nested_structures(stubber):
    assert start_upload(stubber, response={"UploadMetadata": {"Url": "https://s3.example"}}) == {
        "Url": "https://s3.example",
        "UrlExpiry": "2099-12-31T23:59:59.000Z",
        "HeadersToInclude": UPLOAD_HEADERS,
    }


@pytest.mark.parametrize("is_callable", [False, True])
def test_upload_headers_are_those_of_the_call(stubber, is_callable):
    """A header that the test passes replaces the one with the same name in any case."""
    overrides = {"UploadMetadata": {"HeadersToInclude": {"content-type": "a/b", "X": "1"}}}
    response = (lambda _: overrides) if is_callable else overrides
    for _ in range(2):
        headers = start_upload(stubber, response=response)["HeadersToInclude"]
        del headers["X"]
        assert headers == {
            **{n: v for n, v in UPLOAD_HEADERS.items() if n != "Content-Type"},
            "content-type": "a/b",
        }


def test_upload_url_does_not_resolve_and_its_bucket_cannot_be_registered(stubber):
    """Code under test may check that the domain is AWS's, and a leaked PUT must not arrive."""
    url = urlsplit(start_upload(stubber)["Url"])
    assert url.scheme == "https"
    assert url.hostname.startswith("amzn-s3-demo-")
    assert url.hostname.endswith(".amazonaws.com")
    assert url.hostname.split(".")[2] not in boto3.Session().get_available_regions("s3")
    assert {"X-Amz-Signature", "X-Amz-Expires"} <= parse_qs(url.query).keys()


def test_response_empty_list_replaces_default(stubber):
    assert get_transcript(stubber, response={"Transcript": []}) == []


def test_response_callable_gets_request_params(stubber):
    stubber.stub_send_message(response=lambda params: {"Id": params["Content"].upper()}, times=2)
    assert [send_message(stubber, text)["Id"] for text in ("a", "b")] == ["A", "B"]


def test_response_callable_returning_none_uses_default(stubber):
    recorded = []
    stubber.stub_send_message(response=recorded.append)
    assert send_message(stubber)["Id"]
    assert recorded[0]["Content"] == "a"


def test_response_callable_gets_a_copy_of_params(stubber):
    stubber.stub_get_transcript(response=lambda params: params["StartPosition"].clear())
    stubber.client.get_transcript(ConnectionToken="token", StartPosition={"Id": "item-1"})
    assert stubber.calls[0].params["StartPosition"] == {"Id": "item-1"}


def test_response_callable_result_is_validated(stubber):
    stubber.stub_send_message(response=lambda _: {"Id": 5})
    with pytest.raises(AssertionError, match="Invalid type for parameter Id"):
        send_message(stubber)


def test_response_metadata_is_complete(stubber):
    stubber.stub_send_message()
    metadata = send_message(stubber)["ResponseMetadata"]
    headers = metadata["HTTPHeaders"]
    assert metadata == {
        "RequestId": headers["x-amzn-requestid"],
        "HTTPStatusCode": 200,
        "HTTPHeaders": headers,
        "RetryAttempts": 0,
    }
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", metadata["RequestId"])
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) > len(json.dumps({"Id": "", "AbsoluteTime": ""}))
    assert type(metadata["HTTPStatusCode"]) is int


def test_response_metadata_can_be_overridden(stubber):
    overrides = {"RequestId": "request-1", "HostId": {"a": "b"}}
    stubber.stub_send_message(response={"ResponseMetadata": overrides})
    overrides["HostId"].clear()
    metadata = send_message(stubber)["ResponseMetadata"]
    assert metadata["RequestId"] == "request-1"
    assert metadata["HostId"] == {"a": "b"}
    assert metadata["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"Transcripts": []}, 'Unknown parameter in input: "Transcripts"'),
        ({"Transcript": "none"}, "Invalid type for parameter Transcript"),
        ({"Transcript": ["none"]}, "Invalid type for parameter Transcript[0]"),
        (
            {"Transcript": [{"ParticipantRole": "BOSS"}]},
            "'Transcript.member.ParticipantRole' failed to satisfy constraint: Member must satisfy",
        ),
        (
            {"Transcript": [{"DisplayName": "x" * 257}]},
            "'Transcript.member.DisplayName' failed to satisfy constraint: Member must have length",
        ),
        *[
            (
                {"Transcript": [{"AbsoluteTime": timestamp}]},
                f"AbsoluteTime' is not an ISO 8601 timestamp with a time zone: {timestamp!r}",
            )
            for timestamp in ("soon", "12", "2024-01-01", "2024-01-01T00:00:00", "Z")
        ],
    ],
)
def test_response_invalid_is_rejected(stubber, response, reason):
    with pytest.raises(ParamValidationError, match=re.escape(reason)):
        stubber.stub_get_transcript(response=response)


@pytest.mark.parametrize("timestamp", ["2024-02-29T23:59:59.123Z", "2024-01-01T00:00:00+01:00"])
def test_response_timestamp_with_time_zone_is_accepted(stubber, timestamp):
    (item,) = get_transcript(stubber, response={"Transcript": [{"AbsoluteTime": timestamp}]})
    assert item["AbsoluteTime"] == timestamp


def raised_error(stubber):
    """Return the ClientError that SendMessage raises."""
    with pytest.raises(ClientError) as caught:
        send_message(stubber)
    return caught.value


def test_error_message_is_set(stubber):
    stubber.stub_send_message(error_code="ThrottlingException", error_message="Slow down")
    error = raised_error(stubber)
    assert error.response["Error"] == {"Code": "ThrottlingException", "Message": "Slow down"}
    assert error.response["Message"] == "Slow down"
    assert str(error).endswith("when calling the SendMessage operation: Slow down")


def test_error_response_has_modeled_members(stubber):
    stubber.stub_describe_view(error_code="ResourceNotFoundException")
    with pytest.raises(stubber.client.exceptions.ResourceNotFoundException) as caught:
        stubber.client.describe_view(ViewToken="view", ConnectionToken="token")
    assert caught.value.response["ResourceType"] == "CONTACT"
    assert caught.value.response["ResourceId"]


def test_error_code_undeclared_is_rejected(stubber):
    with pytest.raises(ValueError, match="SendMessage does not declare") as caught:
        stubber.stub_send_message(error_code="ConflictException")
    assert str(caught.value) == (
        "SendMessage does not declare ConflictException; it declares AccessDeniedException,"
        " InternalServerException, ThrottlingException, ValidationException;"
        " pass unmodeled=True to inject it anyway"
    )


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ConflictException", 409),
        ("ExpiredTokenException", 400),
        ("503", 503),
        ("400", 400),
        ("ThrottlingException", 429),
    ],
)
def test_error_code_unmodeled(stubber, code, status):
    stubber.stub_send_message(error_code=code, unmodeled=True)
    error = raised_error(stubber)
    assert error.response["Error"]["Code"] == code
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize("code", ["200", "302", "399", "600"])
def test_error_code_success_status_is_rejected(stubber, code):
    message = f"^error_code '{code}' is not an HTTP error status; pass 400 to 599$"
    with pytest.raises(ValueError, match=message):
        stubber.stub_send_message(error_code=code, unmodeled=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"response": {}, "error_code": "ThrottlingException"},
            "response, error_code and error are mutually exclusive; pass one of them",
        ),
        (
            {"error": TimeoutError(), "error_code": "ThrottlingException"},
            "response, error_code and error are mutually exclusive; pass one of them",
        ),
        ({"error_message": "Slow down"}, "error_message and unmodeled require error_code"),
        (
            {"unmodeled": True, "error": TimeoutError()},
            "error_message and unmodeled require error_code",
        ),
        (
            {"error": int},
            "error must be an exception instance, for example TimeoutError(), not <class 'int'>",
        ),
        ({"Contents": "Hello"}, "SendMessage: unknown parameter 'Contents'"),
    ],
)
def test_options_invalid_are_rejected(stubber, options, message):
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        stubber.stub_send_message(**options)


def test_options_none_are_ignored(stubber):
    """A parametrized test can stub a success and an error with the same line."""
    stubber.stub_send_message(response=None, error_code=None, error=None)
    assert send_message(stubber)["Id"]
