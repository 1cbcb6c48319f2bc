"""Download an attachment: get a presigned URL and fetch the bytes."""

from __future__ import annotations

import logging
import math
import random
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.exceptions import HTTPClientError

from attach_confirm import _deadline, _http, _responses, _retry, _s3, _validation
from attach_confirm._exceptions import (
    DownloadFailedError,
    InvalidInputError,
    UnexpectedResponseError,
    annotate_errors,
)
from attach_confirm._file_names import parse_content_disposition, safe_name
from attach_confirm._target import open_target

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm._target import Target
    from attach_confirm._types import FileTarget

_logger = logging.getLogger("attach_confirm")

_OPERATION = "GetAttachment"
_BLOCK_SIZE = 128 * 1024
_MAX_SIZE = 2**63 - 1

# The delays add up to about as much time as `put` has before its URL expires.
_MAX_ATTEMPTS = 15

_OK = 200
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Download:
    """A downloaded attachment.

    Attributes:
        attachment_id: The attachment's ID.
        path: The path of the file, or None if the target was a binary file.
        name: The name that the service sent, sanitized for file systems; the attachment's ID if the
            service sent no name. In a directory, the name in `path` differs if this name existed.
        size: The file's size, in bytes.
        content_type: The file's MIME type as S3 returned it, or None.
        attempts: Number of GET requests that were sent, including the first.
    """

    attachment_id: str
    path: Path | None
    name: str
    size: int
    content_type: str | None
    attempts: int


def download(
    client: ConnectParticipantClient,
    attachment_id: str,
    connection_token: str,
    target: FileTarget,
    *,
    max_bytes: int | None = None,
    timeout: float | None = None,
    callback: Callable[[int], object] | None = None,
) -> Download:
    """Download an approved attachment with GetAttachment and a GET of the presigned URL.

    The bytes are stored as S3 returns them, and counted: the file has exactly the size that the
    service declared, or this function raises. Memory use does not grow with the file size.

    botocore retries GetAttachment as the client is configured. This function retries the GET, up
    to 15 attempts in total: after lost connections, timeouts, truncated responses, HTTP 408, 429
    and 5xx, and S3's RequestTimeout and SlowDown. The delays are those of `put`. Each attempt
    starts at the first byte. If the URL has expired, the next attempt gets a new one. Redirects
    are not followed.

    Args:
        client: A `connectparticipant` client.
        attachment_id: The attachment's ID, for example from `attachments`.
        connection_token: The participant's connection token.
        target: A path or a binary file.

            A path of a file: the bytes are written to a temporary file in the same directory,
            which replaces the file when it is complete.

            A path of an existing directory: the same, under the name that the service sent,
            sanitized. Existing files are never overwritten: the name becomes `name (1).pdf`.

            A binary file is written at its current position, flushed and not closed. If the
            download fails, the file is rewound. If it cannot seek, nothing is retried after the
            first bytes were written.
        max_bytes: Maximum size of the attachment, in bytes, or None.
        timeout: Maximum time, in seconds, or None. The function ends within this time and one more
            HTTP attempt or read timeout.
        callback: Called with the number of bytes written since its last call, like boto3's
            `Callback`. When a retry starts over, it is called with a negative number. An exception
            from it aborts the download.

    Returns:
        The file's path, name, size and type.

    Raises:
        InvalidInputError: An argument is invalid, or the target cannot be written to. Nothing was
            sent.
        DownloadFailedError: The GET failed at the last attempt, S3 rejected it, the attachment is
            larger than `max_bytes` or has another size than declared, or `timeout` has passed.
        UnexpectedResponseError: GetAttachment returned no URL, no size, or a URL that is not https
            although the client's endpoint is.
        botocore.exceptions.ClientError: The service rejected GetAttachment.
        botocore.exceptions.BotoCoreError: GetAttachment received no response, or the GET cannot
            succeed, for example because the server's certificate is not trusted.
        OSError: The target raised it while it was written.

        All errors have an `attachment_id`. The temporary file is removed.
    """
    with annotate_errors(attachment_id=attachment_id):
        model = _validation.get_operation_model(client, _OPERATION)
        _validation.validate_string(model, "AttachmentId", "attachment_id", attachment_id)
        _validation.validate_token(model, "ConnectionToken", "connection_token", connection_token)
        _validate_max_bytes(max_bytes)
        deadline = (
            _deadline.Deadline(math.inf) if timeout is None else _deadline.create_deadline(timeout)
        )
        with open_target(target) as opened:
            return _Downloader(
                client, attachment_id, connection_token, opened, max_bytes, deadline, callback
            ).run()


