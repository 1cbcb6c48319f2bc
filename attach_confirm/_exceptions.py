"""Exceptions that this library adds to botocore's.

    AttachConfirmError
    ├── InvalidInputError          an argument is invalid; nothing was confirmed (also a ValueError)
    ├── SourceReadError            the source could not be read to its end
    ├── UnexpectedResponseError    a 2xx response is truncated or did not come from the service
    ├── PutFailedError             S3 returned an error for the PUT
    ├── UploadUrlExpiredError      the presigned URL had expired
    ├── UploadTimeoutError         the upload did not finish in time (also a TimeoutError)
    ├── AttachmentRejectedError    the attachment was confirmed, and then rejected by a check
    ├── WaitTimeoutError           neither approved nor rejected in time (also a TimeoutError)
    └── DownloadFailedError        the attachment could not be downloaded completely

Service errors are not in this tree. They are raised unchanged, as botocore's exceptions
(`client.exceptions.ConflictException`, `ClientError`, `ReadTimeoutError` and so on).
`attach_confirm.advise` accepts both kinds. The exceptions of this tree never contain a token or the
query string of a presigned URL.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import ref

from botocore.exceptions import HTTPClientError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from attach_confirm._types import AttachmentStatus


class AttachConfirmError(Exception):
    """Base class of this library's exceptions."""


class InvalidInputError(AttachConfirmError, ValueError):
    """An argument is invalid. Nothing was confirmed.

    Nothing was sent either, unless `upload` found that a `client_token` was used before for another
    file: only the response of StartAttachmentUpload or the journal shows that.

    Attributes:
        parameter: Name of the argument in the function that you called.
        reason: What is wrong, and which values are valid. Never contains a token.
    """

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(parameter, reason)
        self.parameter = parameter
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.parameter}: {self.reason}"


class SourceReadError(AttachConfirmError):
    """The source could not be read to its end, so nothing was confirmed.

    The `__cause__` is the exception that the source raised, if it raised one.

    Attributes:
        reason: What failed, for example `read failed: Input/output error`.
        retryable: Whether another attempt may succeed, for example after a lost connection.
        changed: Whether the size of a file changed while it was sent.
    """

    def __init__(self, reason: str, retryable: bool, changed: bool = False) -> None:
        super().__init__(reason, retryable, changed)
        self.reason = reason
        self.retryable = retryable
        self.changed = changed

    def __str__(self) -> str:
        return f"source: {self.reason}"


class UnexpectedResponseError(AttachConfirmError):
    """A successful response is truncated, or did not come from the service.

    For example, a captive portal returned its login page with HTTP 200.

    Attributes:
        operation: Name of the API operation, for example `GetTranscript`.
        reason: What is missing from the response or wrong with it.
    """

    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(operation, reason)
        self.operation = operation
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.operation}: unexpected or truncated response: {self.reason}"


class PutFailedError(AttachConfirmError):
    """S3 returned an error for the PUT.

    Attributes:
        status_code: HTTP status code.
        error_code: S3's error code, for example `SignatureDoesNotMatch`, or None.
        request_id: S3's request ID, which AWS Support asks for, or None.
    """

    def __init__(self, status_code: int, error_code: str | None, request_id: str | None) -> None:
        super().__init__(status_code, error_code, request_id)
        self.status_code = status_code
        self.error_code = error_code
        self.request_id = request_id

    def __str__(self) -> str:
        return (
            f"PUT failed: HTTP {self.status_code}, {self.error_code or 'no error code'}"
            f" (request ID {self.request_id or 'unknown'})"
        )


class UploadUrlExpiredError(AttachConfirmError):
    """The presigned URL has expired, as S3 or its clock showed. Start the upload again.

    Attributes:
        attachment_id: ID of the attachment that the URL belongs to.
        expires_at: Expiry time of the URL, as a timezone-aware datetime in UTC.
        server_time: Time by S3's clock, as a timezone-aware datetime in UTC; None if unknown.
        attempts: Number of PUT requests that were sent.
        retry_after: Minimum delay, in seconds, before another call of `upload` with the same
            arguments can succeed. None if only another `start` can help, as after `put`.
        consumed: Whether `upload` could not start over because the source was read and cannot seek.
    """

    def __init__(
        self,
        attachment_id: str,
        expires_at: datetime,
        server_time: datetime | None = None,
        attempts: int = 1,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(attachment_id, expires_at, server_time, attempts, retry_after)
        self.attachment_id = attachment_id
        self.expires_at = expires_at
        self.server_time = server_time
        self.attempts = attempts
        self.retry_after = retry_after
        self.consumed = False

    def __str__(self) -> str:
        return (
            f"attachment {self.attachment_id}: upload URL expired at"
            f" {self.expires_at.isoformat()}; start the upload again"
        )


class UploadTimeoutError(AttachConfirmError, TimeoutError):
    """The upload did not finish within `timeout`.

    Attributes:
        timeout: The time limit, in seconds.
        attachment_id: ID of the attachment, or None if the upload was not started.
        acknowledged: Whether S3 has all bytes. If True, call `confirm`.
    """

    def __init__(
        self, timeout: float, attachment_id: str | None = None, acknowledged: bool = False
    ) -> None:
        next_step = "S3 has all bytes, call confirm" if acknowledged else "upload again"
        super().__init__(f"upload timed out after {timeout:g} seconds; {next_step}")
        self.timeout = timeout
        self.attachment_id = attachment_id
        self.acknowledged = acknowledged

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.timeout, self.attachment_id, self.acknowledged), vars(self)


