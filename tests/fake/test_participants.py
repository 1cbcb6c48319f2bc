"""Participants and connections of the fake."""

from datetime import datetime, timedelta, timezone

import pytest

import attach_confirm
from tests.fake.uploads import expect_error, start_upload

EVENT_PREFIX = "application/vnd.amazonaws.connect.event."


@pytest.mark.parametrize(
    ("types", "members"),
    [
        (["CONNECTION_CREDENTIALS"], {"ConnectionCredentials"}),
        (["WEBSOCKET"], {"Websocket"}),
        (["WEBSOCKET", "CONNECTION_CREDENTIALS"], {"ConnectionCredentials", "Websocket"}),
    ],
    ids=["credentials", "websocket", "both"],
)
def test_create_connection_returns_requested_types(fake, types, members):
    response = fake.client.create_participant_connection(
        ParticipantToken=fake.participant_token(), Type=types
    )
    assert response.keys() - {"ResponseMetadata"} == members


@pytest.mark.parametrize("params", [{}, {"ConnectParticipant": True}])
def test_create_connection_without_type_returns_no_members(fake, params):
    """With ConnectParticipant, which chatjs sends for agents, it marks them as connected."""
    participant_token = fake.participant_token(role="AGENT")
    response = fake.client.create_participant_connection(
        ParticipantToken=participant_token, **params
    )
    assert response.keys() == {"ResponseMetadata"}
    joined = [item["ContentType"] for item in fake.transcript]
    assert joined == [f"{EVENT_PREFIX}participant.joined"] * len(params)


def test_create_webrtc_connection_rejected(fake):
    with pytest.raises(fake.client.exceptions.ValidationException):
        fake.client.create_participant_connection(
            Type=["WEBRTC_CONNECTION"], ParticipantToken=fake.participant_token()
        )


def test_connection_token_expires_after_one_day(fake):
    connection = attach_confirm.connect(fake.client, fake.participant_token())
    remaining = connection.expires_at - datetime.now(timezone.utc)
    assert timedelta(hours=23) < remaining <= timedelta(days=1)
    fake.clock.advance(24 * 3600 - 10)
    fake.client.get_transcript(ConnectionToken=connection.token)
    fake.clock.advance(10)
    with pytest.raises(fake.client.exceptions.AccessDeniedException):
        fake.client.get_transcript(ConnectionToken=connection.token)


def test_connect_timeout_applies_only_to_first_connection(fake):
    connected_token, unconnected_token = fake.participant_token(), fake.participant_token()
    attach_confirm.connect(fake.client, connected_token)
    fake.clock.advance(300)
    attach_confirm.connect(fake.client, connected_token)
    with pytest.raises(fake.client.exceptions.AccessDeniedException):
        attach_confirm.connect(fake.client, unconnected_token)


def test_chat_ends_after_25_hours(fake):
    participant_token = fake.participant_token()
    attach_confirm.connect(fake.client, participant_token)
    fake.clock.advance(25 * 3600)
    with pytest.raises(fake.client.exceptions.AccessDeniedException):
        attach_confirm.connect(fake.client, participant_token)


def test_connections_of_one_participant_share_client_tokens(fake):
    participant_token = fake.participant_token()
    tokens = [attach_confirm.connect(fake.client, participant_token).token for _ in range(2)]
    assert tokens[0] != tokens[1]
    responses = [start_upload(fake.client, token, ClientToken="same") for token in tokens]
    assert responses[0]["AttachmentId"] == responses[1]["AttachmentId"]


@pytest.fixture(params=["unknown", "participant_token", "expired"])
def wrong_token(request, fake):
    """Return a token that is not a valid connection token."""
    if request.param == "unknown":
        return "unknown"
    if request.param == "participant_token":
        return fake.participant_token()
    token = fake.connection_token()
    fake.clock.advance(24 * 3600)
    return token


def test_wrong_connection_token_denied(fake, wrong_token):
    client = fake.client
    start_params = {"AttachmentName": "a", "AttachmentSizeInBytes": 1, "ContentType": "text/plain"}
    for method, params in (
        (client.start_attachment_upload, start_params),
        (client.complete_attachment_upload, {"AttachmentIds": ["att-1"]}),
        (client.get_attachment, {"AttachmentId": "att-1"}),
        (client.get_transcript, {}),
    ):
        response = expect_error(
            client, "AccessDeniedException", method, ConnectionToken=wrong_token, **params
        )
        assert response["Error"]["Message"] == "Access denied"
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert fake.attachments == []


def test_wrong_participant_token_denied(fake, token):
    for wrong_token in (token, "unknown"):
        with pytest.raises(fake.client.exceptions.AccessDeniedException):
            fake.client.create_participant_connection(
                ParticipantToken=wrong_token, Type=["CONNECTION_CREDENTIALS"]
            )


def test_only_first_connection_adds_joined_item(fake):
    participant_token = fake.participant_token(display_name="Jane")
    for _ in range(2):
        attach_confirm.connect(fake.client, participant_token)
    (item,) = fake.transcript
    assert item["DisplayName"] == "Jane"
    assert item["ContentType"] == f"{EVENT_PREFIX}participant.joined"


def test_participant_token_for_unknown_chat_rejected(fake):
    with pytest.raises(ValueError, match="unknown contact_id 'none'; pass the ID of an existing"):
        fake.participant_token(contact_id="none")
