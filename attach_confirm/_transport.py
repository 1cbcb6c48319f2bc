"""Connections for the presigned PUT and GET.

urllib3 sends a body under the connect timeout, and over TLS it loses the error response of a server
that closes early. These connections ask for `100 Continue` before they send a body, apply the read
timeout to sending, and stop sending when the final response arrives.
"""

from __future__ import annotations

import io
import math
import re
import socket
import ssl
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from http import HTTPStatus
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, NoReturn, Protocol
from urllib.parse import urlsplit

import urllib3
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    InvalidConfigError,
    ReadTimeoutError,
    SSLError,
)
from botocore.exceptions import ProxyConnectionError as BotocoreProxyConnectionError
from botocore.httpsession import (
    ProxyConfiguration,
    create_urllib3_context,
    get_cert_path,
    mask_proxy_url,
)
from urllib3 import PoolManager, ProxyManager, Retry, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import wait_for_read
from urllib3.util.proxy import connection_requires_http_tunnel
from urllib3.util.ssl_match_hostname import CertificateError
from urllib3.util.wait import wait_for_socket

from attach_confirm._redaction import redact_query_strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from urllib3.response import BaseHTTPResponse

_BLOCK_SIZE = 512 * 1024
_BLOCKING_SEND_SIZE = 64 * 1024
_CONTINUE_TIMEOUT = 1.0
_MAX_WAIT = 1.0
_MAX_HEAD_SIZE = 64 * 1024
_MAX_INFORMATIONAL = 1000
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
_INFORMATIONAL = range(100, 200)
_SUCCESS = range(200, 300)
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ProxyConnectionError(BotocoreProxyConnectionError):
    """botocore's error, with its cause in the message, for example the proxy's response."""

    fmt = 'Failed to connect to proxy URL: "{proxy_url}": {error}'


# The first matching type wins.
_BOTOCORE_ERRORS: tuple[tuple[type[Exception], type[BotoCoreError]], ...] = (
    (urllib3.exceptions.ProxyError, ProxyConnectionError),
    (urllib3.exceptions.NewConnectionError, EndpointConnectionError),
    (urllib3.exceptions.ConnectTimeoutError, ConnectTimeoutError),
    (urllib3.exceptions.ReadTimeoutError, ReadTimeoutError),
    (urllib3.exceptions.ProtocolError, ConnectionClosedError),
    (urllib3.exceptions.SSLError, ConnectionClosedError),
)


class RequestBody(Protocol):
    """The body of a request."""

    @property
    def can_rewind(self) -> bool:
        """Whether `rewind` is possible now."""

    def rewind(self) -> None:
        """Return to the first byte."""

    def read(self, size: int) -> bytes:
        """Return at most this many bytes; b"" at the end.

        Args:
            size: Maximum number of bytes.
        """


class _ResponseReader(io.RawIOBase):
    """Reads responses from a socket. It can read the head of a response ahead.

    Attributes:
        got_continue: Whether `100 Continue` was received.
    """

    _file: Any = None

    def __init__(self, sock: Any) -> None:
        self.got_continue = False
        self._informational_count = 0
        self._sock = sock
        self._head = bytearray()

    def read_ahead(self) -> int | None:
        """Read until the next head is complete. Remove the head if it is informational.

        Returns:
            The status code; None if the connection has ended or this is not HTTP.

        Raises:
            OSError: The head is not complete yet, or the connection is broken. The next call
                continues with the bytes that were read.
            urllib3.exceptions.ProtocolError: The server sends informational responses without end.
        """
        while not (end := _END_OF_HEAD.search(self._head)):
            if b"\n" in self._head and not _STATUS_LINE.match(self._head):
                return None
            # urllib3's TLS within TLS returns 0 at the end instead of b"".
            data = self._sock.recv(io.DEFAULT_BUFFER_SIZE) or b""
            self._head += data
            if not data or len(self._head) > _MAX_HEAD_SIZE:
                return None
        match = _STATUS_LINE.match(self._head)
        if match is None:
            return None
        status_code = int(match[1])
        if status_code in _INFORMATIONAL:
            del self._head[: end.end()]
            self.got_continue |= status_code == HTTPStatus.CONTINUE
            self._informational_count += 1
            if self._informational_count > _MAX_INFORMATIONAL:
                raise urllib3.exceptions.ProtocolError("too many informational responses")
        return status_code

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a file for `http.client.HTTPResponse`, which uses this object like a socket.

        Args:
            mode: The mode of `socket.makefile`.
        """
        # This file keeps the socket open while the response is read.
        self._file = self._sock.makefile(mode, buffering=0)
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Return bytes that were read ahead, then read from the socket.

        Args:
            buffer: The buffer to fill.
        """
        if self._head:
            size = min(len(buffer), len(self._head))
            buffer[:size] = self._head[:size]
            del self._head[:size]
            return size
        count: int = self._file.readinto(buffer)
        return count

    def close(self) -> None:
        """Release the socket."""
        # Without a response, nothing has opened the file.
        if self._file is not None:
            self._file.close()
        super().close()


