"""The handle: chats, tokens, and all regions."""

import json
from threading import Thread

import boto3
import pytest

import attach_confirm
from attach_confirm_stubs import (
    ConnectParticipantServer,
    FakeConnectParticipant,
    Throttle,
    fake_connectparticipant,
    serve_connectparticipant,
)
from attach_confirm_stubs.fake import _history, _presigned_urls, exceptions
from tests.fake.uploads import start_pending, upload_file


def test_start_chat_adds_customer(fake):
    chat = fake.start_chat(display_name="Jane", instance_id="i-1", attributes={"a": "1"})
    assert (chat.instance_id, chat.region_name) == ("i-1", "us-east-1")
    assert (chat.attributes, chat.transcript, chat.attachments) == ({"a": "1"}, [], [])
    (customer,) = chat.participants
    assert (customer.role, customer.display_name) == ("CUSTOMER", "Jane")
    assert (customer.connected, customer.disconnected, chat.ended) == (False, False, False)
    token = attach_confirm.connect(fake.client, customer.participant_token).token
    attachment_id = upload_file(fake, token)
    assert [attachment.attachment_id for attachment in chat.attachments] == [attachment_id]
    assert [item["Type"] for item in chat.transcript] == ["EVENT", "ATTACHMENT"]
    fake.client.disconnect_participant(ConnectionToken=token)
    (customer,) = chat.participants
    assert (customer.connected, customer.disconnected, chat.ended) == (True, True, True)
    assert customer.participant_token not in repr(customer)
    assert repr(chat) == f"FakeChat(contact_id={chat.contact_id!r}, ended=True)"


def test_transcript_is_copied_while_items_do_not_change(fake):
    """A receipt adds members to an item, and a copy of a changing dict fails."""
    threads = []

    class Name(str):
        __slots__ = ()

        def __deepcopy__(self, _):
            if is_reading and not threads:
                threads.append(Thread(target=send_receipt))
                threads[0].start()
                # The receipt waits for the copy.
                threads[0].join(0.5)
            return self

    def send_receipt():
        fake.client.send_event(
            ContentType="application/vnd.amazonaws.connect.event.message.read",
            Content=json.dumps({"messageId": message_id}),
            ConnectionToken=token,
        )

    is_reading = False
    (customer,) = fake.start_chat(display_name=Name("Jane")).participants
    token = attach_confirm.connect(fake.client, customer.participant_token).token
    message_id = fake.client.send_message(
        ContentType="text/plain", Content="Hello", ConnectionToken=token
    )["Id"]
    is_reading = True
    assert "MessageMetadata" not in fake.transcript[-1]
    threads[0].join()
    assert fake.transcript[-1]["MessageMetadata"]["Receipts"]


def test_chat_has_only_its_own_items_and_attachments(fake, token):
    chat = fake.start_chat()
    upload_file(fake, token)
    assert (chat.transcript, chat.attachments) == ([], [])
    other, same = fake.chats
    assert same == chat
    assert hash(same) == hash(chat)
    assert other != chat
    assert chat != chat.contact_id
    assert len(other.transcript) == len(other.attachments) == 1


def test_chat_returns_copies(fake):
    chat = fake.start_chat(attributes={"a": "1"})
    message = {"ContentType": "text/plain", "Content": "Hello"}
    token = fake.connection_token(contact_id=chat.contact_id)
    fake.client.send_message(ConnectionToken=token, **message)
    chat.transcript[0].clear()
    chat.attributes.clear()
    assert chat.transcript[0]["Content"] == "Hello"
    assert chat.attributes == {"a": "1"}


def test_chat_ends_with_its_duration(fake):
    chat = fake.start_chat()
    fake.clock.advance(25 * 3600)
    assert chat.ended


def test_transcript_of_chat_has_due_verdicts(fake):
    chat = fake.start_chat()
    fake.assumptions.item_appears = "decided"
    fake.scanner.approve(after=10)
    upload_file(fake, fake.connection_token(contact_id=chat.contact_id))
    assert chat.transcript == []
    fake.clock.advance(10)
    assert len(chat.transcript) == 1


def test_handle_is_about_all_regions():
    with fake_connectparticipant("us-west-2") as fake:
        regions = ("eu-west-1", "us-west-2", "us-east-1")
        handles = [FakeConnectParticipant(region) for region in regions]
        for handle in handles:
            upload_file(handle, handle.connection_token(), f"{handle.region_name}.txt")
        names = [f"{region}.txt" for region in regions]
        assert [attachment.name for attachment in fake.attachments] == names
        assert [chat.region_name for chat in fake.chats] == list(regions)
        items = [item["Attachments"][0]["AttachmentName"] for item in fake.transcript]
        assert items == names
        calls = fake.calls("StartAttachmentUpload")
        assert [call.params["AttachmentName"] for call in calls] == names
        assert fake.client.meta.region_name == "us-west-2"


