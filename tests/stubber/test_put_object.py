"""The PUT between the calls: it is stubbed by its own name, and never leaves by surprise."""

import io

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

import attach_confirm
from attach_confirm_stubs import ConnectParticipantStubber, UnexpectedCallError, failure_cases

HEADERS = {"HeadersToInclude": {"Content-Type": "application/pdf"}}
PUT_URL = {"Url": "https://bucket.example/a", "UrlExpiry": "2099-01-01T00:00:00.000Z"}
UPLOAD = ("StartAttachmentUpload", "PutObject", "CompleteAttachmentUpload")


@pytest.fixture
def stubber(client):
    """An active stubber with a stubbed start, which may stay unused."""
    made = ConnectParticipantStubber(client)
    made.activate()
    made.stub_start_attachment_upload(optional=True)
    yield made
    made.deactivate()


def upload(stubber, body=b"%PDF", **options):
    """Send a file."""
    return attach_confirm.upload(stubber.client, body, "token", name="a.pdf", **options)


@pytest.mark.parametrize(
    "named",
    [{}, {"Body": b"%PDF"}, {"ContentType": "application/pdf"}],
)
def test_an_upload_is_three_stubs(client, named):
    """`upload` runs through the stubber, with the bytes and the type that the test names."""
    with ConnectParticipantStubber(client) as stubber:
        stubber.stub_start_attachment_upload(
            response={"AttachmentId": "att-1", "UploadMetadata": HEADERS}
        )
        stubber.stub_put_object(**named)
        stubber.stub_complete_attachment_upload(AttachmentIds=["att-1"])
        heard = []
        assert upload(stubber, io.BytesIO(b"%PDF"), callback=heard.append).attachment_id == "att-1"
    assert sum(heard) == 4
    assert [made.operation for made in stubber.calls] == list(UPLOAD)
    put = stubber.calls[1]
    assert put.params == {"Body": b"%PDF", "ContentType": "application/pdf"}
    assert put.result == {"ResponseMetadata": {"HTTPStatusCode": 200}}
    stubber.calls.assert_called_once_with("PutObject", Body=b"%PDF", ContentType="application/pdf")


def test_a_put_without_a_stub_is_refused(stubber):
    """It goes nowhere, no `except` of botocore's errors hides it, and `verify` tells of it."""
    with pytest.raises(UnexpectedCallError) as caught:
        upload(stubber)
    assert str(caught.value).startswith(
        "No stub allows this call:\n"
        "  PutObject(Body=b'%PDF', ContentType='application/octet-stream')\n"
        "No stub is for PutObject.\n"
    )
    assert str(caught.value).endswith(
        "  stubber.stub_put_object(Body=b'%PDF', ContentType='application/octet-stream')"
    )
    with pytest.raises(UnexpectedCallError, match="the error was caught"):
        stubber.verify()


def test_a_put_of_many_bytes_is_told_by_the_first(stubber):
    """A message does not hold a whole file."""
    with pytest.raises(UnexpectedCallError) as caught:
        upload(stubber, bytes(1024 * 1024))
    assert len(str(caught.value)) < 2000


def test_a_refused_put_is_confirmed_by_nobody(stubber):
    """The code under test sees S3's refusal, and the confirmation is not sent."""
    stubber.stub_put_object(status=403, error_code="SignatureDoesNotMatch")
    with pytest.raises(attach_confirm.PutFailedError) as caught:
        upload(stubber)
    assert (caught.value.status_code, caught.value.error_code) == (403, "SignatureDoesNotMatch")
    result = stubber.calls[-1].result
    assert isinstance(result, ClientError)
    assert result.response["Error"]["Code"] == "SignatureDoesNotMatch"
    stubber.calls.assert_not_called("CompleteAttachmentUpload")
    stubber.verify()


def test_a_put_without_a_type_has_none(stubber, pending):
    """Where the start signed no Content-Type, none was sent."""
    stubber.stub_put_object(ContentType=None)
    attach_confirm.put(stubber.client, pending(size=4), b"%PDF")
    assert stubber.calls[0].params == {"Body": b"%PDF", "ContentType": None}


def test_a_status_alone_is_an_error_too(stubber):
    """S3 need not say a code."""
    stubber.stub_put_object(status=418)
    with pytest.raises(attach_confirm.PutFailedError) as caught:
        upload(stubber)
    assert (caught.value.status_code, caught.value.error_code) == (418, None)


def test_a_put_that_is_repeated_is_two_calls(stubber, sleeps):
    """An attempt that `put` repeats wants a stub each, and sends the bytes again."""
    stubber.stub_put_object(status=503, error_code="SlowDown", times=2)
    stubber.stub_put_object(Body=b"%PDF")
    stubber.stub_complete_attachment_upload()
    upload(stubber)
    assert len(sleeps) == 2
    assert len(stubber.calls("PutObject")) == 3
    stubber.verify()


def test_a_put_can_raise(stubber):
    """A connection that fails is injected as botocore raises it."""
    stubber.stub_put_object(error=HTTPClientError(error="broken"))
    with pytest.raises(HTTPClientError, match="broken"):
        upload(stubber)
    assert isinstance(stubber.calls[-1].result, HTTPClientError)


def test_a_put_beside_upstreams_methods_alone_is_left_alone(client, scripted_responses):
    """A stubber that is used as botocore's does not answer what that does not."""
    sent = scripted_responses(client, "s3.PutObject", 200)
    answer = {"AttachmentId": "1", "UploadMetadata": {**PUT_URL, "HeadersToInclude": {}}}
    with ConnectParticipantStubber(client) as stubber:
        stubber.add_response("start_attachment_upload", answer)
        stubber.add_response("complete_attachment_upload", {})
        upload(stubber)
    assert [request.body for request in sent] == [b"%PDF"]


def test_a_deactivated_stubber_leaves_the_put_alone(stubber, scripted_responses):
    """After deactivation the PUT goes where it went before."""
    pending = attach_confirm.start(
        stubber.client, name="a", size=4, content_type="text/plain", connection_token="token"
    )
    stubber.deactivate()
    sent = scripted_responses(stubber.client, "s3.PutObject", 200)
    attach_confirm.put(stubber.client, pending, b"%PDF")
    assert len(sent) == 1


@pytest.mark.parametrize(
    "options", [{"error_code": "SlowDown"}, {"status": 204, "error_code": "a"}]
)
def test_an_error_code_wants_a_status(stubber, options):
    """A success has no code."""
    with pytest.raises(ValueError, match=r"^status=20[04] is no error; "):
        stubber.stub_put_object(**options)


def test_another_services_client_has_no_put():
    """On another service's client S3's PutObject is no business of the stubber's."""
    client = boto3.client("sqs", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    stubber = ConnectParticipantStubber(client)
    with pytest.raises(TypeError, match="is for connectparticipant clients"):
        stubber.stub_put_object()
    with pytest.raises(ValueError, match="'PutObject' is no operation"):
        stubber.calls.assert_not_called("PutObject")


@pytest.mark.parametrize("failure", failure_cases(*UPLOAD), ids=str)
def test_every_failure_of_an_upload_is_raised(client, failure):
    """`failure_cases` takes the PUT for a step of the flow."""
    with ConnectParticipantStubber(client, strict=True) as stubber:
        failure.stub(stubber)
        stubber.stub_get_transcript(response={"Transcript": []}, optional=True)
        with pytest.raises((ClientError, attach_confirm.AttachConfirmError)):
            upload(stubber)
