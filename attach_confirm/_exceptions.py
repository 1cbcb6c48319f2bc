"""Exceptions that this library adds to botocore's.

    AttachConfirmError
    ├── InvalidInputError (also ValueError): an argument is invalid; nothing was sent
    ├── UnexpectedResponseError : a 2xx response is truncated or did not come from the service
    ├── PutFailedError : S3 returned an error for the PUT
    ├── UploadUrlExpiredError : the presigned URL had expired
    ├── AttachmentRejectedError : confirmed, then rejected by the instance's checks
    └── WaitTimeoutError (also TimeoutError): neither approved nor rejected in time

The service's own errors are not in this tree. They reach you as botocore raised them
(`client.exceptions.ConflictException`, `ClientError`, `ReadTimeoutError` and so on).
`attach_confirm.advise` accepts both kinds. The exceptions of this tree never contain a token or the
query string of a presigned URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from attach_confirm._types import AttachmentStatus


class AttachConfirmError(Exception):
    """Base class of this library's exceptions."""


class InvalidInputError(AttachConfirmError, ValueError):
    """An argument is invalid, and nothing was sent.

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
    """The presigned URL had expired when the PUT reached S3. Start the upload again.

    Attributes:
        attachment_id: ID of the attachment that the URL belongs to.
        expires_at: Expiry time of the URL, an aware datetime in UTC.
    """

    def __init__(self, attachment_id: str, expires_at: datetime) -> None:
        super().__init__(attachment_id, expires_at)
        self.attachment_id = attachment_id
        self.expires_at = expires_at

    def __str__(self) -> str:
        return (
            f"attachment {self.attachment_id}: upload URL expired at"
            f" {self.expires_at.isoformat()}; start the upload again"
        )


class AttachmentRejectedError(AttachConfirmError):
    """The attachment was confirmed, but failed the instance's size, type or scanner checks.

    Attributes:
        attachment_id: ID of the attachment.
    """

    def __init__(self, attachment_id: str) -> None:
        super().__init__(attachment_id)
        self.attachment_id = attachment_id

    def __str__(self) -> str:
        return (
            f"attachment {self.attachment_id}: rejected after it was confirmed; check the"
            " instance's allowed file types, size limit and attachment scanner"
        )


class WaitTimeoutError(AttachConfirmError, TimeoutError):
    """The attachment was neither approved nor rejected in time. Either can still happen.

    Attributes:
        attachment_id: ID of the attachment.
        status: Last status in the transcript, or None if the attachment was not in it.
        timeout: Maximum wait time that was exceeded, in seconds.
    """

    def __init__(self, attachment_id: str, status: AttachmentStatus | None, timeout: float) -> None:
        # TimeoutError inherits from OSError, which would parse these three arguments as an errno,
        # a message and a file name.
        super().__init__(f"attachment {attachment_id}")
        self.attachment_id = attachment_id
        self.status = status
        self.timeout = timeout

    def __str__(self) -> str:
        last_status = "not in the transcript" if self.status is None else self.status.value
        return f"attachment {self.attachment_id}: {last_status} after {self.timeout:g} seconds"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.attachment_id, self.status, self.timeout)
