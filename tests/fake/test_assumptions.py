"""Settings for undocumented behaviour. Each test changes one setting."""

import re
from dataclasses import fields
from datetime import timedelta

import pytest

import attach_confirm
from attach_confirm_stubs import fake_connectparticipant
from attach_confirm_stubs.fake._assumptions import Assumptions
from tests.fake.uploads import (
    DATA,
    complete_upload,
    expect_error,
    put_data,
    start_pending,
    start_upload,
    upload_file,
)

CLIENT_TOKEN = "22222222-2222-4222-8222-222222222222"


def test_docstring_documents_every_setting():
    _, attributes = Assumptions.__doc__.split("Attributes:\n")
    documented = re.findall(r"^ {8}(\w+): ", attributes, re.MULTILINE)
    assert documented == [field.name for field in fields(Assumptions)]


def test_settings_are_reset_after_block():
    with fake_connectparticipant() as first:
        first.assumptions.zero_results = 99
    with fake_connectparticipant() as second:
        assert second.assumptions == Assumptions()


def test_complete_before_put_code_is_returned_or_accepted(fake, token):
    pending = start_pending(fake, token)
    fake.assumptions.complete_before_put = "ConflictException"
    with pytest.raises(fake.client.exceptions.ConflictException):
        attach_confirm.confirm(fake.client, pending.attachment_id, token)
    fake.assumptions.complete_before_put = None
    attach_confirm.confirm(fake.client, pending.attachment_id, token)
    assert [(a.state, a.data) for a in fake.attachments] == [("APPROVED", b"")]
    with pytest.raises(fake.client.exceptions.ValidationException):
        fake.client.get_attachment(AttachmentId=pending.attachment_id, ConnectionToken=token)


def test_complete_again_none_adds_no_item(fake, token):
    fake.assumptions.complete_again = None
    attachment_id = upload_file(fake, token)
    attach_confirm.confirm(fake.client, attachment_id, token, client_token=CLIENT_TOKEN)
    assert len(fake.transcript) == 1


@pytest.mark.parametrize("code", ["AccessDeniedException", "SomeException"])
def test_attachment_id_settings_set_error_code(fake, token, code):
    """The operation does not have to declare the codes."""
    fake.assumptions.unknown_id = fake.assumptions.other_chat = code
    fake.assumptions.not_available = code
    other_chat_id = start_pending(fake, fake.connection_token()).attachment_id
    started_id = start_pending(fake, token).attachment_id
    for attachment_id in ("unknown", other_chat_id, started_id):
        with pytest.raises(fake.client.exceptions.ClientError) as raised:
            fake.client.get_attachment(AttachmentId=attachment_id, ConnectionToken=token)
        assert raised.value.response["Error"]["Code"] == code


def test_client_token_reused_code_is_returned(fake, token):
    first = start_pending(fake, token, name="a", client_token=CLIENT_TOKEN)
    second = start_pending(fake, token, name="b", client_token=CLIENT_TOKEN)
    assert first.attachment_id == second.attachment_id
    fake.assumptions.client_token_reused = "ValidationException"
    assert start_pending(fake, token, name="a", client_token=CLIENT_TOKEN) == first
    with pytest.raises(fake.client.exceptions.ValidationException):
        start_pending(fake, token, name="b", client_token=CLIENT_TOKEN)


def test_client_token_lifetime_expires_client_tokens(fake, token):
    def start():
        return start_pending(fake, token, client_token=CLIENT_TOKEN).attachment_id

    fake.assumptions.client_token_lifetime = timedelta(minutes=10)
    first = start()
    fake.clock.advance(599)
    assert start() == first
    fake.clock.advance(1)
    assert start() != first


@pytest.mark.parametrize("code", ["ConflictException", None])
def test_complete_after_client_token_lifetime_adds_no_item(fake, token, code):
    """The service no longer recognizes the retry by its ClientToken."""
    fake.assumptions.client_token_lifetime = timedelta(minutes=10)
    fake.assumptions.complete_again = code
    client, started = fake.client, start_upload(fake.client, token)
    put_data(started)
    for _ in range(2):
        complete_upload(client, token, started, ClientToken=CLIENT_TOKEN)
        fake.clock.advance(599)
    args = (client, token, started)
    if code:
        expect_error(client, code, complete_upload, *args, ClientToken=CLIENT_TOKEN)
    else:
        complete_upload(*args, ClientToken=CLIENT_TOKEN)
    assert len(fake.transcript) == 1


