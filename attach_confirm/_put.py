"""Step 2: send the bytes to the presigned URL."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionClosedError, HTTPClientError
from botocore.exceptions import ConnectionError as BotocoreConnectionError

from attach_confirm import (
    _clock,
    _deadline,
    _http,
    _redaction,
    _responses,
    _retry,
    _s3,
    _source,
    _validation,
)
from attach_confirm._exceptions import (
    InvalidInputError,
    PutFailedError,
    UnexpectedResponseError,
    UploadTimeoutError,
    UploadUrlExpiredError,
    annotate_errors,
)
from attach_confirm._retry import is_retryable

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.awsrequest import AWSResponse
    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm._start import PendingUpload
    from attach_confirm._types import FileSource

_SUCCESS_STATUSES = range(200, 300)
_HTTP_ERRORS = (HTTPClientError, BotocoreConnectionError)

_logger = logging.getLogger("attach_confirm")


def put(
    client: ConnectParticipantClient,
    pending: PendingUpload,
    source: FileSource,
    *,
    timeout: float | None = None,
    callback: Callable[[int], object] | None = None,
) -> int:
    """Send a file's bytes to the presigned URL that `start` returned.

    The request uses the client's proxies, timeouts and certificates, and the client's `before-send`
    handlers receive it. If `attach_confirm.client` did not create the client, its `verify` argument
    is unknown, and the CA bundle of the environment or of the default profile is used. The request
    has all of `pending.headers` unchanged. Before the body is sent, S3 is asked for permission with
    `Expect: 100-continue`. The body is streamed, so memory use does not grow with the file size.

    botocore does not retry this request, so this function does. It retries connection errors,
    timeouts, truncated responses, HTTP 408, 429, 500, 502, 503 and 504, and S3's RequestTimeout and
    SlowDown, until the URL expires by this machine's clock. The delay before retry n is
    min(30, 0.5 * 2**(n-1)) seconds plus up to 0.5 seconds of jitter. The first attempt does not
    depend on the clock. Retrying is safe, because a repeated PUT replaces the object (source: the
    S3 user guide on presigned URLs).

    Args:
        client: The client that you passed to `start`.
        pending: The upload that `start` returned.
        source: A path, bytes, or a binary file. A file is sent from its current position and is
            not closed. If the call fails, the file returns to that position. A stream that cannot
            seek is sent as it is read, and is not read beyond the upload's size. After its first
            byte was read, nothing is retried, and a repeated call needs a new stream.
        timeout: Maximum time for all attempts, in seconds. After it has passed, no attempt begins,
            but an attempt in progress continues. None means until the URL expires.
        callback: Called with the number of bytes sent since its last call, like boto3's
            `Callback`. When a retry starts over, it is called with a negative number. An exception
            from it aborts the upload.

    Returns:
        The number of attempts.

    Raises:
        InvalidInputError: The source cannot be opened, its size differs from the size that was
            passed to `start`, or the timeout is negative, infinite or NaN.
        SourceReadError: The source could not be read to its end, or it changed.
        PutFailedError: S3 returned a status other than 2xx at the last attempt.
        UploadUrlExpiredError: S3 reported that the URL has expired.
        UploadTimeoutError: The last attempt within `timeout` failed, and a retry could help.
        UnexpectedResponseError: The URL or a header is malformed, or the URL is not https although
            the client's endpoint is; or a 2xx response did not come from S3.
        botocore.exceptions.HTTPClientError: The connection failed at the last attempt.
        botocore.exceptions.ConnectionError: The connection failed at the last attempt.
    """
    _validation.get_operation_model(client, "StartAttachmentUpload")
    deadline = None if timeout is None else _deadline.create_deadline(timeout)
    with (
        annotate_errors(attachment_id=pending.attachment_id, acknowledged=False),
        _source.open_source(source, _content_length(pending)) as opened,
    ):
        return put_stream(client, pending, opened, callback, deadline).attempts


class PutResult(NamedTuple):
    """The result of `put_stream`.

    Attributes:
        attempts: The number of PUT requests.
        server_time: S3's time of the response, an aware datetime in UTC, or None if unknown.
        duration: How long the last attempt took, in seconds.
    """

    attempts: int
    server_time: datetime | None
    duration: float


def put_stream(
    client: ConnectParticipantClient,
    pending: PendingUpload,
    source: _source.Source,
    callback: Callable[[int], object] | None,
    deadline: _deadline.Deadline | None = None,
) -> PutResult:
    """Send the bytes of an open source; otherwise the same as `put`.

    Args:
        client: The client that was passed to `start`.
        pending: The upload that `start` returned.
        source: The open source.
        callback: Called with the number of bytes sent since its last call, or None.
        deadline: The time limit, or None.
    """
    with annotate_errors(attachment_id=pending.attachment_id, acknowledged=False):
        return _put_stream(client, pending, source, callback, deadline)


def _put_stream(
    client: ConnectParticipantClient,
    pending: PendingUpload,
    source: _source.Source,
    callback: Callable[[int], object] | None,
    deadline: _deadline.Deadline | None,
) -> PutResult:
    from tenacity import wait_exponential, wait_random  # noqa: PLC0415

    headers = _encode_headers(pending, source.size)
    _s3.validate_url(client, "StartAttachmentUpload", pending.url)
    if deadline is not None and not deadline.remaining():
        raise UploadTimeoutError(deadline.seconds)
    limit = _deadline.Deadline(_seconds_left(pending), deadline)
    body = _source.UploadBody(source, callback)
    attempts, started_at = 0, 0.0
    server_time: datetime | None = None

    def attempt() -> Exception | None:
        nonlocal attempts, started_at, server_time
        attempts += 1
        started_at = _clock.monotonic()
        body.rewind()
        request = AWSRequest("PUT", pending.url, headers, body).prepare()
        error: Exception | None
        try:
            response = _http.send_request(client, request, "s3.PutObject")
        except _HTTP_ERRORS as http_error:
            error = http_error
        except RuntimeError:
            # A StopIteration that the callback raises becomes a RuntimeError in a generator.
            body.raise_error()
            raise
        else:
            error = _error_from_response(response, pending, attempts)
            server_time = _responses.parse_time(response.headers.get("Date"))
        body.raise_error()
        return error

    def can_retry(error: Exception | None) -> bool:
        return is_retryable(error) and body.can_rewind

    # Only returned errors can be retried. Exceptions propagate immediately.
    retrying = _retry.create_retrying(
        limit,
        retry_if=can_retry,
        wait=wait_exponential(multiplier=_retry.INITIAL_BACKOFF, max=_retry.MAX_BACKOFF)
        + wait_random(0, _retry.INITIAL_BACKOFF),
        stop=lambda retry_state: retry_state.upcoming_sleep >= limit.remaining(),
    )
    error = retrying(attempt)
    if deadline and can_retry(error) and limit.remaining() >= deadline.remaining():
        raise UploadTimeoutError(deadline.seconds) from error
    if error is not None:
        raise error
    _logger.info(
        "put: attachment %s: sent %d bytes, attempts: %d",
        pending.attachment_id,
        source.size,
        attempts,
    )
    return PutResult(attempts, server_time, _clock.monotonic() - started_at)


def _seconds_left(pending: PendingUpload) -> float:
    return (pending.expires_at - datetime.now(timezone.utc)).total_seconds()


def _content_length(pending: PendingUpload) -> int | None:
    """Return the Content-Length that was signed, or None.

    Raises:
        UnexpectedResponseError: The header is not a number, or is declared with two values.
    """
    declared_lengths = {
        str(value).strip()
        for name, value in pending.headers.items()
        if name.lower() == "content-length"
    }
    if not declared_lengths:
        return None
    declared_length, *others = declared_lengths
    if others or not (declared_length.isascii() and declared_length.isdecimal()):
        raise UnexpectedResponseError(
            "StartAttachmentUpload", f"invalid Content-Length: {sorted(declared_lengths)}"
        )
    return int(declared_length)


def _encode_headers(pending: PendingUpload, size: int) -> dict[str, bytes]:
    """Return the headers for the PUT, encoded in UTF-8 as they were signed.

    Raises:
        InvalidInputError: The signed Content-Length is not the size of the source.
        UnexpectedResponseError: Content-Length is not a number, or has several values; or a header
            contains a lone surrogate.
    """
    declared_length = _content_length(pending)
    if declared_length not in (None, size):
        raise InvalidInputError(
            "source",
            f"has {size} bytes, but the upload was started with a size of {declared_length}",
        )
    try:
        headers = {name: str(value).encode() for name, value in pending.headers.items()}
    except UnicodeEncodeError as error:
        raise UnexpectedResponseError(
            "StartAttachmentUpload", "a header contains a lone surrogate"
        ) from error
    # If the name is repeated, botocore sends one of the headers. The values are equal.
    if declared_length is None:
        headers["Content-Length"] = str(size).encode()
    return headers


def _error_from_response(
    response: AWSResponse, pending: PendingUpload, attempts: int
) -> Exception | None:
    """Return the error for an HTTP response, or None if S3 stored the file."""
    if response.status_code not in _SUCCESS_STATUSES:
        # A truncated body may have lost the error code, so it cannot be classified: retry it.
        if _responses.is_truncated(response.headers, response.content, _http.MAX_ERROR_SIZE):
            return _connection_closed(pending)
        return _parse_s3_error(response, pending, attempts)
    if not _s3.is_from_s3(response.headers):
        content_type = response.headers.get("Content-Type", "unknown type")
        return UnexpectedResponseError(
            "PutObject", f"no ETag, no request ID, and a body of {content_type}"
        )
    return None


def _connection_closed(pending: PendingUpload) -> ConnectionClosedError:
    return ConnectionClosedError(endpoint_url=_redaction.redact_query_strings(pending.url))


def _parse_s3_error(
    response: AWSResponse, pending: PendingUpload, attempts: int
) -> PutFailedError | UploadUrlExpiredError:
    error = _s3.parse_error(response.headers, response.content)
    if error.is_expired:
        return UploadUrlExpiredError(
            pending.attachment_id, pending.expires_at, error.server_time, attempts
        )
    return PutFailedError(response.status_code, error.code, error.request_id)
