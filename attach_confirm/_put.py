"""Step 2: send the bytes to the presigned URL."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionClosedError, HTTPClientError
from botocore.exceptions import ConnectionError as BotocoreConnectionError

from attach_confirm import _http, _redaction, _responses, _retry, _source, _validation
from attach_confirm._exceptions import (
    InvalidInputError,
    PutFailedError,
    UnexpectedResponseError,
    UploadUrlExpiredError,
)
from attach_confirm._retry import is_retryable

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.awsrequest import AWSResponse
    from botocore.httpsession import URLLib3Session
    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm._start import PendingUpload
    from attach_confirm._types import FileSource

_INITIAL_BACKOFF = 0.5
_MAX_BACKOFF = 30.0

_SUCCESS_STATUSES = range(200, 300)
_HTTP_ERRORS = (HTTPClientError, BotocoreConnectionError)
_EXPIRED_ERROR_CODES = frozenset({"ExpiredToken", "RequestExpired"})
_S3_HEADERS = frozenset({"etag", "x-amz-request-id"})


def put(
    client: ConnectParticipantClient,
    pending: PendingUpload,
    source: FileSource,
    *,
    callback: Callable[[int], object] | None = None,
) -> None:
    """Send a file's bytes to the presigned URL that `start` returned.

    The request uses botocore's HTTP layer with the client's proxies, timeouts and certificates,
    and the client's `before-send` handlers receive it. It sends all of `pending.headers` unchanged.
    The body is streamed, so memory use does not grow with the file size.

    botocore does not retry this request, so this function does. It retries connection errors,
    timeouts, truncated error responses, HTTP 408, 429, 500, 502, 503 and 504, and S3's
    RequestTimeout and SlowDown, until the URL expires by this machine's clock. The delay before
    retry n is min(30, 0.5 * 2**(n-1)) seconds plus up to 0.5 seconds of jitter. The first attempt
    does not depend on the clock. Retrying is safe, because a repeated PUT replaces the object
    (source: the S3 user guide on presigned URLs).

    Args:
        client: The client that you passed to `start`.
        pending: The upload that `start` returned.
        source: A path, bytes, or a binary file. A file is sent from its current position and is
            not closed.
        callback: Called with the number of bytes sent since its last call, like boto3's
            `Callback`. When a retry starts over, it is called with a negative number. An exception
            from it aborts the upload.

    Raises:
        InvalidInputError: The source cannot be read, or its size differs from the size that was
            passed to `start`.
        PutFailedError: S3 returned a status other than 2xx at the last attempt.
        UploadUrlExpiredError: S3 reported that the URL has expired.
        UnexpectedResponseError: The URL is malformed, or it is not https although the client's
            endpoint is; or a 2xx response did not come from S3.
        botocore.exceptions.HTTPClientError: The connection failed at the last attempt.
        botocore.exceptions.ConnectionError: The connection failed at the last attempt.
    """
    _validation.get_operation_model(client, "StartAttachmentUpload")
    with _source.open_source(source) as opened:
        put_stream(client, pending, opened, callback)


def put_stream(
    client: ConnectParticipantClient,
    pending: PendingUpload,
    source: _source.Source,
    callback: Callable[[int], object] | None,
) -> None:
    """Send the bytes of an open source; otherwise the same as `put`.

    Args:
        client: The client that was passed to `start`.
        pending: The upload that `start` returned.
        source: The open source.
        callback: Called with the number of bytes sent since its last call, or None.
    """
    from tenacity import wait_exponential, wait_random  # noqa: PLC0415

    headers = _encode_headers(pending, source.size)
    scheme = _url_scheme(pending.url)
    if urlsplit(client.meta.endpoint_url).scheme == "https" != scheme:
        raise UnexpectedResponseError("StartAttachmentUpload", "the upload URL is not https")
    deadline = _retry.Deadline(_seconds_left(pending))
    body = _source.UploadBody(source, callback)

    def attempt(session: URLLib3Session) -> Exception | None:
        body.rewind()
        request = AWSRequest("PUT", pending.url, headers, body).prepare()
        error: Exception | None
        try:
            response = _http.send_request(client, session, request, "s3.PutObject")
        except _HTTP_ERRORS as http_error:
            error = http_error
        else:
            error = _error_from_response(response, pending)
        if body.error is not None:
            raise body.error
        return error

    # Only returned errors can be retried. Exceptions propagate immediately.
    retrying = _retry.create_retrying(
        deadline,
        retry_if=is_retryable,
        wait=wait_exponential(multiplier=_INITIAL_BACKOFF, max=_MAX_BACKOFF)
        + wait_random(0, _INITIAL_BACKOFF),
        stop=lambda retry_state: retry_state.upcoming_sleep >= deadline.remaining(),
    )
    with _http.http_session(client, pending.url) as session:
        error = retrying(attempt, session)
    if error is not None:
        raise error


def _seconds_left(pending: PendingUpload) -> float:
    return (pending.expires_at - datetime.now(timezone.utc)).total_seconds()


def _url_scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        raise UnexpectedResponseError(
            "StartAttachmentUpload", "the upload URL is malformed"
        ) from None


def _encode_headers(pending: PendingUpload, size: int) -> dict[str, bytes]:
    """Return the headers for the PUT, encoded in UTF-8 as they were signed.

    Raises:
        InvalidInputError: The signed Content-Length is not the size of the source.
    """
    headers = {name: value.encode() for name, value in pending.headers.items()}
    declared_lengths = [
        value for name, value in pending.headers.items() if name.lower() == "content-length"
    ]
    if not declared_lengths:
        headers["Content-Length"] = str(size).encode()
    elif declared_lengths != [str(size)]:
        raise InvalidInputError(
            "source",
            f"has {size} bytes, but the upload was started with a size of {declared_lengths[0]}",
        )
    return headers


def _error_from_response(response: AWSResponse, pending: PendingUpload) -> Exception | None:
    """Return the error for an HTTP response, or None if S3 stored the file."""
    if response.status_code not in _SUCCESS_STATUSES:
        # A truncated body may have lost the error code, so it cannot be classified: retry it.
        if _responses.is_truncated(response.headers, response.content):
            return _connection_closed(pending)
        return _parse_s3_error(response, pending)
    # S3's response to a PUT has an ETag and an empty body.
    if response.content and not _S3_HEADERS & {name.lower() for name in response.headers}:
        content_type = response.headers.get("Content-Type", "unknown type")
        return UnexpectedResponseError(
            "PutObject", f"no ETag, no request ID, and a body of {content_type}"
        )
    return None


def _connection_closed(pending: PendingUpload) -> ConnectionClosedError:
    return ConnectionClosedError(endpoint_url=_redaction.redact_query_strings(pending.url))


def _parse_s3_error(
    response: AWSResponse, pending: PendingUpload
) -> PutFailedError | UploadUrlExpiredError:
    try:
        error = ET.fromstring(response.content)  # noqa: S314
    except (ET.ParseError, LookupError, ValueError):
        # expat raises LookupError or ValueError if it does not know the encoding of the XML.
        error = ET.Element("Error")
    code = error.findtext("Code") or None
    is_expired = code == "AccessDenied" and error.find("Expires") is not None
    if is_expired or code in _EXPIRED_ERROR_CODES:
        return UploadUrlExpiredError(pending.attachment_id, pending.expires_at)
    request_id = error.findtext("RequestId") or response.headers.get("x-amz-request-id")
    return PutFailedError(response.status_code, code, request_id)
