"""Read requests from a connection, and write the responses to it.

h11 parses the head of each request, and writes the head of the response. A body is read from the
connection itself, because h11 would copy it several times.

A request with `Expect: 100-continue` gets `100 Continue` when its body is needed. If the headers
already lead to an error, for example because a presigned URL has expired, the server returns that
error instead and closes the connection, as S3 does.

If a request is malformed or too large, the server sends the error response that AWS or S3 returns,
and closes the connection. The S3 errors are:

- RequestTimeout: no part of the body arrived for `Connection.timeout` seconds.
- IncompleteBody: the client closed the connection before the whole body arrived.
- NotImplemented (501): the request has a `Transfer-Encoding` header. AWS SDKs do not send it here.
- MissingContentLength: a PUT has no `Content-Length` header.
- EntityTooLarge: a PUT declares more than 5 GiB. It is rejected before the body is read.
- InvalidRequest: the `Content-Length` header is not a number.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, NamedTuple

import h11

from attach_confirm_stubs.fake import _faults, _patterns, exceptions
from attach_confirm_stubs.fake._http import Request, Response, normalize_header_name, truncate
from attach_confirm_stubs.fake._websocket_responses import Upgrade
from attach_confirm_stubs.server import _websocket
from attach_confirm_stubs.server._connection import BLOCK_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from attach_confirm_stubs.server._connection import Connection


# Sources: the upload limits of S3's PutObject, and API Gateway's payload quota.
MAX_OBJECT_SIZE = 5 * 1024**3
MAX_REQUEST_SIZE = 10 * 1024**2

_MAX_HEAD_SIZE = 64 * 1024
_MAX_HEADERS = 100
_METHODS = {b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT"}
# h11 rejects these in header values.
_FORBIDDEN_IN_HEADERS = re.compile(rb"[\0\n\v\f\r]+")
_HOST = re.compile(r"(?P<name>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_REASON_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


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


class RequestHandler:
    """Handles the requests of one connection.

    Args:
        connection: The connection.
        dispatch: Returns the response to a request.
        sleep: Function that delays a response by a number of seconds.
        https_urls: Whether URLs in responses begin with https even if the connection has no TLS.
    """

    def __init__(
        self,
        connection: Connection,
        dispatch: Callable[[Request], Response],
        sleep: Callable[[float], object],
        *,
        https_urls: bool,
    ) -> None:
        self._connection = connection
        self._dispatch = dispatch
        self._sleep = sleep
        self._scheme_of_urls = "https" if https_urls else connection.scheme
        # What the client has sent after the part that was processed.
        self._received = b""

    def handle(self) -> None:
        """Handle requests until the connection ends.

        Raises:
            OSError: The client is gone.
        """
        while self._handle_request():
            pass

    def _handle_request(self) -> bool:
        """Handle one request, and return whether the connection can have another."""
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_SIZE)
        self._is_object, self._method, self._remaining = False, b"", 0
        try:
            head = self._read_head()
            if head is None:
                return False
            request = self._to_request(head)
            try:
                if request.headers.get("upgrade", "").lower() == "websocket":
                    return self._open_websocket(request)
                response = self._dispatch(request)
                if response.status < HTTPStatus.BAD_REQUEST:
                    self._read_body()
            except exceptions.ResponseNotDelivered as error:
                self._read_body()
                self._apply_connection_fault(error)
                return False
        except exceptions.ErrorResponse as error:
            return self._respond(error.response, close=True)
        return self._respond(response, close=self._remaining > 0)

    def _open_websocket(self, request: Request) -> bool:
        """Handle a websocket, or return whether the connection can have another request."""
        protocol = _websocket.accept(self._head)
        if isinstance(protocol, Response):
            return self._respond(protocol, close=True)
        response = self._dispatch(request)
        if not isinstance(response, Upgrade):
            # Some clients wait for the end of the connection.
            return self._respond(response, close=True)
        _websocket.WebsocketHandler(self._connection, protocol, response.session).handle(
            self._received
        )
        return False

    def _read_head(self) -> h11.Request | None:
        """Return the head of the next request, or None if the client sends no complete one.

        Raises:
            _RequestError: The head is malformed or too large.
        """
        received, self._received = self._received, b""
        while True:
            if received:
                self._received += received
                self._http.receive_data(received)
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise self._malformed_head(error.error_status_hint) from None
            if isinstance(event, h11.Request):
                rest, _ = self._http.trailing_data
                # h11 limits incomplete heads only.
                if len(self._received) - len(rest) > _MAX_HEAD_SIZE:
                    raise self._malformed_head(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                self._head = self._received.removesuffix(rest)
                self._received = rest
                return event
            try:
                received = self._connection.receive(_MAX_HEAD_SIZE)
            except TimeoutError:
                return None
            if not received:
                return None

    def _malformed_head(self, status: int) -> _RequestError:
        """Return the error for a head that h11 rejects.

        Args:
            status: The status that h11 proposes.
        """
        line, _, _ = self._received.partition(b"\n")
        self._is_object = _is_object_path(line.partition(b" ")[2].partition(b" ")[0])
        if status == HTTPStatus.NOT_IMPLEMENTED:
            return self._error(_UNSUPPORTED_ENCODING)
        if status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE and len(line) > _MAX_HEAD_SIZE:
            status = HTTPStatus.REQUEST_URI_TOO_LONG
        return self._malformed(status)

    def _malformed(self, status: int = HTTPStatus.BAD_REQUEST) -> _RequestError:
        """Return the error for a malformed request, with another status."""
        spec = _MALFORMED_REQUEST._replace(status=status, s3_status=status)
        return _RequestError(spec, is_object=self._is_object)

    def _to_request(self, head: h11.Request) -> Request:
        """Return a request, without the body if the client waits for 100 Continue.

        Raises:
            _RequestError: The request is invalid, incomplete or too large.
        """
        headers = dict(head.headers)
        self._is_object = _is_object_path(head.target)
        host = headers.get(b"host", b"").decode("latin-1")
        base_url, url = self._parse_target(head.target.decode("ascii"), host)
        self._is_object = _patterns.parse_object_url(url) is not None
        if head.http_version[:2] != b"1.":
            raise self._malformed(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
        if head.method not in _METHODS:
            raise self._malformed(HTTPStatus.NOT_IMPLEMENTED)
        if len(head.headers) > _MAX_HEADERS:
            raise self._malformed(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        self._method = head.method
        self._body: bytes | None = None
        self._remaining = length = self._parse_content_length(headers)
        self._client_waits = self._http.they_are_waiting_for_100_continue
        if not self._client_waits:
            self._read_body()
        return Request(
            head.method.decode("ascii"),
            url,
            {
                normalize_header_name(name.decode("ascii")): value.decode("latin-1")
                for name, value in headers.items()
            },
            length,
            self._read_body,
            self._sleep,
            base_url,
        )

    def _parse_target(self, target: str, host: str) -> tuple[str | None, str]:
        """Return the base URL for URLs in the response, and the URL of the request.

        The base URL is None if the client uses one of AWS's host names.

        Raises:
            _RequestError: The target or the Host header is malformed.
        """
        scheme, path = self._connection.scheme, target
        is_proxied = target.startswith("http://")
        if is_proxied:
            # A client that uses the server as its HTTP proxy sends an absolute URL.
            scheme = "http"
            host, slash, path = target.removeprefix("http://").partition("/")
            path = slash + path
        match = _HOST.fullmatch(host)
        if match is None or not path.startswith("/") or not _is_valid_name(match["name"]):
            raise self._malformed()
        if is_proxied:
            return f"http://{host}", f"http://{host}{path}"
        if _patterns.is_aws_host(match["name"]):
            return None, f"{scheme}://{match['name'].lower().rstrip('.')}{path}"
        return f"{self._scheme_of_urls}://{host}", f"{scheme}://{host}{path}"

    def _parse_content_length(self, headers: dict[bytes, bytes]) -> int:
        """Return the length of the request body, in bytes.

        Raises:
            _RequestError: The length is missing or too large.
        """
        if b"transfer-encoding" in headers:
            raise self._error(_UNSUPPORTED_ENCODING)
        if b"content-length" not in headers and self._is_object and self._method == b"PUT":
            raise self._error(_MISSING_LENGTH)
        length = int(headers.get(b"content-length", b"0"))
        if length > (MAX_OBJECT_SIZE if self._is_object else MAX_REQUEST_SIZE):
            raise self._error(_TOO_LARGE)
        return length

    def _read_body(self) -> bytes:
        """Return the request body, which the first call reads.

        Raises:
            _RequestError: The body is incomplete.
        """
        if self._body is None:
            if self._client_waits:
                self._connection.send(
                    self._http.send(
                        h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
                    )
                )
            block = self._received[: self._remaining]
            self._received = self._received[self._remaining :]
            blocks = [block]
            while self._remaining > len(block):
                self._remaining -= len(block)
                try:
                    block = self._connection.receive(min(self._remaining, BLOCK_SIZE))
                except TimeoutError:
                    raise self._error(_REQUEST_TIMEOUT) from None
                if not block:
                    raise self._error(_INCOMPLETE_BODY)
                blocks.append(block)
            self._remaining = 0
            self._body = b"".join(blocks)
        return self._body

    def _error(self, spec: _ErrorSpec) -> _RequestError:
        return _RequestError(spec, is_object=self._is_object)

    def _respond(self, response: Response, *, close: bool = False, truncated: bool = False) -> bool:
        """Send a response, and return whether the connection can have another request.

        Args:
            response: The response.
            close: Whether to close the connection because the request was not read completely.
            truncated: Whether the body is shorter than the Content-Length header.
        """
        headers = {
            "content-length": str(len(response.body)),
            "date": _format_date(int(time.time())),
            **({"connection": "close"} if close or truncated else {}),
            **response.headers,
        }
        head = self._http.send(
            h11.Response(
                status_code=response.status,
                headers=[(name.encode(), _encode_header(value)) for name, value in headers.items()],
                reason=_REASON_PHRASES.get(response.status, b""),
            )
        )
        body = b"" if self._method == b"HEAD" else response.body
        # h11 only counts the bytes. The timeout applies to each write, so a large body is sent in
        # blocks.
        self._http.send_with_data_passthrough(h11.Data(data=body))
        view = memoryview(body)
        self._connection.send(head + view[:BLOCK_SIZE])
        for start in range(BLOCK_SIZE, len(view), BLOCK_SIZE):
            self._connection.send(view[start : start + BLOCK_SIZE])
        if truncated:
            return False
        self._http.send(h11.EndOfMessage())
        if close:
            self._connection.discard_rest()
        return self._http.our_state is h11.DONE

    def _apply_connection_fault(self, error: exceptions.ResponseNotDelivered) -> None:
        """Apply a fault that affects the connection, which is closed afterwards."""
        match error.fault:
            case _faults.TruncatedResponse():
                response = error.response or Response(200, {})
                self._respond(truncate(response), truncated=True)
            case _faults.ReadTimeout():
                self._connection.wait_for_close()
            case _faults.ConnectionReset():
                self._connection.reset()


def _is_valid_name(host: str) -> bool:
    """Return False if there are brackets around something that is not an IPv6 address."""
    if not host.startswith("["):
        return True
    try:
        IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True


def _is_object_path(target: bytes) -> bool:
    path = target.partition(b"?")[0].decode("latin-1")
    return _patterns.OBJECT_PATH.fullmatch(path) is not None


@lru_cache(maxsize=1)
def _format_date(timestamp: int) -> str:
    return formatdate(timestamp, usegmt=True)


def _encode_header(value: str) -> bytes:
    if value.isascii() and value.isprintable():
        return value.strip().encode()
    return _FORBIDDEN_IN_HEADERS.sub(b" ", value.encode("latin-1", "replace")).strip(b" \t")
