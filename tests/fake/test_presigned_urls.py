"""The PUT between start and confirmation, as S3 would take it."""

from io import BytesIO
from xml.etree import ElementTree as ET

import boto3
import pytest
import requests
from botocore.awsrequest import AWSRequest
from botocore.hooks import first_non_none_response

import attach_confirm

DATA = b"\xff\xfe\x00 not UTF-8 \x80"


@pytest.fixture
def started(fake, token):
    """Announce a file of the length of DATA, and return the place to send it to."""
    return attach_confirm.start(
        fake.client,
        name="a.bin",
        size=len(DATA),
        content_type="application/octet-stream",
        connection_token=token,
    )


@pytest.fixture
def state(fake):
    """Return a way to ask for the state of the only attachment, and for its bytes."""

    def ask():
        (attachment,) = fake.attachments
        return attachment.state, attachment.data

    return ask


def error(answer):
    """Return the status of S3's answer and the members of its XML."""
    assert answer.headers["Content-Type"] == "application/xml"
    members = {member.tag: member.text for member in ET.fromstring(answer.content)}
    assert members["RequestId"] == answer.headers["x-amz-request-id"]
    return answer.status_code, members


def put_with_requests(started, body):
    """Send a body with requests, which sends the length that it has."""
    return requests.put(started.url, body, headers=started.headers, timeout=5)


def put_with_botocore(client, started, body):
    """Send a body with the headers as they are, whatever its length."""
    request = AWSRequest("PUT", started.url, started.headers, body).prepare()
    return first_non_none_response(
        client.meta.events.emit("before-send.s3.PutObject", request=request)
    )


@pytest.mark.parametrize("opened", [bytes, BytesIO], ids=["bytes", "file"])
def test_the_bytes_arrive_with_requests(started, state, opened):
    """A PUT by another library than botocore is taken, from memory and from a file."""
    answer = put_with_requests(started, opened(DATA))
    assert (answer.status_code, answer.content) == (200, b"")
    assert state() == ("UPLOADED", DATA)


@pytest.mark.parametrize("opened", [bytes, BytesIO], ids=["bytes", "file"])
def test_the_bytes_arrive_through_the_clients_events(fake, started, state, opened):
    """A PUT that is sent as botocore sends is taken, from memory and from a stream."""
    attach_confirm.put(fake.client, started, opened(DATA))
    assert state() == ("UPLOADED", DATA)


def test_the_bytes_are_checked_before_they_are_stored(started, state):
    """A refused PUT leaves what an earlier one sent."""
    put_with_requests(started, DATA)
    assert put_with_requests(started, DATA[:-1]).status_code == 403
    assert state() == ("UPLOADED", DATA)


def test_a_second_put_replaces_the_bytes(started, state):
    """A PUT that is repeated while the URL lives is taken, and counts."""
    put_with_requests(started, DATA)
    assert put_with_requests(started, DATA[::-1]).status_code == 200
    assert state() == ("UPLOADED", DATA[::-1])


@pytest.mark.parametrize("body", [DATA[:-1], DATA + b"!"], ids=["short", "long"])
def test_a_wrong_length_is_refused_to_requests(started, state, body):
    """A client that sends a length that was not signed is told that the signature is wrong."""
    status, members = error(put_with_requests(started, body))
    assert (status, members["Code"]) == (403, "SignatureDoesNotMatch")
    assert state() == ("STARTED", b"")


@pytest.mark.parametrize("body", [DATA[:-1], DATA + b"!", b""], ids=["short", "long", "none"])
def test_a_wrong_length_is_refused_to_botocore(fake, started, state, body):
    """A client that declares the signed length but sends another number of bytes is refused."""
    status, members = error(put_with_botocore(fake.client, started, body))
    assert (status, members["Code"]) == (403, "SignatureDoesNotMatch")
    assert state() == ("STARTED", b"")


