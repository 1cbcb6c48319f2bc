"""Route requests to AWS's operations, the attachments' object URLs, the admin API or the dashboard.

Pages of any origin may call AWS's operations and the object URLs, as the JavaScript SDK does. The
admin API and the dashboard reject requests with a foreign Host or Origin (DNS rebinding, CSRF).
"""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attach_confirm_stubs.fake import _dispatch, _patterns, _websocket_responses, exceptions
from attach_confirm_stubs.fake._http import Response
from attach_confirm_stubs.server import _admin_api, _dashboard

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from attach_confirm_stubs.fake._http import Request

_ADMIN_PATH = re.compile(r"/(?:_fake(?:/.*)?)?", re.DOTALL)
_CA_PATH = "/_fake/ca.pem"
_CA_HEADERS = {"content-type": "application/x-pem-file", "cache-control": "no-store"}
_EXPOSED_HEADERS = "etag, x-amz-request-id, x-amzn-errortype, x-amzn-requestid"


def dispatch(request: Request) -> Response:
    """Return the response of AWS's services to a request.

    Raises:
        exceptions.ResponseNotDelivered: A fault affects the connection.
    """
    headers = _cors_headers(request)
    try:
        response = _dispatch_aws(request)
    except exceptions.ResponseNotDelivered as error:
        if error.response:
            error.response = _with_headers(error.response, headers)
        raise
    return _with_headers(response, headers)


def _dispatch_aws(request: Request) -> Response:
    if request.method == "OPTIONS":
        return Response(200, {})
    stored_object = _patterns.parse_object_url(request.url)
    if stored_object:
        return _dispatch.dispatch_s3(request, *stored_object)
    if urlsplit(request.url).path == _patterns.WEBSOCKET_PATH:
        return _websocket_responses.open_websocket(request)
    return _dispatch.dispatch(request)


def _with_headers(response: Response, headers: dict[str, str]) -> Response:
    return replace(response, headers=response.headers | headers) if headers else response


def _cors_headers(request: Request) -> dict[str, str]:
    if "origin" not in request.headers:
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
        ca_pem: The certificate of the server's certificate authority.
    """

    def __init__(self, host: str, ca_pem: bytes) -> None:
        self._host_names = {"localhost", host.lower()}
        self._ca_pem = ca_pem

    def dispatch(self, request: Request) -> Response:
        """Return the response to a request.

        Raises:
            exceptions.ResponseNotDelivered: A fault affects the connection.
        """
        url = urlsplit(request.url)
        if _ADMIN_PATH.fullmatch(url.path):
            return self._dispatch_admin(request, url)
        return dispatch(request)

    def _dispatch_admin(self, request: Request, url: SplitResult) -> Response:
        if not self._is_own_host(url.hostname or ""):
            return _forbidden("host not allowed; use localhost, an IP address or the server's name")
        origin = f"{url.scheme}://{url.netloc}"
        if request.headers.get("origin", origin) != origin:
            return _forbidden("cross-origin requests are not allowed")
        if (request.method, url.path) == ("GET", _CA_PATH):
            return Response(200, _CA_HEADERS, self._ca_pem)
        if url.path != "/":
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