class _Connection(HTTPConnection):
    """A connection for one request, which watches for the response while it sends a body.

    Args:
        read_timeout: Maximum time without progress while sending or receiving, in seconds.
        expect_continue: Whether to ask for `100 Continue` before a body.
    """

    sock: Any
    _is_sent = False
    _reader: Any = None

    def __init__(
        self, *args: Any, read_timeout: float | None, expect_continue: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._read_timeout = read_timeout
        self._expect_continue = expect_continue

    def request(
        self, method: str, url: str, body: Any = None, headers: Any = None, **kwargs: Any
    ) -> None:
        """Send a request. Its body is not sent completely if the server responds before.

        Args:
            method: The HTTP method.
            url: The request target.
            body: A `RequestBody`, or None. It needs a Content-Length header.
            headers: The headers.
            **kwargs: Passed to urllib3.
        """
        if self._expect_continue:
            headers = {**headers, "Expect": "100-continue"}
        super().request(method, url, headers=headers, **kwargs)
        self._reader = _ResponseReader(self.sock)
        self.response_class = partial(_make_response, self._reader)  # type: ignore[assignment]
        try:
            self._is_sent = body is None or self._send_body(body)
        except BaseException:
            # urllib3 ignores a BrokenPipeError, even if the body raised it, and calls getresponse.
            self._reader = None
            raise

    def getresponse(self) -> Any:
        """Return the final response.

        Raises:
            urllib3.exceptions.ProtocolError: The body raised an exception, or a success arrived
                before the whole body was sent.
        """
        if self._reader is None:
            raise urllib3.exceptions.ProtocolError("the body could not be read")
        self.sock.settimeout(self._read_timeout)
        self._await_response()
        response = super().getresponse()
        if response.status in _SUCCESS and not self._is_sent:
            response.close()
            raise urllib3.exceptions.ProtocolError("success before the whole body was sent")
        return response

    def _await_response(self) -> None:
        """Wait until the head of the final response has arrived, or the connection ends.

        Raises:
            TimeoutError: Nothing was received for too long, and the kernel's send buffer did not
                shrink. On a slow connection, it can take longer to send a buffer of some MB.
        """
        status_code: int | None = HTTPStatus.CONTINUE
        while status_code in _INFORMATIONAL:
            unsent = _unsent_bytes(self.sock)
            try:
                status_code = self._reader.read_ahead()
            except TimeoutError:
                if _unsent_bytes(self.sock) >= unsent:
                    raise

    def _send_body(self, body: RequestBody) -> bool:
        """Send a body, and return whether all of it was sent."""
        if self._expect_continue and not self._wait_for_continue():
            return False
        self.sock.settimeout(self._send_timeout)
        while block := body.read(_BLOCK_SIZE):
            if not self._send_block(memoryview(block)):
                return False
        return True

    def _wait_for_continue(self) -> bool:
        """Return whether the body may be sent.

        After one second without a response, the body is sent (RFC 9110, section 10.1.1).
        """
        deadline = time.monotonic() + _CONTINUE_TIMEOUT
        while (
            not self._reader.got_continue
            and (remaining := deadline - time.monotonic()) > 0
            and wait_for_read(self.sock, remaining)
        ):
            if self._has_response():
                return False
        return True

    def _send_block(self, block: memoryview) -> bool:
        """Send a block, and return False if the connection ends or the server responds before.

        Raises:
            urllib3.exceptions.ReadTimeoutError: Nothing could be sent for too long.
        """
        stalled = 0.0
        # A socket that would block is the occasion to check for a response. A blocking socket does
        # not report this, so it is checked before each call.
        is_blocked = is_blocking = self._send_timeout != 0
        while block:
            if is_blocked and wait_for_read(self.sock, 0) and self._has_response():
                return False
            try:
                count = self.sock.send(block[:_BLOCKING_SEND_SIZE] if is_blocking else block)
            except _WOULD_BLOCK:
                count = 0
            except TimeoutError:
                if self._has_response():
                    return False
                self._raise_stalled()
            except OSError:
                # The server may have responded before it closed the connection.
                return False
            if count:
                block = block[count:]
                stalled = 0.0
                continue
            # gevent returns 0 instead of raising.
            is_blocked = True
            time_left = math.inf if self._read_timeout is None else self._read_timeout - stalled
            if time_left <= 0:
                self._raise_stalled()
            # The kernel reports a socket as writable when a third of its buffer is free, but takes
            # bytes earlier. So a slow connection has not stalled when this wait times out.
            timeout = min(_MAX_WAIT, time_left)
            if not wait_for_socket(self.sock, read=True, write=True, timeout=timeout):
                stalled += timeout
        return True

    def _has_response(self) -> bool:
        """Return whether the final response has arrived, or the connection has ended."""
        self.sock.settimeout(0)
        try:
            while self._reader.read_ahead() in _INFORMATIONAL:
                pass
        except _WOULD_BLOCK:
            return False
        finally:
            self.sock.settimeout(self._send_timeout)
        return True

    @property
    def _send_timeout(self) -> float | None:
        # urllib3's TLS within TLS is not a socket, and loses bytes if it must not block.
        return 0 if isinstance(self.sock, socket.socket) else self._read_timeout

    def _raise_stalled(self) -> NoReturn:
        message = f"Sending timed out. (read timeout={self._read_timeout})"
        raise urllib3.exceptions.ReadTimeoutError(None, None, message)  # type: ignore[arg-type]


class _TLSConnection(_Connection, HTTPSConnection):
    """A `_Connection` over TLS."""


def _unsent_bytes(sock: Any) -> int:
    """Return the number of bytes in the kernel's send buffer; 0 if it is unknown."""
    try:
        from fcntl import ioctl  # noqa: PLC0415
        from termios import TIOCOUTQ  # noqa: PLC0415

        return int.from_bytes(ioctl(sock.fileno(), TIOCOUTQ, bytes(4)), sys.byteorder)
    except (ImportError, OSError):
        return 0


def _make_response(reader: _ResponseReader, _: Any, *args: Any, **kwargs: Any) -> HTTPResponse:
    """Return the response that a reader reads, for `http.client.HTTPConnection`."""
    return HTTPResponse(reader, *args, **kwargs)  # type: ignore[arg-type]


@contextmanager
def open_request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, Any],
    body: RequestBody | None,
    config: Any,
    proxies: Mapping[str, str],
    verify: bool | str,
) -> Iterator[BaseHTTPResponse]:
    """Send one request over a new connection, and close the connection on exit.

    Redirects are not followed. A request is repeated in one case: without `Expect` if the server
    rejects that with HTTP 417. Proxies, certificates and timeouts are used as in botocore's HTTP
    session.

    Args:
        method: The HTTP method.
        url: The URL.
        headers: The headers, with Content-Length if there is a body.
        body: The body, or None. It is sent as it is read.
        config: The client's `Config`: its timeouts, client certificate and proxy settings apply.
        proxies: Proxy URLs by scheme.
        verify: False to trust every certificate, True for botocore's CA bundle, or a path.

    Returns:
        A context manager for the response, whose body has not been read.

    Raises:
        botocore.exceptions.SSLError: The server's certificate failed verification. The `__cause__`
            is the failed verification.
        botocore.exceptions.ConnectionError: The connection failed otherwise, or the server reported
            a success before the whole body was sent.
        botocore.exceptions.ReadTimeoutError: No byte could be sent or received for too long.
        botocore.exceptions.HTTPClientError: The request cannot be sent.
        botocore.exceptions.InvalidConfigError: A certificate file cannot be loaded.
    """
    proxy_configuration: Any = ProxyConfiguration(dict(proxies), config.proxies_config)
    proxy_url = proxy_configuration.proxy_url_for(url)
    try:
        manager = _make_manager(url, proxy_configuration, proxy_url, config, verify)
        options = {"method": method, "url": _request_target(url, manager), "headers": dict(headers)}
        expect_continue = body is not None
        with closing(manager.connection_from_url(url)) as pool, ExitStack() as stack:
            while True:
                response = stack.enter_context(
                    _send(pool, expect_continue, config.read_timeout, body=body, **options)
                )
                is_rejected = response.status == HTTPStatus.EXPECTATION_FAILED
                if not (is_rejected and body and expect_continue and body.can_rewind):
                    break
                stack.close()
                body.rewind()
                expect_continue = False
            yield response
    except urllib3.exceptions.HTTPError as error:
        raise _botocore_error(error, url, proxy_url) from _certificate_error(error)


