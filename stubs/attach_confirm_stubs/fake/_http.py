"""Requests and answers, whoever carries them: moto, or the server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """A request.

    Attributes:
        method: Its method.
        url: Its URL, as it was sent.
        headers: Its headers, by `normalize_header_name` names.
        body: Its body.
        wait: Lets seconds pass, for an answer that comes late.
        base_url: Where the fake is served, such as `http://127.0.0.1:8000`; None inside of moto,
            where the URLs are AWS's.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    wait: Callable[[float], object]
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer.

    Attributes:
        status: Its status.
        headers: Its headers.
        body: Its body.
        error_code: The code of the error that it tells of; None where it tells of none.
    """

    status: int
    headers: dict[str, str]
    body: bytes = b""
    error_code: str | None = None


def truncate(answer: Response) -> Response:
    """Return what comes of an answer whose connection is closed in its midst."""
    promised = max(len(answer.body), 2)
    headers = {**answer.headers, "content-length": str(promised)}
    return replace(answer, headers=headers, body=answer.body[: promised // 2])


def normalize_header_name(name: str) -> str:
    """Return a header's name as the gateways that moto goes through may spell it."""
    return name.lower().replace("_", "-")


def normalize_headers(items: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """Return headers by `normalize_header_name` names."""
    return {
        normalize_header_name(name): value.decode("utf-8", "replace")
        if isinstance(value, bytes)
        else str(value)
        for name, value in items
    }
