"""What to do about an error."""

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
    """What a caller should do next.

    RETRY: call the same function again with the same arguments, after a pause.
    CHECK: the outcome is open; ask `status` or `wait` before anything else.
    RECONNECT: get a new connection token with `connect`, then call again.
    FIX: the call cannot succeed as it is; change what the reason names, then call again.
    STOP: calling again cannot help.
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
        reason: Why, in one sentence.
        attachment_id: The attachment that the error is about, where it tells. After an `upload`
            it means that the bytes are there: carry the action out with `confirm`.
    """

    action: Action
    reason: str
    attachment_id: str | None = None


_Verdict: TypeAlias = tuple[Action, str]

_ACCESS_DENIED = (
    "The service does not take this token: it expired, its participant is disconnected, it is a"
    " participant token, or it belongs to another region."
)
_SPENT = (
    "The service does not take this participant token: the chat ended, or it belongs to another"
    " region."
)

# What the service model declares (a test compares them).
_CODES: dict[str, _Verdict] = {
    "AccessDeniedException": (Action.RECONNECT, _ACCESS_DENIED),
    "ConflictException": (Action.CHECK, "It is being done already, perhaps by an earlier attempt."),
    "InternalServerException": (Action.RETRY, "The service failed on its side."),
    "ResourceNotFoundException": (Action.FIX, "The service does not know what was asked for."),
    "ServiceQuotaExceededException": (Action.STOP, "The chat may have no more attachments."),
    "ThrottlingException": (Action.RETRY, "The instance's request rate was exceeded for now."),
    "ValidationException": (Action.FIX, "The service refuses the request's values."),
}

# An answer without a code that is declared, such as an API gateway's own.
_STATUSES: dict[int, _Verdict] = {
    400: _CODES["ValidationException"],
    402: _CODES["ServiceQuotaExceededException"],
    403: _CODES["AccessDeniedException"],
    404: _CODES["ResourceNotFoundException"],
    409: _CODES["ConflictException"],
    429: _CODES["ThrottlingException"],
}

# The first type that fits counts.
_TYPES: tuple[tuple[type[BaseException], _Verdict], ...] = (
    (InvalidInputError, (Action.FIX, "An argument cannot be right; the error names it.")),
    (
        UploadUrlExpiredError,
        (Action.RETRY, "The upload URL's time was up; a new upload gets a new one."),
    ),
    (UnexpectedResponseError, (Action.RETRY, "Something else answered in the service's place.")),
    (
        AttachmentRejectedError,
        (Action.STOP, "The instance's checks refuse the file, and will again."),
    ),
    (WaitTimeoutError, (Action.CHECK, "The attachment is not decided yet.")),
    (ReadTimeoutError, (Action.RETRY, "The answer was lost; asking again does nothing twice.")),
    (
        ConnectionClosedError,
        (Action.RETRY, "The answer was lost; asking again does nothing twice."),
    ),
    (SSLError, (Action.FIX, "The server's certificate is not trusted; look at the CA bundle.")),
    (BotocoreConnectionError, (Action.RETRY, "The connection could not be made.")),
    (HTTPClientError, (Action.RETRY, "The HTTP exchange broke off.")),
    (
        NoCredentialsError,
        (Action.FIX, "The client signs; attach_confirm.client() makes one that does not."),
    ),
    (BotoCoreError, (Action.FIX, "botocore refused the call or its configuration.")),
    (OSError, (Action.FIX, "The file could not be read.")),
)


def advise(error: BaseException) -> Advice:
    """Tell what to do about an error that a function of this library raised.

    Args:
        error: The error: this library's, botocore's, or the service's as botocore raised it.

    Returns:
        The next action, and why. STOP for an error that has nothing to do with the flow.
    """
    action, reason = _verdict(error)
    # An expired upload has an id and no bytes.
    known = (
        None if isinstance(error, UploadUrlExpiredError) else getattr(error, "attachment_id", None)
    )
    return Advice(action, reason, known)


def _verdict(error: BaseException) -> _Verdict:
    if isinstance(error, ClientError):
        return _service_verdict(error)
    if isinstance(error, PutFailedError):
        return _put_verdict(error)
    for kind, verdict in _TYPES:
        if isinstance(error, kind):
            return verdict
    return Action.STOP, "This is no error of the upload flow."


def _service_verdict(error: ClientError) -> _Verdict:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    verdict = _CODES.get(code) or _STATUSES.get(status)
    if verdict is None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        verdict = _CODES["InternalServerException"]
    if verdict is None:
        return Action.FIX, "The service does not answer so; look at the endpoint and the proxies."
    if verdict[0] is Action.RECONNECT and error.operation_name == "CreateParticipantConnection":
        return Action.STOP, _SPENT
    return verdict


def _put_verdict(error: PutFailedError) -> _Verdict:
    if is_retryable(error):
        return Action.RETRY, "S3 could not take the file just now."
    return Action.FIX, "S3 refuses the headers or length sent, or its bucket's policy the upload."
