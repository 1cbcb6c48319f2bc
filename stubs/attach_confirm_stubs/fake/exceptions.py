"""The errors that the backend raises, with the statuses and bodies of the real ones."""

import json
from datetime import datetime
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

from moto.core.exceptions import JsonRESTError
from werkzeug.exceptions import HTTPException

from attach_confirm_stubs import _model

JSON = "application/json"


class ServiceError(JsonRESTError):
    """An error of the service's own, by the code that its model declares."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = _model.error_status(code)
        self.description = json.dumps({"Message": message})


class AccessDenied(ServiceError):
    """The token is not one that this operation takes."""

    def __init__(self) -> None:
        super().__init__("AccessDeniedException", "Access denied")


class Invalid(ServiceError):
    """The request breaks a constraint."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class Conflict(ServiceError):
    """The attachment is being, or was, completed by another request."""

    def __init__(self) -> None:
        super().__init__(
            "ConflictException",
            "An attachment with that identifier is already being uploaded.",
        )


class QuotaExceeded(ServiceError):
    """The chat has as many attachments as it may have."""

    def __init__(self) -> None:
        super().__init__(
            "ServiceQuotaExceededException",
            "The number of attachments per contact exceeds the quota.",
        )


class S3Error(HTTPException):
    """An error as S3 words it."""

    def __init__(self, status: int, code: str, message: str, **more: str) -> None:
        super().__init__()
        self.code = status
        request_id = uuid4().hex[:16].upper()
        members = {"Code": code, "Message": message, **more, "RequestId": request_id}
        inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in members.items())
        self.description = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'
        self._headers = [("Content-Type", "application/xml"), ("x-amz-request-id", request_id)]

    def get_headers(self, *_: Any) -> list[tuple[str, str]]:
        """Return the headers that S3 gives its errors."""
        return self._headers

    def get_body(self, *_: Any) -> str:
        """Return S3's XML."""
        return self.description or ""


class SignatureDoesNotMatch(S3Error):
    """The query, a signed header or the length is not what was signed."""

    def __init__(self) -> None:
        super().__init__(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided."
            " Check your key and signing method.",
        )


class HeadersNotSigned(S3Error):
    """The PUT asks S3 for more than was signed."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            403,
            "AccessDenied",
            "There were headers present in the request which were not signed",
            HeadersNotSigned=", ".join(names),
        )


class RequestExpired(S3Error):
    """The pre-signed URL's time is up."""

    def __init__(self, expired: datetime, now: datetime) -> None:
        super().__init__(
            403,
            "AccessDenied",
            "Request has expired",
            Expires=expired.strftime("%Y-%m-%dT%H:%M:%SZ"),
            ServerTime=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
