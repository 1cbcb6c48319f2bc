"""Retry PUTs and polls: retryable errors, deadlines, and the tenacity loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
    ReadTimeoutError,
)

from attach_confirm import _clock
from attach_confirm._exceptions import PutFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState, Retrying

_CONNECTION_ERRORS = (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
    ReadTimeoutError,
)
_RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_RETRYABLE_ERROR_CODES = frozenset({"RequestTimeout", "SlowDown"})


class Deadline:
    """A time limit for a retry loop, which starts when the object is created.

    It counts requested sleep time as well as elapsed time, so that the limit is reached even if a
    test replaces `_clock.sleep`.
    """

    def __init__(self, seconds: float) -> None:
        """Start the time limit.

        Args:
            seconds: The limit, in seconds. A limit of 0 or less is reached at once.
        """
        self._seconds = seconds
        self._started_at = _clock.monotonic()
        self._slept = 0.0

    def remaining(self) -> float:
        """Return the time left, in seconds; 0.0 if the limit is reached."""
        elapsed = max(_clock.monotonic() - self._started_at, self._slept)
        return max(0.0, self._seconds - elapsed)

    def sleep(self, seconds: float) -> None:
        """Sleep, and count the time against the limit.

        Args:
            seconds: The duration, in seconds.
        """
        # A sleep until the limit must reach it exactly, and a sum of floats may fall short.
        reaches_limit = seconds >= self.remaining()
        self._slept = self._seconds if reaches_limit else self._slept + seconds
        _clock.sleep(seconds)


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
        stop: Returns whether to give up; `upcoming_sleep` of its argument is the next delay.
    """
    from tenacity import Retrying, retry_if_result  # noqa: PLC0415

    return Retrying(
        sleep=deadline.sleep,
        retry=retry_if_result(retry_if),
        wait=wait,
        stop=stop,
        retry_error_callback=_return_last_result,
    )


def is_retryable(error: BaseException | None) -> bool:
    """Return whether an identical PUT may succeed after this error."""
    if isinstance(error, PutFailedError):
        return (
            error.status_code in _RETRYABLE_STATUSES or error.error_code in _RETRYABLE_ERROR_CODES
        )
    return isinstance(error, _CONNECTION_ERRORS)


def _return_last_result(retry_state: RetryCallState) -> Any:
    """Return the last attempt's result instead of raising tenacity's `RetryError`."""
    return retry_state.outcome.result() if retry_state.outcome else None
