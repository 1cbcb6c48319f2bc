"""StartChatContact of Amazon Connect."""

import json

import boto3
import pytest
import requests

import attach_confirm
from attach_confirm_stubs import (
    FakeConnectParticipant,
    ModeledError,
    ReadTimeout,
    ServerError,
    Throttle,
    fake_connectparticipant,
)

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
        ("us-east-1", json.dumps({**PARAMS, "ParticipantDetails": {"DisplayName": "x" * 257}})),
        ("xx-fake-1", json.dumps(PARAMS)),
    ],
    ids=["text", "list", "missing flow", "wrong type", "duration", "name", "unknown region"],
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


INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
GUIDE = {"connect:Subtype": {"ValueString": "connect:Guide"}}


@pytest.mark.parametrize(
    "params",
    [
        {"SupportedMessagingContentTypes": ["text/markdown"]},
        {"SupportedMessagingContentTypes": ["text/plain", "text/html"]},
        {"InitialMessage": {"ContentType": "text/markdown", "Content": "*Hi*"}},
        {"InitialMessage": {"ContentType": "text/plain", "Content": "ä" * 8193}},
        {
            "SupportedMessagingContentTypes": ["text/plain", INTERACTIVE],
            "InitialMessage": {"ContentType": INTERACTIVE, "Content": "{}"},
        },
        {"SegmentAttributes": GUIDE},
        {"Attributes": {"a b": "1"}},
        {"Attributes": {"a": "ä" * 16_384}},
        {"PersistentChat": {"SourceContactId": "c-1"}},
        {
            "PersistentChat": {"SourceContactId": "c-1", "RehydrationType": "FROM_SEGMENT"},
            "RelatedContactId": "c-1",
        },
    ],
    ids=lambda params: next(iter(params)),
)
def test_invalid_parameter_starts_no_chat(fake, start_chat, params):
    client = boto3.client("connect", "us-east-1")
    with pytest.raises(client.exceptions.InvalidRequestException):
        start_chat(**params)
    fake.assumptions.invalid_request = "InvalidParameterException"
    with pytest.raises(client.exceptions.InvalidParameterException):
        start_chat(**params)
    assert fake.chats == []


def put_chat(**params):
    """Send StartChatContact without botocore, and return the response.

    An older botocore does not know all parameters.
    """
    headers = sign("us-east-1")
    return requests.put(URL, json.dumps({**PARAMS, **params}), headers=headers, timeout=5)


def test_chat_streaming_configuration_streams_initial_message(fake):
    message = {"ContentType": "text/plain", "Content": "Hello"}
    arn = "arn:aws:sns:us-east-1:123456789012:chats"
    started = put_chat(
        InitialMessage=message, ChatStreamingConfiguration={"StreamingEndpointArn": arn}
    ).json()
    (stream,) = fake.streams
    assert stream.streaming_id == started["StreamingId"]
    assert stream.contact_id == started["ContactId"]
    assert len(stream.records) == 1


def test_invalid_streaming_endpoint_starts_no_chat(fake):
    response = put_chat(ChatStreamingConfiguration={"StreamingEndpointArn": "chats"})
    assert response.headers["x-amzn-errortype"] == "InvalidRequestException"
    assert fake.chats == []


def test_limits_are_inclusive(fake, start_chat):
    start_chat(
        Attributes={"a": "ä" * 16_383 + "x"},
        InitialMessage={"ContentType": "text/plain", "Content": "ä" * 8192},
        ParticipantDetails={"DisplayName": "x" * 256},
        SegmentAttributes=GUIDE,
        SupportedMessagingContentTypes=["text/plain", INTERACTIVE, f"{INTERACTIVE}.response"],
    )
    (chat,) = fake.chats
    assert len(chat.attributes["a"]) == 16_384
    assert chat.participants[0].display_name == "x" * 256


@pytest.mark.parametrize(
    ("types", "members"),
    [
        ([], set()),
        (["CONNECTION_CREDENTIALS"], {"ConnectionCredentials"}),
        (["WEBSOCKET"], {"Websocket"}),
        (["WEBSOCKET", "CONNECTION_CREDENTIALS"], {"ConnectionCredentials", "Websocket"}),
        (["AUTHENTICATION_SESSION", "WEBRTC_CONNECTION"], set()),
    ],
)
def test_connection_types_add_connection_information(fake, types, members):
    params = {"ClientToken": "1", **({"ConnectionTypes": types} if types else {})}
    first, again = (put_chat(**params).json() for _ in range(2))
    assert first.keys() - {"ContactId", "ParticipantId", "ParticipantToken"} == members
    assert again == first
    assert len(fake.transcript) == ("WEBSOCKET" in types)
    if "ConnectionCredentials" in members:
        token = first["ConnectionCredentials"]["ConnectionToken"]
        fake.client.disconnect_participant(ConnectionToken=token)
        ended = put_chat(**params).json()
        assert ended.keys() == first.keys() - {"Websocket"}


