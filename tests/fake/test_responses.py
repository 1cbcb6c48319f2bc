"""Dispatch of requests, and the responses to invalid ones."""

import boto3
import pytest
import requests
from botocore.config import Config

import attach_confirm
from tests.fake.uploads import expect_error, start_pending, start_upload, upload_file

SERVICE_URL = "https://participant.connect.us-east-1.amazonaws.com/participant"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "no-such-path", b"{}", 404, "UnknownOperationException"),
        ("GET", "transcript", b"", 404, "UnknownOperationException"),
        ("POST", "transcript", b"{", 400, "SerializationException"),
        ("POST", "transcript", b"null", 400, "SerializationException"),
        ("POST", "transcript", b"\xff", 400, "SerializationException"),
        ("POST", "transcript", b"[" * 100_000, 400, "SerializationException"),
        ("POST", "message", b'{"Content": 1}', 400, "ValidationException"),
        ("POST", "transcript", b'{"ContactId": null}', 200, None),
    ],
    ids=["path", "method", "text", "null", "encoding", "nesting", "type", "null member"],
)
def test_raw_request(token, method, path, body, status, code):  # noqa: PLR0917
    response = requests.request(
        method,
        f"{SERVICE_URL}/{path}",
        data=body,
        headers={"X-Amz-Bearer": token, "Content-Type": "application/json"},
        timeout=5,
    )
    assert (response.status_code, response.headers.get("x-amzn-errortype")) == (status, code)


@pytest.mark.usefixtures("fake")
def test_request_without_token_rejected():
    response = requests.post(f"{SERVICE_URL}/transcript", b"{}", timeout=5)
    assert response.status_code == 400
    assert "'ConnectionToken'" in response.text


def test_too_long_parameter_rejected(fake, token):
    """Botocore does not check maximum lengths."""
    client = fake.client
    max_lengths = {"AttachmentName": 256, "ContentType": 255, "ClientToken": 500}
    for name, length in (*max_lengths.items(), ("ConnectionToken", 1000)):
        params = {name: "x" * (length + 1)}
        response = expect_error(
            client, "ValidationException", start_upload, client, token, **params
        )
        assert response["Error"]["Message"] == (
            f"1 validation error(s) detected: Value at '{name}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {length}"
        )
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    start_upload(client, token, **{name: "x" * length for name, length in max_lengths.items()})


@pytest.mark.parametrize(
    ("option", "endpoint"),
    [("use_fips_endpoint", "connect-fips"), ("use_dualstack_endpoint", ".api.aws")],
)
def test_endpoint_variants_reach_the_same_backend(fake, token, option, endpoint):
    client = attach_confirm.client("us-east-1", config=Config(**{option: True}))
    assert endpoint in client.meta.endpoint_url
    attach_confirm.upload(client, b"1", token, name="a.txt")
    assert [attachment.state for attachment in fake.attachments] == ["APPROVED"]


def test_unknown_region_denied(token):
    client = attach_confirm.client("xx-fake-1")
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.get_transcript(ConnectionToken=token)


def test_presigned_url_of_other_bucket_or_key_rejected(fake, token):
    pending = start_pending(fake, token)
    for old, new in (("us-east-1", "xx-fake-1"), ("/staging/", "/final/")):
        for method in ("PUT", "GET"):
            url = pending.url.replace(old, new)
            response = requests.request(method, url, data=b"1", timeout=5)
            assert response.status_code == 403
            assert "SignatureDoesNotMatch" in response.text


def test_download_of_deleted_object(fake, token):
    attachment_id = upload_file(fake, token)
    download = fake.client.get_attachment(AttachmentId=attachment_id, ConnectionToken=token)
    s3 = boto3.client("s3", "us-east-1")
    (bucket,) = s3.list_buckets()["Buckets"]
    s3.delete_object(Bucket=bucket["Name"], Key=f"final/{attachment_id}")
    response = requests.get(download["Url"], timeout=5)
    assert (response.status_code, "NoSuchKey" in response.text) == (404, True)
