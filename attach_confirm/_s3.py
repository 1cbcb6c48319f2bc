"""Check presigned URLs, and recognize and parse S3's responses."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from attach_confirm import _responses
from attach_confirm._exceptions import UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from types_boto3_connectparticipant.client import ConnectParticipantClient

_S3_HEADERS = frozenset({"etag", "x-amz-request-id"})
_MAX_XML_SIZE = 1024 * 1024
_EXPIRED_ERROR_CODES = frozenset({"ExpiredToken", "RequestExpired"})


class S3Error(NamedTuple):
    """An error response of S3, or of a proxy.

    Attributes:
        code: S3's error code, or None.
        request_id: S3's request ID, or None.
        server_time: Time of S3's response, as a timezone-aware datetime in UTC, or None.
        is_expired: Whether S3 reported that the presigned URL has expired.
    """

    code: str | None
    request_id: str | None
    server_time: datetime | None
    is_expired: bool


def validate_url(client: ConnectParticipantClient, operation: str, url: str) -> None:
    """Raise if a presigned URL cannot be used.

    Args:
        client: The client that received the URL.
        operation: Name of the API operation that returned the URL. Used in error messages.
        url: The presigned URL.

    Raises:
        UnexpectedResponseError: The URL is malformed, or it is not https although the client's
            endpoint is.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UnexpectedResponseError(operation, "the presigned URL is malformed") from None
    if parts.scheme not in {"https", urlsplit(client.meta.endpoint_url).scheme}:
        raise UnexpectedResponseError(operation, "the presigned URL is not https")
    if not parts.hostname:
        raise UnexpectedResponseError(operation, "the presigned URL is malformed")


def is_from_s3(headers: Mapping[str, str]) -> bool:
    """Return whether a response came from S3, and not from a proxy or a captive portal.

    Args:
        headers: The response's headers.
    """
    return not _S3_HEADERS.isdisjoint(name.lower() for name in headers)


def parse_error(headers: Mapping[str, str], body: bytes) -> S3Error:
    """Parse an error response.

    Args:
        headers: The response's headers. The lookup must ignore case.
        body: The response's body. A body that is not S3's XML has no error code.
    """
    if "Content-Encoding" in headers:
        body = _decompress(body)
    try:
        error = ET.fromstring(body)  # noqa: S314
    except (ET.ParseError, LookupError, ValueError):
        # expat raises LookupError or ValueError if it does not know the encoding of the XML.
        error = ET.Element("Error")
    code = error.findtext("Code") or None
    is_expired = code == "AccessDenied" and (
        error.find("Expires") is not None or error.findtext("Message") == "Request has expired"
    )
    return S3Error(
        code=code,
        request_id=error.findtext("RequestId") or headers.get("x-amz-request-id"),
        server_time=_responses.parse_time(error.findtext("ServerTime") or headers.get("Date")),
        is_expired=is_expired or code in _EXPIRED_ERROR_CODES,
    )


def _decompress(body: bytes) -> bytes:
    """Return the bytes of a body in the format of gzip or zlib, or else the body.

    A proxy may compress a response although the request does not accept that.
    """
    with suppress(zlib.error):
        # These bits detect the format. The limit protects against a body of zeros.
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, _MAX_XML_SIZE)
    return body