def test_start_again_same_url_returns_expired_url(fake, token):
    """The URL of the first response may have expired."""
    first = start_upload(fake.client, token, ClientToken=CLIENT_TOKEN)
    fake.clock.advance(300)
    second = start_upload(fake.client, token, ClientToken=CLIENT_TOKEN)
    assert (second["AttachmentId"], second["UploadMetadata"]) == (
        first["AttachmentId"],
        first["UploadMetadata"],
    )
    assert put_data(second).status_code == 403


def test_start_again_fresh_url_returns_valid_url(fake, token):
    """The new URL is for the same attachment, with the same headers. The first one expires."""
    fake.assumptions.start_again = "fresh_url"
    first = start_upload(fake.client, token, ClientToken=CLIENT_TOKEN)
    fake.clock.advance(299)
    second = start_upload(fake.client, token, ClientToken=CLIENT_TOKEN)
    assert second["AttachmentId"] == first["AttachmentId"]
    before, after = first["UploadMetadata"], second["UploadMetadata"]
    assert after["Url"] != before["Url"]
    assert after["UrlExpiry"] > before["UrlExpiry"]
    assert after["HeadersToInclude"] == before["HeadersToInclude"]
    assert put_data(first).status_code == 200
    fake.clock.advance(1)
    assert [put_data(started).status_code for started in (first, second)] == [403, 200]
    assert len(fake.attachments) == 1


def test_start_again_fresh_url_counts_once_towards_quota(fake, token):
    fake.assumptions.start_again = "fresh_url"
    for _ in range(40):
        start_upload(fake.client, token, ClientToken=CLIENT_TOKEN)
    for _ in range(34):
        start_upload(fake.client, token)
    expect_error(fake.client, "ServiceQuotaExceededException", start_upload, fake.client, token)


@pytest.mark.parametrize("code", ["ConflictException", "ValidationException"])
def test_start_again_error_code_is_returned(fake, token, code):
    fake.assumptions.start_again = code
    client, started = fake.client, start_upload(fake.client, token, ClientToken=CLIENT_TOKEN)
    expect_error(client, code, start_upload, client, token, ClientToken=CLIENT_TOKEN)
    assert put_data(started).status_code == 200
    assert len(fake.attachments) == 1


@pytest.mark.parametrize(
    ("start_again", "client_token_reused", "outcome"),
    [
        ("fresh_url", None, "new URL"),
        ("ConflictException", None, "ConflictException"),
        ("ConflictException", "ValidationException", "ValidationException"),
        ("fresh_url", "ValidationException", "ValidationException"),
    ],
)
def test_start_again_applies_after_client_token_reused(
    fake, token, start_again, client_token_reused, outcome
):
    """The setting `client_token_reused` is applied first."""
    fake.assumptions.start_again = start_again
    fake.assumptions.client_token_reused = client_token_reused
    client, started = fake.client, start_upload(fake.client, token, ClientToken=CLIENT_TOKEN)
    params = {"AttachmentName": "other.png", "ClientToken": CLIENT_TOKEN}
    if outcome == "new URL":
        again = start_upload(client, token, **params)
        assert again["AttachmentId"] == started["AttachmentId"]
        assert again["UploadMetadata"]["Url"] != started["UploadMetadata"]["Url"]
    else:
        expect_error(client, outcome, start_upload, client, token, **params)


def test_start_again_unknown_value_rejected(fake):
    message = (
        "unknown start_again 'new_url'; choose one of same_url, fresh_url, AccessDeniedException"
    )
    with pytest.raises(ValueError, match=message):
        fake.assumptions.start_again = "new_url"
    assert fake.assumptions.start_again == "same_url"


@pytest.mark.parametrize(("verdict", "data"), [("APPROVED", DATA), ("REJECTED", b"")])
@pytest.mark.parametrize("start_again", ["same_url", "fresh_url"])
def test_put_after_confirmation_changes_nothing(fake, token, start_again, verdict, data):
    """A redelivery sends the file again, and confirms it with the same ClientToken."""
    fake.assumptions.start_again = start_again
    if verdict == "REJECTED":
        fake.scanner.reject()
    for body in (DATA, DATA[::-1]):
        started = start_upload(fake.client, token, ClientToken=CLIENT_TOKEN)
        assert put_data(started, body).status_code == 200
        complete_upload(fake.client, token, started, ClientToken=CLIENT_TOKEN)
    (attachment,) = fake.attachments
    assert (attachment.state, attachment.data) == (verdict, data)
    (item,) = fake.transcript
    assert item["Attachments"][0]["Status"] == verdict


