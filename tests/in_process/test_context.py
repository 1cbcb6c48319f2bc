"""`fake_connectparticipant` as a context manager and as a decorator."""

import os

import pytest
from moto import mock_aws

import attach_confirm
from attach_confirm_stubs import FakeConnectParticipant, fake_connectparticipant
from attach_confirm_stubs.fake import connectparticipant_backends


def upload_file(fake, token, name="a.txt", data=b"1"):
    """Upload a file."""
    return attach_confirm.upload(fake.client, data, token, name=name)


def test_state_is_deleted_after_block():
    with fake_connectparticipant() as first:
        token = first.connection_token()
        upload_file(first, token)
        assert first.attachments
        assert first.transcript
    assert not connectparticipant_backends
    with fake_connectparticipant() as second:
        assert second.attachments == []
        assert second.transcript == []
        with pytest.raises(second.client.exceptions.AccessDeniedException):
            second.client.get_transcript(ConnectionToken=token)


def test_nested_blocks_share_state():
    with mock_aws():
        with fake_connectparticipant() as first:
            token = first.connection_token()
            upload_file(first, token)
        with fake_connectparticipant() as second:
            assert len(second.attachments) == 1
            assert len(second.client.get_transcript(ConnectionToken=token)["Transcript"]) == 1
    with fake_connectparticipant() as third:
        assert third.attachments == []


def test_decorated_function_runs_with_new_state_each_time():
    @fake_connectparticipant("us-west-2")
    def send(name, *, content):
        """Send a file."""
        handle = FakeConnectParticipant("us-west-2")
        upload_file(handle, handle.connection_token(), name, content)
        return [(attachment.name, attachment.data) for attachment in handle.attachments]

    assert send.__name__ == "send"
    for name in ("a.txt", "b.txt"):
        assert send(name, content=b"1") == [(name, b"1")]


def test_exception_ends_block():
    @fake_connectparticipant()
    def fail():
        FakeConnectParticipant().connection_token()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not connectparticipant_backends
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_decorator_without_parentheses_rejected():
    with pytest.raises(TypeError, match="with parentheses"), fake_connectparticipant(print):
        pass
