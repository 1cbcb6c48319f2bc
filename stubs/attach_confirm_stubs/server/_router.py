"""Route requests to AWS's operations, the attachments' object URLs, the admin API or the dashboard.

Pages of any origin may call AWS's operations and the object URLs, as the JavaScript SDK does. The
admin API and the dashboard reject requests with a foreign Host or Origin (DNS rebinding, CSRF).
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attach_confirm_stubs.fake import _dispatch, _patterns
from attach_confirm_stubs.fake._http import Response
from attach_confirm_stubs.server import _admin_api, _dashboard

if TYPE_CHECKING:
    from attach_confirm_stubs.fake._http import Request

_ADMIN_PATH = re.compile(r"/(?:_fake(?:/.*)?)?", re.DOTALL)
_EXPOSED_HEADERS = "etag, x-amz-request-id, x-amzn-errortype, x-amzn-requestid"


def is_object_path(path: str) -> bool:
    """Return whether a URL path is the path of an attachment's object."""
    return _patterns.OBJECT_PATH.fullmatch(path) is not None and not _ADMIN_PATH.fullmatch(path)


def cors_headers(request: Request) -> dict[str, str]:
    """Return the CORS headers of the response; none for the admin API and the dashboard."""
    if "origin" not in request.headers or _ADMIN_PATH.fullmatch(urlsplit(request.url).path):
        return {}
    headers = {
        "access-control-allow-origin": "*",
        "access-control-expose-headers": _EXPOSED_HEADERS,
    }
    if request.method == "OPTIONS":
        requested_headers = request.headers.get("access-control-request-headers", "*")
        headers["access-control-allow-headers"] = requested_headers
        headers["access-control-allow-methods"] = "GET, POST, PUT"
        headers["access-control-max-age"] = "600"
    return headers


class Router:
    """Dispatches a server's requests.

    Args:
        host: Name or address that the server binds.
    """

    def __init__(self, host: str) -> None:
        self._host_names = {"localhost", host.lower()}

    def dispatch(self, request: Request) -> Response:
        """Return the response to a request.

        Raises:
            exceptions.ResponseNotDelivered: A fault affects the connection.
        """
        path = urlsplit(request.url).path
        if _ADMIN_PATH.fullmatch(path):
            return self._dispatch_admin(request, path)
        if request.method == "OPTIONS":
            return Response(200, {})
        object_path = _patterns.OBJECT_PATH.fullmatch(path)
        if object_path:
            return _dispatch.dispatch_s3(request, object_path[1], object_path[2])
        return _dispatch.dispatch(request)

    def _dispatch_admin(self, request: Request, path: str) -> Response:
        if not self._is_own_host(urlsplit(request.url).hostname or ""):
            return _forbidden("host not allowed; use localhost, an IP address or the server's name")
        if request.headers.get("origin", request.base_url) != request.base_url:
            return _forbidden("cross-origin requests are not allowed")
        if path != "/":
            return _admin_api.respond(request)
        if request.method in {"GET", "HEAD"}:
            return Response(200, _dashboard.HEADERS, _dashboard.PAGE)
        return _forbidden("the dashboard supports only GET and HEAD")

    def _is_own_host(self, host: str) -> bool:
        """Return whether a host is the server's name or an address, which DNS cannot rebind."""
        try:
            ip_address(host)
        except ValueError:
            return host in self._host_names
        return True


def _forbidden(message: str) -> Response:
    return _admin_api.error_response(403, message)
