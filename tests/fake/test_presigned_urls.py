"""Presigned URLs: the PUT, as S3 accepts or rejects it."""

from io import BytesIO
from xml.etree import ElementTree as ET

import boto3
import pytest
import requests
from botocore.awsrequest import AWSRequest
from botocore.hooks import first_non_none_response

import attach_confirm
from tests.fake.uploads import start_pending

DATA = b"\xff\xfe\x00 not UTF-8 \x80"


@pytest.fixture
def pending_upload(fake, token):
    """Start the upload of DATA."""
    return start_pending(
        fake, token, name="a.bin", size=len(DATA), content_type="application/octet-stream"
    )


@pytest.fixture
def get_state(fake):
    """Return a function that returns the state and the bytes of the only attachment."""

    def get():
        (attachment,) = fake.attachments
        return attachment.state, attachment.data

    return get


def parse_error(response):
    """Return the status and the XML elements of an error response from S3."""
    assert response.headers["Content-Type"] == "application/xml"
    elements = {element.tag: element.text for element in ET.fromstring(response.content)}
    assert elements["RequestId"] == response.headers["x-amz-request-id"]
    return response.status_code, elements


def put_with_requests(pending, body, **changes):
    """Send a PUT with `requests`, which sets Content-Length to the body's length."""
    params = {"url": pending.url, "headers": pending.headers, **changes}
    return requests.put(data=body, timeout=5, **params)


def put_with_botocore(client, pending, body):
    """Send a PUT with botocore, which sends the signed Content-Length with any body."""
    request = AWSRequest("PUT", pending.url, pending.headers, body).prepare()
    return first_non_none_response(
        client.meta.events.emit("before-send.s3.PutObject", request=request)
    )


@pytest.mark.parametrize("source_type", [bytes, BytesIO])
def test_put_stores_bytes(fake, pending_upload, get_state, source_type):
    """The second PUT replaces the bytes of the first."""
    response = put_with_requests(pending_upload, source_type(DATA))
    assert (response.status_code, response.content) == (200, b"")
    assert get_state() == ("UPLOADED", DATA)
    attach_confirm.put(fake.client, pending_upload, source_type(DATA[::-1]))
    assert get_state() == ("UPLOADED", DATA[::-1])


def test_rejected_put_keeps_stored_bytes(pending_upload, get_state):
    put_with_requests(pending_upload, DATA)
    assert put_with_requests(pending_upload, DATA[:-1]).status_code == 403
    assert get_state() == ("UPLOADED", DATA)


@pytest.mark.parametrize("body", [DATA[:-1], DATA + b"!", b""], ids=["short", "long", "empty"])
def test_wrong_length_rejected(fake, pending_upload, get_state, body):
    """Neither the declared nor the real length may differ from the signed one."""
    responses = [put_with_botocore(fake.client, pending_upload, body)]
    if body:
        responses.append(put_with_requests(pending_upload, body))
    for response in responses:
        status, elements = parse_error(response)
        assert (status, elements["Code"]) == (403, "SignatureDoesNotMatch")
    assert get_state() == ("STARTED", b"")


def test_put_without_body_rejected(pending_upload, get_state):
    assert put_with_requests(pending_upload, b"").status_code in {400, 403}
    assert get_state() == ("STARTED", b"")


def test_missing_or_changed_signed_header_rejected(pending_upload, get_state):
    # `requests` always sends the real Content-Length.
    for name in pending_upload.headers.keys() - {"Content-Length"}:
        other_headers = {k: v for k, v in pending_upload.headers.items() if k != name}
        changed_headers = {**other_headers, name: pending_upload.headers[name] + "0"}
        for headers in (other_headers, changed_headers):
            status, elements = parse_error(put_with_requests(pending_upload, DATA, headers=headers))
            assert (name, status, elements["Code"]) == (name, 403, "SignatureDoesNotMatch")
    _, elements = parse_error(put_with_requests(pending_upload, DATA, headers={}))
    assert elements["Code"] == "SignatureDoesNotMatch"
    assert get_state() == ("STARTED", b"")


@pytest.mark.parametrize("name", ["x-amz-meta-more", "X-Amz-Server-Side-Encryption"])
def test_unsigned_amz_header_rejected(pending_upload, get_state, name):
    headers = {**pending_upload.headers, name: "AES256"}
    status, elements = parse_error(put_with_requests(pending_upload, DATA, headers=headers))
    assert (status, elements["Code"]) == (403, "AccessDenied")
    assert elements["HeadersNotSigned"] == name.lower()
    assert get_state() == ("STARTED", b"")


@pytest.mark.parametrize("name", ["X-Trace", "X-Amzn-Trace-Id", "x-amz-content-sha256"])
def test_other_unsigned_header_accepted(pending_upload, get_state, name):
    headers = {**pending_upload.headers, name: "UNSIGNED-PAYLOAD"}
    assert put_with_requests(pending_upload, DATA, headers=headers).status_code == 200
    assert get_state() == ("UPLOADED", DATA)


def test_header_names_are_case_insensitive(pending_upload, get_state):
    """`urllib.request` changes the case of header names."""
    headers = {name.title(): value for name, value in pending_upload.headers.items()}
    assert put_with_requests(pending_upload, DATA, headers=headers).status_code == 200
    assert get_state() == ("UPLOADED", DATA)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("X-Amz-Expires=300", "X-Amz-Expires=604800"),
        ("%3Bx-amz-acl", ""),
        ("/staging/", "/staging/0"),
    ],
    ids=["signature", "lifetime", "signed headers", "key"],
)
def test_changed_url_rejected(pending_upload, get_state, old, new):
    assert old in pending_upload.url
    url = pending_upload.url.replace(old, new)
    status, elements = parse_error(put_with_requests(pending_upload, DATA, url=url))
    assert (status, elements["Code"]) == (403, "SignatureDoesNotMatch")
    assert get_state() == ("STARTED", b"")


