"""What the fake answers instead of success, with the statuses and bodies of the real ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4
from xml.sax.saxutils import escape

from attach_confirm_stubs import _service_model
from attach_confirm_stubs.fake import _faults
from attach_confirm_stubs.fake._http import Response

if TYPE_CHECKING:
    from datetime import datetime


# Of errors that the service's model does not declare.
_STATUSES = {"MissingAuthenticationTokenException": 403, "UnknownOperationException": 404}


class ErrorResponse(Exception):
    """A request that is answered with an error."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.error_code)
        self.response = response


class ResponseNotDelivered(Exception):
    """A request whose answer does not reach the caller.

    Attributes:
        fault: Why.
        response: The answer, where there was one.
    """

    def __init__(self, fault: _faults.Fault, response: Response | None = None) -> None:
        super().__init__(fault)
        self.fault = fault
        self.response = response


class ServiceError(ErrorResponse):
    """An error of the service's own, by its code."""

    def __init__(self, code: str, message: str) -> None:
        headers = {
            "content-type": "application/json",
            "x-amzn-errortype": code,
            "x-amzn-requestid": str(uuid4()),
        }
        body = json.dumps({"Message": message}).encode()
        status = (
            _service_model.error_status(code)
            if _service_model.error_shape(code)
            else _STATUSES.get(code, 400)
        )
        super().__init__(Response(status, headers, body, code))


class AccessDeniedException(ServiceError):
    """The token is not one that this operation takes."""

    def __init__(self) -> None:
        super().__init__("AccessDeniedException", "Access denied")


class ValidationException(ServiceError):
    """The request breaks a constraint."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class ServiceQuotaExceededException(ServiceError):
    """The chat has as many attachments as it may have."""

    def __init__(self) -> None:
        super().__init__(
            "ServiceQuotaExceededException",
            "The number of attachments per contact exceeds the quota.",
        )


class ThrottlingException(ServiceError):
    """The instance has too many requests."""

    def __init__(self) -> None:
        super().__init__("ThrottlingException", "Rate exceeded")


class S3Error(ErrorResponse):
    """An error as S3 words it."""

    def __init__(self, code: str, message: str, **more: str) -> None:
        request_id = uuid4().hex[:16].upper()
        members = {"Code": code, "Message": message, **more, "RequestId": request_id}
        inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in members.items())
        headers = {"content-type": "application/xml", "x-amz-request-id": request_id}
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()
        super().__init__(Response(_faults.S3_ERRORS.get(code, 404), headers, body, code))


class SignatureDoesNotMatch(S3Error):
    """The query, a signed header or the length is not what was signed."""

    def __init__(self) -> None:
        super().__init__(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided."
            " Check your key and signing method.",
        )


class HeadersNotSigned(S3Error):
    """The PUT asks S3 for more than was signed."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            HeadersNotSigned=", ".join(names),
        )


class RequestExpired(S3Error):
    """The pre-signed URL's time is up."""

    def __init__(self, expired: datetime, now: datetime) -> None:
        super().__init__(
            "AccessDenied",
            "Request has expired",
            Expires=expired.strftime("%Y-%m-%dT%H:%M:%SZ"),
            ServerTime=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
