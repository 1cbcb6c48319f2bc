"""A connection to the served fake: requests off the socket, answers onto it.

On the standard library's server, for werkzeug's, which moto's own server is, drops headers whose
names have an underscore, and those of an upload have.

A request that is not one for HTTP is answered as AWS and S3 do, and the connection closed:

- a body that does not come within `RequestHandler.timeout` seconds, or only in part: RequestTimeout
  and IncompleteBody;
- a `Transfer-Encoding`: 501 NotImplemented, as S3 says to it; no SDK sends one here;
- a PUT without `Content-Length`: MissingContentLength; one of more than 5 GiB: EntityTooLarge,
  before any of it is read.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import time
from dataclasses import replace
from email.errors import FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlsplit

from attach_confirm_stubs.fake import _faults, exceptions
from attach_confirm_stubs.fake._http import Request, Response, normalize_headers, truncate
from attach_confirm_stubs.server import _router

if TYPE_CHECKING:
    from collections.abc import Mapping


# Sources: the upload limits of S3's PutObject, and API Gateway's quota of a payload.
LARGEST_OBJECT = 5 * 1024**3
LARGEST_REQUEST = 10 * 1024**2

_BLOCK = 1024 * 1024
# Others are about parts, which a multipart body is said to have and its head does not.
_DEFECTS = (FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect)
_BREAKS = re.compile(r"[\r\n]+")
_HOST = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_LENGTH = re.compile(r"[0-9]{1,18}")


class _Refusal(NamedTuple):
    """How the service, and how S3, refuse a request."""

    status: int
    code: str
    s3_status: int
    s3_code: str
    message: str

    def answer(self, *, at_place: bool) -> Response:
        if at_place:
            refused = exceptions.S3Error(self.s3_code, self.message).response
            return replace(refused, status=self.s3_status)
        refused = exceptions.ServiceError(self.code, self.message).response
        return replace(refused, status=self.status)


# Sources: the common errors in AWS's API references, and the error codes in that of S3.
_MALFORMED = _Refusal(
    400, "MalformedHttpRequestException", 400, "InvalidRequest", "The request is not one of HTTP."
)
_ENCODED = _Refusal(
    501,
    "MalformedHttpRequestException",
    501,
    "NotImplemented",
    "A header you provided implies functionality that is not implemented: Transfer-Encoding.",
)
_NO_LENGTH = _Refusal(
    411,
    "MalformedHttpRequestException",
    411,
    "MissingContentLength",
    "You must provide the Content-Length HTTP header.",
)
_TOO_LARGE = _Refusal(
    413,
    "RequestEntityTooLargeException",
    400,
    "EntityTooLarge",
    "Your proposed upload exceeds the maximum allowed size.",
)
_LATE = _Refusal(
    408,
    "RequestTimeoutException",
    400,
    "RequestTimeout",
    "Your socket connection to the server was not read from or written to within the timeout"
    " period. Idle connections will be closed.",
)
_INCOMPLETE = _Refusal(
    400,
    "RequestAbortedException",
    400,
    "IncompleteBody",
    "You did not provide the number of bytes specified by the Content-Length HTTP header.",
)


class _Refused(Exception):
    """A request that is refused before all of it was read."""

    def __init__(self, refusal: _Refusal, *, at_place: bool = False) -> None:
        super().__init__(refusal.code)
        self.answer = refusal.answer(at_place=at_place)


class ServerContext(Protocol):
    """What a handler needs of its server."""

    router: _router.Router
    url: str

    def wait(self, seconds: float) -> None:
        """Wait for `seconds`, or until the server stops."""


class RequestHandler(BaseHTTPRequestHandler):
    """A connection, and one request after the other on it.

    Attributes:
        timeout: How many seconds to wait for the next bytes, of a request or for one.
    """

    server: ServerContext  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 20.0

    def do_GET(self) -> None:
        """Answer a request."""
        try:
            request = self._request()
        except _Refused as refused:
            self._part(refused.answer)
            return
        headers = _router.cors_headers(request)
        try:
            answer = self.server.router.dispatch(request)
        except exceptions.ResponseNotDelivered as lost:
            self._lose(lost, headers)
        else:
            self._send(answer, headers)

    do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = do_GET  # noqa: N815

    def handle_expect_100(self) -> bool:
        """Wait with asking for the body until it is known to be wanted."""
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is not HTTP, without repeating what may be secret in it."""
        del message, explain
        self._part(replace(_MALFORMED.answer(at_place=False), status=int(code)))

    def log_message(self, *_: object) -> None:
        """Log nothing: a request's line has a signature in it."""

    def _request(self) -> Request:
        """Read a request.

        Raises:
            _Refused: It cannot be read.
        """
        host, path = self._target()
        at_place = _router.is_object_path(urlsplit(path).path)
        left = self._length(at_place=at_place)
        if left and self.headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        blocks = []
        try:
            while left and (block := self.rfile.read(min(left, _BLOCK))):
                left -= len(block)
                blocks.append(block)
        except TimeoutError:
            raise _Refused(_LATE, at_place=at_place) from None
        if left:
            raise _Refused(_INCOMPLETE, at_place=at_place)
        return Request(
            self.command,
            f"http://{host}{path}",
            normalize_headers(self.headers.items()),
            b"".join(blocks),
            self.server.wait,
            f"http://{host}",
        )

    def _target(self) -> tuple[str, str]:
        """Return the host and the path, with its query, that a request is for."""
        host, path = self.headers.get("host", ""), self.path
        if path.startswith("http://"):
            # As a client sends it that takes the server for its proxy.
            host, slash, path = path.removeprefix("http://").partition("/")
            path = slash + path
        broken = any(isinstance(defect, _DEFECTS) for defect in self.headers.defects)
        if broken or not _HOST.fullmatch(host) or not path.startswith("/"):
            raise _Refused(_MALFORMED)
        return host, path

    def _length(self, *, at_place: bool) -> int:
        """Return the length of a request's body."""
        lengths = set(self.headers.get_all("content-length", []))
        if "transfer-encoding" in self.headers:
            raise _Refused(_ENCODED, at_place=at_place)
        if not lengths and at_place and self.command == "PUT":
            raise _Refused(_NO_LENGTH, at_place=at_place)
        length = lengths.pop() if lengths else "0"
        if lengths or not _LENGTH.fullmatch(length):
            raise _Refused(_MALFORMED, at_place=at_place)
        if int(length) > (LARGEST_OBJECT if at_place else LARGEST_REQUEST):
            raise _Refused(_TOO_LARGE, at_place=at_place)
        return int(length)

    def _send(self, answer: Response, headers: Mapping[str, str]) -> None:
        """Send an answer."""
        body = memoryview(answer.body)
        if self.command == "HEAD":
            body = body[:0]
        named = {
            "content-length": str(len(answer.body)),
            **answer.headers,
            **headers,
            "connection": "close" if self.close_connection else "keep-alive",
            "date": self.date_time_string(),
        }
        phrase = http.client.responses.get(answer.status, "")
        lines = [f"HTTP/1.1 {answer.status} {phrase}"]
        lines += [f"{name}: {_BREAKS.sub(' ', value)}" for name, value in named.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        # In one piece where it is small, and else in pieces, for each has the whole time-out.
        self.wfile.write(head + body[:_BLOCK])
        for start in range(_BLOCK, len(body), _BLOCK):
            self.wfile.write(body[start : start + _BLOCK])

    def _part(self, answer: Response) -> None:
        """Send the last answer of a connection, to a client that may still be sending.

        What is left unread would make of the close a reset, which overtakes the answer.
        """
        self.close_connection = True
        self._send(answer, {})
        self.connection.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + self.timeout
        while self.connection.recv(_BLOCK) and time.monotonic() < deadline:
            pass

    def _lose(self, lost: exceptions.ResponseNotDelivered, headers: Mapping[str, str]) -> None:
        """Let a fault have its way with the connection."""
        self.close_connection = True
        match lost.fault:
            case _faults.TruncatedResponse():
                self._send(truncate(lost.response or Response(200, {})), headers)
            case _faults.ReadTimeout():
                self.connection.settimeout(None)
                while self.connection.recv(_BLOCK):
                    pass
            case _faults.ConnectionReset():
                # Lingering for no time makes the close a reset, which no client takes for an end.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                socket.close(self.connection.detach())
