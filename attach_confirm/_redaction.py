"""Keep tokens and signed queries out of logs and texts, without touching what is sent."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_connectparticipant.client import ConnectParticipantClient

REDACTED = "<redacted>"

_quiet: ContextVar[bool] = ContextVar("attach_confirm_quiet", default=False)

# urllib3 spells a URL's query in its own way, so no search for the very text finds it.
_QUERY = r"\?[^\s\"'<>]+"


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
    """Take every URL's query out of a record that the PUT under way in this thread made."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _quiet.get():
            record.msg, record.args = redact_query_strings(record.getMessage()), None
            if record.exc_info:
                trace = logging.Formatter().formatException(record.exc_info)
                record.exc_info, record.exc_text = None, redact_query_strings(trace)
        return True


_hide_query = _HideQuery()


def _hide_bearer(params: dict[str, Any], **_: Any) -> None:
    headers = params["headers"]
    headers.update({k: _HiddenText(v) for k, v in headers.items() if k == "X-Amz-Bearer"})


def _hide_body(response_dict: dict[str, Any], **_: Any) -> None:
    response_dict["body"] = _HiddenBytes(response_dict["body"])


def register_log_redaction(client: ConnectParticipantClient) -> None:
    """Make botocore's DEBUG lines about this client's calls hold no token and no signed URL.

    Every operation sends its token in one header, and some answers hold a token or a pre-signed
    URL (source: the service model). botocore logs both with `repr`, which is what is changed.
    """
    client.meta.events.register("before-call.connectparticipant", _hide_bearer)
    client.meta.events.register_last("before-parse.connectparticipant", _hide_body)


def redact_query_strings(text: str) -> str:
    """Return a text in which the query of every URL is redacted."""
    return re.sub(_QUERY, f"?{REDACTED}", text)


@contextmanager
def redact_logs() -> Iterator[None]:
    """While open, keep the queries of URLs out of what this thread makes the HTTP layer log."""
    for name in ("botocore.httpsession", "urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_hide_query)
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)
