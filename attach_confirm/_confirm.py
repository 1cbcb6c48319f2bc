"""Step 3: confirm the upload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID, uuid5

from attach_confirm import _responses, _validation
from attach_confirm._exceptions import InvalidInputError
from attach_confirm._transcript import status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_connectparticipant.client import ConnectParticipantClient

# The service treats another ClientToken as another request, so the namespace must never change:
# a confirmation that one release sent may be repeated by the next.
_CLIENT_TOKEN_NAMESPACE = UUID("5a8e5d5c-7a0f-4d0e-9d5b-0f5b1c1f6c1e")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The result of a confirmed upload.

    Attributes:
        attachment_id: The attachment's ID.
        client_token: The ClientToken of the confirmation.
        attempts: The number of requests that were sent, including the first.
        request_id: The service's ID of the last request, or None if the response had none.
        already_confirmed: True if the service returned ConflictException and the transcript
            showed that an earlier attempt had confirmed the attachment.
    """

    attachment_id: str
    client_token: str
    attempts: int
    request_id: str | None
    already_confirmed: bool = False


def confirm(
    client: ConnectParticipantClient,
    attachment_id: str,
    connection_token: str,
    *,
    client_token: str | None = None,
    on_conflict: Literal["raise", "check"] = "raise",
) -> Confirmation:
    """Confirm an upload with one CompleteAttachmentUpload call.

    Call it only after the PUT returned 2xx. If you receive no response, you can safely call it
    again from any process and at any later time, because the ClientToken is derived from the
    attachment ID. botocore retries the call as the client is configured, and every attempt has
    the same ClientToken. This function does not retry.

    Args:
        client: A `connectparticipant` client.
        attachment_id: The attachment's ID. The service accepts one per call.
        connection_token: The participant's connection token, not the participant token.
        client_token: The idempotency token, 1 to 500 characters. If None, it is a version 5 UUID
            of the attachment ID.
        on_conflict: What to do if the service returns ConflictException. `"raise"` raises it.
            `"check"` reads the transcript. If the transcript lists the attachment, an earlier
            attempt confirmed it, and the result has `already_confirmed=True`. If it does not,
            ConflictException is raised.

    Returns:
        The confirmation. The service checks the file afterwards; see `wait`.

    Raises:
        InvalidInputError: An argument is outside the limits of the service model.
        UnexpectedResponseError: A 2xx response did not come from the service, or, with
            `"check"`, the transcript is not valid.
        botocore.exceptions.ClientError: The service rejected the request. Modelled errors have
            the classes of `client.exceptions`.
        botocore.exceptions.BotoCoreError: No response was received.
    """
    model = _validation.get_operation_model(client, "CompleteAttachmentUpload")
    _validation.validate_string(model, "AttachmentIds", "attachment_id", attachment_id)
    _validation.validate_token(model, "ConnectionToken", "connection_token", connection_token)
    if client_token is None:
        client_token = str(uuid5(_CLIENT_TOKEN_NAMESPACE, attachment_id))
    else:
        _validation.validate_string(model, "ClientToken", "client_token", client_token)
    if on_conflict not in ("raise", "check"):
        raise InvalidInputError("on_conflict", f"must be 'raise' or 'check', not {on_conflict!r}")
    already_confirmed = False
    metadata: Mapping[str, Any]
    try:
        metadata = client.complete_attachment_upload(
            AttachmentIds=[attachment_id],
            ClientToken=client_token,
            ConnectionToken=connection_token,
        ).get("ResponseMetadata", {})
        _responses.require_service_response(model.name, metadata)
    except client.exceptions.ConflictException as error:
        if on_conflict == "raise" or status(client, attachment_id, connection_token) is None:
            raise
        already_confirmed, metadata = True, error.response["ResponseMetadata"]
    return Confirmation(
        attachment_id=attachment_id,
        client_token=client_token,
        attempts=metadata.get("RetryAttempts", 0) + 1,
        request_id=metadata.get("RequestId"),
        already_confirmed=already_confirmed,
    )
