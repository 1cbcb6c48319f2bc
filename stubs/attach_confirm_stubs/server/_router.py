"""Where a request to the server goes, and who may make it.

A browser may call AWS's operations and the place of the attachments from every page, as the
JavaScript SDK does. The page at `/` and the control under `/_fake/` are for the fake's own page
and for programs: a name that somebody's DNS points here is refused, and so is another origin.
"""

from __future__ import annotations

import json
import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attach_confirm_stubs.fake import _start_chat_contact, responses
from attach_confirm_stubs.fake._http import Response
from attach_confirm_stubs.server import _admin_api, _dashboard

if TYPE_CHECKING:
    from attach_confirm_stubs.fake._http import Request

_PLACE = re.compile(r"/([^/]+)/((?:staging|final)/[^/]+)")
_OURS = re.compile(r"/(?:_fake(?:/.*)?)?", re.DOTALL)
_EXPOSED = "etag, x-amz-request-id, x-amzn-errortype, x-amzn-requestid"


def is_object_path(path: str) -> bool:
    """Tell whether a path is where attachments lie."""
    return _PLACE.fullmatch(path) is not None and not _OURS.fullmatch(path)


def cors_headers(request: Request) -> dict[str, str]:
    """Return the headers that let a page of any origin read the answer, where it may."""
    if "origin" not in request.headers or _OURS.fullmatch(urlsplit(request.url).path):
        return {}
    headers = {"access-control-allow-origin": "*", "access-control-expose-headers": _EXPOSED}
    if request.method == "OPTIONS":
        asked = request.headers.get("access-control-request-headers", "*")
        headers["access-control-allow-headers"] = asked
        headers["access-control-allow-methods"] = "GET, POST, PUT"
        headers["access-control-max-age"] = "600"
    return headers


class Router:
    """Where requests to a server go.

    Args:
        host: The name or address that it listens at.
    """

    def __init__(self, host: str) -> None:
        self._names = {"localhost", host.lower()}

    def dispatch(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            exceptions.ResponseNotDelivered: The answer does not reach the caller.
        """
        path = urlsplit(request.url).path
        if _OURS.fullmatch(path):
            return self._dispatch_admin(request, path)
        if request.method == "OPTIONS":
            return Response(200, {})
        place = _PLACE.fullmatch(path)
        if place:
            return responses.dispatch_s3(request, place[1], place[2])
        if (request.method, path) == ("PUT", "/contact/chat"):
            return _start_chat_contact.respond(request)
        return responses.dispatch(request)

    def _dispatch_admin(self, request: Request, path: str) -> Response:
        if not self._is_own_host(urlsplit(request.url).hostname or ""):
            return _forbidden("The server does not go by this name.")
        if request.headers.get("origin", request.base_url) != request.base_url:
            return _forbidden("Another origin's page may not do this.")
        if path != "/":
            return _admin_api.respond(request)
        if request.method in {"GET", "HEAD"}:
            return Response(200, _dashboard.HEADERS, _dashboard.PAGE)
        return _forbidden("The page can only be read.")

    def _is_own_host(self, host: str) -> bool:
        """Tell whether a host's name can be nobody else's: an address cannot be rebound."""
        try:
            ip_address(host)
        except ValueError:
            return host in self._names
        return True


def _forbidden(message: str) -> Response:
    body = json.dumps({"message": message}).encode()
    return Response(403, {"content-type": "application/json"}, body)
