"""The steps of an upload, with boto3 and `requests`."""

import pytest
import requests

import attach_confirm

DATA = b"\x89PNG\x00\xff"


def start_upload(client, token, **params):
    """Start the upload of DATA, and return the response."""
    params = {
        "AttachmentName": "a.png",
        "AttachmentSizeInBytes": len(DATA),
        "ConnectionToken": token,
        "ContentType": "image/png",
        **params,
    }
    return client.start_attachment_upload(**params)


def put_data(started, data=DATA):
    """Send the PUT of a started upload, and return the HTTP response."""
    metadata = started["UploadMetadata"]
    return requests.put(metadata["Url"], data, headers=metadata["HeadersToInclude"], timeout=5)


def start_and_put(client, token):
    """Start the upload of DATA and send the PUT, and return the response to the start."""
    started = start_upload(client, token)
    assert put_data(started).status_code == 200
    return started


def complete_upload(client, token, started, **params):
    """Confirm a started upload, and return the response."""
    return client.complete_attachment_upload(
        AttachmentIds=[started["AttachmentId"]], ConnectionToken=token, **params
    )


def upload_file(fake, token, name="a.txt", data=b"1"):
    """Upload a file with `attach_confirm`, and return the attachment ID."""
    return attach_confirm.upload(
        fake.client, data, token, name=name, content_type="text/plain"
    ).attachment_id


def start_pending(fake, token, **params):
    """Start an upload with `attach_confirm`, by default of one byte."""
    return attach_confirm.start(
        fake.client,
        **{"name": "a", "size": 1, "content_type": "text/plain", **params},
        connection_token=token,
    )


def get_contact_id(fake, token):
    """Return the contact ID of a connection's chat."""
    return fake.client.get_transcript(ConnectionToken=token)["InitialContactId"]


def expect_error(client, code, method, *args, **params):
    """Assert that a call fails with an error of the service, and return the error response."""
    with pytest.raises(getattr(client.exceptions, code)) as raised:
        method(*args, **params)
    assert raised.value.response["Error"]["Code"] == code
    return raised.value.response
