"""Redirect connections to AWS's host names to the server on loopback."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager, suppress
from errno import ECONNREFUSED
from typing import TYPE_CHECKING, Any

from attach_confirm_stubs._client_discovery import all_subclasses
from attach_confirm_stubs.fake import _patterns
from attach_confirm_stubs.in_process._replacements import Replacements
from attach_confirm_stubs.server import _tls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attach_confirm_stubs.in_process._attempts import UnservedAttempts
    from attach_confirm_stubs.in_process._loopback import LoopbackServer

# What AWS's names are resolved to. It would not leave the machine even without the redirection.
ADDRESS = "127.88.0.1"
_LOOPBACK = "127.0.0.1"
_MAPPED_PREFIX = "::ffff:"
_KINDS = (
    (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
)
_INTERNET = {socket.AF_INET, socket.AF_INET6}


class Redirection:
    """Decides which connections are redirected.

    Args:
        server: The server that receives the connections.
        attempts: Receives the attempts that cannot be redirected.
        proxies: The hosts and ports of proxies, which are redirected as well.
    """

    def __init__(
        self, server: LoopbackServer, attempts: UnservedAttempts, proxies: set[tuple[str, int]]
    ) -> None:
        self._server = server
        self._attempts = attempts
        self._proxies = proxies

    def is_aws(self, host: object) -> bool:
        """Return whether a host name is one of AWS's that the fake can serve.

        Raises:
            socket.gaierror: The name is one of AWS's, but cannot be served.
        """
        name = _to_name(host)
        if not _patterns.is_aws_host(name):
            return False
        if not _patterns.is_served_host(name):
            self.reject(f"An HTTP library called {name}")
        return True

    def is_proxy(self, host: object, port: object) -> bool:
        """Return whether a client that was created before the block would use a proxy."""
        return bool(self._proxies) and (_to_name(host), port) in self._proxies

    def reject(self, description: str) -> None:
        """Remember an attempt, and raise.

        Raises:
            socket.gaierror: Always.
        """
        raise socket.gaierror(socket.EAI_NONAME, self._attempts.add(description))

    def redirect(self, connection: socket.socket, address: Any) -> Any:
        """Return the address that a socket connects to instead of another one.

        Raises:
            OSError: The server cannot be started, or the address is a name of AWS's that cannot be
                served.
        """
        is_pair = isinstance(address, tuple) and len(address) > 1
        if connection.family not in _INTERNET or not is_pair:
            return address
        host = address[0]
        is_ours = host in {ADDRESS, _MAPPED_PREFIX + ADDRESS} or self.is_proxy(*address[:2])
        if not is_ours and not self.is_aws(host):
            return address
        try:
            port = self._server.start().port
        except OSError as error:
            message = self._attempts.add(f"The server on loopback did not start ({error.strerror})")
            raise OSError(error.errno or ECONNREFUSED, message) from None
        prefix = _MAPPED_PREFIX if connection.family == socket.AF_INET6 else ""
        return (prefix + _LOOPBACK, port, *address[2:])

    def tls_context(
        self, context: ssl.SSLContext, server_hostname: object, connection: socket.socket | None
    ) -> ssl.SSLContext | None:
        """Return the context with which a client connects to the server, or None for other peers.

        The given context is not changed, because it outlives the block.

        Args:
            context: The client's context.
            server_hostname: The server's name, or None.
            connection: The socket, or None if it is unknown.
        """
        peer = None
        if connection is not None:
            with suppress(OSError):
                peer = connection.getpeername()
        if peer is None:
            if not _patterns.is_aws_host(_to_name(server_hostname)):
                return None
        elif not self._server.is_peer(peer):
            return None
        replacement = _tls.context_class()(ssl.PROTOCOL_TLS_CLIENT)
        replacement.check_hostname = False
        _tls.set_attribute(replacement, "verify_mode", context.verify_mode)
        replacement.check_hostname = context.check_hostname
        replacement.load_verify_locations(
            cadata=self._server.start().certificates.ca_pem.decode("ascii")
        )
        return replacement


@contextmanager
def redirected_connections(redirection: Redirection) -> Iterator[None]:
    """Redirect the connections of `socket` and `ssl`, and of what uses them, during a block.

    That includes asyncio's selector event loop, in all threads and forked processes. TLS clients
    accept the server's certificates, if they verify any.
    """
    with Replacements() as replacements:
        for name, create in _RESOLVERS.items():
            replacements.replace(socket, name, create(redirection, getattr(socket, name)))
        socket_class = next(cls for cls in socket.socket.mro() if cls.__module__ == "socket")
        for name in ("connect", "connect_ex"):
            wrapper = _connect(redirection, getattr(socket_class, name))
            replacements.replace(socket_class, name, wrapper)
        context_class = _tls.context_class()
        originals = {name: vars(context_class)[name] for name in _WRAPPERS}
        for cls in {context_class, *all_subclasses(context_class)}:
            for name in _WRAPPERS.keys() & vars(cls).keys():
                wrapper = _WRAPPERS[name](redirection, vars(cls)[name], originals[name])
                replacements.replace(cls, name, wrapper)
        yield


def _getaddrinfo(redirection: Redirection, original: Any) -> Any:
    def getaddrinfo(  # noqa: PLR0917
        host: Any,
        port: Any,
        family: int = 0,
        type: int = 0,  # noqa: A002
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        is_proxy = redirection.is_proxy(host, port)
        if not is_proxy and not _patterns.is_aws_host(_to_name(host)):
            return original(host, port, family, type, proto, flags)
        if flags & socket.AI_NUMERICHOST:
            # trio asks first whether the name is an address.
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if not is_proxy:
            redirection.is_aws(host)
        is_ipv6 = family == socket.AF_INET6
        sockaddr = (
            (_MAPPED_PREFIX + ADDRESS, _to_port(port), 0, 0)
            if is_ipv6
            else (ADDRESS, _to_port(port))
        )
        return [
            (
                socket.AF_INET6 if is_ipv6 else socket.AF_INET,
                kind,
                protocol,
                _to_name(host) if flags & socket.AI_CANONNAME else "",
                sockaddr,
            )
            for kind, protocol in _KINDS
            if type in {0, kind} and proto in {0, protocol}
        ]

    return getaddrinfo


def _gethostbyname(redirection: Redirection, original: Any) -> Any:
    def gethostbyname(hostname: Any) -> Any:
        return ADDRESS if redirection.is_aws(hostname) else original(hostname)

    return gethostbyname


def _gethostbyname_ex(redirection: Redirection, original: Any) -> Any:
    def gethostbyname_ex(hostname: Any) -> Any:
        if redirection.is_aws(hostname):
            return _to_name(hostname), [], [ADDRESS]
        return original(hostname)

    return gethostbyname_ex


_RESOLVERS = {
    "getaddrinfo": _getaddrinfo,
    "gethostbyname": _gethostbyname,
    "gethostbyname_ex": _gethostbyname_ex,
    "gethostbyaddr": _gethostbyname_ex,
}


def _connect(redirection: Redirection, original: Any) -> Any:
    def connect(self: socket.socket, address: Any) -> Any:
        return original(self, redirection.redirect(self, address))

    return connect


def _wrap_socket(redirection: Redirection, original: Any, plain: Any) -> Any:
    def wrap_socket(  # noqa: PLR0917
        self: Any,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: Any = None,
        session: Any = None,
    ) -> Any:
        context = None if server_side else redirection.tls_context(self, server_hostname, sock)
        arguments: dict[str, Any] = {
            "server_side": server_side,
            "do_handshake_on_connect": do_handshake_on_connect,
            "suppress_ragged_eofs": suppress_ragged_eofs,
        }
        if context is None:
            return original(
                self, sock, server_hostname=server_hostname, session=session, **arguments
            )
        return plain(context, sock, server_hostname=_to_name(server_hostname) or None, **arguments)

    return wrap_socket


def _wrap_bio(redirection: Redirection, original: Any, plain: Any) -> Any:
    def wrap_bio(  # noqa: PLR0917
        self: Any,
        incoming: Any,
        outgoing: Any,
        server_side: bool = False,
        server_hostname: Any = None,
        session: Any = None,
    ) -> Any:
        context = None if server_side else redirection.tls_context(self, server_hostname, None)
        if context is None:
            return original(self, incoming, outgoing, server_side, server_hostname, session)
        return plain(context, incoming, outgoing, server_hostname=_to_name(server_hostname))

    return wrap_bio


_WRAPPERS = {"wrap_socket": _wrap_socket, "wrap_bio": _wrap_bio}


def _to_name(host: object) -> str:
    """Return a host name in lower case, without the dot at its end, or nothing."""
    if isinstance(host, bytes | bytearray):
        host = host.decode("latin-1")
    return host.lower().rstrip(".") if isinstance(host, str) else ""


def _to_port(port: Any) -> int:
    """Return a port, which may be the name of a service, as a number."""
    if isinstance(port, bytes):
        port = port.decode("ascii")
    if port is None:
        return 0
    try:
        return int(port)
    except ValueError:
        return socket.getservbyname(port)
