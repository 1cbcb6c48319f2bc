"""Adapt moto's requests to the fake's handlers, and their responses to moto."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import botocore
import requests
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError
from moto.s3.responses import S3Response

from attach_confirm_stubs.fake import _dispatch, _faults, _patterns, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake._http import Request, Response, normalize_headers, truncate
from attach_confirm_stubs.fake._presigned_urls import ACCESS_KEY_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from moto.core.common_types import TYPE_RESPONSE


# Since 1.43.115 botocore accepts a truncated body. Before, urllib3 2 raised an error.
BOTOCORE_DETECTS_TRUNCATION = tuple(map(int, botocore.__version__.split(".")[:3])) < (1, 43, 115)


# botocore retries on the exceptions of its own HTTP layer. moto raises the same exception to
# callers of `requests`, so each class derives from both libraries' exceptions.


class _ConnectTimeout(ConnectTimeoutError, requests.exceptions.ConnectTimeout):
    pass


class _ReadTimeout(ReadTimeoutError, requests.exceptions.ReadTimeout):
    pass


class _ConnectionClosed(ConnectionClosedError, requests.exceptions.ConnectionError):
    pass


def api(request: Any, full_url: str, _: Any) -> TYPE_RESPONSE:
    """Handle a request to the Participant Service or to Amazon Connect."""
    return _handle(_dispatch.dispatch, _from_moto(request, full_url))


def s3_object(request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
    """Handle a request to an object URL of the attachments' bucket.

    Presigned requests with the fake's access key and unsigned PUTs are handled by the fake.
    Other S3 requests are passed to moto.
    """
    request_headers = normalize_headers(request.headers.items())
    query = parse_qs(urlsplit(full_url).query)
    credential = query.get("X-Amz-Credential", [""])[0]
    is_unsigned = not credential and "authorization" not in request_headers
    if (request.method == "PUT" and is_unsigned) or credential.startswith(f"{ACCESS_KEY_ID}/"):
        bucket, key = _patterns.split_object_url(full_url)
        return _handle(
            lambda converted: _dispatch.dispatch_s3(converted, bucket, key),
            _from_moto(request, full_url),
        )
    return S3Response().key_response(request, full_url, headers)


def _handle(handler: Callable[[Request], Response], request: Request) -> TYPE_RESPONSE:
    try:
        response = handler(request)
    except exceptions.ResponseNotDelivered as error:
        if error.response is None or not _delivers_truncated(error.fault):
            raise _exception_for(error.fault, request.url) from None
        response = truncate(error.response)
    return response.status, response.headers, response.body


def _delivers_truncated(fault: _faults.Fault) -> bool:
    return isinstance(fault, _faults.TruncatedResponse) and not BOTOCORE_DETECTS_TRUNCATION


def _exception_for(fault: _faults.Fault, url: str) -> Exception:
    match fault:
        case _faults.ConnectTimeout():
            return _ConnectTimeout(endpoint_url=url)
        case _faults.ReadTimeout():
            return _ReadTimeout(endpoint_url=url)
    return _ConnectionClosed(endpoint_url=url)


def _from_moto(request: Any, url: str) -> Request:
    """Convert a request from moto, whose body can be read again afterwards.

    moto before 5.2.4 passes botocore's request if botocore sent it, and werkzeug's if `requests`
    did. Later versions always pass werkzeug's. werkzeug replaces underscores in header names.
    """
    headers = normalize_headers(request.headers.items())
    body = _read_body(request)
    return Request(request.method, url, headers, len(body), lambda: body, clock.advance)


def _read_body(request: Any) -> bytes:
    if hasattr(request, "get_data"):
        # `get_data` returns the body of a web form unparsed, which other accessors consume.
        data: bytes = request.get_data()
        return data
    if hasattr(request.body, "read"):
        request.body = request.body.read()
    body = request.body or b""
    return body if isinstance(body, bytes) else body.encode()
