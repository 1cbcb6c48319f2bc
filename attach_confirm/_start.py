"""Step 1: announce a file and get the place to put it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from attach_confirm import _responses, _validation
from attach_confirm._exceptions import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from types_boto3_connectparticipant.client import ConnectParticipantClient


@dataclass(frozen=True, slots=True)
class PendingUpload:
    """An attachment that was announced and has no bytes yet.

    Attributes:
        attachment_id: The service's id for it.
        url: The pre-signed URL for the PUT. A secret while it lives; not shown by `repr`.
        headers: What the PUT must send, by header name. Signed, so all of it, unchanged. Not
            shown by `repr`.
        expires_at: When the URL stops working, an aware datetime in UTC.
    """

    attachment_id: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    expires_at: datetime


def start(
    client: ConnectParticipantClient,
    *,
    name: str,
    size: int,
    content_type: str,
    connection_token: str,
    client_token: str | None = None,
) -> PendingUpload:
    """Announce a file to the chat: one StartAttachmentUpload.

    botocore retries it as the client is configured to, under one ClientToken; nothing else
    does. Which sizes and types are allowed is the instance's configuration, so the service
    judges them, not this function.

    Args:
        client: A `connectparticipant` client.
        name: The file's name, 1 to 256 characters.
        size: The file's size in bytes, at least 1.
        content_type: The file's MIME type, 1 to 255 characters.
        connection_token: The participant's connection token.
        client_token: The idempotency token, 1 to 500 characters; None lets botocore make one
            for this call. Give one to make a repeated call the same request.

    Returns:
        Where and how to put the bytes.

    Raises:
        InvalidInputError: An argument is outside the service model's limits.
        UnexpectedResponseError: The answer holds no place to put the file.
        botocore.exceptions.ClientError: What the service refused it with.
        botocore.exceptions.BotoCoreError: The service was not reached.
    """
    model = _validation.get_operation_model(client, "StartAttachmentUpload")
    _validation.validate_string(model, "AttachmentName", "name", name)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InvalidInputError(
            "size", f"must be a whole number of bytes, at least 1, not {size!r}"
        )
    _validation.validate_string(model, "ContentType", "content_type", content_type)
    _validation.validate_token(model, "ConnectionToken", "connection_token", connection_token)
    optional: dict[str, Any] = {}
    if client_token is not None:
        _validation.validate_string(model, "ClientToken", "client_token", client_token)
        optional["ClientToken"] = client_token
    answer = client.start_attachment_upload(
        AttachmentName=name,
        AttachmentSizeInBytes=size,
        ContentType=content_type,
        ConnectionToken=connection_token,
        **optional,
    )
    path = "UploadMetadata"
    return PendingUpload(
        attachment_id=_responses.get_member(model.name, answer, "AttachmentId"),
        url=_responses.get_member(model.name, answer, path, "Url"),
        headers=_responses.get_member(model.name, answer, path, "HeadersToInclude"),
        expires_at=_responses.get_timestamp(model.name, answer, path, "UrlExpiry"),
    )
