"""The attachment scanner."""

import pytest

import attach_confirm
from tests.fake.uploads import upload_file


def get_states(fake):
    """Return the state of each attachment, by name."""
    return {attachment.name: attachment.state for attachment in fake.attachments}


def test_reject_by_name_deletes_bytes(fake, token):
    fake.scanner.reject("b.txt")
    upload_file(fake, token, "a.txt")
    rejected_id = upload_file(fake, token, "b.txt")
    assert get_states(fake) == {"a.txt": "APPROVED", "b.txt": "REJECTED"}
    assert [attachment.data for attachment in fake.attachments] == [b"1", b""]
    with pytest.raises(attach_confirm.AttachmentRejectedError):
        attach_confirm.wait(fake.client, rejected_id, token)
    with pytest.raises(fake.client.exceptions.ValidationException):
        fake.client.get_attachment(AttachmentId=rejected_id, ConnectionToken=token)


def test_reject_by_predicate_of_data(fake, token):
    fake.scanner.reject(match=lambda attachment: b"EICAR" in attachment.data)
    upload_file(fake, token, "a.txt", b"EICAR!")
    upload_file(fake, token, "b.txt")
    assert get_states(fake) == {"a.txt": "REJECTED", "b.txt": "APPROVED"}


def test_hold_until_approved(fake, token):
    fake.scanner.hold()
    attachment_id = upload_file(fake, token)
    with pytest.raises(attach_confirm.WaitTimeoutError):
        attach_confirm.wait(fake.client, attachment_id, token)
    assert attach_confirm.status(fake.client, attachment_id, token) == "IN_PROGRESS"
    fake.scanner.approve("a.txt")
    assert attach_confirm.status(fake.client, attachment_id, token) == "APPROVED"


def test_verdict_is_final(fake, token):
    upload_file(fake, token)
    fake.scanner.reject()
    assert get_states(fake) == {"a.txt": "APPROVED"}


def test_newest_matching_rule_wins(fake, token):
    fake.scanner.reject()
    fake.scanner.approve("a.txt")
    upload_file(fake, token, "a.txt")
    upload_file(fake, token, "b.txt")
    fake.scanner.reset()
    upload_file(fake, token, "c.txt")
    assert get_states(fake) == {"a.txt": "APPROVED", "b.txt": "REJECTED", "c.txt": "APPROVED"}


def test_reject_after_delay(fake, token):
    fake.scanner.reject(after=30)
    attachment_id = upload_file(fake, token)
    fake.clock.advance(20)
    assert attach_confirm.status(fake.client, attachment_id, token) == "IN_PROGRESS"
    fake.clock.advance(10)
    assert attach_confirm.status(fake.client, attachment_id, token) == "REJECTED"
