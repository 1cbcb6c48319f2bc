"""Requests and responses, in the same form for moto and for the server."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request.

    Attributes:
        method: HTTP method, for example `POST`.
        url: URL, as the client sent it.
        headers: Headers, by normalized name; see `normalize_header_name`.
        content_length: Length of the body, in bytes.
        read_body: Function that returns the body. On the server, the call sends `100 Continue` to a
            client that waits for it, so the function is called only if the body is used.
        sleep: Function that delays the response by a number of seconds.
        base_url: Base URL of the server, for example `http://127.0.0.1:8000`. None if the fake runs
            in-process; responses then contain AWS's URLs.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    content_length: int
    read_body: Callable[[], bytes]
    sleep: Callable[[float], object]
    base_url: str | None = None

    @property
    def body(self) -> bytes:
        """The body. On the server, reading it may wait for the client.

        Raises:
            exceptions.ErrorResponse: The body is incomplete.
        """
        return self.read_body()


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response.

    Attributes:
        status: HTTP status code.
        headers: Response headers.
        body: Response body.
        error_code: Error code in the body, or None if the response is not an error.
    """

    status: int
    headers: dict[str, str]
    body: bytes = b""
    error_code: str | None = None


def json_response(body: str, *, status: int = 200, error_code: str | None = None) -> Response:
    """Return a JSON response with the headers of an AWS service.

    Args:
        body: JSON document, or an empty string.
        status: HTTP status code.
        error_code: Error code, or None if the response is not an error.
    """
    headers = {"content-type": "application/json", "x-amzn-requestid": str(uuid4())}
    if error_code is not None:
        headers["x-amzn-errortype"] = error_code
    return Response(status, headers, body.encode(), error_code)


def new_s3_request_id() -> str:
    """Return a new request ID in S3's format."""
    return uuid4().hex[:16].upper()


def parse_json_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON request body. An empty body is parsed as an empty object.

    Raises:
        ValueError: The body is not a JSON object.
    """
    try:
        members = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise ValueError("The request body is not JSON.") from None
    if not isinstance(members, dict):
        raise ValueError("The request body is not a JSON object.")  # noqa: TRY004
    return members


def truncate(response: Response) -> Response:
    """Return the response with half of its body, but with the Content-Length of the whole body."""
    declared_length = max(len(response.body), 2)
    headers = {**response.headers, "content-length": str(declared_length)}
    return replace(response, headers=headers, body=response.body[: declared_length // 2])


def normalize_header_name(name: str) -> str:
    """Return a header name in lower case, with hyphens instead of underscores.

    werkzeug, which moto uses, also replaces underscores, so the original name is not available.
    """
    return name.lower().replace("_", "-")


def normalize_headers(items: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """Return headers with normalized names, and with values of type `str`."""
    return {
        normalize_header_name(name): value.decode("utf-8", "replace")
        if isinstance(value, bytes)
        else str(value)
        for name, value in items
    }
