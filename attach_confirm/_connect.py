"""Exchange a participant token for a connection token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from attach_confirm import _responses, _validation
from attach_confirm._exceptions import annotate_errors

if TYPE_CHECKING:
    from datetime import datetime

    from types_boto3_connectparticipant.client import ConnectParticipantClient


@dataclass(frozen=True, slots=True)
class Connection:
    """A participant's connection.

    Attributes:
        token: Connection token, which every other operation requires. Not part of the `repr`.
        expires_at: Expiry time of the token, as a timezone-aware datetime in UTC.
    """

    token: str = field(repr=False)
    expires_at: datetime


def connect(client: ConnectParticipantClient, participant_token: str) -> Connection:
    """Connect a participant without a websocket, and return the connection token.

    Sends one CreateParticipantConnection with `ConnectParticipant=True`. botocore retries it as
    configured in the client.

    Args:
        client: A `connectparticipant` client.
        participant_token: Participant token that StartChatContact returned. No other operation
            accepts it.

    Returns:
        The connection. Its token is valid for one day (source: the API reference of
        CreateParticipantConnection).

    Raises:
        InvalidInputError: The token is invalid, or `client` belongs to another service.
        UnexpectedResponseError: The response contains no connection token or no valid expiry time.
        botocore.exceptions.ClientError: The service returned an error.
        botocore.exceptions.BotoCoreError: The request failed before a response was received.
    """
    model = _validation.get_operation_model(client, "CreateParticipantConnection")
    _validation.validate_token(model, "ParticipantToken", "participant_token", participant_token)
    with annotate_errors():
        response = client.create_participant_connection(
            Type=["CONNECTION_CREDENTIALS"],
            ParticipantToken=participant_token,
            ConnectParticipant=True,
        )
    return Connection(
        token=_responses.get_member(
            model.name, response, "ConnectionCredentials", "ConnectionToken"
        ),
        expires_at=_responses.get_timestamp(
            model.name, response, "ConnectionCredentials", "Expiry"
        ),
    )
