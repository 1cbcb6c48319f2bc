"""What a stub answers is what botocore would make of the service's own answer."""

import json
import re

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from attach_confirm_stubs import ConnectParticipantStubber

ITEM = {"Id": "message-1", "Content": "Hello"}


@pytest.fixture
def stubber(client):
    """An active stubber."""
    with ConnectParticipantStubber(client) as active:
        yield active


def transcript(stubber, **options):
    """Return the transcript that one stub gives."""
    stubber.stub_get_transcript(**options)
    return stubber.client.get_transcript(ConnectionToken="token")["Transcript"]


def refused(stubber, response):
    """Return why a response of GetTranscript is refused."""
    with pytest.raises(ParamValidationError) as caught:
        stubber.stub_get_transcript(response=response)
    return str(caught.value)


def test_a_response_is_merged_over_a_complete_default(stubber):
    """A test names the members that it is about, and the others are there all the same."""
    (item,) = transcript(stubber, response={"Transcript": [ITEM]})
    assert (item["Id"], item["Content"]) == ("message-1", "Hello")
    assert item["ParticipantRole"] == "AGENT"
    assert item["AbsoluteTime"] == "2024-01-01T00:00:00.000Z"


def test_each_item_goes_over_the_default_item(stubber):
    """What one item of a list says does not stand in the next one."""
    first, second = transcript(stubber, response={"Transcript": [ITEM, {"Id": "message-2"}]})
    assert (first["Content"], second["Content"]) == ("Hello", "Content")


def test_nested_members_are_merged_too(stubber):
    """A response may name one member of a structure within a structure."""
    stubber.stub_start_attachment_upload(response={"UploadMetadata": {"Url": "https://s3.example"}})
    started = stubber.client.start_attachment_upload(
        AttachmentName="a", AttachmentSizeInBytes=1, ContentType="a/b", ConnectionToken="token"
    )
    assert started["UploadMetadata"] == {
        "Url": "https://s3.example",
        "UrlExpiry": "2099-12-31T23:59:59.000Z",
        "HeadersToInclude": {"Content-Type": "application/octet-stream"},
    }


def test_an_empty_list_stays_empty(stubber):
    """A transcript without items can be had."""
    assert transcript(stubber, response={"Transcript": []}) == []


def test_a_callable_makes_the_response_from_the_parameters(stubber):
    """The response can depend on what was sent, and is merged like any other."""
    stubber.stub_send_message(response=lambda params: {"Id": params["Content"].upper()}, times=2)
    ids = [send(stubber, text)["Id"] for text in ("a", "b")]
    assert ids == ["A", "B"]


def send(stubber, text):
    """Send a message."""
    return stubber.client.send_message(
        ContentType="text/plain", Content=text, ConnectionToken="token"
    )


def test_a_callable_may_look_and_leave_the_default(stubber):
    """A callable that returns nothing gives the complete default answer."""
    seen = []
    stubber.stub_send_message(response=seen.append)
    assert send(stubber, "a")["Id"]
    assert seen[0]["Content"] == "a"


def test_what_a_callable_does_to_the_parameters_is_not_history(stubber):
    """A callable gets the parameters to itself."""
    stubber.stub_get_transcript(response=lambda params: params["StartPosition"].clear())
    stubber.client.get_transcript(ConnectionToken="token", StartPosition={"Id": "item-1"})
    assert stubber.calls[0].params["StartPosition"] == {"Id": "item-1"}


def test_a_callables_response_is_checked(stubber):
    """A response that the service could not give is refused when it is made."""
    stubber.stub_send_message(response=lambda _: {"Id": 5})
    with pytest.raises(AssertionError, match="Invalid type for parameter Id"):
        send(stubber, "a")


def test_metadata_is_what_the_wire_gives(stubber):
    """A request id, headers and the number of retries are there, as code reads them."""
    stubber.stub_send_message()
    metadata = send(stubber, "a")["ResponseMetadata"]
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


def test_metadata_can_be_given(stubber):
    """A test that is about a request id names it, and keeps the rest."""
    stubber.stub_send_message(response={"ResponseMetadata": {"RequestId": "request-1"}})
    metadata = send(stubber, "a")["ResponseMetadata"]
    assert metadata["RequestId"] == "request-1"
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
    ],
)
def test_a_response_that_the_service_could_not_give_is_refused(stubber, response, reason):
    """Unknown members, wrong types, enums and lengths are found when the stub is made."""
    assert reason in refused(stubber, response)


