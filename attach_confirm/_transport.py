"""Connections for the pre-signed PUT and GET.

urllib3 sends a body without asking the server first, under the connect timeout, and loses the
server's error response over TLS when the server closes early. These connections ask for
`100 Continue` before they send a body, stop sending once the final response is here, and apply
the read timeout to sending.
"""

from __future__ import annotations

import io
import re
import ssl
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import urllib3
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import ProxyConfiguration, get_cert_path, mask_proxy_url
from urllib3 import PoolManager, ProxyManager, Retry, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.proxy import connection_requires_http_tunnel
from urllib3.util.ssl_match_hostname import CertificateError

from attach_confirm._redaction import redact_query_strings

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping

    from urllib3.response import BaseHTTPResponse

_BLOCK_SIZE = 128 * 1024
_CONTINUE_TIMEOUT = 1.0
_POLL_TIMEOUT = 0.05
_MAX_HEAD_SIZE = 64 * 1024
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_CONTINUE = 100
_INFORMATIONAL = range(100, 200)


# Of these types the first that matches counts.
_BOTOCORE_ERRORS: tuple[tuple[type[Exception], type[BotoCoreError]], ...] = (
    (urllib3.exceptions.ProxyError, ProxyConnectionError),
    (urllib3.exceptions.NewConnectionError, EndpointConnectionError),
    (urllib3.exceptions.ConnectTimeoutError, ConnectTimeoutError),
    (urllib3.exceptions.ReadTimeoutError, ReadTimeoutError),
    (urllib3.exceptions.ProtocolError, ConnectionClosedError),
    (urllib3.exceptions.SSLError, ConnectionClosedError),
)


