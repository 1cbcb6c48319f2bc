"""Recommend what to do about an error."""

from __future__ import annotations

import re
import ssl
from enum import Enum
from http import HTTPStatus
from http.client import InvalidURL
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

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
from botocore.parsers import ResponseParserError

from attach_confirm import _responses
from attach_confirm._exceptions import (
    AttachmentRejectedError,
    DownloadFailedError,
    InvalidInputError,
    PutFailedError,
    SourceReadError,
    UnexpectedResponseError,
    UploadTimeoutError,
    UploadUrlExpiredError,
    WaitTimeoutError,
)
from attach_confirm._retry import is_rejected_by_proxy, is_retryable

if TYPE_CHECKING:
    from collections.abc import Callable


class Action(str, Enum):
    """What to do after an error.

    RETRY: call the same function again with the same arguments, after a delay.
    CHECK: the outcome is unknown; call `status` or `wait` before you do anything else.
    RECONNECT: get a new connection token with `connect`, then call again.
    FIX: the call cannot succeed as it is; correct what `reason` describes, then call again.
    STOP: retrying will not help.
    UNRELATED: not an error of this library's functions; let it propagate.

    If the advice has an attachment ID, S3 has the bytes. "Call again" then means to call `confirm`
    with this ID, instead of another `upload`.
    """

    RETRY = "RETRY"
    CHECK = "CHECK"
    RECONNECT = "RECONNECT"
    FIX = "FIX"
    STOP = "STOP"
    UNRELATED = "UNRELATED"


class Advice(NamedTuple):
    """What to do about an error.

    Attributes:
        action: What to do next.
        reason: The reason for the action, in one sentence.
        attachment_id: ID of the attachment if S3 has its bytes; otherwise None. Continue with
            `confirm` (or with `status` or `wait`), and do not upload the file again.
        retry_after: Minimum delay before the next call, in seconds, or None if any delay will do.
    """

    action: Action
    reason: str
    attachment_id: str | None = None
    retry_after: float | None = None


_Decision: TypeAlias = tuple[Action, str]