@pytest.mark.parametrize("time", ["soon", "12", "2024-01-01", "2024-01-01T00:00:00", "Z"])
def test_a_time_that_is_none_is_refused(stubber, time):
    """What is no ISO 8601 time with a zone would break the code under test only in production."""
    assert "is no ISO 8601 time with a zone" in refused(
        stubber, {"Transcript": [{"AbsoluteTime": time}]}
    )


@pytest.mark.parametrize("time", ["2024-02-29T23:59:59.123Z", "2024-01-01T00:00:00+01:00"])
def test_a_time_as_the_service_writes_it_is_taken(stubber, time):
    """The service's own format passes."""
    (item,) = transcript(stubber, response={"Transcript": [{"AbsoluteTime": time}]})
    assert item["AbsoluteTime"] == time


def error_of(stubber):
    """Return the error that a call gives."""
    with pytest.raises(ClientError) as caught:
        send(stubber, "a")
    return caught.value


def test_an_errors_message_can_be_given(stubber):
    """The message stands where botocore puts it, and where the model does."""
    stubber.stub_send_message(error_code="ThrottlingException", error_message="Slow down")
    error = error_of(stubber)
    assert error.response["Error"] == {"Code": "ThrottlingException", "Message": "Slow down"}
    assert error.response["Message"] == "Slow down"
    assert str(error).endswith("when calling the SendMessage operation: Slow down")


def test_an_error_has_its_modelled_members(stubber):
    """Code that reads which resource was not found finds the members that the model has."""
    stubber.stub_describe_view(error_code="ResourceNotFoundException")
    with pytest.raises(stubber.client.exceptions.ResourceNotFoundException) as caught:
        stubber.client.describe_view(ViewToken="view", ConnectionToken="token")
    assert caught.value.response["ResourceType"] == "CONTACT"
    assert caught.value.response["ResourceId"]


def test_an_undeclared_error_is_refused(stubber):
    """A test cannot inject what the operation never answers, nor a typo, by mistake."""
    with pytest.raises(ValueError, match="SendMessage does not declare") as caught:
        stubber.stub_send_message(error_code="ConflictException")
    assert str(caught.value) == (
        "SendMessage does not declare ConflictException; it declares AccessDeniedException,"
        " InternalServerException, ThrottlingException, ValidationException."
        " Give unmodeled=True to inject it all the same"
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
def test_an_unmodeled_error_is_injected_on_request(stubber, code, status):
    """What a gateway answers, or another operation's error, can be injected if one insists."""
    stubber.stub_send_message(error_code=code, unmodeled=True)
    error = error_of(stubber)
    assert error.response["Error"]["Code"] == code
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize("code", ["200", "302", "600", "42"])
def test_a_status_that_is_no_error_is_refused(stubber, code):
    """A number is the HTTP status of an error or nothing."""
    with pytest.raises(ValueError, match=f"^{code} is not the HTTP status of an error$"):
        stubber.stub_send_message(error_code=code, unmodeled=True)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            {"response": {}, "error_code": "ThrottlingException"},
            "give one of response, error_code and error",
        ),
        (
            {"error": TimeoutError(), "error_code": "ThrottlingException"},
            "give one of response, error_code and error",
        ),
        ({"error_message": "Slow down"}, "error_message and unmodeled go with error_code"),
        (
            {"unmodeled": True, "error": TimeoutError()},
            "error_message and unmodeled go with error_code",
        ),
        (
            {"error": TimeoutError},
            "error is an exception to raise, such as TimeoutError(), not <class 'TimeoutError'>",
        ),
        ({"Contents": "Hello"}, "SendMessage has no parameter Contents"),
    ],
)
def test_options_that_make_no_sense_are_refused(stubber, options, reason):
    """A stub that says two things, or misspells one, is refused where it is written."""
    with pytest.raises(TypeError, match=f"^{re.escape(reason)}$"):
        stubber.stub_send_message(**options)


def test_options_that_are_none_are_not_given(stubber):
    """One parametrised test can stub a success and an error with the same line."""
    stubber.stub_send_message(response=None, error_code=None, error=None)
    assert send(stubber, "a")["Id"]
