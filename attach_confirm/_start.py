"""Step 1: start the upload and get a presigned URL."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from attach_confirm import _responses, _validation
from attach_confirm._exceptions import UnexpectedResponseError, annotate_errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from types_boto3_connectparticipant.client import ConnectParticipantClient

_logger = logging.getLogger("attach_confirm")


@dataclass(frozen=True, slots=True)
class PendingUpload:
    """An upload that was started and whose bytes have not been sent.

    Attributes:
        attachment_id: The attachment's ID.
        url: The presigned URL for the PUT. Keep it secret until it expires. `repr` omits it.
        headers: The signed headers, by header name. The PUT must send all of them unchanged.
            `repr` omits them.
        expires_at: Expiry time of the URL, as a timezone-aware datetime in UTC.
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
    """Start an upload with one StartAttachmentUpload call.

    botocore retries the call as the client is configured, and every attempt has the same
    ClientToken. This function does not retry. It does not check the size or the type either,
    because the limits depend on the instance's configuration; the service checks them.

    Args:
        client: A `connectparticipant` client.
        name: The file's name, 1 to 256 characters.
        size: The file's size, in bytes, at least 1.
        content_type: The file's MIME type, 1 to 255 characters.
        connection_token: The participant's connection token.
        client_token: The idempotency token, 1 to 500 characters. If None, botocore generates one
            for each call. Pass your own to make a repeated call idempotent.

    Returns:
        The attachment's ID, and the URL and the headers for the PUT.

    Raises:
        InvalidInputError: An argument is outside the limits of the service model.
        UnexpectedResponseError: The response has no upload URL, or a header is not a string.
        botocore.exceptions.ClientError: The service rejected the request.
        botocore.exceptions.BotoCoreError: No response was received.
    """
    model = _validation.get_operation_model(client, "StartAttachmentUpload")
    _validation.validate_string(model, "AttachmentName", "name", name)
    _validation.validate_size(size)
    _validation.validate_string(model, "ContentType", "content_type", content_type)
    _validation.validate_token(model, "ConnectionToken", "connection_token", connection_token)
    kwargs: dict[str, Any] = {}
    if client_token is not None:
        _validation.validate_string(model, "ClientToken", "client_token", client_token)
        kwargs["ClientToken"] = client_token
    with annotate_errors():
        response = client.start_attachment_upload(
            AttachmentName=name,
            AttachmentSizeInBytes=size,
            ContentType=content_type,
            ConnectionToken=connection_token,
            **kwargs,
        )
    pending = PendingUpload(
        attachment_id=_responses.get_member(model.name, response, "AttachmentId"),
        url=_responses.get_member(model.name, response, "UploadMetadata", "Url"),
        headers=_read_headers(
            model.name,
            _responses.get_member(model.name, response, "UploadMetadata", "HeadersToInclude"),
        ),
        expires_at=_responses.get_timestamp(model.name, response, "UploadMetadata", "UrlExpiry"),
    )
    _logger.info("start: attachment %s: %d bytes, %s", pending.attachment_id, size, content_type)
    return pending


def _read_headers(operation: str, headers: Any) -> dict[str, str]:
    """Return the headers for the PUT, with numbers as strings.

    Raises:
        UnexpectedResponseError: The value of a header is neither a string nor a number.
    """
    for name, value in headers.items():
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise UnexpectedResponseError(
                operation, f"the header {name!r} is of type {type(value).__name__}"
            )
    return {name: str(value) for name, value in headers.items()}