def _validate_max_bytes(max_bytes: Any) -> None:
    if max_bytes is None:
        return
    if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < 0:
        raise InvalidInputError(
            "max_bytes", f"must be a whole number of bytes, 0 or more, or None, not {max_bytes!r}"
        )


@dataclass(repr=False)
class _Downloader:
    """The attempts of one download. A `repr` would contain the token."""

    client: ConnectParticipantClient
    attachment_id: str
    connection_token: str
    target: Target
    max_bytes: int | None
    deadline: _deadline.Deadline
    callback: Callable[[int], object] | None
    _url: str = ""
    _size: int = 0
    _headers: Mapping[str, str] = field(default_factory=dict)
    _reported: int = 0

    def run(self) -> Download:
        """Send GET requests until one succeeds."""
        attempts = 1
        try:
            while (error := self._attempt()) is not None:
                self._wait_for_retry(attempts, error)
                attempts += 1
        except _deadline.DeadlineReachedError as reached:
            raise self._timed_out() from reached.__cause__
        return self._finish(attempts)

    def _wait_for_retry(self, attempt: int, error: DownloadFailedError) -> None:
        """Wait before the next attempt, or raise if the deadline does not allow another one.

        Raises:
            DeadlineReachedError: The deadline would be reached before the next attempt.
        """
        if error.retryable and not self.target.rewind():
            reason = f"{error.reason}; the target cannot seek, so the download cannot start again"
            raise self._failed(reason, error.status_code) from error.__cause__
        if not error.retryable or attempt == _MAX_ATTEMPTS:
            raise error
        jitter = random.uniform(0, _retry.INITIAL_BACKOFF)  # noqa: S311
        delay = min(_retry.MAX_BACKOFF, _retry.INITIAL_BACKOFF * 2 ** (attempt - 1)) + jitter
        if delay >= self.deadline.remaining():
            raise _deadline.DeadlineReachedError(self.deadline) from error
        _logger.warning(
            "download: attempt %d failed, retrying in %.1f s: %s", attempt, delay, error.reason
        )
        self.deadline.sleep(delay)

    def _timed_out(self) -> DownloadFailedError:
        reason = f"timed out after {self.deadline.seconds:g} seconds"
        return self._failed(reason, retryable=self.target.rewind())

    def _finish(self, attempts: int) -> Download:
        header = self._headers.get("Content-Disposition", "")
        name = safe_name(parse_content_disposition(header) or "")
        name = name or safe_name(self.attachment_id) or "attachment"
        path = self.target.finish(name)
        _logger.info(
            "download: attachment %s: received %d bytes, attempts: %d",
            self.attachment_id,
            self._size,
            attempts,
        )
        return Download(
            attachment_id=self.attachment_id,
            path=path,
            name=name,
            size=self._size,
            content_type=self._headers.get("Content-Type"),
            attempts=attempts,
        )

    def _attempt(self) -> DownloadFailedError | None:
        """Send one GET and write the body to the target.

        Returns:
            The error that ended the attempt, or None.

        Raises:
            DeadlineReachedError: The deadline was reached before the last byte was received.
        """
        url = self._url or self._get_url()
        self.target.reserve(self._size)
        if self._reported:
            self._notify(-self._reported)
        if self.deadline.remaining() <= 0:
            raise _deadline.DeadlineReachedError(self.deadline)
        # The generator separates errors of the response from those of the target and callback.
        with closing(self._receive(url)) as blocks:
            while True:
                if self.deadline.remaining() <= 0 and self.target.written < self._size:
                    raise _deadline.DeadlineReachedError(self.deadline)
                try:
                    block = next(blocks, None)
                except DownloadFailedError as error:
                    return error
                except (HTTPClientError, BotocoreConnectionError) as error:
                    if not _retry.is_retryable(error):
                        raise
                    return self._connection_failed(error)
                if block is None:
                    return None
                self.target.write(block)
                self._notify(len(block))

    def _notify(self, count: int) -> None:
        self._reported += count
        if self.callback is not None:
            self.callback(count)

    def _get_url(self) -> str:
        """Get a presigned URL and the size of the file."""
        with _deadline.limit_api_calls(self.client, self.deadline):
            response = self.client.get_attachment(
                AttachmentId=self.attachment_id, ConnectionToken=self.connection_token
            )
        url: str = _responses.get_member(_OPERATION, response, "Url")
        _s3.validate_url(self.client, _OPERATION, url)
        size = _responses.get_member(_OPERATION, response, "AttachmentSizeInBytes")
        if not 0 <= size <= _MAX_SIZE:
            raise UnexpectedResponseError(_OPERATION, f"invalid AttachmentSizeInBytes: {size!r}")
        if self.max_bytes is not None and size > self.max_bytes:
            raise self._failed(f"has {size} bytes, more than max_bytes={self.max_bytes}")
        self._url, self._size = url, size
        return url

    def _receive(self, url: str) -> Generator[bytes]:
        """Send one GET and yield the body in blocks.

        Raises:
            DownloadFailedError: The response is not the attachment, or it is truncated.
        """
        # A proxy must not compress the bytes.
        request = AWSRequest("GET", url, {"Accept-Encoding": "identity"}).prepare()
        with _http.open_response(
            self.client,
            request,
            "s3.GetObject",
            # A deadline is checked whenever bytes arrive.
            fills_blocks=math.isinf(self.deadline.seconds),
        ) as response:
            if response.status_code != _OK:
                raise self._rejected(response)
            self._headers = response.headers
            size = _responses.get_content_length(response.headers)
            if size not in (None, self._size):
                raise self._wrong_size(f"{size}")
            remaining = self._size
            # Reading one byte past the end detects a body that is too long.
            while block := response.read(min(_BLOCK_SIZE, remaining + 1)):
                remaining -= len(block)
                if remaining < 0:
                    raise self._wrong_size(f"more than {self._size}")
                yield block
        if remaining:
            raise self._lost_connection()

    def _rejected(self, response: _http.Response) -> DownloadFailedError:
        body = _http.read_error(response.read, self.deadline)
        if _responses.is_truncated(response.headers, body, _http.MAX_ERROR_SIZE):
            return self._failed("truncated error response", response.status_code, retryable=True)
        status_code = response.status_code
        error = _s3.parse_error(response.headers, body)
        if error.is_expired:
            self._url = ""
            return self._failed(
                "the presigned URL has expired", status_code, error.code, retryable=True
            )
        return self._failed(
            f"HTTP {status_code}, {error.code or 'no error code'}",
            status_code,
            error.code,
            retryable=status_code >= _SERVER_ERROR
            or _retry.is_retryable_response(status_code, error.code),
        )

    def _wrong_size(self, size: str) -> DownloadFailedError:
        # A response without S3's headers came from a proxy, so a retry may reach S3.
        return self._failed(
            f"the response has {size} bytes, but the attachment has {self._size}",
            _OK,
            retryable=not _s3.is_from_s3(self._headers),
        )

    def _connection_failed(self, error: Exception) -> DownloadFailedError:
        failure = (
            self._lost_connection()
            if self.target.written
            else self._failed(str(error), retryable=True)
        )
        failure.__cause__ = error
        return failure

    def _lost_connection(self) -> DownloadFailedError:
        reason = f"the connection was lost after {self.target.written} of {self._size} bytes"
        return self._failed(reason, _OK, retryable=True)

    def _failed(self, *details: Any, **kwargs: Any) -> DownloadFailedError:
        return DownloadFailedError(self.attachment_id, *details, **kwargs)
