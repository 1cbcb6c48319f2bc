"""The errors that this library adds to botocore's.

    AttachConfirmError
    ├── InvalidInput        (also ValueError)    refused here, before anything was sent
    ├── UnexpectedAnswer                         a success that is not the service's, or cut off
    ├── PutRefused                               S3 answered the PUT with other than 2xx
    ├── UploadExpired                            the pre-signed URL was used after its time
    ├── AttachmentRejected                       confirmed, then refused by the service's checks
    └── WaitTimeout         (also TimeoutError)  not decided in the time given

The service's own errors are not in this tree: they reach the caller as botocore raised them
(`client.exceptions.ConflictException`, `ClientError`, `ReadTimeoutError` and so on), and
`attach_confirm.advise` knows them all. No text of any of these errors holds a token or the query of
a pre-signed URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from attach_confirm._status import AttachmentStatus


class AttachConfirmError(Exception):
    """The root of this library's own errors."""


class InvalidInput(AttachConfirmError, ValueError):
    """An argument cannot be right, and nothing was sent because of it.

    Attributes:
        parameter: The argument's name, as the function called spells it.
        problem: What is wrong with it and what would be right. Never a token's text.
    """

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(parameter, problem)
        self.parameter = parameter
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.parameter}: {self.problem}"


class UnexpectedAnswer(AttachConfirmError):
    """An HTTP success that is not the service's, such as a captive proxy's page, or half of one.

    Attributes:
        operation: The API operation that was called.
        problem: What the answer lacks or holds.
    """

    def __init__(self, operation: str, problem: str) -> None:
        super().__init__(operation, problem)
        self.operation = operation
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.operation} got no answer that is the service's and whole: {self.problem}"


class PutRefused(AttachConfirmError):
    """S3 refused the file: the PUT's answer was not 2xx.

    Attributes:
        status: The HTTP status.
        code: S3's error code, such as `SignatureDoesNotMatch`; None where the body named none.
        request_id: S3's request id, for a support case; None where the answer named none.
    """

    def __init__(self, status: int, code: str | None, request_id: str | None) -> None:
        super().__init__(status, code, request_id)
        self.status = status
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        return (
            f"the upload was refused: HTTP {self.status}, {self.code or 'no error code'}"
            f" (request id {self.request_id or 'unknown'})"
        )


class UploadExpired(AttachConfirmError):
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


class AttachmentRejected(AttachConfirmError):
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


class WaitTimeout(AttachConfirmError, TimeoutError):
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