def test_put_after_confirmation_without_bytes_changes_nothing(fake, token):
    fake.assumptions.complete_before_put = None
    started = start_upload(fake.client, token)
    complete_upload(fake.client, token, started)
    assert put_data(started).status_code == 200
    (attachment,) = fake.attachments
    assert (attachment.state, attachment.data) == ("APPROVED", b"")


def test_upload_url_lifetime_expires_upload_urls(fake, token):
    fake.assumptions.upload_url_lifetime = timedelta(seconds=20)
    pending = start_pending(fake, token)
    assert "X-Amz-Expires=20&" in pending.url
    fake.clock.advance(20)
    with pytest.raises(attach_confirm.UploadUrlExpiredError):
        attach_confirm.put(fake.client, pending, b"1")


def test_content_disposition_sets_signed_header(fake, token):
    fake.assumptions.content_disposition = lambda name: f"inline; filename={name}"
    assert start_pending(fake, token).headers["Content-Disposition"] == "inline; filename=a"


def test_quota_counts_completed(fake, token):
    fake.assumptions.quota_counts = "completed"
    for _ in range(40):
        start_pending(fake, token)
    for _ in range(35):
        upload_file(fake, token)
    with pytest.raises(fake.client.exceptions.ServiceQuotaExceededException):
        upload_file(fake, token)


def test_rejected_item_without_attachments(fake, token):
    fake.assumptions.rejected_item = False
    fake.scanner.reject()
    attachment_id = upload_file(fake, token)
    (item,) = fake.client.get_transcript(ConnectionToken=token)["Transcript"]
    assert (item["Type"], "Attachments" in item) == ("ATTACHMENT", False)
    assert attach_confirm.status(fake.client, attachment_id, token) is None


def list_types(fake, token):
    """Return the types of a chat's items, oldest first, as GetTranscript returns them."""
    page = fake.client.get_transcript(ConnectionToken=token, SortOrder="ASCENDING")
    times = [item["AbsoluteTime"] for item in page["Transcript"]]
    assert times == sorted(times)
    return [item["Type"] for item in page["Transcript"]]


@pytest.mark.parametrize(
    ("item_appears", "types", "status"),
    [
        ("completed", ["ATTACHMENT", "MESSAGE", "MESSAGE"], "IN_PROGRESS"),
        ("decided", ["MESSAGE", "ATTACHMENT", "MESSAGE"], None),
    ],
)
def test_item_appears_sets_place_in_transcript(fake, token, item_appears, types, status):
    """The position does not depend on when the transcript is read."""
    fake.assumptions.item_appears = item_appears
    fake.scanner.approve(after=60)
    attachment_id = upload_file(fake, token)
    assert fake.attachments[0].state == "IN_PROGRESS"
    assert attach_confirm.status(fake.client, attachment_id, token) == status
    message = {"Content": "Hello", "ContentType": "text/plain", "ConnectionToken": token}
    fake.client.send_message(**message)
    fake.clock.advance(60)
    fake.client.send_message(**message)
    assert list_types(fake, token) == types
    assert attach_confirm.status(fake.client, attachment_id, token) == "APPROVED"


def test_item_appears_decided_without_scanner_adds_item_at_once(fake, token):
    fake.assumptions.item_appears = "decided"
    attachment_id = upload_file(fake, token)
    assert list_types(fake, token) == ["ATTACHMENT"]
    assert attach_confirm.status(fake.client, attachment_id, token) == "APPROVED"


def test_item_appears_decided_adds_due_items_first(fake, token):
    """Each verdict adds the items that are due, oldest confirmation first."""
    fake.assumptions.item_appears = "decided"
    fake.scanner.approve(after=60)
    upload_file(fake, token, "a.txt")
    upload_file(fake, token, "b.txt")
    fake.scanner.approve("c.txt")
    fake.clock.advance(60)
    upload_file(fake, token, "c.txt")
    names = [item["Attachments"][0]["AttachmentName"] for item in fake.transcript]
    assert names == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.parametrize("rejected_item", [True, False])
def test_item_appears_decided_adds_rejected_item(fake, token, rejected_item):
    fake.assumptions.item_appears = "decided"
    fake.assumptions.rejected_item = rejected_item
    fake.scanner.reject()
    attachment_id = upload_file(fake, token)
    (item,) = fake.client.get_transcript(ConnectionToken=token)["Transcript"]
    assert (item["Type"], "Attachments" in item) == ("ATTACHMENT", rejected_item)
    status = attach_confirm.status(fake.client, attachment_id, token)
    assert status == ("REJECTED" if rejected_item else None)


