"""Read requests from a connection, and write the responses to it.

moto's werkzeug server drops headers whose names contain underscores. This module uses http.server
instead, because the headers of an upload have such names.

A request with `Expect: 100-continue` gets `100 Continue` when its body is needed. If the headers
already lead to an error, for example because a presigned URL has expired, the server returns that
error instead and closes the connection, as S3 does.

If a request is malformed or too large, the server sends the error response that AWS or S3 returns,
and closes the connection. The S3 errors are:

- RequestTimeout: no part of the body arrived for `RequestHandler.timeout` seconds.
- IncompleteBody: the client closed the connection before the whole body arrived.
- NotImplemented (501): the request has a `Transfer-Encoding` header. AWS SDKs do not send it here.
- MissingContentLength: a PUT has no `Content-Length` header.
- EntityTooLarge: a PUT declares more than 5 GiB. It is rejected before the body is read.
- InvalidRequest: the `Content-Length` header is not a number.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import time
from dataclasses import replace
from email.errors import FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from attach_confirm_stubs.fake import _faults, exceptions
from attach_confirm_stubs.fake._http import Request, Response, normalize_headers, truncate
from attach_confirm_stubs.server import _router

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


# Sources: the upload limits of S3's PutObject, and API Gateway's payload quota.
MAX_OBJECT_SIZE = 5 * 1024**3
MAX_REQUEST_SIZE = 10 * 1024**2

_BLOCK_SIZE = 1024 * 1024
# Other defects are ignored. For example, the email parser parses only the headers, and reports
# that the multipart body is missing.
_HEADER_DEFECTS = (FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect)
_NEWLINES = re.compile(r"[\r\n]+")
_HOST = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_CONTENT_LENGTH = re.compile(r"[0-9]{1,18}")


class _ErrorSpec(NamedTuple):
    """The error response to an invalid request.

    Attributes:
        status: The HTTP status code of the service's response.
        code: The error code of the service's response.
        s3_status: The HTTP status code of S3's response.
        s3_code: The error code of S3's response.
        message: The message of both responses.
    """

    status: int
    code: str
    s3_status: int
    s3_code: str
    message: str

    def to_response(self, *, is_object: bool) -> Response:
        """Return S3's response if the request is for an object URL, otherwise the service's."""
        if is_object:
            response = exceptions.S3Error(self.s3_code, self.message).response
            return replace(response, status=self.s3_status)
        response = exceptions.ServiceError(self.code, self.message).response
        return replace(response, status=self.status)


# Sources: the common errors in AWS's API references, and S3's list of error codes.
_MALFORMED_REQUEST = _ErrorSpec(
    400, "MalformedHttpRequestException", 400, "InvalidRequest", "The HTTP request is malformed."
)
_UNSUPPORTED_ENCODING = _ErrorSpec(
    501,
    "MalformedHttpRequestException",
    501,
    "NotImplemented",
    "A header you provided implies functionality that is not implemented: Transfer-Encoding.",
)
_MISSING_LENGTH = _ErrorSpec(
    411,
    "MalformedHttpRequestException",
    411,
    "MissingContentLength",
    "You must provide the Content-Length HTTP header.",
)
_TOO_LARGE = _ErrorSpec(
    413,
    "RequestEntityTooLargeException",
    400,
    "EntityTooLarge",
    "Your proposed upload exceeds the maximum allowed size.",
)
_REQUEST_TIMEOUT = _ErrorSpec(
    408,
    "RequestTimeoutException",
    400,
    "RequestTimeout",
    "Your socket connection to the server was not read from or written to within the timeout"
    " period. Idle connections will be closed.",
)
_INCOMPLETE_BODY = _ErrorSpec(
    400,
    "RequestAbortedException",
    400,
    "IncompleteBody",
    "You did not provide the number of bytes specified by the Content-Length HTTP header.",
)


class _RequestError(exceptions.ErrorResponse):
    """A request is invalid, incomplete or too large."""

    def __init__(self, error: _ErrorSpec, *, is_object: bool = False) -> None:
        super().__init__(error.to_response(is_object=is_object))


class RequestHandler(BaseHTTPRequestHandler):
    """Handles the requests of one connection.

    Args:
        *args: Passed to `BaseHTTPRequestHandler`.
        scheme: Scheme of the server's URL, "http" or "https".
        router: Dispatches the requests.
        sleep: Function that delays a response by a number of seconds.

    Attributes:
        timeout: Maximum time to wait for the next bytes from the client, in seconds.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 20.0

    def __init__(
        self,
        *args: Any,
        scheme: str,
        router: _router.Router,
        sleep: Callable[[float], object],
    ) -> None:
        self._scheme = scheme
        self._router = router
        self._sleep = sleep
        super().__init__(*args)

    def do_GET(self) -> None:
        """Handle a request of any method."""
        try:
            request = self._read_request()
            headers = _router.cors_headers(request)
            try:
                response = self._router.dispatch(request)
                if response.status < HTTPStatus.BAD_REQUEST:
                    self._read_body()
            except exceptions.ResponseNotDelivered as error:
                self._read_body()
                self._apply_connection_fault(error, headers)
                return
        except exceptions.ErrorResponse as error:
            self._respond_and_close(error.response)
            return
        if self._remaining:
            self._respond_and_close(response, headers)
        else:
            self._write_response(response, headers)

    do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = do_GET  # noqa: N815

    def handle_expect_100(self) -> bool:
        """Continue without a response, because `_read_body` sends 100 Continue."""
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send the error response to a malformed request.

        http.server's message is not sent, because it can contain the request line with a signature.
        """
        del message, explain
        response = _MALFORMED_REQUEST.to_response(is_object=False)
        self._respond_and_close(replace(response, status=int(code)))

    def log_message(self, *_: object) -> None:
        """Log nothing, because request lines contain signatures."""

    def _read_request(self) -> Request:
        """Read and return a request, without the body if the client waits for 100 Continue.

        Raises:
            _RequestError: The request is invalid, incomplete or too large.
        """
        base_url, path = self._parse_target()
        self._is_object = _router.is_object_path(urlsplit(path).path)
        self._body: bytes | None = None
        self._remaining = length = self._parse_content_length(is_object=self._is_object)
        self._client_waits = (
            self.request_version >= "HTTP/1.1"
            and self.headers.get("expect", "").lower() == "100-continue"
        )
        if not self._client_waits:
            self._read_body()
        return Request(
            self.command,
            f"{base_url}{path}",
            normalize_headers(self.headers.items()),
            length,
            self._read_body,
            self._sleep,
            base_url,
        )

    def _read_body(self) -> bytes:
        """Return the request body, which the first call reads.

        Raises:
            _RequestError: The body is incomplete.
        """
        if self._body is None:
            if self._client_waits:
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            blocks = []
            try:
                while self._remaining and (
                    block := self.rfile.read(min(self._remaining, _BLOCK_SIZE))
                ):
                    self._remaining -= len(block)
                    blocks.append(block)
            except TimeoutError:
                raise _RequestError(_REQUEST_TIMEOUT, is_object=self._is_object) from None
            if self._remaining:
                raise _RequestError(_INCOMPLETE_BODY, is_object=self._is_object)
            self._body = b"".join(blocks)
        return self._body

    def _parse_target(self) -> tuple[str, str]:
        """Return the base URL of the request, and its path with the query.

        Raises:
            _RequestError: The request line or a header is malformed.
        """
        scheme, host, path = self._scheme, self.headers.get("host", ""), self.path
        if path.startswith("http://"):
            # A client that uses the server as its HTTP proxy sends an absolute URL.
            scheme = "http"
            host, slash, path = path.removeprefix("http://").partition("/")
            path = slash + path
        malformed = any(isinstance(defect, _HEADER_DEFECTS) for defect in self.headers.defects)
        if malformed or not _HOST.fullmatch(host) or not path.startswith("/"):
            raise _RequestError(_MALFORMED_REQUEST)
        return f"{scheme}://{host}", path

    def _parse_content_length(self, *, is_object: bool) -> int:
        """Return the length of the request body, in bytes.

        Raises:
            _RequestError: The length is missing, invalid or too large.
        """
        lengths = set(self.headers.get_all("content-length", []))
        if "transfer-encoding" in self.headers:
            raise _RequestError(_UNSUPPORTED_ENCODING, is_object=is_object)
        if not lengths and is_object and self.command == "PUT":
            raise _RequestError(_MISSING_LENGTH, is_object=is_object)
        length = lengths.pop() if lengths else "0"
        if lengths or not _CONTENT_LENGTH.fullmatch(length):
            raise _RequestError(_MALFORMED_REQUEST, is_object=is_object)
        if int(length) > (MAX_OBJECT_SIZE if is_object else MAX_REQUEST_SIZE):
            raise _RequestError(_TOO_LARGE, is_object=is_object)
        return int(length)

    def _write_response(self, response: Response, extra_headers: Mapping[str, str]) -> None:
        body = memoryview(response.body)
        if self.command == "HEAD":
            body = body[:0]
        headers = {
            "content-length": str(len(response.body)),
            "date": self.date_time_string(),
            "connection": "close" if self.close_connection else "keep-alive",
            **response.headers,
            **extra_headers,
        }
        reason_phrase = http.client.responses.get(response.status, "")
        lines = [f"HTTP/1.1 {response.status} {reason_phrase}"]
        lines += [f"{name}: {_NEWLINES.sub(' ', value)}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        # The timeout applies to each write, so a large body is sent in blocks.
        self.wfile.write(head + body[:_BLOCK_SIZE])
        for start in range(_BLOCK_SIZE, len(body), _BLOCK_SIZE):
            self.wfile.write(body[start : start + _BLOCK_SIZE])

    def _respond_and_close(
        self, response: Response, extra_headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a response, read the rest of the request, and close the connection.

        Closing a socket with unread data sends RST, and the client may then lose the response.
        """
        self.close_connection = True
        self._write_response(response, extra_headers or {})
        self.connection.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + self.timeout
        while self.connection.recv(_BLOCK_SIZE) and time.monotonic() < deadline:
            pass

    def _apply_connection_fault(
        self, error: exceptions.ResponseNotDelivered, headers: Mapping[str, str]
    ) -> None:
        """Apply a fault that affects the connection, and close the connection."""
        self.close_connection = True
        match error.fault:
            case _faults.TruncatedResponse():
                self._write_response(truncate(error.response or Response(200, {})), headers)
            case _faults.ReadTimeout():
                self.connection.settimeout(None)
                while self.connection.recv(_BLOCK_SIZE):
                    pass
            case _faults.ConnectionReset():
                # SO_LINGER 0 makes close() send RST, so that clients see a reset rather than EOF.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                socket.close(self.connection.detach())
