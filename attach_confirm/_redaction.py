"""Redact tokens and query strings in logs and error messages, but not in requests."""

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

_redacting: ContextVar[bool] = ContextVar("attach_confirm_redacting", default=False)

# urllib3 normalizes query strings before it logs them, so a search for the exact query would miss
# some of them.
_QUERY_PATTERN = r"\?[^\s\"'<>]+"

# DescribeView has its token in the path of the URL (source: the service model).
_VIEW_PATH_PATTERN = r"(/participant/views/)[^\s\"'<>?]+"

# The loggers that write URLs or exceptions of requests.
_LOGGER_NAMES = (
    "botocore.endpoint",
    "botocore.httpsession",
    "botocore.retries.standard",
    "botocore.retryhandler",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.util.retry",
)


class _RedactedBytes(bytes):
    """Bytes with a redacted `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return REDACTED


class _RedactedStr(str):
    """A string with a redacted `repr`, whose encoded form is redacted as well."""

    __slots__ = ()

    def __repr__(self) -> str:
        return REDACTED

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return _RedactedBytes(super().encode(encoding, errors))


class _RedactUrlFilter(logging.Filter):
    """Redact view tokens in URLs, and query strings in records of a `redact_logs` block."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        redacted_message = _redact_log_text(message)
        if redacted_message != message:
            record.msg, record.args = redacted_message, None
        if record.exc_info:
            traceback = logging.Formatter().formatException(record.exc_info)
            record.exc_info, record.exc_text = None, _redact_log_text(traceback)
        return True


def _redact_log_text(text: str) -> str:
    text = re.sub(_VIEW_PATH_PATTERN, rf"\1{REDACTED}", text)
    return redact_query_strings(text) if _redacting.get() else text


_redact_url_filter = _RedactUrlFilter()


def _add_log_filter() -> None:
    for name in _LOGGER_NAMES:
        logging.getLogger(name).addFilter(_redact_url_filter)


def _redact_token_header(params: dict[str, Any], **_: Any) -> None:
    headers = params["headers"]
    headers.update({k: _RedactedStr(v) for k, v in headers.items() if k == "X-Amz-Bearer"})


def _redact_response_body(response_dict: dict[str, Any], **_: Any) -> None:
    response_dict["body"] = _RedactedBytes(response_dict["body"])


def register_log_redaction(client: ConnectParticipantClient) -> None:
    """Redact tokens and presigned URLs in the DEBUG logs of the client's calls.

    Every operation sends its token in one header, and some responses contain a token or a presigned
    URL (source: the service model). botocore logs the `repr` of both, so only the `repr` changes.
    The token in the URL of DescribeView is redacted by a filter of the loggers.

    Args:
        client: The client whose calls are redacted.
    """
    _add_log_filter()
    client.meta.events.register("before-call.connectparticipant", _redact_token_header)
    client.meta.events.register_last("before-parse.connectparticipant", _redact_response_body)


def redact_query_strings(text: str) -> str:
    """Return the text with the query string of every URL redacted."""
    return re.sub(_QUERY_PATTERN, f"?{REDACTED}", text)


@contextmanager
def redact_logs() -> Iterator[None]:
    """Redact query strings in the HTTP layer's log records of this thread, inside the block."""
    _add_log_filter()
    token = _redacting.set(True)
    try:
        yield
    finally:
        _redacting.reset(token)
