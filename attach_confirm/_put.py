"""Step 2: put the bytes."""

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
    from tenacity import RetryCallState
    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm._start import PendingUpload
    from attach_confirm._types import FileSource

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0

_SUCCESS = range(200, 300)
_FAILED = (HTTPClientError, BotocoreConnectionError)
_EXPIRED_CODES = frozenset({"ExpiredToken", "RequestExpired"})


def put(
    client: ConnectParticipantClient,
    pending: PendingUpload,
    source: FileSource,
    *,
    callback: Callable[[int], object] | None = None,
) -> None:
    """Send a file's bytes to the place that `start` gave.

    The request goes through botocore's HTTP layer with the client's proxies, timeouts and
    certificates, after the client's `before-send` listeners saw it. It carries
    `pending.headers`, all and unchanged, and streams: memory does not grow with the file.

    Retried here, for botocore does not know of it: lost connections and answers, timeouts, HTTP
    408, 429, 500, 502, 503 and 504, and S3's RequestTimeout, as long as the URL lives by this
    machine's clock. The pause before retry n is min(30, 0.5 * 2**(n-1)) seconds, and up to 0.5
    more at random. A repeated PUT replaces the object (source: the S3 user guide on pre-signed
    URLs), so a retry cannot send anything twice. The first attempt is made whatever the clock
    says.

    Args:
        client: The client that `start` was called with.
        pending: What `start` returned.
        source: A path; bytes; or a binary file, which is sent from where it stands and left open.
        callback: Called with the number of bytes since its last call, as boto3's `Callback`;
            with a negative number when a retry starts over. What it raises ends the upload.

    Raises:
        InvalidInputError: The body cannot be read, or has not as many bytes as were declared.
        PutFailedError: S3 answered other than 2xx, at the last attempt.
        UploadUrlExpiredError: S3 answered that the URL has expired.
        UnexpectedResponseError: The URL is not https, though the client's endpoint is; or a success
            that S3 did not give, such as a proxy's page.
        botocore.exceptions.HTTPClientError: The connection failed, at the last attempt.
        botocore.exceptions.ConnectionError: Likewise.
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
    """Do what `put` does with a source that is open already.

    Args:
        client: As for `put`.
        pending: As for `put`.
        source: The bytes.
        callback: As for `put`.
    """
    from tenacity import Retrying, retry_if_result, wait_exponential, wait_random  # noqa: PLC0415

    headers = _headers(pending, source.size)
    scheme = _scheme(pending.url)
    if urlsplit(client.meta.endpoint_url).scheme == "https" != scheme:
        raise UnexpectedResponseError("StartAttachmentUpload", "its upload URL is not https")
    lifetime = (pending.expires_at - datetime.now(timezone.utc)).total_seconds()
    body = _source.UploadBody(source, callback)

    def attempt(session: URLLib3Session) -> Exception | None:
        body.rewind()
        request = AWSRequest("PUT", pending.url, headers, body).prepare()
        try:
            answer = _http.send_request(client, session, request, "s3.PutObject")
        except _FAILED as error:
            failure: Exception | None = error
        else:
            failure = _failure(answer, pending)
        if body.error is not None:
            raise body.error
        return failure

    def expires(state: RetryCallState) -> bool:
        return _retry.elapsed_seconds(state) + state.upcoming_sleep >= lifetime

    # What an attempt raises, it raises at once: only what it returns can be retried.
    retrying = Retrying(
        retry=retry_if_result(is_retryable),
        stop=expires,
        wait=wait_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE)
        + wait_random(0, _FIRST_PAUSE),
        retry_error_callback=_retry.return_last_result,
    )
    with _http.http_session(client, pending.url) as session:
        failure = retrying(attempt, session)
    if failure is not None:
        raise failure


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        raise UnexpectedResponseError("StartAttachmentUpload", "its upload URL is no URL") from None


def _headers(pending: PendingUpload, size: int) -> dict[str, bytes]:
    """Return the headers as they were signed: in UTF-8."""
    headers = {name: value.encode() for name, value in pending.headers.items()}
    declared = [
        value for name, value in pending.headers.items() if name.lower() == "content-length"
    ]
    if not declared:
        headers["Content-Length"] = str(size).encode()
    elif declared != [str(size)]:
        raise InvalidInputError(
            "source", f"has {size} bytes, and {declared[0]} were declared to start"
        )
    return headers


def _failure(answer: AWSResponse, pending: PendingUpload) -> Exception | None:
    if answer.status_code not in _SUCCESS:
        # Half of it does not tell that the URL has expired, nor anything else but a status.
        lost = _responses.is_truncated(answer.headers, answer.content)
        return _lost(pending) if lost else _refusal(answer, pending)
    # S3 answers a PUT with an ETag and no body.
    if answer.content and not {"etag", "x-amz-request-id"} & {n.lower() for n in answer.headers}:
        kind = answer.headers.get("Content-Type", "an unknown type")
        return UnexpectedResponseError("PutObject", f"no ETag, no request id, and a body of {kind}")
    return None


def _lost(pending: PendingUpload) -> ConnectionClosedError:
    return ConnectionClosedError(endpoint_url=_redaction.redact_query_strings(pending.url))


def _refusal(answer: AWSResponse, pending: PendingUpload) -> PutFailedError | UploadUrlExpiredError:
    try:
        error = ET.fromstring(answer.content)  # noqa: S314
    except (ET.ParseError, LookupError, ValueError):
        # No XML, or XML in an encoding that expat does not know.
        error = ET.Element("Error")
    code = error.findtext("Code") or None
    expired = code == "AccessDenied" and error.find("Expires") is not None
    if expired or code in _EXPIRED_CODES:
        return UploadUrlExpiredError(pending.attachment_id, pending.expires_at)
    request_id = error.findtext("RequestId") or answer.headers.get("x-amz-request-id")
    return PutFailedError(answer.status_code, code, request_id)
