"""Step 3: confirm the upload."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID, uuid5

from botocore.exceptions import ClientError

from attach_confirm import _deadline, _responses, _validation
from attach_confirm._exceptions import InvalidInputError, annotate
from attach_confirm._transcript import TranscriptReader, poll

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_connectparticipant.client import ConnectParticipantClient

_logger = logging.getLogger("attach_confirm")

# The service treats another ClientToken as another request, so the namespace must never change:
# a confirmation that one release sent may be repeated by the next.
_CLIENT_TOKEN_NAMESPACE = UUID("5a8e5d5c-7a0f-4d0e-9d5b-0f5b1c1f6c1e")

# A gateway's error response has a status, but no error code that the model declares.
_CODES_BY_STATUS = {
    400: "ValidationException",
    404: "ResourceNotFoundException",
    409: "ConflictException",
}

# It is not documented whether an item appears at the confirmation or after the scan, which may take
# 60 seconds (source: the administrator guide on attachment scanning).
_CHECK_TIMEOUT = 65.0


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The result of a confirmed upload.

    Attributes:
        attachment_id: The attachment's ID.
        client_token: The ClientToken of the confirmation.
        attempts: The number of requests that were sent, including the first.
        request_id: The service's ID of the last request, or None if the response had none.
        already_confirmed: True if an earlier call or attempt had confirmed the attachment. The
            transcript or a journal shows that.
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
            `"check"` reads the transcript for up to 65 seconds, immediately and then after delays
            of 0.5, 1, 2, 4, 5, 5, ... seconds. If the transcript lists the attachment, an earlier
            attempt confirmed it, and the result has `already_confirmed=True`. If it does not,
            ConflictException is raised. HTTP 400 and 404 are treated likewise if botocore retried
            the call, because the first attempt may have succeeded.

    Returns:
        The confirmation. The service checks the file afterwards; see `wait`.

    Raises:
        InvalidInputError: An argument is outside the limits of the service model.
        UnexpectedResponseError: A 2xx response did not come from the service, or, with
            `"check"`, the transcript is not valid.
        botocore.exceptions.ClientError: The service rejected the request. Modelled errors have
            the classes of `client.exceptions`.
        botocore.exceptions.BotoCoreError: No response was received.

        All errors but `InvalidInputError` have an `attachment_id`, which `advise` returns as well.
    """
    model = _validation.get_operation_model(client, "CompleteAttachmentUpload")
    _validation.validate_string(model, "AttachmentIds", "attachment_id", attachment_id)
    _validation.validate_token(model, "ConnectionToken", "connection_token", connection_token)
    if client_token is None:
        client_token = derive_client_token(attachment_id)
    else:
        _validation.validate_string(model, "ClientToken", "client_token", client_token)
    if on_conflict not in ("raise", "check"):
        raise InvalidInputError("on_conflict", f"must be 'raise' or 'check', not {on_conflict!r}")
    return confirm_or_check(
        client,
        attachment_id,
        connection_token,
        client_token=client_token,
        checks=on_conflict == "check",
    )


def derive_client_token(attachment_id: str) -> str:
    """Return the ClientToken of an attachment's confirmation: a version 5 UUID of its ID."""
    return str(uuid5(_CLIENT_TOKEN_NAMESPACE, attachment_id))


def confirm_or_check(
    client: ConnectParticipantClient,
    attachment_id: str,
    connection_token: str,
    *,
    client_token: str,
    checks: bool = True,
    repeated: bool = False,
    deadline: _deadline.Deadline | None = None,
    send_deadline: _deadline.Deadline | None = None,
) -> Confirmation:
    """Confirm an upload; otherwise the same as `confirm`.

    Args:
        client: A `connectparticipant` client.
        attachment_id: The attachment's ID.
        connection_token: The participant's connection token.
        client_token: The idempotency token of the confirmation.
        checks: Whether to read the transcript if the confirmation is rejected.
        repeated: Whether an earlier process may have confirmed the attachment, so that HTTP 400
            and 404 are checked even if botocore did not retry the call.
        deadline: The time limit, or None.
        send_deadline: The time limit of the confirmation without the search, or None for
            `deadline`.

    Raises:
        DeadlineReachedError: The deadline was reached before the confirmation was sent or retried.
    """
    already_confirmed = False
    metadata: Mapping[str, Any]
    try:
        try:
            with _deadline.limit_api_calls(client, send_deadline or deadline):
                response = client.complete_attachment_upload(
                    AttachmentIds=[attachment_id],
                    ClientToken=client_token,
                    ConnectionToken=connection_token,
                )
            metadata = response.get("ResponseMetadata", {})
            _responses.require_service_response("CompleteAttachmentUpload", metadata)
        except ClientError as error:
            if not checks or not _may_be_confirmed(client, error, repeated=repeated):
                raise
            if not _is_listed(client, attachment_id, connection_token, deadline):
                raise
            already_confirmed, metadata = True, error.response.get("ResponseMetadata", {})
    except BaseException as error:
        annotate(error, attachment_id=attachment_id, acknowledged=True)
        raise
    confirmation = Confirmation(
        attachment_id=attachment_id,
        client_token=client_token,
        attempts=metadata.get("RetryAttempts", 0) + 1,
        request_id=metadata.get("RequestId"),
        already_confirmed=already_confirmed,
    )
    log_confirmation(confirmation)
    return confirmation


def log_confirmation(confirmation: Confirmation) -> None:
    """Log that an attachment is confirmed.

    Args:
        confirmation: The confirmation.
    """
    _logger.info(
        "confirm: attachment %s: %s, attempts: %d",
        confirmation.attachment_id,
        "already confirmed" if confirmation.already_confirmed else "confirmed",
        confirmation.attempts,
    )


def _may_be_confirmed(
    client: ConnectParticipantClient, error: ClientError, *, repeated: bool
) -> bool:
    """Return whether an earlier attempt may have confirmed the attachment."""
    # types-boto3 declares the argument of shape_for_error_code as an int.
    code: Any = _responses.get_error_code(error)
    if client.meta.service_model.shape_for_error_code(code) is None:
        code = _CODES_BY_STATUS.get(_responses.get_status_code(error))
    if code == "ConflictException":
        return True
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    is_repeated = repeated or metadata.get("RetryAttempts", 0) > 0
    return is_repeated and code in _CODES_BY_STATUS.values()


def _is_listed(
    client: ConnectParticipantClient,
    attachment_id: str,
    connection_token: str,
    deadline: _deadline.Deadline | None,
) -> bool:
    _logger.warning(
        "confirm: attachment %s: confirmation rejected, checking the transcript", attachment_id
    )
    status = poll(
        TranscriptReader(client, connection_token),
        attachment_id,
        _deadline.Deadline(_CHECK_TIMEOUT, deadline),
        is_final=lambda status: status is not None,
        polls_at_deadline=False,
    )
    return status is not None
