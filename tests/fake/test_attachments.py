"""The backend's attachments."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import boto3
import pytest
import requests

import attach_confirm
from tests.fake.uploads import (
    DATA,
    complete_upload,
    expect_error,
    get_contact_id,
    put_data,
    start_and_put,
    start_upload,
    upload_file,
)


@pytest.fixture
def list_objects(fake):
    """Return a function that lists the objects in the attachments' bucket."""

    def list_objects():
        s3 = boto3.client("s3", region_name=fake.region_name)
        (bucket,) = s3.list_buckets()["Buckets"]
        contents = s3.list_objects_v2(Bucket=bucket["Name"])["Contents"]
        return s3, bucket["Name"], contents

    return list_objects


def test_upload_and_download_with_signing_client(fake):
    client = boto3.client("connectparticipant", region_name=fake.region_name)
    connection = client.create_participant_connection(
        ParticipantToken=fake.participant_token(),
        Type=["CONNECTION_CREDENTIALS"],
        ConnectParticipant=True,
    )
    token = connection["ConnectionCredentials"]["ConnectionToken"]
    started = start_and_put(client, token)
    completed = complete_upload(client, token, started)
    assert completed.keys() == {"ResponseMetadata"}
    assert completed["ResponseMetadata"]["HTTPStatusCode"] == 200
    download = client.get_attachment(AttachmentId=started["AttachmentId"], ConnectionToken=token)
    assert download["AttachmentSizeInBytes"] == len(DATA)
    response = requests.get(download["Url"], timeout=5)
    assert (response.content, response.headers["Content-Type"]) == (DATA, "image/png")


def test_snapshot_shows_declared_values_and_each_state(fake, token):
    started = start_upload(fake.client, token)
    (attachment,) = fake.attachments
    assert (attachment.state, attachment.data) == ("STARTED", b"")
    assert attachment.attachment_id == started["AttachmentId"]
    assert attachment.name == "a.png"
    assert attachment.content_type == "image/png"
    assert attachment.size == len(DATA)
    put_data(started)
    (attachment,) = fake.attachments
    assert (attachment.state, attachment.data) == ("UPLOADED", DATA)
    complete_upload(fake.client, token, started)
    (attachment,) = fake.attachments
    assert (attachment.state, attachment.data) == ("APPROVED", DATA)
    assert "PNG" not in repr(attachment)


def test_list_attachments_of_all_chats_oldest_first(fake):
    for name in ("a", "b", "c"):
        start_upload(fake.client, fake.connection_token(), AttachmentName=name)
    assert [attachment.name for attachment in fake.attachments] == ["a", "b", "c"]


