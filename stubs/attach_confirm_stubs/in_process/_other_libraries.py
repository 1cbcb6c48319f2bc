"""What the redirection of `socket` and `ssl` does not reach, or not correctly."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter

from attach_confirm_stubs.fake import _patterns
from attach_confirm_stubs.in_process._replacements import Replacements
from attach_confirm_stubs.in_process._sockets import ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attach_confirm_stubs.in_process._attempts import UnservedAttempts
    from attach_confirm_stubs.in_process._sockets import Redirection

_UVLOOP_ADVICE = "uvloop's event loop does not use Python's sockets. Use asyncio's event loop"


def reject_uvloop(attempts: UnservedAttempts) -> None:
    """Raise if the running event loop is that of uvloop.

    Raises:
        RuntimeError: It is.
    """
    if "uvloop" not in sys.modules:
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    if isinstance(loop, sys.modules["uvloop"].Loop):
        raise RuntimeError(attempts.add(_UVLOOP_ADVICE))  # noqa: TRY004


@contextmanager
def adapted_libraries(redirection: Redirection) -> Iterator[None]:
    """Adapt requests, and aiohttp and uvloop if they are imported, during a block."""
    with Replacements() as replacements:
        replacements.replace(HTTPAdapter, "send", _send(HTTPAdapter.send))
        uvloop: Any = sys.modules.get("uvloop")
        if uvloop is not None:
            for name in ("create_connection", "getaddrinfo", "sock_connect"):
                wrapper = _reject_aws(redirection, getattr(uvloop.Loop, name))
                replacements.replace(uvloop.Loop, name, wrapper)
        resolver: Any = sys.modules.get("aiohttp.resolver")
        if resolver is not None:
            cls = resolver.AsyncResolver
            replacements.replace(cls, "resolve", _resolve(redirection, cls.resolve))
        yield


def _send(original: Any) -> Any:
    def send(self: HTTPAdapter, request: Any, *args: Any, **kwargs: Any) -> Any:
        body: Any = request.body
        is_iterable = not isinstance(body, str | bytes | None) and not hasattr(body, "read")
        if is_iterable and _patterns.is_aws_host(_patterns.host_of(request.url)):
            # moto cannot read it.
            request.body = b"".join(body)
        return original(self, request, *args, **kwargs)

    return send


def _reject_aws(redirection: Redirection, original: Any) -> Any:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        for value in (*args, kwargs.get("host"), kwargs.get("address")):
            host = value[0] if isinstance(value, tuple) and value else value
            if redirection.is_aws(host):
                redirection.reject(_UVLOOP_ADVICE)
        return original(self, *args, **kwargs)

    return call


def _resolve(redirection: Redirection, original: Any) -> Any:
    async def resolve(self: Any, host: str, port: int = 0, family: int = socket.AF_INET) -> Any:
        if not redirection.is_aws(host):
            return await original(self, host, port, family)
        # aiodns has resolved the name without Python's sockets.
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        result = {"hostname": host, "host": ADDRESS, "port": port, "proto": 0, "flags": flags}
        return [{**result, "family": socket.AF_INET}]

    return resolve
