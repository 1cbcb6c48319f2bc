"""Keep tokens and signed queries out of logs and texts, without touching what is sent."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_connectparticipant.client import ConnectParticipantClient

REDACTED = "<redacted>"

_query: ContextVar[str] = ContextVar("attach_confirm_query", default="")


class _HiddenBytes(bytes):
    """Bytes that are sent and parsed as they are, and logged as nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return REDACTED


class _HiddenText(str):
    """Text that is sent as it is and logged as nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return REDACTED

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return _HiddenBytes(super().encode(encoding, errors))


class _HideQuery(logging.Filter):
    """Take the signed query of the PUT under way in this thread out of a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        query = _query.get()
        if query:
            record.msg = record.getMessage().replace(query, REDACTED)
            record.args = None
            if record.exc_info:
                trace = logging.Formatter().formatException(record.exc_info)
                record.exc_info, record.exc_text = None, trace.replace(query, REDACTED)
        return True


_hide_query = _HideQuery()


def _hide_bearer(params: dict[str, Any], **_: Any) -> None:
    headers = params["headers"]
    headers.update({k: _HiddenText(v) for k, v in headers.items() if k == "X-Amz-Bearer"})


def _hide_body(response_dict: dict[str, Any], **_: Any) -> None:
    response_dict["body"] = _HiddenBytes(response_dict["body"])


def guard(client: ConnectParticipantClient) -> None:
    """Make botocore's DEBUG lines about this client's calls hold no token and no signed URL.

    Every operation sends its token in one header, and some answers hold a token or a pre-signed
    URL (source: the service model). botocore logs both with `repr`, which is what is changed.
    """
    client.meta.events.register("before-call.connectparticipant", _hide_bearer)
    client.meta.events.register("before-parse.connectparticipant", _hide_body)


def without_query(url: str) -> str:
    """Return a URL as it may be shown: with what was its query redacted."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=parts.query and REDACTED, fragment=""))


def hide_query(text: str, url: str) -> str:
    """Return a text in which the URL's query is redacted."""
    query = urlsplit(url).query
    return text.replace(query, REDACTED) if query else text


@contextmanager
def unlogged_query(url: str) -> Iterator[None]:
    """While open, keep the URL's query out of what this thread makes the HTTP layer log."""
    for name in ("botocore.httpsession", "urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_hide_query)
    token = _query.set(urlsplit(url).query)
    try:
        yield
    finally:
        _query.reset(token)