def test_start_returns_metadata_like_the_service(fake, token):
    response = start_upload(fake.client, token)
    assert response["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"
    metadata = response["UploadMetadata"]
    headers = metadata["HeadersToInclude"]
    assert headers.keys() == {
        "Content-Disposition",
        "Content-Length",
        "Content-Type",
        "x-amz-acl",
        "x-amz-meta-account_id",
        "x-amz-meta-contact_id",
        "x-amz-meta-initial_contact_id",
        "x-amz-meta-organization_id",
    }
    assert headers["Content-Disposition"] == 'attachment; filename="a.png"'
    assert headers["Content-Length"] == str(len(DATA))
    assert headers["Content-Type"] == "image/png"
    assert headers["x-amz-acl"] == "bucket-owner-full-control"
    assert headers["x-amz-meta-contact_id"] == headers["x-amz-meta-initial_contact_id"]
    expires_at = datetime.strptime(metadata["UrlExpiry"], "%Y-%m-%dT%H:%M:%S%z")
    lifetime = (expires_at - datetime.now(timezone.utc)).total_seconds()
    assert 200 < lifetime <= 300
    assert "X-Amz-Expires=300" in metadata["Url"]
    assert len(metadata["Url"]) <= 2000


def test_start_is_idempotent_per_client_token_and_participant(fake, token):
    client = fake.client
    first, second = (start_upload(client, token, ClientToken="once") for _ in range(2))
    assert first["AttachmentId"] == second["AttachmentId"]
    assert first["UploadMetadata"] == second["UploadMetadata"]
    assert len(fake.attachments) == 1
    # botocore generates a ClientToken per call.
    third, fourth = (start_upload(client, token) for _ in range(2))
    other_chat = start_upload(client, fake.connection_token(), ClientToken="once")
    started = [first, third, fourth, other_chat]
    assert len({response["AttachmentId"] for response in started}) == 4
    assert len({response["UploadMetadata"]["Url"] for response in started}) == 4


def test_complete_is_idempotent_per_client_token(fake, token):
    """Operations do not share ClientTokens."""
    started = start_upload(fake.client, token, ClientToken="once")
    put_data(started)
    for _ in range(2):
        complete_upload(fake.client, token, started, ClientToken="once")
    assert fake.attachments[0].state == "APPROVED"
    assert len(fake.transcript) == 1


def test_complete_again_is_conflict(fake, token):
    """Neither the conflict nor a late PUT changes the confirmed attachment."""
    client = fake.client
    started = start_and_put(client, token)
    complete_upload(client, token, started)
    response = expect_error(client, "ConflictException", complete_upload, client, token, started)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert response["Error"]["Message"] == (
        "An attachment with that identifier is already being uploaded."
    )
    put_data(started, DATA[::-1])
    assert (fake.attachments[0].state, fake.attachments[0].data) == ("APPROVED", DATA)
    expect_error(client, "ConflictException", complete_upload, client, token, started)
    assert len(fake.transcript) == 1


def test_complete_before_put_rejected(fake, token):
    """A rejected request does not use up its ClientToken."""
    client = fake.client
    started = start_upload(client, token)
    args = (client, token, started)
    for _ in range(2):
        expect_error(client, "ValidationException", complete_upload, *args, ClientToken="once")
    assert fake.transcript == []
    put_data(started)
    complete_upload(client, token, started, ClientToken="once")
    assert fake.attachments[0].state == "APPROVED"


def test_complete_after_deletion_of_bytes_rejected(fake, token, list_objects):
    """An S3 lifecycle rule can delete staged bytes."""
    client = fake.client
    started = start_and_put(client, token)
    s3, bucket, (staged,) = list_objects()
    s3.delete_object(Bucket=bucket, Key=staged["Key"])
    expect_error(client, "ValidationException", complete_upload, client, token, started)
    assert fake.transcript == []


def test_complete_moves_object(fake, token, list_objects):
    started = start_and_put(fake.client, token)
    _, _, (staged,) = list_objects()
    complete_upload(fake.client, token, started)
    _, _, (final,) = list_objects()
    assert staged["Key"] != final["Key"]
    assert staged["ETag"] == final["ETag"]


def test_complete_with_two_ids_rejected(fake, token):
    """Botocore sends two ids, which the service rejects."""
    client = fake.client
    ids = [start_and_put(client, token)["AttachmentId"] for _ in range(2)]
    for wrong_ids in (ids, ["x" * 257]):
        response = expect_error(
            client,
            "ValidationException",
            client.complete_attachment_upload,
            AttachmentIds=wrong_ids,
            ConnectionToken=token,
        )
        assert "AttachmentIds" in response["Error"]["Message"]
    assert [attachment.state for attachment in fake.attachments] == ["UPLOADED"] * 2


def test_unknown_attachment_id_rejected(fake, token):
    client = fake.client
    for method, params in (
        (client.complete_attachment_upload, {"AttachmentIds": ["att-1"]}),
        (client.get_attachment, {"AttachmentId": "att-1"}),
    ):
        expect_error(client, "ValidationException", method, ConnectionToken=token, **params)


def test_attachment_of_other_chat_denied(fake, token):
    client = fake.client
    started, other_token = start_and_put(client, token), fake.connection_token()
    expect_error(client, "AccessDeniedException", complete_upload, client, other_token, started)
    complete_upload(client, token, started)
    expect_error(
        client,
        "AccessDeniedException",
        client.get_attachment,
        AttachmentId=started["AttachmentId"],
        ConnectionToken=other_token,
    )
    assert client.get_transcript(ConnectionToken=other_token)["Transcript"] == []


def test_agent_gets_customers_attachment_but_bot_does_not(fake):
    client = fake.client
    customer = fake.connection_token(display_name="Jane")
    contact_id = get_contact_id(fake, customer)
    agent = fake.connection_token(contact_id=contact_id, role="AGENT", display_name="Joe")
    bot = fake.connection_token(contact_id=contact_id, role="CUSTOM_BOT")
    started = start_and_put(client, customer)
    complete_upload(client, customer, started)
    (item,) = client.get_transcript(ConnectionToken=agent)["Transcript"]
    assert (item["DisplayName"], item["ParticipantRole"]) == ("Jane", "CUSTOMER")
    attachment_id = started["AttachmentId"]
    download = client.get_attachment(AttachmentId=attachment_id, ConnectionToken=agent)
    assert requests.get(download["Url"], timeout=5).content == DATA
    expect_error(
        client,
        "AccessDeniedException",
        client.get_attachment,
        AttachmentId=attachment_id,
        ConnectionToken=bot,
    )


def test_get_attachment_requires_approval(fake, token):
    client = fake.client
    started = start_upload(client, token)
    params = {"AttachmentId": started["AttachmentId"], "ConnectionToken": token}
    expect_error(client, "ValidationException", client.get_attachment, **params)
    put_data(started)
    expect_error(client, "ValidationException", client.get_attachment, **params)
    complete_upload(client, token, started)
    assert client.get_attachment(**params)["AttachmentSizeInBytes"] == len(DATA)


@pytest.mark.parametrize(("params", "lifetime"), [({}, 300), ({"UrlExpiryInSeconds": 5}, 5)])
def test_download_url_expires(fake, token, params, lifetime):
    download = fake.client.get_attachment(
        AttachmentId=upload_file(fake, token), ConnectionToken=token, **params
    )
    expires_at = datetime.strptime(download["UrlExpiry"], "%Y-%m-%dT%H:%M:%S.%f%z")
    remaining = expires_at - datetime.now(timezone.utc)
    assert lifetime - 5 < remaining.total_seconds() <= lifetime
    assert f"X-Amz-Expires={lifetime}&" in download["Url"]
    assert requests.get(download["Url"], timeout=5).content == b"1"
    fake.clock.advance(lifetime)
    expired = requests.get(download["Url"], timeout=5)
    assert (expired.status_code, "Request has expired" in expired.text) == (403, True)


def test_chat_has_at_most_35_attachments(fake, token):
    """A repeated start with an earlier ClientToken and starts in other chats still succeed."""
    client = fake.client
    for number in range(35):
        started = start_upload(client, token, ClientToken=str(number))
    response = expect_error(client, "ServiceQuotaExceededException", start_upload, client, token)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 402
    assert response["Error"]["Message"] == (
        "The number of attachments per contact exceeds the quota."
    )
    retried = start_upload(client, token, ClientToken="34")
    assert retried["AttachmentId"] == started["AttachmentId"]
    start_upload(client, fake.connection_token())
    assert len(fake.attachments) == 36


@pytest.fixture
def thread_pool():
    """Return a pool of threads between which Python switches as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    with ThreadPoolExecutor(8) as pool:
        yield pool
    sys.setswitchinterval(interval)


def test_concurrent_uploads_are_consistent(fake, thread_pool):
    client = fake.client

    def send_five_files(_):
        token = fake.connection_token()
        for _ in range(5):
            uploaded = attach_confirm.upload(client, DATA, token, name="a.png")
            attach_confirm.wait(client, uploaded.attachment_id, token)
            assert {(a.state, a.data) for a in fake.attachments} <= {
                ("STARTED", b""),
                ("STARTED", DATA),
                ("UPLOADED", DATA),
                ("APPROVED", DATA),
            }

    list(thread_pool.map(send_five_files, range(8)))
    assert [(a.state, a.data) for a in fake.attachments] == [("APPROVED", DATA)] * 40


def test_concurrent_starts_with_one_client_token(fake, token, thread_pool):
    started = list(
        thread_pool.map(lambda _: start_upload(fake.client, token, ClientToken="once"), range(16))
    )
    assert len({response["AttachmentId"] for response in started}) == 1
    assert len(fake.attachments) == 1


@pytest.mark.parametrize(
    ("disposition", "header"),
    [
        ({}, 'attachment; filename="a.png"'),
        ({"UrlContentDisposition": "ATTACHMENT"}, 'attachment; filename="a.png"'),
        ({"UrlContentDisposition": "INLINE"}, 'inline; filename="a.png"'),
    ],
)
def test_url_content_disposition_sets_header_of_download(fake, token, disposition, header):
    """An older botocore does not know the parameter, so the request is sent without it."""
    started = start_and_put(fake.client, token)
    complete_upload(fake.client, token, started)
    url = requests.post(
        "https://participant.connect.us-east-1.amazonaws.com/participant/attachment",
        json={"AttachmentId": started["AttachmentId"], **disposition},
        headers={"X-Amz-Bearer": token},
        timeout=5,
    ).json()["Url"]
    download = requests.get(url, timeout=5)
    assert download.headers["content-disposition"] == header
    assert download.content == DATA
    tampered = requests.get(url.replace("inline", "attachment"), timeout=5)
    assert tampered.status_code == (403 if "INLINE" in disposition.values() else 200)
