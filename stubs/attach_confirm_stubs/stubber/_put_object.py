"""The PUT of an attachment's bytes, which is S3's and goes past the service's API."""

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
EVENT = f"before-send.s3.{OPERATION}"
_SHOWN = 64


class _Bytes(bytes):
    """Bytes of which the beginning is format_call."""

    __slots__ = ()

    def __repr__(self) -> str:
        more = "" if len(self) <= _SHOWN else "..."
        return f"{self[:_SHOWN]!r}{more}"


def params(request: AWSPreparedRequest) -> dict[str, Any]:
    """Return what a PUT can be told by, by boto3's names for S3's PutObject."""
    body: Any = request.body
    media_type = request.headers.get("Content-Type")
    return {
        "Body": _Bytes(body.read() if hasattr(body, "read") else body),
        "ContentType": media_type.decode() if isinstance(media_type, bytes) else media_type,
    }


def producer(status: int, error_code: str) -> ResponseFactory:
    """Return what makes S3's answers, with S3's body where it is an error.

    Raises:
        ValueError: An error code does not go with the status.
    """
    failed = status >= HTTPStatus.MULTIPLE_CHOICES
    if error_code and not failed:
        raise ValueError(f"status={status} is no error; {error_code} comes with one, such as 403")
    parsed: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": status}}
    body = b""
    if failed:
        parsed["Error"] = {"Code": error_code or str(status), "Message": ""}
        body = f"<Error><Code>{escape(error_code)}</Code></Error>".encode()

    def produce(_: Params) -> StubbedResponse:
        return StubbedResponse(
            status, parsed, HTTPResponse(io.BytesIO(body), preload_content=False)
        )

    return produce
