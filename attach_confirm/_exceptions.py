"""The errors that this library adds to botocore's.

    AttachConfirmError
    ├── InvalidInputError (also ValueError): an argument is invalid; nothing was sent
    ├── UnexpectedResponseError : a 2xx that is not the service's, or is truncated
    ├── PutFailedError : S3 returned an error for the PUT
    ├── UploadUrlExpiredError : the presigned URL had expired
    ├── AttachmentRejectedError : confirmed, then rejected by the instance's checks
    └── WaitTimeoutError (also TimeoutError): neither approved nor rejected in time

The service's own errors are not in this tree: they reach the caller as botocore raised them
(`client.exceptions.ConflictException`, `ClientError`, `ReadTimeoutError` and so on), and
`attach_confirm.advise` knows them all. No text of any of these errors holds a token or the query of
a pre-signed URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from attach_confirm._types import AttachmentStatus


class AttachConfirmError(Exception):
    """The root of this library's own errors."""


class InvalidInputError(AttachConfirmError, ValueError):
    """An argument cannot be right, and nothing was sent because of it.

    Attributes:
        parameter: The argument's name, as the function called spells it.
        problem: What is wrong with it and what would be right. Never a token's text.
    """

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(parameter, problem)
        self.parameter = parameter
        self.reason = problem

    def __str__(self) -> str:
        return f"{self.parameter}: {self.reason}"


class UnexpectedResponseError(AttachConfirmError):
    """An HTTP success that is not the service's, such as a captive proxy's page, or half of one.

    Attributes:
        operation: The API operation that was called.
        problem: What the answer lacks or holds.
    """

    def __init__(self, operation: str, problem: str) -> None:
        super().__init__(operation, problem)
        self.operation = operation
        self.reason = problem

    def __str__(self) -> str:
        return f"{self.operation} got no answer that is the service's and whole: {self.reason}"


class PutFailedError(AttachConfirmError):
    """S3 refused the file: the PUT's answer was not 2xx.

    Attributes:
        status_code: The HTTP status.
        error_code: S3's error code, such as `SignatureDoesNotMatch`; None if the body has none.
        request_id: S3's request id, for a support case; None where the answer named none.
    """

    def __init__(self, status_code: int, error_code: str | None, request_id: str | None) -> None:
        super().__init__(status_code, error_code, request_id)
        self.status_code = status_code
        self.error_code = error_code
        self.request_id = request_id

    def __str__(self) -> str:
        return (
            f"the upload was refused: HTTP {self.status_code}, {self.error_code or 'no error code'}"
            f" (request id {self.request_id or 'unknown'})"
        )


class UploadUrlExpiredError(AttachConfirmError):
    """The pre-signed URL had expired when the PUT reached S3; a new start gives a new one.

    Attributes:
        attachment_id: The attachment whose URL it was.
        expires_at: When it expired, an aware datetime in UTC.
    """

    def __init__(self, attachment_id: str, expires_at: datetime) -> None:
        super().__init__(attachment_id, expires_at)
        self.attachment_id = attachment_id
        self.expires_at = expires_at

    def __str__(self) -> str:
        return (
            f"the upload URL of attachment {self.attachment_id} expired at"
            f" {self.expires_at.isoformat()}: start the upload again"
        )


class AttachmentRejectedError(AttachConfirmError):
    """The transcript says REJECTED: the instance's size, type or scanner checks refused the file.

    Attributes:
        attachment_id: The attachment.
    """

    def __init__(self, attachment_id: str) -> None:
        super().__init__(attachment_id)
        self.attachment_id = attachment_id

    def __str__(self) -> str:
        return (
            f"attachment {self.attachment_id} was confirmed, then rejected: check the instance's"
            " allowed file types, its size limit and its attachment scanner"
        )


class WaitTimeoutError(AttachConfirmError, TimeoutError):
    """The attachment was neither approved nor rejected in time. It may still be.

    Attributes:
        attachment_id: The attachment.
        status: What the transcript said last; None where no item bore the id.
        timeout: How long it was waited for, in seconds.
    """

    def __init__(self, attachment_id: str, status: AttachmentStatus | None, timeout: float) -> None:
        # OSError, the parent of TimeoutError, would take three arguments for an errno and so on.
        super().__init__(f"attachment {attachment_id}")
        self.attachment_id = attachment_id
        self.status = status
        self.timeout = timeout

    def __str__(self) -> str:
        seen = "not in the transcript" if self.status is None else self.status.value
        return f"attachment {self.attachment_id} was {seen} after {self.timeout:g} seconds"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.attachment_id, self.status, self.timeout)