@contextmanager
def _send(
    pool: Any, expect_continue: bool, read_timeout: float | None, **options: Any
) -> Iterator[BaseHTTPResponse]:
    """Send a request over a new connection of a pool, and close the connection on exit."""
    pool.ConnectionCls = partial(
        _TLSConnection if pool.scheme == "https" else _Connection,
        read_timeout=read_timeout,
        expect_continue=expect_continue,
    )
    try:
        response = pool.urlopen(
            **options,
            retries=Retry(False),
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            # The status and headers of a success are enough for a PUT.
            enforce_content_length=options["body"] is None,
        )
    except ValueError as error:
        # The message of http.client ends with the whole header.
        reason = str(error).partition(" b'")[0]
        raise urllib3.exceptions.HTTPError(f"invalid request: {reason}") from None
    with closing(response):
        yield response


def _make_manager(
    url: str, proxy_configuration: Any, proxy_url: str | None, config: Any, verify: bool | str
) -> PoolManager:
    options: dict[str, Any] = {
        "timeout": Timeout(connect=config.connect_timeout, read=config.read_timeout)
    }
    if urlsplit(url).scheme == "https":
        options["ssl_context"] = _make_ssl_context(verify, config.client_cert)
        options["cert_reqs"] = "CERT_REQUIRED" if verify else "CERT_NONE"
    if proxy_url is None:
        return PoolManager(**options)
    settings: Any = proxy_configuration.settings
    proxy_ssl_context = None
    if urlsplit(proxy_url).scheme == "https":
        proxy_ssl_context = _make_ssl_context(
            settings.get("proxy_ca_bundle") or verify, settings.get("proxy_client_cert")
        )
    return ProxyManager(
        proxy_url,
        proxy_headers=proxy_configuration.proxy_headers_for(proxy_url),
        proxy_ssl_context=proxy_ssl_context,
        use_forwarding_for_https=bool(settings.get("proxy_use_forwarding_for_https")),
        **options,
    )


