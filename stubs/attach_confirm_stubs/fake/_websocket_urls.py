"""The URLs of websockets that clients receive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from attach_confirm_stubs.fake import _patterns

if TYPE_CHECKING:
    from attach_confirm_stubs.fake._http import Request


def for_client(members: dict[str, Any], request: Request) -> dict[str, Any]:
    """Return a response whose websocket URL, if it has one, is that of the server.

    Amazon's chat client for browsers accepts only `wss:` URLs, and `ws://127.0.0.1`.

    Args:
        members: The members of the response.
        request: The request. Without a base URL, AWS's URL is kept.
    """
    if request.base_url is None or "Websocket" not in members:
        return members
    url = urlsplit(members["Websocket"]["Url"])
    local_url = f"{_base_url(request.base_url, request)}{url.path}?{url.query}"
    return {**members, "Websocket": {**members["Websocket"], "Url": local_url}}


def _base_url(base_url: str, request: Request) -> str:
    base = urlsplit(base_url)
    if _patterns.is_loopback(base.hostname or ""):
        return f"ws://{base.netloc.lower().replace('localhost', '127.0.0.1')}"
    is_secure = base.scheme == "https" or "origin" in request.headers
    return f"{'wss' if is_secure else 'ws'}://{base.netloc}"
