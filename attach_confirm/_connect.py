"""From a participant token to a connection token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from attach_confirm import _responses, _validation

if TYPE_CHECKING:
    from datetime import datetime

    from types_boto3_connectparticipant.client import ConnectParticipantClient


@dataclass(frozen=True, slots=True)
class Connection:
    """A participant's connection.

    Attributes:
        token: The connection token that every other operation takes. Not shown by `repr`.
        expires_at: When it stops working, an aware datetime in UTC.
    """

    token: str = field(repr=False)
    expires_at: datetime


def connect(client: ConnectParticipantClient, participant_token: str) -> Connection:
    """Connect a participant who has no websocket, and get the connection token.

    One CreateParticipantConnection with `ConnectParticipant=True`. botocore retries it as the
    client is configured to; nothing else does.

    Args:
        client: A `connectparticipant` client.
        participant_token: What StartChatContact gave. No other operation takes it.

    Returns:
        The connection, whose token the service honours for a day (source: the API reference of
        CreateParticipantConnection).

    Raises:
        InvalidInputError: The token cannot be one.
        UnexpectedResponseError: The answer holds no connection token.
        botocore.exceptions.ClientError: What the service refused it with.
        botocore.exceptions.BotoCoreError: The service was not reached.
    """
    model = _validation.get_operation_model(client, "CreateParticipantConnection")
    _validation.validate_token(model, "ParticipantToken", "participant_token", participant_token)
    answer = client.create_participant_connection(
        Type=["CONNECTION_CREDENTIALS"],
        ParticipantToken=participant_token,
        ConnectParticipant=True,
    )
    path = "ConnectionCredentials"
    return Connection(
        token=_responses.get_member(model.name, answer, path, "ConnectionToken"),
        expires_at=_responses.get_timestamp(model.name, answer, path, "Expiry"),
    )
