"""Recommend what to do about an error."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import NamedTuple, TypeAlias

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.exceptions import ConnectionError as BotocoreConnectionError

from attach_confirm._exceptions import (
    AttachmentRejectedError,
    InvalidInputError,
    PutFailedError,
    UnexpectedResponseError,
    UploadUrlExpiredError,
    WaitTimeoutError,
)
from attach_confirm._retry import is_retryable


class Action(str, Enum):
    """What to do after an error.

    RETRY: call the same function again with the same arguments, after a delay.
    CHECK: the outcome is unknown; call `status` or `wait` before you do anything else.
    RECONNECT: get a new connection token with `connect`, then call again.
    FIX: the call cannot succeed unchanged; fix what the reason names, then call again.
    STOP: retrying will not help.
    """

    RETRY = "RETRY"
    CHECK = "CHECK"
    RECONNECT = "RECONNECT"
    FIX = "FIX"
    STOP = "STOP"


class Advice(NamedTuple):
    """What to do about an error.

    Attributes:
        action: What to do next.
        reason: The reason for the action, in one sentence.
        attachment_id: ID of the attachment that the error concerns, or None if it is unknown. If
            `upload` raised the error, an ID means that S3 has the bytes: call `confirm` instead of
            `upload`.
    """

    action: Action
    reason: str
    attachment_id: str | None = None


_Decision: TypeAlias = tuple[Action, str]

# The errors that the service model declares.
_BY_ERROR_CODE: dict[str, _Decision] = {
    "AccessDeniedException": (
        Action.RECONNECT,
        "The connection token is invalid, expired, of another region, or a participant token.",
    ),
    "ConflictException": (
        Action.CHECK,
        "The attachment is being confirmed or already is, possibly by an earlier attempt.",
    ),
    "InternalServerException": (Action.RETRY, "The service had an internal error."),
    "ResourceNotFoundException": (Action.FIX, "The requested resource does not exist."),
    "ServiceQuotaExceededException": (Action.STOP, "The chat has reached its attachment quota."),
    "ThrottlingException": (Action.RETRY, "The instance's request rate limit was exceeded."),
    "ValidationException": (Action.FIX, "The service rejected a value in the request."),
}

# A gateway's error response has a status, but no error code that the model declares.
_BY_STATUS_CODE: dict[int, _Decision] = {
    400: _BY_ERROR_CODE["ValidationException"],
    402: _BY_ERROR_CODE["ServiceQuotaExceededException"],
    403: _BY_ERROR_CODE["AccessDeniedException"],
    404: _BY_ERROR_CODE["ResourceNotFoundException"],
    409: _BY_ERROR_CODE["ConflictException"],
    429: _BY_ERROR_CODE["ThrottlingException"],
}

_RESPONSE_NOT_RECEIVED: _Decision = (
    Action.RETRY,
    "The response was not received; it is safe to send the request again.",
)

# The first matching type wins, so subclasses come before their base classes.
_BY_EXCEPTION_TYPE: tuple[tuple[type[BaseException], _Decision], ...] = (
    (InvalidInputError, (Action.FIX, "An argument is invalid; the error names it.")),
    (UploadUrlExpiredError, (Action.RETRY, "The upload URL expired; a new upload gets a new URL.")),
    (
        UnexpectedResponseError,
        (Action.RETRY, "The response was truncated or did not come from the service."),
    ),
    (
        AttachmentRejectedError,
        (Action.STOP, "The instance's checks rejected the file and would reject it again."),
    ),
    (WaitTimeoutError, (Action.CHECK, "The attachment is not approved or rejected yet.")),
    (ReadTimeoutError, _RESPONSE_NOT_RECEIVED),
    (ConnectionClosedError, _RESPONSE_NOT_RECEIVED),
    (SSLError, (Action.FIX, "The server's certificate is not trusted; check the CA bundle.")),
    (BotocoreConnectionError, (Action.RETRY, "The connection could not be established.")),
    (HTTPClientError, (Action.RETRY, "The HTTP request failed.")),
    (
        NoCredentialsError,
        (
            Action.FIX,
            "The client signs requests; attach_confirm.client() creates one that does not.",
        ),
    ),
    (BotoCoreError, (Action.FIX, "botocore rejected the call or its configuration.")),
    (OSError, (Action.FIX, "The file could not be read.")),
)


def advise(error: BaseException) -> Advice:
    """Return what to do about an error that a function of this library raised.

    Args:
        error: An error of this library, of botocore, or of the service as botocore raised it.

    Returns:
        The next action and its reason. STOP if the error does not come from the upload flow.
    """
    action, reason = _classify(error)
    attachment_id = getattr(error, "attachment_id", None)
    if isinstance(error, UploadUrlExpiredError):
        # S3 does not have the bytes of this attachment, so confirming it would fail.
        attachment_id = None
    return Advice(action, reason, attachment_id)


def _classify(error: BaseException) -> _Decision:
    if isinstance(error, ClientError):
        return _classify_client_error(error)
    if isinstance(error, PutFailedError):
        return _classify_put_error(error)
    for exception_type, decision in _BY_EXCEPTION_TYPE:
        if isinstance(error, exception_type):
            return decision
    return Action.STOP, "Not an error of the upload flow."


def _classify_client_error(error: ClientError) -> _Decision:
    code = error.response.get("Error", {}).get("Code", "")
    status_code = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    decision = _BY_ERROR_CODE.get(code) or _BY_STATUS_CODE.get(status_code)
    if decision is None and status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        decision = _BY_ERROR_CODE["InternalServerException"]
    if decision is None:
        return Action.FIX, "Unexpected status; check the endpoint URL and the proxies."
    if decision[0] is Action.RECONNECT and error.operation_name == "CreateParticipantConnection":
        return (
            Action.STOP,
            "The participant token is invalid or of another region, or the chat ended.",
        )
    return decision


def _classify_put_error(error: PutFailedError) -> _Decision:
    if is_retryable(error):
        return Action.RETRY, "S3 is temporarily unable to store the file."
    return (
        Action.FIX,
        "S3 rejected the headers or the length, or the bucket policy denied the upload.",
    )