def test_a_put_without_a_body_is_refused(started, state):
    """A PUT that declares the signed length and sends nothing is refused."""
    assert put_with_requests(started, b"").status_code in {400, 403}
    assert state() == ("STARTED", b"")


def test_every_signed_header_counts(started, state):
    """A PUT is refused that leaves out any of the signed headers, or changes it."""
    # The length is the body's own, whatever a caller of requests says.
    for name in started.headers.keys() - {"Content-Length"}:
        rest = {k: v for k, v in started.headers.items() if k != name}
        for headers in (rest, {**rest, name: started.headers[name] + "0"}):
            status, members = error(requests.put(started.url, DATA, headers=headers, timeout=5))
            assert (name, status, members["Code"]) == (name, 403, "SignatureDoesNotMatch")
    assert state() == ("STARTED", b"")


def test_a_put_without_the_headers_is_refused(started, state):
    """A PUT that ignores HeadersToInclude is refused."""
    _, members = error(requests.put(started.url, DATA, timeout=5))
    assert members["Code"] == "SignatureDoesNotMatch"
    assert state() == ("STARTED", b"")


@pytest.mark.parametrize("name", ["x-amz-meta-more", "X-Amz-Server-Side-Encryption"])
def test_a_header_of_s3s_that_is_not_signed_is_refused(started, state, name):
    """A PUT is refused that asks S3 for something which the service did not sign."""
    headers = {**started.headers, name: "AES256"}
    status, members = error(requests.put(started.url, DATA, headers=headers, timeout=5))
    assert (status, members["Code"]) == (403, "AccessDenied")
    assert members["HeadersNotSigned"] == name.lower()
    assert state() == ("STARTED", b"")


@pytest.mark.parametrize("name", ["X-Trace", "X-Amzn-Trace-Id", "x-amz-content-sha256"])
def test_a_header_that_s3_does_not_mind_is_let_pass(started, state, name):
    """A PUT may carry headers that need no signature."""
    headers = {**started.headers, name: "UNSIGNED-PAYLOAD"}
    assert requests.put(started.url, DATA, headers=headers, timeout=5).status_code == 200
    assert state() == ("UPLOADED", DATA)


def test_the_case_of_header_names_is_free(started, state):
    """A client that spells header names its own way, as urllib.request does, is understood."""
    headers = {name.title(): value for name, value in started.headers.items()}
    assert requests.put(started.url, DATA, headers=headers, timeout=5).status_code == 200
    assert state() == ("UPLOADED", DATA)


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
def test_a_changed_url_is_refused(started, state, old, new):
    """A PUT to a URL that was changed anywhere is refused."""
    assert old in started.url
    url = started.url.replace(old, new)
    status, members = error(requests.put(url, DATA, headers=started.headers, timeout=5))
    assert (status, members["Code"]) == (403, "SignatureDoesNotMatch")
    assert state() == ("STARTED", b"")


def test_a_url_without_its_query_is_refused(started, state):
    """A PUT that lost the signature is refused."""
    url = started.url.partition("?")[0]
    _, members = error(requests.put(url, DATA, headers=started.headers, timeout=5))
    assert members["Code"] == "SignatureDoesNotMatch"
    assert state() == ("STARTED", b"")


def test_the_escapes_in_the_url_are_free(started, state):
    """A client that writes the query's reserved characters unescaped is understood."""
    url = started.url.replace("%2F", "/").replace("%3B", ";")
    assert url != started.url
    assert requests.put(url, DATA, headers=started.headers, timeout=5).status_code == 200
    assert state() == ("UPLOADED", DATA)


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"],
)
def test_the_content_type_does_not_change_the_bytes(fake, token, state, content_type):
    """A file that is said to be a web form is stored as it is, like any other."""
    pending = attach_confirm.start(
        fake.client,
        name="a",
        size=len(DATA),
        content_type=content_type,
        connection_token=token,
    )
    assert put_with_requests(pending, DATA).status_code == 200
    assert state() == ("UPLOADED", DATA)


