"""Requests and responses, independent of the transport: moto or the server."""

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
        method: The HTTP method.
        url: The URL, as it was sent.
        headers: The headers, by the names that `normalize_header_name` returns.
        body: The body.
        sleep: Called with the seconds by which to delay a late response.
        base_url: The URL of the served fake, for example `http://127.0.0.1:8000`. None
            in-process: responses then contain AWS's URLs.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    sleep: Callable[[float], object]
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response.

    Attributes:
        status: The HTTP status code.
        headers: The headers.
        body: The body.
        error_code: The error code in the response, or None if it has none.
    """

    status: int
    headers: dict[str, str]
    body: bytes = b""
    error_code: str | None = None


def json_response(body: str, *, status: int = 200, error_code: str | None = None) -> Response:
    """Return a response as AWS's JSON services send it.

    Args:
        body: The JSON document, or an empty string.
        status: The HTTP status code.
        error_code: The error code, or None if the response is not an error.
    """
    headers = {"content-type": "application/json", "x-amzn-requestid": str(uuid4())}
    if error_code is not None:
        headers["x-amzn-errortype"] = error_code
    return Response(status, headers, body.encode(), error_code)


def s3_request_id() -> str:
    """Return a new request id in the format of S3."""
    return uuid4().hex[:16].upper()


def parse_json_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON request body; an empty body counts as an empty object.

    Raises:
        ValueError: The body is not JSON, or not a JSON object.
    """
    try:
        members = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise ValueError("The request body is not JSON.") from None
    if not isinstance(members, dict):
        raise ValueError("The request body is not a JSON object.")  # noqa: TRY004
    return members


def truncate(response: Response) -> Response:
    """Return the first half of a response, with the Content-Length of the whole response."""
    declared_length = max(len(response.body), 2)
    headers = {**response.headers, "content-length": str(declared_length)}
    return replace(response, headers=headers, body=response.body[: declared_length // 2])


def normalize_header_name(name: str) -> str:
    """Return a header name in lower case, with hyphens instead of underscores.

    werkzeug, which moto uses, replaces underscores as well.
    """
    return name.lower().replace("_", "-")


def normalize_headers(items: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """Return headers by normalized name, with their values as str."""
    return {
        normalize_header_name(name): value.decode("utf-8", "replace")
        if isinstance(value, bytes)
        else str(value)
        for name, value in items
    }
