"""Rules for replies to customers."""

import re

import pytest

import attach_confirm
from attach_confirm_stubs import fake_connectparticipant
from tests.fake.uploads import get_contact_id, upload_file


@pytest.fixture
def say(fake, token):
    """Return a function that sends a message, and returns the contents of the transcript."""

    def send(content):
        fake.client.send_message(ConnectionToken=token, ContentType="text/plain", Content=content)
        page = fake.client.get_transcript(ConnectionToken=token, SortOrder="ASCENDING")
        return [item.get("Content") for item in page["Transcript"]]

    return send


@pytest.mark.parametrize(
    "match",
    [
        "Hello",
        re.compile("^H.llo"),
        lambda item: item["Content"] == "Hello" and item["ParticipantRole"] == "CUSTOMER",
    ],
    ids=["string", "pattern", "predicate"],
)
def test_matching_message_gets_reply_before_its_response(fake, say, match):
    fake.replies.when(match, "Hi")
    assert say("Bye") == ["Bye"]
    assert say("Hello") == ["Bye", "Hello", "Hi"]
    reply = fake.transcript[-1]
    assert (reply["ParticipantRole"], reply["DisplayName"]) == ("AGENT", "Agent")
    assert (reply["Type"], reply["ContentType"]) == ("MESSAGE", "text/plain")


def test_string_matches_whole_content(fake, say):
    fake.replies.when("Hello", "Hi")
    assert say("Hello!") == ["Hello!"]


def test_newest_matching_rule_wins(fake, say):
    fake.replies.when(re.compile("."), "default")
    fake.replies.when("a", lambda item: item["Content"] * 2)
    assert say("a") == ["a", "aa"]
    assert say("b")[-1] == "default"
    fake.replies.reset()
    assert say("c")[-1] == "c"


def test_function_that_returns_none_sends_no_reply(fake, say):
    fake.replies.when("a", lambda _: None)
    assert say("a") == ["a"]


def test_function_that_returns_other_type_raises(fake, say):
    fake.replies.when("a", lambda _: 1)
    with pytest.raises(TypeError, match="returned 1; return a string, or None for no reply"):
        say("a")


def test_no_reply_to_reply_or_agent(fake, token, say):
    fake.replies.when(re.compile("."), "again", role="CUSTOMER")
    assert say("Hello") == ["Hello", "again"]
    agent = fake.connection_token(contact_id=get_contact_id(fake, token), role="AGENT")
    fake.client.send_message(ConnectionToken=agent, ContentType="text/plain", Content="Hi")
    assert len(fake.transcript) == 3


def test_attachment_gets_reply_at_the_verdict(fake, token):
    """Only a predicate matches an attachment, whose Content is empty."""
    fake.scanner.reject(after=30)
    fake.replies.when(
        lambda item: item["Type"] == "ATTACHMENT",
        lambda item: item["Attachments"][0]["Status"] + item["Content"],
    )
    fake.replies.when(re.compile(""), "pattern")
    upload_file(fake, token)
    assert len(fake.transcript) == 1
    fake.clock.advance(30)
    fake.client.get_transcript(ConnectionToken=token)
    assert [item.get("Content") for item in fake.transcript] == [None, "REJECTED"]


def test_function_that_raises_does_not_prevent_other_replies(fake, token):
    def reply(item):
        name = item["Attachments"][0]["AttachmentName"]
        return f"Thank you for {name}" if name == "b.txt" else 1 / 0

    fake.replies.when(lambda item: item["Type"] == "ATTACHMENT", reply)
    fake.scanner.hold()
    for name in ("a.txt", "b.txt"):
        attach_confirm.upload(fake.client, b"abc", token, name=name)
    fake.scanner.approve()
    with pytest.raises(ZeroDivisionError):
        fake.client.get_transcript(ConnectionToken=token)
    assert fake.transcript[-1]["Content"] == "Thank you for b.txt"


def test_events_get_no_reply(fake):
    fake.replies.when(lambda _: True, "Hi")
    attach_confirm.connect(fake.client, fake.participant_token())
    assert len(fake.transcript) == 1


def test_reply_comes_from_participant_with_role(fake, token, say):
    contact_id = get_contact_id(fake, token)
    fake.participant_token(contact_id=contact_id, role="CUSTOM_BOT", display_name="Robo")
    fake.replies.when("a", "1", role="CUSTOM_BOT")
    fake.replies.when("b", "2", role="SUPERVISOR")
    for content in ("a", "b", "b"):
        say(content)
    names = [item["DisplayName"] for item in fake.transcript]
    assert names == ["Customer", "Robo", "Customer", "Supervisor", "Customer", "Supervisor"]


def test_participant_who_has_left_does_not_reply(fake, token, say):
    contact_id = get_contact_id(fake, token)
    agent = fake.connection_token(contact_id=contact_id, role="AGENT", display_name="Ann")
    fake.client.disconnect_participant(ConnectionToken=agent)
    fake.replies.when("a", "1")
    say("a")
    assert fake.transcript[-1]["DisplayName"] == "Agent"


def test_ended_chat_gets_no_reply(fake, token):
    """The attachment's verdict comes after the end of the chat."""
    fake.scanner.approve(after=30)
    fake.replies.when(lambda _: True, "Hi")
    upload_file(fake, token)
    fake.client.disconnect_participant(ConnectionToken=token)
    fake.clock.advance(30)
    assert [item["Type"] for item in fake.transcript] == ["ATTACHMENT", "EVENT", "EVENT"]


def test_reply_function_may_call_the_service(fake, token, say):
    def count_items(_):
        page = fake.client.get_transcript(ConnectionToken=token)
        return f"{len(page['Transcript'])} item"

    fake.replies.when("count", count_items)
    assert say("count") == ["count", "1 item"]


def test_rules_apply_in_all_regions_and_end_with_the_block():
    with fake_connectparticipant() as fake:
        fake.replies.when("a", "b")
        with fake_connectparticipant("eu-west-1") as other:
            message = {"ContentType": "text/plain", "Content": "a"}
            other.client.send_message(ConnectionToken=other.connection_token(), **message)
            assert len(other.transcript) == 2
    with fake_connectparticipant() as fake:
        fake.client.send_message(ConnectionToken=fake.connection_token(), **message)
        assert len(fake.transcript) == 1


@pytest.mark.parametrize(
    ("args", "role", "error", "message"),
    [
        ((1, "a"), "AGENT", TypeError, "match: 1 is not a string, a compiled pattern or a func"),
        (("a", 1), "AGENT", TypeError, "reply: 1 is not a string or a function"),
        (("a", "b"), "BOGUS", ValueError, "unknown role 'BOGUS'; choose one of AGENT, CUSTOMER"),
    ],
)
def test_invalid_rule_rejected(fake, args, role, error, message):
    with pytest.raises(error, match=message):
        fake.replies.when(*args, role=role)