class _ResponseReader(io.RawIOBase):
    """A socket's bytes, of which the head of a response may be read ahead."""

    def __init__(self, sock: socket.socket) -> None:
        # A file of the socket's keeps it open while the response is read.
        self._file: Any = sock.makefile("rb", buffering=0)
        self._sock = sock
        self._head = bytearray()

    def read_ahead(self) -> int | None:
        """Read until the next head is complete, and drop it if it is informational.

        Returns:
            The head's status code; None if the connection ends or this is not HTTP.

        Raises:
            TimeoutError: The head is not complete yet. What arrived is kept.
        """
        while not (end := _END_OF_HEAD.search(self._head)):
            data = self._sock.recv(io.DEFAULT_BUFFER_SIZE)
            self._head += data
            if not data or len(self._head) > _MAX_HEAD_SIZE:
                return None
        match = _STATUS.match(self._head)
        if match is None:
            return None
        status_code = int(match[1])
        if status_code in _INFORMATIONAL:
            del self._head[: end.end()]
        return status_code

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what was read ahead, then the socket."""
        if self._head:
            size = min(len(buffer), len(self._head))
            buffer[:size] = self._head[:size]
            del self._head[:size]
            return size
        count: int = self._file.readinto(buffer)
        return count

    def close(self) -> None:
        """Release the socket."""
        self._file.close()
        super().close()


class _Response(HTTPResponse):
    """A response whose head may be read ahead."""

    def __init__(self, sock: Any, *args: Any, reader: _ResponseReader, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(reader)


class _BodyConnection(HTTPConnection):
    """A connection that sends a body only after the server agrees.

    Args:
        send_timeout: Maximum time for which sending may stall, in seconds.
    """

    def __init__(self, *args: Any, send_timeout: float | None, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "blocksize": _BLOCK_SIZE})
        self._send_timeout = send_timeout
        self._reader: _ResponseReader | None = None
        self._responded = False
        self._expects_continue = False

    def request(
        self, method: str, url: str, body: Any = None, headers: Any = None, **kwargs: Any
    ) -> None:
        """Send a request, with `Expect: 100-continue` if it has a body."""
        self._reader, self._responded = None, False
        self._expects_continue = body is not None
        if self._expects_continue:
            headers = {**(headers or {}), "Expect": "100-continue"}
        super().request(method, url, body=body, headers=headers, **kwargs)

    def endheaders(self, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        """Send the head, and wait for `100 Continue` before the body.

        A server that says nothing for a second gets the body (RFC 9110, section 10.1.1).
        """
        super().endheaders(encode_chunked=encode_chunked)
        if not self._expects_continue:
            return
        sock: Any = self.sock
        self._reader = _ResponseReader(sock)
        self.response_class = partial(_Response, reader=self._reader)  # type: ignore[assignment]
        self._responded = self._await_response(_CONTINUE_TIMEOUT)
        sock.settimeout(self._send_timeout)
        if message_body is not None:  # urllib3 before 2.0
            self.send(message_body)

    def send(self, data: Any) -> None:
        """Send a part of the request.

        Raises:
            BrokenPipeError: The server responded or closed, so it wants no more of the body.
                urllib3 goes on with the response.
        """
        if self._reader is None:
            super().send(data)
            return
        if self._responded:
            raise BrokenPipeError
        try:
            super().send(data)
        except TimeoutError:
            if not self._await_response(_POLL_TIMEOUT):
                raise
            raise BrokenPipeError from None
        except (ssl.SSLError, ConnectionError) as error:
            raise BrokenPipeError from error

    def getresponse(self) -> Any:
        """Return the final response."""
        if self._reader is not None:
            sock: Any = self.sock
            sock.settimeout(self.timeout)
            while self._reader.read_ahead() in _INFORMATIONAL:
                pass
        return super().getresponse()

    def _await_response(self, timeout: float) -> bool:
        """Return whether the final response is here, or the connection has ended."""
        sock: Any = self.sock
        reader: Any = self._reader
        sock.settimeout(timeout)
        try:
            while (status_code := reader.read_ahead()) in _INFORMATIONAL:
                if status_code == _CONTINUE:
                    return False
        except TimeoutError:
            return False
        return True


class _TLSBodyConnection(_BodyConnection, HTTPSConnection):
    """The same over TLS."""


@contextmanager
def open_request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, Any],
    body: Any,
    config: Any,
    proxies: Mapping[str, str],
    verify: bool | str,
) -> Iterator[BaseHTTPResponse]:
    """Send one request over a connection of its own, and close it at the end.

    No redirect is followed and nothing is retried. Proxies, certificates and timeouts are used
    as botocore's HTTP session does.

    Args:
        method: The HTTP method.
        url: The URL, which is sent byte for byte.
        headers: The headers.
        body: None, or a file that is sent as it is read.
        config: The client's `Config`: its timeouts, client certificate and proxy settings count.
        proxies: Proxy URLs by scheme.
        verify: False to trust every certificate, True for botocore's CA bundle, or a path.

    Returns:
        A context manager for the response, whose body is not read yet.

    Raises:
        botocore.exceptions.SSLError: The server's certificate failed verification; the `__cause__`
            is the `ssl.SSLCertVerificationError`.
        botocore.exceptions.ConnectionError: The connection failed otherwise.
        botocore.exceptions.HTTPClientError: Likewise, or the request cannot be sent at all.
    """
    proxy_url = None
    try:
        proxy_configuration: Any = ProxyConfiguration(dict(proxies), config.proxies_config)
        proxy_url = proxy_configuration.proxy_url_for(url)
        manager = _make_manager(proxy_configuration, proxy_url, config, verify)
        pool: Any = manager.connection_from_url(url)
        pool.ConnectionCls = partial(
            _TLSBodyConnection if pool.scheme == "https" else _BodyConnection,
            send_timeout=config.read_timeout,
        )
        with closing(pool):
            try:
                response = pool.urlopen(
                    method,
                    _request_target(url, manager),
                    body=body,
                    headers=headers,
                    retries=Retry(False),
                    redirect=False,
                    assert_same_host=False,
                    preload_content=False,
                    decode_content=False,
                )
            except ValueError as error:
                # http.client rejects characters that a header or URL must not have.
                raise _botocore_error(error, url, proxy_url) from None
            yield response
    except urllib3.exceptions.HTTPError as error:
        raise _botocore_error(error, url, proxy_url) from _certificate_error(error)


def _make_manager(
    proxy_configuration: Any, proxy_url: str | None, config: Any, verify: bool | str
) -> PoolManager:
    certificate: Any = config.client_cert
    trusted: Any = verify  # botocore-stubs knows no path here
    cert_file, key_file = certificate if isinstance(certificate, tuple) else (certificate, None)
    options: dict[str, Any] = {
        "timeout": Timeout(connect=config.connect_timeout, read=config.read_timeout),
        "cert_file": cert_file,
        "key_file": key_file,
        "cert_reqs": "CERT_REQUIRED" if verify else "CERT_NONE",
        "ca_certs": get_cert_path(trusted) if verify else None,
    }
    if proxy_url is None:
        return PoolManager(**options)
    settings: Any = proxy_configuration.settings
    return ProxyManager(
        proxy_url,
        proxy_headers=proxy_configuration.proxy_headers_for(proxy_url),
        proxy_ssl_context=_proxy_ssl_context(settings),
        use_forwarding_for_https=bool(settings.get("proxy_use_forwarding_for_https")),
        **options,
    )


def _proxy_ssl_context(settings: Mapping[str, Any]) -> ssl.SSLContext | None:
    ca_bundle = settings.get("proxy_ca_bundle")
    certificate = settings.get("proxy_client_cert")
    if ca_bundle is None and certificate is None:
        return None
    context = ssl.create_default_context(cafile=ca_bundle)
    if certificate is not None:
        files = certificate if isinstance(certificate, tuple) else (certificate,)
        context.load_cert_chain(*files)
    return context


def _request_target(url: str, manager: PoolManager) -> str:
    """Return the URL as a forwarding proxy needs it, or else its path and query."""
    parts = urlsplit(url)
    forwarded = isinstance(manager, ProxyManager) and not connection_requires_http_tunnel(
        manager.proxy, manager.proxy_config, parts.scheme
    )
    return url if forwarded else urlunsplit(("", "", parts.path or "/", parts.query, ""))


def _certificate_error(error: BaseException) -> Exception | None:
    """Return the failed verification that is behind an error, if one is."""
    seen: list[Any] = [error]
    for current in seen:
        if isinstance(current, (ssl.SSLCertVerificationError, CertificateError)):
            return current
        linked = (current.__cause__, current.__context__, *current.args)
        seen += [one for one in linked if isinstance(one, BaseException) and one not in seen]
    return None


def _botocore_error(error: Exception, url: str, proxy_url: str | None) -> Any:
    """Return botocore's exception for urllib3's, without the query of the URL."""
    details: Any = {
        "endpoint_url": redact_query_strings(url),
        "error": redact_query_strings(str(error)),
        "proxy_url": mask_proxy_url(proxy_url) if proxy_url else None,
    }
    if _certificate_error(error) is not None:
        return SSLError(**details)
    for urllib3_type, botocore_type in _BOTOCORE_ERRORS:
        if isinstance(error, urllib3_type):
            return botocore_type(**details)
    return HTTPClientError(**details)
