"""Issue TLS certificates for the names that clients ask for."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from contextlib import suppress
from threading import Lock
from typing import Any

import trustme

from attach_confirm_stubs.server import _tls

_CACHE_SIZE = 128
# OpenSSL has it since 3.0. Older versions never report an unexpected EOF as an error.
_IGNORE_UNEXPECTED_EOF = getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)


class _TLSSocket(ssl.SSLSocket):
    """The TLS socket of an accepted connection, which the client may have reset already."""

    def getpeername(self) -> Any:
        """Return the client's address, or None after a reset.

        ssl.SSLSocket would raise while it is created, and leave the socket open.
        """
        with suppress(OSError):
            return super().getpeername()
        return None


class Certificates:
    """A certificate authority, and the certificates that it has issued.

    A certificate is issued when a client first asks for its name (SNI). Clients that ask for no
    name, or for a name that certificates cannot have, for example one with `_`, get the default
    certificate.

    Args:
        *names: The names and addresses of the default certificate.

    Attributes:
        ca_pem: The authority's own certificate, with which clients verify the others.
    """

    def __init__(self, *names: str) -> None:
        self._authority = trustme.CA()
        self._names = names
        self._lock = Lock()
        self._default: ssl.SSLContext | None = None
        self._contexts: OrderedDict[str, ssl.SSLContext] = OrderedDict()
        self.ca_pem = self._authority.cert_pem.bytes()

    def context(self) -> ssl.SSLContext:
        """Return the context with which the server accepts TLS connections."""
        with self._lock:
            if self._default is None:
                self._default = self._create_context(*self._names)
                self._default.sslsocket_class = _TLSSocket
                self._default.sni_callback = self._select_certificate
            return self._default

    def _select_certificate(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext
    ) -> None:
        if name and name not in self._names:
            with suppress(ValueError), self._lock:
                connection.context = self._context_for(name.lower())

    def _context_for(self, name: str) -> ssl.SSLContext:
        """Return the context for a name.

        Raises:
            ValueError: A certificate cannot have the name.
        """
        context = self._contexts.pop(name, None) or self._create_context(name)
        self._contexts[name] = context
        if len(self._contexts) > _CACHE_SIZE:
            self._contexts.popitem(last=False)
        return context

    def _create_context(self, *names: str) -> ssl.SSLContext:
        context = _tls.context_class()(ssl.PROTOCOL_TLS_SERVER)
        # Otherwise a client that only shuts down its socket cannot receive the response.
        _tls.set_attribute(context, "options", context.options | _IGNORE_UNEXPECTED_EOF)
        # LeafCert.configure_cert() accepts only instances of `ssl.SSLContext`; see `_tls`.
        with self._authority.issue_cert(*names).private_key_and_cert_chain_pem.tempfile() as path:
            context.load_cert_chain(path)
        return context
