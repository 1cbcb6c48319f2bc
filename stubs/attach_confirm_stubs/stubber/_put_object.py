"""Stubs for the PUT of an attachment's bytes, which goes to S3 and not to the service's API."""

from __future__ import annotations

import io
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from urllib3 import HTTPResponse

from attach_confirm_stubs.stubber._responses import StubbedResponse

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

    from attach_confirm_stubs.stubber._stub import Params, ResponseFactory

OPERATION = "PutObject"
BEFORE_SEND_EVENT = f"before-send.s3.{OPERATION}"
_REPR_LENGTH = 64


class _TruncatedReprBytes(bytes):
    """Bytes whose `repr` shows only the beginning, so that messages stay short."""

    __slots__ = ()

    def __repr__(self) -> str:
        ellipsis = "" if len(self) <= _REPR_LENGTH else "..."
        return f"{self[:_REPR_LENGTH]!r}{ellipsis}"


class _ReadBody(io.BytesIO):
    """The body of a request that was read to match it, in the form that `put` sends."""

    can_rewind = True

    def rewind(self) -> None:
        """Return to the first byte."""
        self.seek(0)


def params_from_request(request: AWSPreparedRequest) -> dict[str, Any]:
    """Return the parameters of a PUT that can be stubbed, named as in boto3's `put_object`."""
    body: Any = request.body
    content_type = request.headers.get("Content-Type")
    return {
        "Body": _TruncatedReprBytes(body.read() if hasattr(body, "read") else body),
        "ContentType": content_type.decode() if isinstance(content_type, bytes) else content_type,
    }


def allow_reading_again(request: AWSPreparedRequest, data: bytes) -> None:
    """Replace the body of a request that was read."""
    body: Any = _ReadBody(data)
    request.body = body


def s3_response_factory(status: int, error_code: str) -> ResponseFactory:
    """Return a factory of S3 responses, with an XML error body if the status is an error.

    Raises:
        ValueError: `error_code` is set, and `status` is not an error status.
    """
    is_error = status >= HTTPStatus.MULTIPLE_CHOICES
    if error_code and not is_error:
        raise ValueError(
            f"status={status} is not an error status; pass one with error_code={error_code!r},"
            " for example status=403"
        )
    parsed: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": status}}
    body = b""
    if is_error:
        parsed["Error"] = {"Code": error_code or str(status), "Message": ""}
        body = f"<Error><Code>{escape(error_code)}</Code></Error>".encode()

    def make_response(_: Params) -> StubbedResponse:
        raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        response = StubbedResponse(status, parsed, raw)
        if not is_error:
            # `attach_confirm.put` does not accept a success without one of S3's headers.
            response.http_response.headers["ETag"] = '"d41d8cd98f00b204e9800998ecf8427e"'
        return response

    return make_response
