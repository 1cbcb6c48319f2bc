"""The call history."""

import logging

import pytest

import attach_confirm
from attach_confirm_stubs import ConnectTimeout
from tests.fake.uploads import upload_file


def test_calls_are_recorded_in_order(fake):
    connection = attach_confirm.connect(fake.client, fake.participant_token())
    attachment_id = upload_file(fake, connection.token)
    attach_confirm.status(fake.client, attachment_id, connection.token)
    assert [call.operation for call in fake.calls] == [
        "CreateParticipantConnection",
        "StartAttachmentUpload",
        "PutObject",
        "CompleteAttachmentUpload",
        "GetTranscript",
    ]
    (start_call,) = fake.calls("StartAttachmentUpload")
    assert start_call.client_token
    assert start_call.params["AttachmentName"] == "a.txt"
    assert start_call.params["ConnectionToken"] == connection.token
    assert fake.calls("PutObject")[0].params["ContentLength"] == 1
    fake.calls.assert_called_once_with(
        "CompleteAttachmentUpload",
        AttachmentIds=[attachment_id],
        ConnectionToken=connection.token,
        ClientToken=fake.calls[3].client_token,
    )
    fake.calls.assert_not_called("SendMessage")


def test_repeated_call_is_a_second_call(fake, token):
    """Only retries by the SDK are attempts of one call. A repeated ClientToken is a new call."""
    attachment_id = upload_file(fake, token)
    attach_confirm.confirm(fake.client, attachment_id, token)
    first, second = fake.calls("CompleteAttachmentUpload")
    assert first.client_token == second.client_token


def test_denied_call_is_recorded(fake):
    with pytest.raises(fake.client.exceptions.AccessDeniedException):
        fake.client.get_transcript(ConnectionToken="unknown")
    (call,) = fake.calls
    (attempt,) = call.attempts
    assert (attempt.status, attempt.error_code) == (403, "AccessDeniedException")
    assert not attempt.committed


def test_tokens_are_redacted(fake, caplog):
    caplog.set_level(logging.DEBUG)
    token = fake.connection_token()
    fake.inject("CompleteAttachmentUpload", ConnectTimeout())
    upload_file(fake, token)
    with pytest.raises(AssertionError) as raised:
        fake.calls.assert_called_once_with("GetTranscript", ConnectionToken=token)
    for text in (repr(fake.calls), str(raised.value), repr(fake.attachments), caplog.text):
        assert token not in text
        assert "X-Amz-Signature=" not in text
    assert "CompleteAttachmentUpload(AttachmentIds=" in repr(fake.calls)
    assert "-> no response, 200)" in repr(fake.calls)


def test_snapshot_is_a_copy(fake, token):
    upload_file(fake, token)
    fake.calls[0].params.clear()
    assert fake.calls[0].params
