"""Settings for undocumented behaviour. Each test changes one setting."""

import re
from dataclasses import fields
from datetime import timedelta

import pytest

import attach_confirm
from attach_confirm_stubs import fake_connectparticipant
from attach_confirm_stubs.fake._assumptions import Assumptions
from tests.fake.uploads import start_pending, upload_file

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


def test_joined_item_false_adds_no_item(fake):
    fake.assumptions.joined_item = False
    attach_confirm.connect(fake.client, fake.participant_token())
    assert fake.transcript == []


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
