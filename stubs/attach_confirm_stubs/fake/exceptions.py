"""Error responses of the service and of S3, and faults that affect the connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from attach_confirm_stubs import _service_model
from attach_confirm_stubs.fake import _faults
from attach_confirm_stubs.fake._http import Response, json_response, new_s3_request_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


# Statuses of errors that the Participant Service does not declare. Any other error has 400.
_STATUSES = {
    "ContactNotFoundException": 410,
    "InternalServiceException": 500,
    "LimitExceededException": 429,
    "MissingAuthenticationTokenException": 403,
    "TooManyRequestsException": 429,
    "UnknownOperationException": 404,
}


class ErrorResponse(Exception):
    """An error response to a request.

    Attributes:
        response: The response.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response.error_code)
        self.response = response


class ResponseNotDelivered(Exception):
    """An injected fault prevents the delivery of a response.

    Attributes:
        fault: The injected fault.
        response: The response to truncate or drop, or None if the service did not process the
            request.
    """

    def __init__(self, fault: _faults.Fault, response: Response | None = None) -> None:
        super().__init__(fault)
        self.fault = fault
        self.response = response


class ServiceError(ErrorResponse):
    """An error of the service, in JSON."""

    def __init__(self, code: str, message: str) -> None:
        status = (
            _service_model.error_status(code)
            if _service_model.error_shape(code)
            else _STATUSES.get(code, 400)
        )
        body = json.dumps({"Message": message})
        super().__init__(json_response(body, status=status, error_code=code))


class AccessDeniedException(ServiceError):
    """The token is invalid, or does not permit the operation."""

    def __init__(self) -> None:
        super().__init__("AccessDeniedException", "Access denied")


class ValidationException(ServiceError):
    """A parameter is invalid."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class ServiceQuotaExceededException(ServiceError):
    """The chat has reached its number of attachments."""

    def __init__(self) -> None:
        super().__init__(
            "ServiceQuotaExceededException",
            "The number of attachments per contact exceeds the quota.",
        )


class ThrottlingException(ServiceError):
    """The instance has exceeded its request rate."""

    def __init__(self) -> None:
        super().__init__("ThrottlingException", "Rate exceeded")


class S3Error(ErrorResponse):
    """An error of S3, in XML."""

    def __init__(self, code: str, message: str, **members: str) -> None:
        request_id = new_s3_request_id()
        elements = {"Code": code, "Message": message, **members, "RequestId": request_id}
        xml = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in elements.items())
        headers = {"content-type": "application/xml", "x-amz-request-id": request_id}
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{xml}</Error>'.encode()
        super().__init__(Response(_faults.S3_ERRORS.get(code, 404), headers, body, code))


class SignatureDoesNotMatch(S3Error):
    """The query, a signed header or the length differs from what was signed."""

    def __init__(self) -> None:
        super().__init__(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided."
            " Check your key and signing method.",
        )


class HeadersNotSigned(S3Error):
    """The request has `x-amz-` headers that were not signed."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            HeadersNotSigned=", ".join(names),
        )


class RequestExpired(S3Error):
    """The presigned URL has expired."""

    def __init__(self, expired: datetime, now: datetime) -> None:
        super().__init__(
            "AccessDenied",
            "Request has expired",
            Expires=expired.strftime("%Y-%m-%dT%H:%M:%SZ"),
            ServerTime=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )


def to_response(handler: Callable[[], Response]) -> Response:
    """Return the handler's response, or the error response that it raises."""
    try:
        return handler()
    except ErrorResponse as error:
        return error.response
