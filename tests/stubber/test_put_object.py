"""`stub_put_object`, which stubs the PUT that an upload sends between its API calls."""

import io

import pytest
from botocore.exceptions import ClientError, HTTPClientError

import attach_confirm
from attach_confirm_stubs import ConnectParticipantStubber, UnexpectedCallError, failure_cases

UPLOAD_OPERATIONS = ["StartAttachmentUpload", "PutObject", "CompleteAttachmentUpload"]


@pytest.fixture
def stubber(stubber):
    """Return an active stubber with an optional stub for StartAttachmentUpload."""
    stubber.stub_start_attachment_upload(optional=True)
    return stubber


def upload(client, body=b"%PDF", **options):
    """Upload a file, and return the confirmation."""
    return attach_confirm.upload(client, body, "token", name="a.pdf", **options)


@pytest.mark.parametrize("params", [{}, {"Body": b"%PDF", "ContentType": "application/pdf"}])
def test_upload_succeeds(client, params):
    with ConnectParticipantStubber(client) as stubber:
        metadata = {"HeadersToInclude": {"Content-Type": "application/pdf"}}
        stubber.stub_start_attachment_upload(
            response={"AttachmentId": "att-1", "UploadMetadata": metadata}
        )
        stubber.stub_put_object(**params)
        stubber.stub_complete_attachment_upload(AttachmentIds=["att-1"])
        progress = []
        result = upload(client, io.BytesIO(b"%PDF"), callback=progress.append)
    assert result.attachment_id == "att-1"
    assert sum(progress) == 4
    assert [call.operation for call in stubber.calls] == UPLOAD_OPERATIONS
    put = stubber.calls[1]
    assert put.params == {"Body": b"%PDF", "ContentType": "application/pdf"}
    assert put.result == {"ResponseMetadata": {"HTTPStatusCode": 200}}
    stubber.calls.assert_called_once_with("PutObject", Body=b"%PDF", ContentType="application/pdf")


@pytest.mark.parametrize("params", [{"Body": b"PDF"}, {"ContentType": "text/plain"}])
def test_unexpected_put_raises(stubber, params):
    stubber.stub_put_object(**params, optional=True)
    with pytest.raises(UnexpectedCallError) as caught:
        upload(stubber.client)
    assert str(caught.value).startswith(
        "Unexpected call:\n  PutObject(Body=b'%PDF', ContentType='application/pdf')\n"
    )
    assert str(caught.value).endswith(
        "  stubber.stub_put_object(Body=b'%PDF', ContentType='application/pdf')"
    )
    with pytest.raises(UnexpectedCallError, match="caught the errors"):
        stubber.verify()


def test_unexpected_put_message_truncates_body(stubber):
    with pytest.raises(UnexpectedCallError) as caught:
        upload(stubber.client, bytes(1024 * 1024))
    assert len(str(caught.value)) < 2000


def test_error_code_raises_put_failed_error(stubber):
    stubber.stub_put_object(status=403, error_code="SignatureDoesNotMatch")
    with pytest.raises(attach_confirm.PutFailedError) as caught:
        upload(stubber.client)
    assert (caught.value.status_code, caught.value.error_code) == (403, "SignatureDoesNotMatch")
    result = stubber.calls[-1].result
    assert isinstance(result, ClientError)
    assert result.response["Error"]["Code"] == "SignatureDoesNotMatch"
    stubber.calls.assert_not_called("CompleteAttachmentUpload")
    stubber.verify()


@pytest.mark.parametrize("status", [300, 418])
def test_status_without_error_code_raises_put_failed_error(stubber, status):
    stubber.stub_put_object(status=status)
    with pytest.raises(attach_confirm.PutFailedError) as caught:
        upload(stubber.client)
    assert (caught.value.status_code, caught.value.error_code) == (status, None)
    assert stubber.calls[-1].result.response["Error"]["Code"] == str(status)


@pytest.mark.parametrize(
    "options", [{"error_code": "SlowDown"}, {"status": 204, "error_code": "a"}]
)
def test_error_code_requires_error_status(stubber, options):
    with pytest.raises(ValueError, match=r"^status=20[04] is not an error status; pass one with"):
        stubber.stub_put_object(**options)


def test_error_argument_is_raised(stubber):
    stubber.stub_put_object(error=HTTPClientError(error="broken"))
    with pytest.raises(HTTPClientError, match="broken"):
        upload(stubber.client)
    assert isinstance(stubber.calls[-1].result, HTTPClientError)


def test_missing_content_type_is_recorded_as_none(stubber, make_pending_upload):
    stubber.stub_put_object(ContentType=None)
    attach_confirm.put(stubber.client, make_pending_upload(size=4), b"%PDF")
    assert stubber.calls[0].params == {"Body": b"%PDF", "ContentType": None}


def test_each_attempt_of_put_is_recorded_as_call(stubber, sleeps):
    stubber.stub_put_object(status=503, error_code="SlowDown", times=2)
    stubber.stub_put_object(Body=b"%PDF")
    stubber.stub_complete_attachment_upload()
    upload(stubber.client)
    assert len(sleeps) == 2
    assert len(stubber.calls("PutObject")) == 3
    stubber.verify()


def test_put_is_not_intercepted_if_only_add_response_is_used(client, scripted_responses):
    """Botocore's Stubber does not intercept the PUT either."""
    requests = scripted_responses(client, "s3.PutObject", 200)
    metadata = {
        "Url": "https://bucket.example/a",
        "UrlExpiry": "2099-01-01T00:00:00.000Z",
        "HeadersToInclude": {},
    }
    response = {"AttachmentId": "1", "UploadMetadata": metadata}
    with ConnectParticipantStubber(client) as stubber:
        stubber.add_response("start_attachment_upload", response)
        stubber.add_response("complete_attachment_upload", {})
        upload(client)
    assert [request.body for request in requests] == [b"%PDF"]


def test_put_is_not_intercepted_after_deactivation(
    stubber, make_pending_upload, scripted_responses
):
    stubber.deactivate()
    requests = scripted_responses(stubber.client, "s3.PutObject", 200)
    attach_confirm.put(stubber.client, make_pending_upload(size=4), b"%PDF")
    assert len(requests) == 1


def test_failure_case_stubs_preceding_put(client):
    cases = failure_cases(*UPLOAD_OPERATIONS)
    failure = next(case for case in cases if case.operation == "CompleteAttachmentUpload")
    with ConnectParticipantStubber(client) as stubber:
        failure.stub(stubber)
        with pytest.raises(ClientError):
            upload(client)
    assert [call.operation for call in stubber.calls] == UPLOAD_OPERATIONS
