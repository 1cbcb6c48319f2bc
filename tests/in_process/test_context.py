"""`fake_connectparticipant` as a context manager."""

import os
from threading import Barrier, Thread

import botocore.endpoint
import moto.settings
import pytest
import requests
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


@pytest.mark.parametrize("outer", [mock_aws, fake_connectparticipant])
def test_nested_blocks_share_state(outer):
    with outer():
        with fake_connectparticipant() as first:
            token = first.connection_token()
            upload_file(first, token)
        with fake_connectparticipant() as second:
            assert len(second.attachments) == 1
            assert len(second.client.get_transcript(ConnectionToken=token)["Transcript"]) == 1
    with fake_connectparticipant() as third:
        assert third.attachments == []


def test_context_can_be_entered_again():
    context = fake_connectparticipant("eu-west-1")
    with context as outer, context as inner:
        outer.start_chat()
        assert len(inner.chats) == 1
    with context as again:
        assert again.chats == []
    assert not connectparticipant_backends


def test_exception_ends_block():
    def fail():
        FakeConnectParticipant().connection_token()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), fake_connectparticipant():
        fail()
    assert not connectparticipant_backends
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_overlapping_blocks_of_threads_are_undone():
    """Each thread leaves its block before the thread that entered later."""
    original_time = botocore.endpoint.time
    entered, left = Barrier(2), Barrier(2)

    def run(name):
        if name == "second":
            entered.wait()
        with fake_connectparticipant():
            if name == "first":
                entered.wait()
            else:
                left.wait()
            FakeConnectParticipant().start_chat()
        if name == "first":
            left.wait()

    threads = [Thread(target=run, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert botocore.endpoint.time is original_time
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    assert not connectparticipant_backends
    assert requests.adapters.HTTPAdapter.send.__module__ == "requests.adapters"


def test_credentials_removed_by_test_do_not_prevent_end(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    with fake_connectparticipant():
        del os.environ["AWS_ACCESS_KEY_ID"]
        del os.environ["AWS_SECRET_ACCESS_KEY"]
    assert os.environ["AWS_ACCESS_KEY_ID"] == "AKIDEXAMPLE"
    assert "AWS_SECRET_ACCESS_KEY" not in os.environ
    assert requests.adapters.HTTPAdapter.send.__module__ == "requests.adapters"


def test_server_mode_of_moto_ignored(monkeypatch):
    monkeypatch.setattr(moto.settings, "TEST_SERVER_MODE", True)
    with fake_connectparticipant() as fake:
        upload_file(fake, fake.connection_token())
        assert len(fake.attachments) == 1


def test_region_name_checked():
    with pytest.raises(TypeError, match="with parentheses"):
        fake_connectparticipant(print)
