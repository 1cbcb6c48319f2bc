"""Authentication sessions."""

import json

import pytest


def test_session_expires_and_can_be_cancelled(fake, token):
    client = fake.client
    session = {"SessionId": fake.authentication_session(token), "ConnectionToken": token}
    response = client.get_authentication_url(RedirectUri="https://example.com", **session)
    assert "redirect_uri=https%3A%2F%2Fexample.com" in response["AuthenticationUrl"]
    assert json.loads(fake.transcript[0]["Content"]) == {"SessionId": session["SessionId"]}
    fake.clock.advance(60)
    with pytest.raises(client.exceptions.ValidationException):
        client.get_authentication_url(RedirectUri="https://example.com", **session)
    client.cancel_participant_authentication(**session)
    with pytest.raises(client.exceptions.ValidationException):
        client.cancel_participant_authentication(**session)
    assert [item["ContentType"].rpartition(".event.")[2] for item in fake.transcript] == [
        "authentication.initiated",
        "authentication.cancelled",
    ]


def test_session_of_other_participant_rejected(fake, token):
    session_id = fake.authentication_session(token)
    with pytest.raises(fake.client.exceptions.ValidationException):
        fake.client.cancel_participant_authentication(
            SessionId=session_id, ConnectionToken=fake.connection_token()
        )
