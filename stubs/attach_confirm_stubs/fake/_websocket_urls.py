"""The URLs of websockets that clients receive."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

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
    host = base.hostname or ""
    if host == "localhost":
        return f"ws://{base.netloc.lower().replace(host, '127.0.0.1')}"
    if _is_loopback(host):
        return f"ws://{base.netloc}"
    is_secure = base.scheme == "https" or "origin" in request.headers
    return f"{'wss' if is_secure else 'ws'}://{base.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