@pytest.mark.parametrize("name", ["assumptions", "calls", "quotas", "replies", "scanner"])
def test_regions_share_controls(fake, name):
    other = FakeConnectParticipant("eu-west-1")
    if name == "calls":
        assert other.calls == fake.calls
    else:
        assert getattr(other, name) is getattr(fake, name)


def test_regions_of_a_server_have_separate_controls():
    """Suites that run at the same time use one region each."""
    with serve_connectparticipant() as server:
        other = ConnectParticipantServer(server.endpoint_url, "eu-west-1")
        server.assumptions.zero_results = 7
        server.inject("GetTranscript", *[Throttle()] * 9)
        assert other.assumptions.zero_results == 10
        for handle in (server, other):
            handle.connection_token()
        assert [chat.region_name for chat in server.chats] == ["us-east-1"]
        assert [chat.region_name for chat in other.chats] == ["eu-west-1"]
        other.client.get_transcript(ConnectionToken=other.connection_token())
        assert server.calls == []
        assert len(other.calls) == 1
        other.client.close()
    with fake_connectparticipant() as fake:
        assert fake.scanner is FakeConnectParticipant("eu-west-1").scanner


def test_tokens_for_chat_of_other_region(fake):
    fake.start_chat()
    other = FakeConnectParticipant("eu-west-1")
    chat = other.start_chat()
    token = fake.connection_token(contact_id=chat.contact_id, role="AGENT")
    other.client.get_transcript(ConnectionToken=token)
    assert fake.authentication_session(token)
    view_token = fake.view_token(Id="v-1")
    view = other.client.describe_view(ConnectionToken=token, ViewToken=view_token)["View"]
    assert view["Id"] == "v-1"


def test_authentication_session_for_unknown_token_denied(fake):
    with pytest.raises(exceptions.AccessDeniedException):
        fake.authentication_session("unknown")


def test_handle_is_about_all_accounts(fake):
    """Code that has assumed a role of another account starts the chat there."""
    sts = boto3.client("sts", "us-east-1")
    role_arn = "arn:aws:iam::111122223333:role/chat"
    credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName="chat")["Credentials"]
    connect = boto3.client(
        "connect",
        "us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    details = {"DisplayName": "Jane"}
    started = connect.start_chat_contact(
        InstanceId="i-1", ContactFlowId="f-1", ParticipantDetails=details
    )
    assert [chat.contact_id for chat in fake.chats] == [started["ContactId"]]
    assert len(fake.calls("StartChatContact")) == 1
    fake.connection_token(contact_id=started["ContactId"], role="AGENT")
    assert len(fake.chats[0].participants) == 2


@pytest.mark.parametrize("method", ["participant_token", "connection_token"])
def test_unknown_role_rejected(fake, method):
    with pytest.raises(ValueError, match="unknown role 'BOGUS'; choose one of AGENT, CUSTOMER"):
        getattr(fake, method)(role="BOGUS")
    assert fake.chats == []


def test_unused_faults_end_with_the_block():
    """The handle is used before anything else of the region."""
    with fake_connectparticipant() as fake:
        fake.inject("GetTranscript", *[Throttle()] * 9)
    with fake_connectparticipant() as fake:
        fake.client.get_transcript(ConnectionToken=fake.connection_token())


def test_history_keeps_the_last_calls(fake, token, monkeypatch):
    monkeypatch.setattr(_history, "MAX_CALLS", 3)
    pending = start_pending(fake, token)
    attach_confirm.put(fake.client, pending, b"1")
    fake.client.get_transcript(ConnectionToken=token)
    fake.client.get_transcript(ConnectionToken=token)
    operations = [call.operation for call in fake.calls]
    assert operations == ["PutObject", "GetTranscript", "GetTranscript"]
    fake.client.get_transcript(ConnectionToken=token)
    # The call that was dropped cannot get another attempt.
    attach_confirm.put(fake.client, pending, b"1")
    (call,) = fake.calls("PutObject")
    assert (fake.calls[-1].operation, len(call.attempts)) == ("PutObject", 1)


def test_oldest_presigned_url_is_dropped(fake, token, monkeypatch):
    monkeypatch.setattr(_presigned_urls, "MAX_URLS", 1)
    first, second = (start_pending(fake, token) for _ in range(2))
    attach_confirm.put(fake.client, second, b"1")
    with pytest.raises(attach_confirm.PutFailedError) as raised:
        attach_confirm.put(fake.client, first, b"1")
    assert raised.value.error_code == "SignatureDoesNotMatch"
