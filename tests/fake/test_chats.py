"""Messages, events, receipts and disconnects."""

import json

import pytest

import attach_confirm
from tests.fake.uploads import get_contact_id

EVENT_PREFIX = "application/vnd.amazonaws.connect.event."


@pytest.fixture
def send_message(fake, token):
    """Return a function that sends a message."""

    def send(content="Hello", content_type="text/plain", **params):
        return fake.client.send_message(
            ContentType=content_type, Content=content, ConnectionToken=token, **params
        )

    return send


def item_types(fake):
    """Return the type and the content type, without its prefix, of each transcript item."""
    return [
        (item["Type"], item["ContentType"].removeprefix(EVENT_PREFIX)) for item in fake.transcript
    ]


def test_send_message_returns_id_and_time_of_item(fake, send_message):
    response = send_message("Hello", "text/markdown")
    (item,) = fake.transcript
    assert item["Type"] == "MESSAGE"
    assert (item["Content"], item["ContentType"]) == ("Hello", "text/markdown")
    assert (item["Id"], item["AbsoluteTime"]) == (response["Id"], response["AbsoluteTime"])


def test_send_message_repeated_client_token_adds_one_item(fake, send_message):
    repeated_ids = {send_message(ClientToken="first")["Id"] for _ in range(2)}
    assert len(repeated_ids) == 1
    other_ids = {send_message(ClientToken="second")["Id"], send_message()["Id"]}
    assert other_ids & repeated_ids == set()
    assert len(fake.transcript) == 3


@pytest.mark.parametrize(
    ("content", "content_type"),
    [("x", "text/html"), ("ä" * 8193, "text/plain")],
    ids=["content type", "size"],
)
def test_send_message_invalid_content_rejected(fake, send_message, content, content_type):
    with pytest.raises(fake.client.exceptions.ValidationException):
        send_message(content, content_type)
    assert fake.transcript == []


def test_send_message_maximum_size_accepted(fake, send_message):
    send_message("ä" * 8192)  # 16,384 bytes
    assert len(fake.transcript) == 1


@pytest.mark.parametrize("event", ["typing", "connection.acknowledged"])
def test_send_event_adds_item_only_if_typing_item_is_set(fake, token, event):
    params = {"ContentType": EVENT_PREFIX + event, "ConnectionToken": token}
    assert fake.client.send_event(**params)["Id"]
    assert fake.transcript == []
    fake.assumptions.typing_item = True
    fake.client.send_event(**params)
    assert item_types(fake) == ([("EVENT", "typing")] if event == "typing" else [])


def test_receipts_of_one_recipient_are_merged(fake, token, send_message):
    message_id = send_message()["Id"]
    agent_token = fake.connection_token(contact_id=fake.transcript[0]["ContactId"], role="AGENT")
    for event in ("message.delivered", "message.read", "message.read"):
        fake.client.send_event(
            ContentType=EVENT_PREFIX + event,
            Content=json.dumps({"messageId": message_id}),
            ConnectionToken=agent_token,
        )
    (item,) = fake.client.get_transcript(ConnectionToken=token)["Transcript"]
    assert item["MessageMetadata"]["MessageId"] == message_id
    (receipt,) = item["MessageMetadata"]["Receipts"]
    assert receipt.keys() == {"RecipientParticipantId", "DeliveredTimestamp", "ReadTimestamp"}


@pytest.fixture
def read_message(fake, send_message):
    """Return a function that sends a message and a receipt for it."""

    def read(connection_token, **params):
        content = json.dumps({"messageId": send_message()["Id"]})
        return fake.client.send_event(
            ContentType=f"{EVENT_PREFIX}message.read",
            Content=content,
            ConnectionToken=connection_token,
            **params,
        )

    return read


def test_receipts_with_one_client_token_are_separate(fake, token, read_message):
    """Chatjs sends each receipt with the same ClientToken."""
    agent = fake.connection_token(contact_id=get_contact_id(fake, token), role="AGENT")
    fake.assumptions.client_token_reused = "ValidationException"
    first, second = (read_message(agent, ClientToken="INCOMING_READ_RECEIPT") for _ in range(2))
    assert first["Id"] != second["Id"]
    assert [len(item["MessageMetadata"]["Receipts"]) for item in fake.transcript] == [1, 1]


