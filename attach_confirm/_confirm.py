"""Step 3: confirm that the bytes are there."""

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

# Changing it would make the next release's repeated confirmations look like other requests.
_NAMESPACE = UUID("5a8e5d5c-7a0f-4d0e-9d5b-0f5b1c1f6c1e")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """An attachment's confirmation.

    Attributes:
        attachment_id: The attachment.
        client_token: The ClientToken it was confirmed under.
        attempts: How often the request was sent, the first time included.
        request_id: The service's id of the last request; None where the answer bore none.
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
    """Tell the service that an attachment's bytes are uploaded: one CompleteAttachmentUpload.

    Call it only after the PUT was answered with 2xx. Calling it again after a lost answer is
    safe, from anywhere and at any later time: the same attachment gives the same ClientToken.
    botocore retries the call as the client is configured to, under that one token; nothing
    else does.

    Args:
        client: A `connectparticipant` client.
        attachment_id: The one attachment. The service takes one a call.
        connection_token: The participant's connection token, never the participant token.
        client_token: The idempotency token, 1 to 500 characters; None derives it from the
            attachment id, as a UUID of version 5.
        on_conflict: What to do when the service answers ConflictException. `"raise"` raises it.
            `"check"` reads the transcript: if an item bears the attachment, an earlier attempt
            confirmed it, which is a success marked `already_confirmed`; if none does, it raises.

    Returns:
        The confirmation. Whether the file passes the instance's checks is decided afterwards:
        see `wait`.

    Raises:
        InvalidInputError: An argument is outside the service model's limits.
        UnexpectedResponseError: A success that the service did not give; or, with `"check"`, such a
            transcript.
        botocore.exceptions.ClientError: What the service refused it with, the modelled ones as
            the `client.exceptions` classes.
        botocore.exceptions.BotoCoreError: The service was not reached, or its answer was lost.
    """
    model = _validation.get_operation_model(client, "CompleteAttachmentUpload")
    _validation.validate_string(model, "AttachmentIds", "attachment_id", attachment_id)
    _validation.validate_token(model, "ConnectionToken", "connection_token", connection_token)
    if client_token is None:
        client_token = str(uuid5(_NAMESPACE, attachment_id))
    else:
        _validation.validate_string(model, "ClientToken", "client_token", client_token)
    if on_conflict not in ("raise", "check"):
        raise InvalidInputError("on_conflict", f"must be 'raise' or 'check', not {on_conflict!r}")
    already_confirmed = False
    try:
        metadata = client.complete_attachment_upload(
            AttachmentIds=[attachment_id],
            ClientToken=client_token,
            ConnectionToken=connection_token,
        ).get("ResponseMetadata", {})
        _responses.require_service_response(model.name, metadata)
    except client.exceptions.ConflictException as conflict:
        if on_conflict == "raise" or status(client, attachment_id, connection_token) is None:
            raise
        already_confirmed, metadata = True, conflict.response["ResponseMetadata"]
    return _confirmation(attachment_id, client_token, metadata, already_confirmed)


def _confirmation(
    attachment_id: str, client_token: str, metadata: Mapping[str, Any], already_confirmed: bool
) -> Confirmation:
    return Confirmation(
        attachment_id=attachment_id,
        client_token=client_token,
        attempts=metadata.get("RetryAttempts", 0) + 1,
        request_id=metadata.get("RequestId"),
        already_confirmed=already_confirmed,
    )
