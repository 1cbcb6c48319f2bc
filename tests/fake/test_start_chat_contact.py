"""StartChatContact of Amazon Connect."""

import json

import boto3
import pytest
import requests

import attach_confirm
from attach_confirm_stubs import FakeConnectParticipant, fake_connectparticipant

URL = "https://connect.us-east-1.amazonaws.com/contact/chat"
PARAMS = {
    "InstanceId": "i-1",
    "ContactFlowId": "flow-1",
    "ParticipantDetails": {"DisplayName": "Jane"},
}


@pytest.fixture
def start_chat(fake):
    """Return a function that calls StartChatContact."""

    def start(region=fake.region_name, **params):
        return boto3.client("connect", region).start_chat_contact(**{**PARAMS, **params})

    return start


def sign(region):
    """Return headers of a request that is signed for a region."""
    scope = f"AKIA/20260101/{region}/connect/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, x"}


def test_returned_participant_token_connects(fake, start_chat):
    chat = start_chat(InitialMessage={"ContentType": "text/plain", "Content": "Hello"})
    token = attach_confirm.connect(fake.client, chat["ParticipantToken"]).token
    attach_confirm.upload(fake.client, b"1", token, name="a.txt")
    transcript = fake.client.get_transcript(ConnectionToken=token, SortOrder="ASCENDING")
    assert transcript["InitialContactId"] == chat["ContactId"]
    assert {item["ParticipantId"] for item in transcript["Transcript"]} == {chat["ParticipantId"]}
    types = [item["Type"] for item in transcript["Transcript"]]
    assert types == ["MESSAGE", "EVENT", "ATTACHMENT"]


def test_client_token_starts_one_chat(start_chat):
    first, second = start_chat(ClientToken="a"), start_chat(ClientToken="a")
    other = start_chat(ClientToken="b")
    assert first["ContactId"] == second["ContactId"] != other["ContactId"]
    assert start_chat()["ContactId"] != start_chat()["ContactId"]


def test_content_types_and_duration_apply_to_chat(fake, start_chat):
    chats = [
        start_chat(),
        start_chat(SupportedMessagingContentTypes=["text/plain", "text/markdown"]),
        start_chat(ChatDurationInMinutes=60),
    ]
    default, markdown, short = (
        attach_confirm.connect(fake.client, chat["ParticipantToken"]).token for chat in chats
    )
    message = {"ContentType": "text/markdown", "Content": "*Hi*"}
    fake.client.send_message(ConnectionToken=markdown, **message)
    with pytest.raises(fake.client.exceptions.ValidationException):
        fake.client.send_message(ConnectionToken=default, **message)
    fake.clock.advance(3600)
    fake.client.get_transcript(ConnectionToken=default)
    with pytest.raises(fake.client.exceptions.AccessDeniedException):
        fake.client.get_transcript(ConnectionToken=short)


def test_signature_selects_region(start_chat):
    with fake_connectparticipant("us-west-2") as other:
        chat = start_chat("us-west-2")
        attach_confirm.connect(other.client, chat["ParticipantToken"])
        assert [chat.region_name for chat in FakeConnectParticipant().chats] == ["us-west-2"]


@pytest.mark.parametrize(
    ("region", "body"),
    [
        ("us-east-1", b"not JSON"),
        ("us-east-1", b"[]"),
        ("us-east-1", json.dumps({"InstanceId": "i-1"})),
        ("us-east-1", json.dumps({**PARAMS, "ParticipantDetails": 1})),
        ("us-east-1", json.dumps({**PARAMS, "ChatDurationInMinutes": 59})),
        ("xx-fake-1", json.dumps(PARAMS)),
    ],
    ids=["text", "list", "missing flow", "wrong type", "duration", "unknown region"],
)
@pytest.mark.usefixtures("fake")
def test_invalid_request_rejected(region, body):
    response = requests.put(URL, body, headers=sign(region), timeout=5)
    assert response.status_code == 400
    assert response.headers["x-amzn-errortype"] == "InvalidRequestException"


@pytest.mark.usefixtures("fake")
def test_unsigned_request_denied():
    response = requests.put(URL, b"{}", timeout=5)
    assert response.status_code == 403
    assert response.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