def test_call_is_recorded_and_takes_faults(fake):
    fake.inject("StartChatContact", ServerError(), ReadTimeout(after_commit=True))
    boto3.client("connect", "us-east-1").start_chat_contact(**PARAMS)
    (call,) = fake.calls("StartChatContact")
    assert call.params["ParticipantDetails"] == {"DisplayName": "Jane"}
    assert [(attempt.status, attempt.committed) for attempt in call.attempts] == [
        (500, False),
        (None, True),
        (200, True),
    ]
    assert len(fake.chats) == 1


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        (Throttle(), "TooManyRequestsException", 429),
        (ServerError(), "InternalServiceException", 500),
        (ModeledError("LimitExceededException"), "LimitExceededException", 429),
    ],
)
def test_error_faults_have_codes_of_amazon_connect(fake, fault, code, status):
    fake.inject("StartChatContact", fault)
    response = put_chat()
    assert (response.status_code, response.headers["x-amzn-errortype"]) == (status, code)


def test_quota_of_operation_applies_per_instance(fake, start_chat):
    fake.quotas.limits["StartChatContact"] = (1.0, 1)
    fake.quotas.enable()
    start_chat()
    response = put_chat()
    assert response.headers["x-amzn-errortype"] == "ThrottlingException"
    start_chat(InstanceId="i-2")


def read_transcript(fake, token, **params):
    """Return the contents on each page of a transcript, newest first."""
    pages, params = [], {"ConnectionToken": token, **params}
    while True:
        response = fake.client.get_transcript(**params)
        pages.append([item.get("Content") for item in response["Transcript"]])
        if "NextToken" not in response:
            return pages
        params["NextToken"] = response["NextToken"]


def test_persistent_chat_continues_ended_chats(fake, start_chat):
    """The past items are on pages after those of the chat itself."""
    source, contact_ids = {}, []
    for content in ("first", "second", "third"):
        message = {"ContentType": "text/plain", "Content": content}
        chat = start_chat(InitialMessage=message, **source)
        assert chat.get("ContinuedFromContactId") == (contact_ids or [None])[-1]
        contact_ids.append(chat["ContactId"])
        persistent = {"SourceContactId": chat["ContactId"], "RehydrationType": "FROM_SEGMENT"}
        source = {"PersistentChat": persistent}
        if content != "third":
            boto3.client("connect", "us-east-1").stop_contact(
                ContactId=chat["ContactId"], InstanceId="i-1"
            )
    token = fake.client.create_participant_connection(
        ParticipantToken=chat["ParticipantToken"], Type=["CONNECTION_CREDENTIALS"]
    )["ConnectionCredentials"]["ConnectionToken"]
    assert read_transcript(fake, token) == [["third"], [None, "second", None, "first"]]
    assert read_transcript(fake, token, MaxResults=3) == [
        ["third"],
        [None, "second", None],
        ["first"],
    ]
    assert read_transcript(fake, token, ScanDirection="FORWARD") == [["third"]]
    assert read_transcript(fake, token, ContactId=chat["ContactId"]) == [["third"]]
    assert read_transcript(fake, token, StartPosition={"MostRecent": 5}) == [["third"]]
    last = fake.client.get_transcript(ConnectionToken=token)["NextToken"]
    items = fake.client.get_transcript(ConnectionToken=token, NextToken=last)["Transcript"]
    related = [(item["RelatedContactId"], item.get("ContactId")) for item in items]
    assert related == [(contact_ids[1], None)] * 2 + [(contact_ids[0], None)] * 2
    assert [item["InitialContactId"] for item in fake.chats[2].transcript] == contact_ids[2:]


@pytest.mark.parametrize(
    ("contact_id", "error"),
    [("unknown", "ResourceNotFoundException"), (None, "InvalidRequestException")],
    ids=["unknown", "not ended"],
)
def test_persistent_chat_needs_ended_chat(start_chat, contact_id, error):
    active = start_chat()
    client = boto3.client("connect", "us-east-1")
    persistent = {
        "SourceContactId": contact_id or active["ContactId"],
        "RehydrationType": "ENTIRE_PAST_SESSION",
    }
    with pytest.raises(getattr(client.exceptions, error)):
        start_chat(PersistentChat=persistent)