def test_repeated_event_is_the_first_event(fake, token):
    params = {"ConnectionToken": token, "ContentType": f"{EVENT_PREFIX}typing", "ClientToken": "1"}
    first, second = (fake.client.send_event(**params) for _ in range(2))
    assert first["Id"] == second["Id"]


@pytest.mark.parametrize(
    ("roles", "supported"),
    [
        (["AGENT"], True),
        (["SUPERVISOR"], False),
        (["AGENT", "AGENT"], False),
        (["AGENT", "SUPERVISOR"], False),
    ],
)
def test_receipts_need_two_participants_without_supervisor(
    fake, token, read_message, roles, supported
):
    """A participant who has not connected, or has left, does not count."""
    contact_id = get_contact_id(fake, token)
    left = fake.connection_token(contact_id=contact_id, role="SUPERVISOR")
    fake.client.disconnect_participant(ConnectionToken=left)
    fake.participant_token(contact_id=contact_id, role="SUPERVISOR")
    tokens = [fake.connection_token(contact_id=contact_id, role=role) for role in roles]
    if supported:
        read_message(tokens[0])
    else:
        with pytest.raises(fake.client.exceptions.ConflictException):
            read_message(tokens[0])
    assert ("MessageMetadata" in fake.transcript[-1]) == supported


@pytest.mark.parametrize(
    ("event", "content"),
    [
        ("participant.joined", "x"),
        ("message.read", "not JSON"),
        ("message.read", "[]"),
        ("message.read", "{}"),
        ("message.read", '{"messageId": "unknown"}'),
    ],
)
def test_send_event_invalid_content_rejected(fake, token, send_message, event, content):
    send_message()
    with pytest.raises(fake.client.exceptions.ValidationException):
        fake.client.send_event(
            ContentType=EVENT_PREFIX + event, Content=content, ConnectionToken=token
        )


def test_disconnect_of_customer_ends_chat(fake, token):
    participant_token = fake.participant_token(contact_id=get_contact_id(fake, token), role="AGENT")
    agent_token = attach_confirm.connect(fake.client, participant_token).token
    fake.client.disconnect_participant(ConnectionToken=token)
    for connection_token in (token, agent_token):
        with pytest.raises(fake.client.exceptions.AccessDeniedException):
            fake.client.get_transcript(ConnectionToken=connection_token)
    with pytest.raises(fake.client.exceptions.AccessDeniedException):
        attach_confirm.connect(fake.client, participant_token)
    assert item_types(fake) == [
        ("EVENT", "participant.joined"),
        ("EVENT", "participant.left"),
        ("EVENT", "chat.ended"),
    ]


def test_disconnect_of_agent_keeps_chat_open(fake, token):
    agent_token = fake.connection_token(contact_id=get_contact_id(fake, token), role="AGENT")
    fake.client.disconnect_participant(ConnectionToken=agent_token)
    fake.client.get_transcript(ConnectionToken=token)
    with pytest.raises(fake.client.exceptions.AccessDeniedException):
        fake.client.get_transcript(ConnectionToken=agent_token)


def test_disconnect_of_customer_keeps_chat_open_if_setting_is_false(fake, token):
    fake.assumptions.chat_ends_with_customer = False
    agent_token = fake.connection_token(contact_id=get_contact_id(fake, token), role="AGENT")
    fake.client.disconnect_participant(ConnectionToken=token)
    fake.client.get_transcript(ConnectionToken=agent_token)
    with pytest.raises(fake.client.exceptions.AccessDeniedException):
        fake.client.get_transcript(ConnectionToken=token)


def test_disconnect_repeated_client_token_succeeds(fake, token):
    for _ in range(2):
        fake.client.disconnect_participant(ConnectionToken=token, ClientToken="first")
    with pytest.raises(fake.client.exceptions.AccessDeniedException):
        fake.client.disconnect_participant(ConnectionToken=token, ClientToken="second")
    assert len(fake.transcript) == 2