class AttachmentRejectedError(AttachConfirmError):
    """The attachment was confirmed, but failed the instance's size, type or scanner checks.

    Attributes:
        attachment_id: ID of the attachment.
        acknowledged: Always True, because S3 has all bytes.
    """

    acknowledged = True

    def __init__(self, attachment_id: str) -> None:
        super().__init__(attachment_id)
        self.attachment_id = attachment_id

    def __str__(self) -> str:
        return (
            f"attachment {self.attachment_id}: rejected after it was confirmed; check the"
            " instance's allowed file types, size limit and attachment scanner"
        )


class WaitTimeoutError(AttachConfirmError, TimeoutError):
    """The attachment was neither approved nor rejected within `timeout`, but still can be.

    Attributes:
        attachment_id: ID of the attachment.
        status: Last status in the transcript, or None if the attachment was not in it.
        timeout: Maximum wait time that was exceeded, in seconds.
        acknowledged: Always True, because S3 has all bytes.
    """

    acknowledged = True

    def __init__(self, attachment_id: str, status: AttachmentStatus | None, timeout: float) -> None:
        # TimeoutError inherits from OSError, which would parse these three arguments as an errno,
        # a message and a file name.
        super().__init__(f"attachment {attachment_id}")
        self.attachment_id = attachment_id
        self.status = status
        self.timeout = timeout

    def __str__(self) -> str:
        last_status = "not in the transcript" if self.status is None else self.status.value
        return (
            f"attachment {self.attachment_id}: still {last_status} after {self.timeout:g} seconds;"
            " wait again"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.attachment_id, self.status, self.timeout), vars(self)


class DownloadFailedError(AttachConfirmError):
    """The attachment could not be downloaded completely.

    Attributes:
        attachment_id: ID of the attachment.
        reason: Why the download failed.
        status_code: HTTP status code of the last response, or None if no response was received.
        error_code: S3's error code, for example `AccessDenied`, or None.
        retryable: Whether another attempt may succeed.
    """

    def __init__(
        self,
        attachment_id: str,
        reason: str,
        status_code: int | None = None,
        error_code: str | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(attachment_id, reason, status_code, error_code, retryable)
        self.attachment_id = attachment_id
        self.reason = reason
        self.status_code = status_code
        self.error_code = error_code
        self.retryable = retryable

    def __str__(self) -> str:
        return f"attachment {self.attachment_id}: download failed: {self.reason}"


_ANNOTATIONS = ("attachment_id", "acknowledged", "journal_key", "is_journal_error", "__notes__")


def annotate(error: BaseException, **attributes: Any) -> None:
    """Set attributes on any exception so that they survive pickling and copying.

    Args:
        error: The exception. It may be one of botocore's.
        **attributes: `attachment_id`; `acknowledged`, whether S3 has all bytes and the next step is
            `confirm`; `journal_key`, the key of the upload's entry in the journal;
            `is_journal_error`, whether the journal raised the error; `__notes__`.
    """
    vars(error).update(attributes)
    # The __reduce__ of botocore's exceptions drops attributes, and other libraries' may as well.
    # pickle and copy look up __reduce_ex__ on the instance, so it can be replaced there. Built-in
    # exceptions, which have no __weakref__, keep their attributes.
    if hasattr(error, "__weakref__"):
        vars(error)["__reduce_ex__"] = _Reducer(error)


@contextmanager
def annotate_errors(**attributes: Any) -> Iterator[None]:
    """Set attributes on every exception of the block, and make sure that it can be pickled.

    A connection error of botocore contains the request. Its pickle would contain the token, or it
    would fail because an unsigned request cannot be pickled.

    Args:
        **attributes: See `annotate`.
    """
    try:
        yield
    except BaseException as error:
        annotate(error, **attributes)
        raise


class _Reducer:
    """Reduces an exception like its class does, and adds the annotations."""

    def __init__(self, error: BaseException) -> None:
        # A strong reference would create a cycle, which keeps the traceback's frames alive.
        self._error = ref(error)

    def __call__(self, protocol: int) -> Any:
        error: Any = self._error()
        annotations = {name: vars(error)[name] for name in _ANNOTATIONS if name in vars(error)}
        if isinstance(error, HTTPClientError):
            # One of the values is the request, which contains the token.
            kwargs = {name: str(value) for name, value in error.kwargs.items()}
            return _restore, (_create_http_error, (type(error), kwargs), annotations)
        error_type: Any = type(error)
        constructor, arguments, *rest = error_type.__reduce_ex__(error, protocol)
        if rest and isinstance(rest[0], dict):
            rest[0] = {name: value for name, value in rest[0].items() if name != "__reduce_ex__"}
        return _restore, (constructor, arguments, annotations), *rest


def _create_http_error(error_type: Any, kwargs: dict[str, str]) -> BaseException:
    error: BaseException = error_type(**kwargs)
    return error


def _restore(constructor: Any, arguments: Any, annotations: dict[str, Any]) -> BaseException:
    error: BaseException = constructor(*arguments)
    annotate(error, **annotations)
    return error