def test_a_late_put_is_refused(fake, token, state):
    """A PUT after UrlExpiry is answered as S3 does, with when that was."""
    pending = attach_confirm.start(
        fake.client, name="a", size=1, content_type="text/plain", connection_token=token
    )
    fake.clock.advance(299)
    assert put_with_requests(pending, b"0").status_code == 200
    fake.clock.advance(1)
    status, members = error(put_with_requests(pending, b"1"))
    assert (status, members["Code"]) == (403, "AccessDenied")
    assert members["Message"] == "Request has expired"
    assert members["Expires"] == pending.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert members["ServerTime"] >= members["Expires"]
    assert state() == ("UPLOADED", b"0")
    with pytest.raises(attach_confirm.UploadUrlExpiredError):
        attach_confirm.put(fake.client, pending, b"1")


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("a b.txt", 'attachment; filename="a b.txt"'),
        ("a;b.txt", 'attachment; filename="a;b.txt"'),
        ('a"b.txt', "attachment; filename*=UTF-8''a%22b.txt"),
        ("a\\b.txt", "attachment; filename*=UTF-8''a%5Cb.txt"),
        ("a\nb.txt", "attachment; filename*=UTF-8''a%0Ab.txt"),
        ("日本.txt", "attachment; filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt"),
        ("\udcff.txt", "attachment; filename*=UTF-8''%3F.txt"),
        ("x" * 256, f'attachment; filename="{"x" * 256}"'),
    ],
    ids=["blank", "semicolon", "quote", "backslash", "newline", "kanji", "surrogate", "long"],
)
def test_every_name_can_be_sent(fake, token, state, name, disposition):
    """Whatever the file is called, its PUT's headers are such that an HTTP library sends them."""
    answer = fake.client.start_attachment_upload(
        AttachmentName=name,
        AttachmentSizeInBytes=1,
        ConnectionToken=token,
        ContentType="text/plain",
    )
    upload = answer["UploadMetadata"]
    assert upload["HeadersToInclude"]["Content-Disposition"] == disposition
    requests.put(upload["Url"], b"1", headers=upload["HeadersToInclude"], timeout=5)
    assert state() == ("UPLOADED", b"1")
    assert fake.attachments[0].name == name


def test_what_s3_refuses_is_not_uploaded(started, state):
    """Where moto's S3 itself refuses a PUT, the attachment stays as it was."""
    s3 = boto3.client("s3", region_name="us-east-1")
    (bucket,) = s3.list_buckets()["Buckets"]
    s3.delete_bucket(Bucket=bucket["Name"])
    assert put_with_requests(started, DATA).status_code == 404
    s3.create_bucket(Bucket=bucket["Name"])
    assert state() == ("STARTED", b"")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_the_upload_url_is_for_the_put_alone(started, state, method):
    """A URL that was signed for a PUT does nothing else."""
    put_with_requests(started, DATA)
    again = requests.request(method, started.url, data=DATA, headers=started.headers, timeout=5)
    _, members = error(again)
    assert members["Code"] == "SignatureDoesNotMatch"
    assert state() == ("UPLOADED", DATA)


def test_a_signed_request_to_the_upload_place_is_s3s_own(started):
    """Whoever signs a request of their own sees in moto's S3 what was sent."""
    put_with_requests(started, DATA)
    s3 = boto3.client("s3", region_name="us-east-1")
    (bucket,) = s3.list_buckets()["Buckets"]
    stored = s3.get_object(Bucket=bucket["Name"], Key=f"staging/{started.attachment_id}")
    assert stored["Body"].read() == DATA
    assert stored["ContentType"] == "application/octet-stream"
    assert stored["ContentDisposition"] == 'attachment; filename="a.bin"'
    assert stored["Metadata"].keys() >= {"contact_id", "account_id"}
