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


def test_predicate_may_read_attachments(fake, token):
    seen = []
    fake.scanner.reject(lambda attachment: bool(seen.append(get_states(fake)) or attachment.data))
    upload_file(fake, token)
    assert get_states(fake) == {"a.txt": "REJECTED"}
    assert seen[0] == {"a.txt": "IN_PROGRESS"}


def test_predicate_is_evaluated_again(fake, token):
    released = []
    fake.scanner.hold(lambda _: not released)
    upload_file(fake, token)
    assert get_states(fake) == {"a.txt": "IN_PROGRESS"}
    released.append(True)
    assert get_states(fake) == {"a.txt": "APPROVED"}


def test_verdicts_are_in_the_order_of_their_times(fake, token):
    fake.assumptions.item_appears = "decided"
    fake.scanner.approve("a.txt", after=30)
    fake.scanner.approve("b.txt", after=10)
    for name in ("a.txt", "b.txt"):
        upload_file(fake, token, name)
    fake.clock.advance(30)
    names = [item["Attachments"][0]["AttachmentName"] for item in fake.transcript]
    assert names == ["b.txt", "a.txt"]


def test_next_verdict_at_is_the_earliest_time(fake, token):
    def seconds():
        due_at = fake._backend.next_verdict_at()
        return due_at and round((due_at - fake.clock.now()).total_seconds())

    assert seconds() is None
    fake.scanner.hold()
    upload_file(fake, token, "a.txt")
    assert seconds() is None
    fake.scanner.approve("a.txt", after=30)
    fake.scanner.approve("b.txt", after=10)
    upload_file(fake, token, "b.txt")
    assert seconds() == 10
    fake.clock.advance(10)
    assert seconds() == 20


def test_verdict_after_more_than_60_seconds_is_rejected(fake, token):
    """The service invokes the scanner for at most 60 seconds."""
    fake.scanner.approve(after=61)
    upload_file(fake, token)
    fake.clock.advance(59)
    assert get_states(fake) == {"a.txt": "IN_PROGRESS"}
    fake.clock.advance(1)
    assert get_states(fake) == {"a.txt": "REJECTED"}


def test_verdict_after_60_seconds_counts(fake, token):
    fake.scanner.approve(after=60)
    upload_file(fake, token)
    fake.clock.advance(60)
    assert get_states(fake) == {"a.txt": "APPROVED"}


def test_verdict_after_any_number_of_seconds(fake, token):
    fake.assumptions.scanner_timeout = None
    fake.scanner.approve(after=float("inf"))
    upload_file(fake, token)
    fake.clock.advance(86_400)
    assert get_states(fake) == {"a.txt": "IN_PROGRESS"}