def test_url_without_query_rejected(pending_upload, get_state):
    url = pending_upload.url.partition("?")[0]
    _, elements = parse_error(put_with_requests(pending_upload, DATA, url=url))
    assert elements["Code"] == "SignatureDoesNotMatch"
    assert get_state() == ("STARTED", b"")


def test_unescaped_query_accepted(pending_upload, get_state):
    """HTTP clients differ in which characters of a query they escape."""
    url = pending_upload.url.replace("%2F", "/").replace("%3B", ";")
    assert url != pending_upload.url
    assert put_with_requests(pending_upload, DATA, url=url).status_code == 200
    assert get_state() == ("UPLOADED", DATA)


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"],
)
def test_content_type_does_not_change_bytes(fake, token, get_state, content_type):
    """Werkzeug parses the bodies of web forms."""
    pending = start_pending(fake, token, size=len(DATA), content_type=content_type)
    assert put_with_requests(pending, DATA).status_code == 200
    assert get_state() == ("UPLOADED", DATA)


def test_expired_url_rejected(fake, token, get_state):
    pending = start_pending(fake, token)
    fake.clock.advance(299)
    assert put_with_requests(pending, b"0").status_code == 200
    fake.clock.advance(1)
    status, elements = parse_error(put_with_requests(pending, b"1"))
    assert (status, elements["Code"]) == (403, "AccessDenied")
    assert elements["Message"] == "Request has expired"
    assert elements["Expires"] == pending.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert elements["ServerTime"] >= elements["Expires"]
    assert get_state() == ("UPLOADED", b"0")
    with pytest.raises(attach_confirm.UploadUrlExpiredError):
        attach_confirm.put(fake.client, pending, b"1")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a b.txt", 'attachment; filename="a b.txt"'),
        ("a;b.txt", 'attachment; filename="a;b.txt"'),
        ('a"b.txt', "attachment; filename*=UTF-8''a%22b.txt"),
        ("a\\b.txt", "attachment; filename*=UTF-8''a%5Cb.txt"),
        ("a\nb.txt", "attachment; filename*=UTF-8''a%0Ab.txt"),
        ("日本.txt", "attachment; filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt"),
        ("\udcff.txt", "attachment; filename*=UTF-8''%3F.txt"),
        ("x" * 256, f'attachment; filename="{"x" * 233}"'),
        ("x" * 252 + ".txt", f'attachment; filename="{"x" * 229}.txt"'),
        ("日" * 252 + ".txt", f"attachment; filename*=UTF-8''{'%E6%97%A5' * 24}.txt"),
        ("x." + "y" * 254, f'attachment; filename="x.{"y" * 231}"'),
    ],
    ids=[
        "space",
        "semicolon",
        "quote",
        "backslash",
        "newline",
        "kanji",
        "surrogate",
        "long",
        "long with extension",
        "long kanji",
        "long extension",
    ],
)
def test_content_disposition_of_any_name_can_be_sent(fake, token, get_state, name, header):
    response = fake.client.start_attachment_upload(
        AttachmentName=name,
        AttachmentSizeInBytes=1,
        ConnectionToken=token,
        ContentType="text/plain",
    )
    metadata = response["UploadMetadata"]
    assert metadata["HeadersToInclude"]["Content-Disposition"] == header
    assert len(header) <= 256
    requests.put(metadata["Url"], b"1", headers=metadata["HeadersToInclude"], timeout=5)
    assert get_state() == ("UPLOADED", b"1")
    assert fake.attachments[0].name == name


def test_missing_bucket_rejected(pending_upload, get_state):
    s3 = boto3.client("s3", region_name="us-east-1")
    (bucket,) = s3.list_buckets()["Buckets"]
    s3.delete_bucket(Bucket=bucket["Name"])
    status, elements = parse_error(put_with_requests(pending_upload, DATA))
    assert (status, elements["Code"]) == (404, "NoSuchBucket")
    assert get_state() == ("STARTED", b"")
    s3.create_bucket(Bucket=bucket["Name"])
    assert get_state() == ("STARTED", b"")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_other_method_rejected(pending_upload, get_state, method):
    put_with_requests(pending_upload, DATA)
    response = requests.request(
        method, pending_upload.url, data=DATA, headers=pending_upload.headers, timeout=5
    )
    _, elements = parse_error(response)
    assert elements["Code"] == "SignatureDoesNotMatch"
    assert get_state() == ("UPLOADED", DATA)


def test_signed_request_reads_object_from_moto(pending_upload):
    put_with_requests(pending_upload, DATA)
    s3 = boto3.client("s3", region_name="us-east-1")
    (bucket,) = s3.list_buckets()["Buckets"]
    stored = s3.get_object(Bucket=bucket["Name"], Key=f"staging/{pending_upload.attachment_id}")
    assert stored["Body"].read() == DATA
    assert stored["ContentType"] == "application/octet-stream"
    assert stored["ContentDisposition"] == 'attachment; filename="a.bin"'
    assert stored["Metadata"].keys() >= {"contact_id", "account_id"}