@pytest.mark.parametrize("code", ["ConflictException", None])
def test_complete_again_before_item_appears_adds_one_item(fake, token, code):
    """The transcript does not show yet whether the first confirmation succeeded."""
    fake.assumptions.item_appears = "decided"
    fake.assumptions.complete_again = code
    fake.scanner.approve(after=60)
    client, started = fake.client, start_upload(fake.client, token)
    put_data(started)
    complete_upload(client, token, started)
    if code:
        expect_error(client, code, complete_upload, client, token, started)
    else:
        complete_upload(client, token, started)
    assert fake.transcript == []
    fake.clock.advance(60)
    assert len(fake.transcript) == 1


def test_joined_item_false_adds_no_item(fake):
    fake.assumptions.joined_item = False
    attach_confirm.connect(fake.client, fake.participant_token())
    assert fake.transcript == []


def test_no_connection_type_code_is_returned(fake):
    fake.assumptions.no_connection_type = "ValidationException"
    client, params = fake.client, {"ParticipantToken": fake.participant_token()}
    expect_error(client, "ValidationException", client.create_participant_connection, **params)
    client.create_participant_connection(**params, ConnectParticipant=True)
    client.create_participant_connection(**params, Type=["CONNECTION_CREDENTIALS"])


def test_zero_results_sets_page_size(fake, token):
    fake.assumptions.zero_results = 2
    for _ in range(3):
        upload_file(fake, token)
    page = fake.client.get_transcript(ConnectionToken=token, MaxResults=0)
    assert len(page["Transcript"]) == 2


def test_position_included_false_excludes_item(fake, token):
    for _ in range(3):
        upload_file(fake, token)
    fake.assumptions.position_included = False
    ids = [item["Id"] for item in fake.transcript]
    page = fake.client.get_transcript(
        ConnectionToken=token, StartPosition={"Id": ids[0]}, SortOrder="ASCENDING"
    )
    assert [item["Id"] for item in page["Transcript"]] == ids[1:]


def test_scanner_timeout_sets_the_time_of_rejection(fake, token):
    fake.scanner.approve(after=90)
    for timeout, state in ((timedelta(seconds=30), "REJECTED"), (None, "APPROVED")):
        fake.assumptions.scanner_timeout = timeout
        upload_file(fake, token)
        fake.clock.advance(90 if timeout is None else 30)
        assert fake.attachments[-1].state == state


@pytest.mark.parametrize(
    ("name", "size", "allowed"),
    [
        ("a.txt", 3, True),
        ("a.TXT", 3, True),
        ("a.txt", 4, False),
        ("a.tar.gz", 1, True),
        ("a.exe", 1, False),
        ("txt", 1, False),
    ],
)
def test_size_and_extension_limits(fake, token, name, size, allowed):
    fake.assumptions.max_attachment_bytes = 3
    fake.assumptions.attachment_extensions = [".txt", "GZ"]
    if allowed:
        start_pending(fake, token, name=name, size=size)
    else:
        with pytest.raises(fake.client.exceptions.ValidationException):
            start_pending(fake, token, name=name, size=size)
    assert len(fake.attachments) == allowed


def test_size_limit_is_20_mib_by_default(fake, token):
    start_pending(fake, token, size=20 * 1024 * 1024)
    with pytest.raises(fake.client.exceptions.ValidationException):
        start_pending(fake, token, size=20 * 1024 * 1024 + 1)


def test_invalid_attachment_none_rejects_after_the_upload(fake, token):
    fake.assumptions.invalid_attachment = None
    fake.assumptions.attachment_extensions = fake.assumptions.DEFAULT_EXTENSIONS
    for name in ("a.txt", "a.exe"):
        upload_file(fake, token, name)
    assert [attachment.state for attachment in fake.attachments] == ["APPROVED", "REJECTED"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("max_attachment_bytes", 0, "max_attachment_bytes=0: pass 1 to 104857600"),
        ("max_attachment_bytes", 104_857_601, "pass 1 to 104857600"),
        ("attachment_extensions", ["t x"], "invalid extension 't x'; use 1 to 10 letters"),
        ("attachment_extensions", ["x" * 11], "use 1 to 10 letters, digits, '-' or '_'"),
    ],
)
def test_invalid_limit_rejected(fake, name, value, message):
    before = getattr(fake.assumptions, name)
    with pytest.raises(ValueError, match=message):
        setattr(fake.assumptions, name, value)
    assert getattr(fake.assumptions, name) == before


def test_one_extension_may_be_a_string(fake):
    fake.assumptions.attachment_extensions = "pdf"
    assert fake.assumptions.attachment_extensions == {"pdf"}
    fake.assumptions.max_attachment_bytes = 104_857_600
