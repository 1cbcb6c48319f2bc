"""The way in through moto, for requests of the same process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import botocore
import requests
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError
from moto.s3.responses import S3Response

from attach_confirm_stubs.fake import _faults, _start_chat_contact, exceptions, responses
from attach_confirm_stubs.fake._http import Request, Response, normalize_headers, truncate
from attach_confirm_stubs.fake._presigned_urls import KEY_ID
from attach_confirm_stubs.fake.models._chats import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from moto.core.common_types import TYPE_RESPONSE


# Since 1.43.115 botocore takes half a body for the whole. Before, urllib3 2 raised for it.
BOTOCORE_DETECTS_TRUNCATION = tuple(map(int, botocore.__version__.split(".")[:3])) < (1, 43, 115)


# botocore takes what its own HTTP layer would raise, and tries again. `requests` gets the same
# exception from moto, so each is one of requests' too.


class _ConnectTimeout(ConnectTimeoutError, requests.exceptions.ConnectTimeout):
    pass


class _ReadTimeout(ReadTimeoutError, requests.exceptions.ReadTimeout):
    pass


class _ConnectionClosed(ConnectionClosedError, requests.exceptions.ConnectionError):
    pass


def api(request: Any, full_url: str, _: Any) -> TYPE_RESPONSE:
    """Answer a request to the service."""
    return _given(responses.dispatch, _from_moto(request, full_url))


def place(request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
    """Answer a request to the place of the attachments, where it comes with the fake's own URL.

    What else is asked of the place is moto's S3's own business.
    """
    url, sent = urlsplit(full_url), normalize_headers(request.headers.items())
    (credential,) = parse_qs(url.query).get("X-Amz-Credential", [""])[:1]
    unsigned_put = request.method == "PUT" and not credential and "authorization" not in sent
    if unsigned_put or credential.startswith(f"{KEY_ID}/"):
        bucket, key = url.netloc.partition(".")[0], url.path.lstrip("/")
        return _given(
            lambda ours: responses.dispatch_s3(ours, bucket, key),
            _from_moto(request, full_url),
        )
    return S3Response().key_response(request, full_url, headers)


def chat_start(request: Any, full_url: str, _: Any) -> TYPE_RESPONSE:
    """Answer StartChatContact of Amazon Connect."""
    return _given(_start_chat_contact.respond, _from_moto(request, full_url))


def _given(respond: Callable[[Request], Response], request: Request) -> TYPE_RESPONSE:
    try:
        answer = respond(request)
    except exceptions.ResponseNotDelivered as lost:
        if lost.response is None or not _comes_cut(lost.fault):
            raise _raised(lost.fault, request.url) from None
        answer = truncate(lost.response)
    return answer.status, answer.headers, answer.body


def _comes_cut(fault: _faults.Fault) -> bool:
    return isinstance(fault, _faults.TruncatedResponse) and not BOTOCORE_DETECTS_TRUNCATION


def _raised(fault: _faults.Fault, url: str) -> Exception:
    match fault:
        case _faults.ConnectTimeout():
            return _ConnectTimeout(endpoint_url=url)
        case _faults.ReadTimeout():
            return _ReadTimeout(endpoint_url=url)
    return _ConnectionClosed(endpoint_url=url)


def _from_moto(request: Any, url: str) -> Request:
    """Return a request as moto hands it over, and leave its body to be read again.

    moto before 5.2.4 hands over botocore's own where botocore made it, and werkzeug's, whose
    header names know no underscore, where `requests` did; since then always werkzeug's.
    """
    headers = normalize_headers(request.headers.items())
    return Request(request.method, url, headers, _body(request), clock.advance)


def _body(request: Any) -> bytes:
    if hasattr(request, "get_data"):
        # Kept whole, also where the file is a web form that werkzeug would take apart.
        data: bytes = request.get_data()
        return data
    if hasattr(request.body, "read"):
        request.body = request.body.read()
    body = request.body or b""
    return body if isinstance(body, bytes) else body.encode()