def _make_ssl_context(verify: bool | str, certificate: Any) -> ssl.SSLContext:
    """Return botocore's TLS context, which is less strict than urllib3's, with the certificates.

    Raises:
        botocore.exceptions.InvalidConfigError: A file cannot be loaded.
    """
    create_context: Any = create_urllib3_context
    get_path: Any = get_cert_path
    context: ssl.SSLContext = create_context()
    try:
        if verify:
            context.load_verify_locations(get_path(verify))
        else:
            context.verify_mode = ssl.CERT_NONE
        if certificate is not None:
            context.load_cert_chain(
                *(certificate if isinstance(certificate, tuple) else (certificate,))
            )
    except OSError as error:
        raise InvalidConfigError(
            error_msg=f"cannot load the TLS certificates (CA bundle: {verify!r},"
            f" client certificate: {certificate!r}): {error}"
        ) from error
    return context


def _request_target(url: str, manager: PoolManager) -> str:
    """Return the whole URL for a forwarding proxy, otherwise its path and query."""
    parts = urlsplit(url)
    if isinstance(manager, ProxyManager) and not connection_requires_http_tunnel(
        manager.proxy, manager.proxy_config, parts.scheme
    ):
        return url
    # urlunsplit would change a path that starts with two slashes.
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _certificate_error(error: BaseException) -> Exception | None:
    """Return the failed certificate verification that caused an error, or None."""
    chain: list[Any] = [error]
    for current in chain:
        if isinstance(current, (ssl.SSLCertVerificationError, CertificateError)):
            return current
        linked = (current.__cause__, current.__context__, *current.args)
        chain += [one for one in linked if isinstance(one, BaseException) and one not in chain]
    return None


def _botocore_error(error: Exception, url: str, proxy_url: str | None) -> Any:
    """Return botocore's exception for one of urllib3's, without the query of the URL."""
    details: Any = {
        "endpoint_url": redact_query_strings(url),
        "error": redact_query_strings(str(error)),
        "proxy_url": mask_proxy_url(proxy_url) if proxy_url else None,
    }
    if _certificate_error(error) is not None:
        return SSLError(**details)
    if isinstance(error, urllib3.exceptions.ProxyError):
        details["error"] = redact_query_strings(str(error.original_error))
    for urllib3_type, botocore_type in _BOTOCORE_ERRORS:
        if isinstance(error, urllib3_type):
            return botocore_type(**details)
    return HTTPClientError(**details)