# The errors that the service model declares.
_BY_ERROR_CODE: dict[str, _Decision] = {
    "AccessDeniedException": (
        Action.RECONNECT,
        (
            "The connection token is invalid, has expired, belongs to another region, or is a"
            " participant token."
        ),
    ),
    "ConflictException": (
        Action.CHECK,
        "The attachment is being confirmed or is already confirmed, maybe by an earlier attempt.",
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
    408: (Action.RETRY, "The service did not receive the request in time."),
    409: _BY_ERROR_CODE["ConflictException"],
    429: _BY_ERROR_CODE["ThrottlingException"],
}

# For these operations, the action above would not help.
_BY_OPERATION: dict[tuple[str, Action], _Decision] = {
    ("CreateParticipantConnection", Action.RECONNECT): (
        Action.STOP,
        "The participant token is invalid or belongs to another region, or the chat has ended.",
    ),
    ("StartAttachmentUpload", Action.CHECK): (
        Action.FIX,
        "This client_token was used before; if the chat does not have the file, use another token.",
    ),
}

_OPERATIONS = frozenset(
    {
        "CancelParticipantAuthentication",
        "CompleteAttachmentUpload",
        "CreateParticipantConnection",
        "DescribeView",
        "DisconnectParticipant",
        "GetAttachment",
        "GetAuthenticationUrl",
        "GetTranscript",
        "SendEvent",
        "SendMessage",
        "StartAttachmentUpload",
    }
)

# The operations of DynamoDBJournal, and the DynamoDB errors after which a retry can succeed.
_JOURNAL_OPERATIONS = frozenset({"DeleteItem", "GetItem", "PutItem", "UpdateItem"})
_RETRYABLE_JOURNAL_CODES = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_JOURNAL_RETRY: _Decision = (
    Action.RETRY,
    "The journal is temporarily unavailable; repeating the call is safe.",
)
_JOURNAL_FIX: _Decision = (
    Action.FIX,
    "The journal rejected the request; check its file or table, and its permissions.",
)
_PROGRAMMING_ERRORS = (AttributeError, LookupError, NotImplementedError, TypeError, ValueError)
# Parts of SQLite's messages for temporary conditions.
_RETRYABLE_SQLITE_MESSAGE = re.compile("locked|busy|disk I/O error|disk is full|out of memory")

_INVALID_REQUEST: _Decision = (
    Action.FIX,
    "The request has an invalid URL or header; check the endpoint URL and the token.",
)
_INVALID_REQUEST_MESSAGE = re.compile(
    "invalid request:|Invalid header|Failed to parse|Invalid URL|URL can't contain"
    "|nonnumeric port|label empty"
)
_RESPONSE_UNEXPECTED: _Decision = (
    Action.RETRY,
    "The response was truncated or did not come from the service.",
)
_RESPONSE_NOT_RECEIVED: _Decision = (
    Action.RETRY,
    "The response was not received; it is safe to send the request again.",
)
_UPLOAD_RESPONSE_NOT_RECEIVED: _Decision = (
    Action.RETRY,
    "The response was not received; without a client_token, an unconfirmed upload may remain.",
)
_START_PATH = "/participant/start-attachment-upload"
_CERTIFICATE_REJECTED: _Decision = (
    Action.FIX,
    "The server's certificate is not trusted; check the CA bundle.",
)
_CERTIFICATE_MESSAGES = ("certificate verify failed", "doesn't match")
_PROXY_REJECTED: _Decision = (
    Action.FIX,
    "The proxy rejected the connection; check its address and credentials.",
)
_CONNECTION_FAILED: _Decision = (Action.RETRY, "The connection could not be established.")
_UNRELATED: _Decision = (
    Action.UNRELATED,
    "The error did not come from attach_confirm; let it propagate.",
)

# The first matching type wins, so subclasses come before their base classes.
_BY_EXCEPTION_TYPE: tuple[tuple[type[BaseException], _Decision], ...] = (
    (InvalidInputError, (Action.FIX, "An argument is invalid; the error names it.")),
    (
        UploadTimeoutError,
        (Action.RETRY, "The time limit was reached before the service confirmed the upload."),
    ),
    (UnexpectedResponseError, _RESPONSE_UNEXPECTED),
    (ResponseParserError, _RESPONSE_UNEXPECTED),
    (
        AttachmentRejectedError,
        (Action.STOP, "The instance's checks rejected the file and would reject it again."),
    ),
    (WaitTimeoutError, (Action.CHECK, "The attachment is not approved or rejected yet.")),
    (ReadTimeoutError, _RESPONSE_NOT_RECEIVED),
    (ConnectionClosedError, _RESPONSE_NOT_RECEIVED),
    (BotocoreConnectionError, _CONNECTION_FAILED),
    (HTTPClientError, (Action.RETRY, "The HTTP request failed.")),
    (
        NoCredentialsError,
        (
            Action.FIX,
            "The client signs requests; attach_confirm.client() creates one that does not.",
        ),
    ),
    (BotoCoreError, (Action.FIX, "The call or its configuration was rejected by botocore.")),
)


def advise(error: BaseException) -> Advice:
    """Return what to do about an error that a function of this library raised.

    Args:
        error: An error of this library, of botocore, of the service as botocore raised it, or of a
            journal.

    Returns:
        The next action and its reason. UNRELATED if the error does not come from this library's
        functions, for example if your `callback` raised it.
    """
    action, reason = _classify(error)
    journal_key = getattr(error, "journal_key", None)
    is_acknowledged = getattr(error, "acknowledged", False)
    is_journal_error = getattr(error, "is_journal_error", False)
    if journal_key is not None and not is_journal_error and action is not Action.RETRY:
        reason += (
            " If the attachment can never be confirmed and the transcript does not list it,"
            f" call journal.delete({journal_key!r}) to allow a new upload."
        )
    return Advice(
        action,
        reason,
        getattr(error, "attachment_id", None) if is_acknowledged else None,
        error.retry_after if isinstance(error, UploadUrlExpiredError) else None,
    )


def _classify(error: BaseException) -> _Decision:
    if getattr(error, "is_journal_error", False) or _is_sqlite_error(error):
        return _classify_journal_error(error)
    for exception_type, classify in _CLASSIFIERS:
        if isinstance(error, exception_type):
            return classify(error)
    return _classify_by_type(error)


def _classify_by_type(error: BaseException) -> _Decision:
    if isinstance(error, BotoCoreError) and (decision := _classify_botocore_error(error)):
        return decision
    for exception_type, decision in _BY_EXCEPTION_TYPE:
        if isinstance(error, exception_type):
            return decision
    return _UNRELATED


def _classify_client_error(error: ClientError) -> _Decision:
    if error.operation_name in _JOURNAL_OPERATIONS:
        return _classify_journal_error(error)
    if error.operation_name not in _OPERATIONS:
        return _UNRELATED
    status_code = _responses.get_status_code(error)
    decision = _BY_ERROR_CODE.get(_responses.get_error_code(error)) or _BY_STATUS_CODE.get(
        status_code
    )
    if decision is None and status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        decision = _BY_ERROR_CODE["InternalServerException"]
    if decision is None:
        return Action.FIX, "Unexpected HTTP status; check the endpoint URL and the proxy settings."
    return _BY_OPERATION.get((error.operation_name, decision[0]), decision)


def _classify_journal_error(error: BaseException) -> _Decision:
    if isinstance(error, ClientError):
        is_temporary = (
            _responses.get_error_code(error) in _RETRYABLE_JOURNAL_CODES
            or _responses.get_status_code(error) >= HTTPStatus.INTERNAL_SERVER_ERROR
        )
    elif isinstance(error, BotoCoreError):
        is_temporary = _classify_by_type(error)[0] is Action.RETRY
    elif _is_sqlite_error(error):
        is_temporary = bool(_RETRYABLE_SQLITE_MESSAGE.search(str(error)))
    elif isinstance(error, Exception):
        is_temporary = not isinstance(error, _PROGRAMMING_ERRORS)
    else:
        return _UNRELATED
    return _JOURNAL_RETRY if is_temporary else _JOURNAL_FIX


def _is_sqlite_error(error: BaseException) -> bool:
    # Importing sqlite3 would slow down the import of this package.
    names = {(base.__module__, base.__name__) for base in type(error).__mro__}
    return ("sqlite3", "Error") in names


def _classify_put_error(error: PutFailedError) -> _Decision:
    if is_retryable(error):
        return Action.RETRY, "S3 is temporarily unable to store the file."
    return (
        Action.FIX,
        "S3 rejected the headers or the size, or the bucket policy denied the upload.",
    )


def _classify_source_error(error: SourceReadError) -> _Decision:
    if error.retryable:
        return Action.RETRY, "The source could not be read to its end; open it again and retry."
    if error.changed:
        return Action.FIX, "The file changed while it was sent; close or copy it first."
    return Action.FIX, "The source could not be read to its end."


def _classify_download_error(error: DownloadFailedError) -> _Decision:
    if error.retryable:
        return Action.RETRY, "The attachment could not be downloaded completely."
    return Action.FIX, "The attachment could not be downloaded; see the `reason` of the error."


def _classify_expired_url(error: UploadUrlExpiredError) -> _Decision:
    if error.retry_after is None and error.consumed:
        return (
            Action.FIX,
            "The upload URL had expired; pass a source that can seek, or omit the size.",
        )
    if error.retry_after is None:
        return (
            Action.FIX,
            "The upload URL expired; start another upload. A client_token cannot be used again.",
        )
    return Action.RETRY, "The upload URL expired; call `upload` again after `retry_after` seconds."


def _classify_botocore_error(error: BotoCoreError) -> _Decision | None:
    """Return the decision for an error whose type is ambiguous, or None to decide by type."""
    text = str(error)
    if isinstance(error, SSLError):
        return _CERTIFICATE_REJECTED if _is_certificate_error(error) else _CONNECTION_FAILED
    if is_rejected_by_proxy(error):
        return _PROXY_REJECTED
    if isinstance(error, (ReadTimeoutError, ConnectionClosedError)):
        # `put` sets `acknowledged` to False on its errors.
        is_put_error = getattr(error, "acknowledged", None) is False
        return _UPLOAD_RESPONSE_NOT_RECEIVED if is_put_error or _START_PATH in text else None
    is_invalid = isinstance(getattr(error, "kwargs", {}).get("error"), (ValueError, InvalidURL))
    if type(error) is HTTPClientError and (is_invalid or _INVALID_REQUEST_MESSAGE.search(text)):
        return _INVALID_REQUEST
    return None


def _is_certificate_error(error: BaseException) -> bool:
    """Return whether an error was caused by a certificate that failed verification."""
    causes: list[object] = [error]
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        if isinstance(cause, BaseException):
            kwargs = getattr(cause, "kwargs", {})
            causes += (cause.__cause__, *cause.args, *kwargs.values())
    # Pickling removes the causes, but not the message.
    return any(text in str(error) for text in _CERTIFICATE_MESSAGES)


_CLASSIFIERS: tuple[tuple[type[BaseException], Callable[[Any], _Decision]], ...] = (
    (ClientError, _classify_client_error),
    (PutFailedError, _classify_put_error),
    (SourceReadError, _classify_source_error),
    (DownloadFailedError, _classify_download_error),
    (UploadUrlExpiredError, _classify_expired_url),
)
