"""Retries of the PUT and the GET: delays, retryable errors, and the tenacity loop of the PUT."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
    ReadTimeoutError,
)

from attach_confirm import _redaction
from attach_confirm._exceptions import PutFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState, Retrying

    from attach_confirm._deadline import Deadline

# The first and the longest delay before a retry, in seconds, without its random part.
INITIAL_BACKOFF = 0.5
MAX_BACKOFF = 30.0

_logger = logging.getLogger("attach_confirm")

_CONNECTION_ERRORS = (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
    ReadTimeoutError,
)
_RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_RETRYABLE_ERROR_CODES = frozenset({"RequestTimeout", "SlowDown"})

# urllib3 reports a proxy's response to CONNECT only in the message of an exception.
_TUNNEL_STATUS = re.compile(r"Tunnel connection failed: (\d{3})")
_CLIENT_ERROR_STATUSES = range(400, 500)


def create_retrying(
    deadline: Deadline,
    *,
    retry_if: Callable[[Any], bool],
    wait: Callable[[RetryCallState], float],
    stop: Callable[[RetryCallState], bool],
) -> Retrying:
    """Return a tenacity `Retrying` that sleeps through `_clock` and returns the last result.

    It retries on results only. An exception propagates to the caller.

    Args:
        deadline: The deadline that counts the sleeps.
        retry_if: Returns whether to retry after a result.
        wait: Returns the delay before the next attempt, in seconds; runs before `stop`.
        stop: Returns whether to stop retrying; `upcoming_sleep` of its argument is the next delay.
    """
    from tenacity import Retrying, retry_if_result  # noqa: PLC0415

    return Retrying(
        sleep=deadline.sleep,
        retry=retry_if_result(retry_if),
        wait=wait,
        stop=stop,
        before_sleep=_log_retry,
        retry_error_callback=_return_last_result,
    )


def is_retryable(error: BaseException | None) -> bool:
    """Return whether an identical request to S3 may succeed after this error."""
    if isinstance(error, PutFailedError):
        return is_retryable_response(error.status_code, error.error_code)
    return isinstance(error, _CONNECTION_ERRORS) and not is_rejected_by_proxy(error)


def is_retryable_response(status_code: int, error_code: str | None) -> bool:
    """Return whether an identical request to S3 may succeed after this error response.

    Args:
        status_code: HTTP status code.
        error_code: S3's error code, or None.
    """
    return status_code in _RETRYABLE_STATUSES or error_code in _RETRYABLE_ERROR_CODES


def is_rejected_by_proxy(error: BaseException) -> bool:
    """Return whether a proxy rejected CONNECT for a reason that another attempt does not change.

    Repeating a request with a wrong proxy password can lock the account.
    """
    if not isinstance(error, ProxyConnectionError):
        return False
    # The message of the exception does not contain its cause.
    match = _TUNNEL_STATUS.search(str(getattr(error, "kwargs", {}).get("error")))
    status_code = int(match[1]) if match else 0
    return status_code in _CLIENT_ERROR_STATUSES and status_code not in _RETRYABLE_STATUSES


def _log_retry(retry_state: RetryCallState) -> None:
    error = _return_last_result(retry_state)
    _logger.warning(
        "put: attempt %d failed, retrying in %.1f s: %s",
        retry_state.attempt_number,
        retry_state.upcoming_sleep,
        _redaction.redact_query_strings(f"{type(error).__name__}: {error}"),
    )


def _return_last_result(retry_state: RetryCallState) -> Any:
    """Return the last attempt's result instead of raising tenacity's `RetryError`."""
    outcome: Any = retry_state.outcome
    return outcome.result()
