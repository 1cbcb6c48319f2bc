"""Events, which the backend passes to its listeners."""

import json
from threading import Thread

import pytest

from attach_confirm_stubs.fake.models._lock import DeferringLock
from tests.fake.uploads import get_contact_id, upload_file

EVENT_PREFIX = "application/vnd.amazonaws.connect.event."


@pytest.fixture
def events(fake):
    """Return a list to which the backend's events are added."""
    received = []
    fake._backend.listeners.append(received.append)
    return received


def send_event(fake, token, event, **params):
    """Send an event by its name without a prefix."""
    fake.client.send_event(ConnectionToken=token, ContentType=EVENT_PREFIX + event, **params)


def test_message_and_chat_end_are_events(fake, token, events):
    fake.client.send_message(ConnectionToken=token, ContentType="text/plain", Content="Hello")
    fake.client.disconnect_participant(ConnectionToken=token)
    assert [event.item for event in events] == fake.transcript
    assert {event.chat.contact_id for event in events} == {fake.transcript[0]["ContactId"]}


def test_typing_is_an_event_without_an_item(fake, token, events):
    send_event(fake, token, "typing")
    assert [event.item["ContentType"] for event in events] == [f"{EVENT_PREFIX}typing"]
    assert fake.transcript == []
    fake.assumptions.typing_item = True
    send_event(fake, token, "typing")
    assert len(events) == 2


def test_acknowledgement_is_not_an_event(fake, token, events):
    send_event(fake, token, "connection.acknowledged")
    assert events == []


def test_receipt_is_an_event_with_all_receipts_of_the_message(fake, token, events):
    sent = fake.client.send_message(
        ConnectionToken=token, ContentType="text/plain", Content="Hello"
    )
    agent = fake.connection_token(contact_id=get_contact_id(fake, token), role="AGENT")
    for name in ("delivered", "read"):
        send_event(fake, agent, f"message.{name}", Content=json.dumps({"messageId": sent["Id"]}))
    _, delivered, read = (event.item for event in events)
    assert (delivered["Type"], delivered["ContentType"]) == (
        "MESSAGEMETADATA",
        f"{EVENT_PREFIX}message.metadata",
    )
    assert "ReadTimestamp" not in delivered["MessageMetadata"]["Receipts"][0]
    assert read["MessageMetadata"] == fake.transcript[0]["MessageMetadata"]
    assert read["Id"] != delivered["Id"]


@pytest.mark.parametrize("item_appears", ["completed", "decided"])
@pytest.mark.parametrize("rule", ["approve", "reject"])
def test_attachment_is_an_event_at_the_verdict(fake, token, events, item_appears, rule):
    fake.assumptions.item_appears = item_appears
    getattr(fake.scanner, rule)(after=30)
    upload_file(fake, token)
    assert events == []
    fake.clock.advance(30)
    assert len(fake.transcript) == 1
    (event,) = events
    assert event.item == fake.transcript[0]
    assert event.item["Attachments"][0]["Status"] in {"APPROVED", "REJECTED"}


def test_lock_runs_deferred_functions_after_its_release():
    """A function may wait for another thread that takes the lock."""
    lock, called = DeferringLock(), []

    def take_in_thread():
        def take():
            with lock:
                called.append("taken")

        thread = Thread(target=take)
        thread.start()
        thread.join(10)

    with lock:
        with lock:
            lock.defer(take_in_thread)
        assert called == []
    assert called == ["taken"]
