"""Time limits: deadlines, and API calls that start no attempt after one."""

from __future__ import annotations

import logging
import math
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from botocore.hooks import first_non_none_response

from attach_confirm import _clock
from attach_confirm._exceptions import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from types_boto3_connectparticipant.client import ConnectParticipantClient

_logger = logging.getLogger("attach_confirm")

# The longest delay between two attempts of botocore's standard mode: 20 seconds, and 5 more if the
# service sends `x-amz-retry-after` (source: botocore.retries.standard). The legacy mode doubles the
# delay with each attempt.
_MAX_API_BACKOFF = 25.0


class Deadline:
    """A time limit for several requests, which starts when the object is created.

    It counts requested sleep time as well as elapsed time, so that the limit is reached even if a
    test replaces `_clock.sleep`.

    Attributes:
        seconds: The limit, in seconds.
        parent: Another limit that applies as well, or None.
    """

    def __init__(self, seconds: float, parent: Deadline | None = None) -> None:
        """Start the time limit.

        Args:
            seconds: The limit, in seconds. A limit of 0 or less is reached at once.
            parent: Another limit that applies as well, or None.
        """
        self.seconds = seconds
        self.parent = parent
        self._started_at = _clock.monotonic()
        self._slept = 0.0

    def remaining(self) -> float:
        """Return the time left, in seconds; 0.0 if the limit is reached."""
        remaining = max(0.0, self.seconds - self._elapsed())
        return remaining if self.parent is None else min(remaining, self.parent.remaining())

    def find_nearest(self) -> Deadline:
        """Return the deadline that is reached first: this one, its parent, or a parent of it."""
        if self.parent is None or self.remaining() < self.parent.remaining():
            return self
        return self.parent.find_nearest()

    def sleep(self, seconds: float) -> None:
        """Sleep, and count the time against the limit.

        Args:
            seconds: The duration, in seconds.
        """
        deadline: Deadline | None = self
        while deadline is not None:
            deadline.count_sleep(seconds)
            deadline = deadline.parent
        _clock.sleep(seconds)

    def count_sleep(self, seconds: float) -> None:
        """Count a requested sleep.

        Args:
            seconds: The duration, in seconds.
        """
        # A sleep until the limit must reach it exactly, and a sum of floats may fall short.
        reaches_limit = seconds >= self.seconds - self._elapsed()
        self._slept = self.seconds if reaches_limit else self._slept + seconds

    def _elapsed(self) -> float:
        return max(_clock.monotonic() - self._started_at, self._slept)


def create_deadline(timeout: float) -> Deadline:
    """Start the time limit of a public function.

    Args:
        timeout: The function's argument `timeout`, in seconds.

    Raises:
        InvalidInputError: The timeout is not a number, or is negative, infinite or NaN.
    """
    is_number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
    if not is_number or not 0 <= timeout < math.inf:
        raise InvalidInputError(
            "timeout", f"must be 0 or more seconds, and finite, not {timeout!r}"
        )
    return Deadline(timeout)


class DeadlineReachedError(Exception):
    """An API call was not sent, or not retried, because its deadline was reached.

    It is never raised to the user. The `__cause__` is the connection error of the last attempt, if
    it failed with one.

    Attributes:
        deadline: The deadline.
        attachment_id: See `annotate`.
        acknowledged: See `annotate`.
        journal_key: See `annotate`.
    """

    attachment_id: str | None = None
    acknowledged = False
    journal_key: str | None = None

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self.deadline = deadline.find_nearest()


@dataclass
class _Limit:
    """The time limit of the API calls in one `limit_api_calls` block."""

    deadline: Deadline
    free_attempts: int
    is_deciding: bool = False


_current_limit: ContextVar[_Limit | None] = ContextVar("attach_confirm_limit", default=None)
_prepared_emitters: WeakSet[Any] = WeakSet()
_NO_LIMIT = nullcontext()


def limit_api_calls(
    client: ConnectParticipantClient, deadline: Deadline | None, *, free_attempts: int = 0
) -> AbstractContextManager[None]:
    """Prevent the client's API calls in this block from starting an attempt after a deadline.

    An attempt in progress is finished. botocore's retries end if the delay before the next attempt
    would be longer than the time left.

    Args:
        client: The client. Calls of other clients are not limited.
        deadline: The deadline; None removes the limit.
        free_attempts: Number of attempts that may be sent after the deadline.

    Raises:
        DeadlineReachedError: The deadline was reached before an attempt could start.
    """
    prepare_client(client)
    if deadline is None and _current_limit.get() is None:
        return _NO_LIMIT
    return _set_limit(None if deadline is None else _Limit(deadline, free_attempts))


@contextmanager
def _set_limit(limit: _Limit | None) -> Iterator[None]:
    token = _current_limit.set(limit)
    try:
        yield
    finally:
        _current_limit.reset(token)


def require_time_left() -> None:
    """Raise if the deadline of the current `limit_api_calls` block is reached.

    Raises:
        DeadlineReachedError: The deadline is reached.
    """
    limit = _current_limit.get()
    if limit is not None and limit.deadline.remaining() <= 0:
        raise DeadlineReachedError(limit.deadline)


def prepare_client(client: ConnectParticipantClient) -> None:
    """Register the handlers that limit and log the client's API calls, once per client.

    Args:
        client: The client.
    """
    events: Any = client.meta.events
    if events in _prepared_emitters:
        return
    events.register(
        "request-created.connectparticipant", _start_attempt, unique_id="attach-confirm-attempt"
    )
    events.register(
        "response-received.connectparticipant", _end_attempt, unique_id="attach-confirm-response"
    )
    events.register_first(
        "needs-retry.connectparticipant",
        partial(_limit_retry_delay, events),
        unique_id="attach-confirm-retry",
    )
    _prepared_emitters.add(events)


def _start_attempt(request: Any, operation_name: str, **_: Any) -> None:
    limit = _current_limit.get()
    if limit is not None and limit.deadline.remaining() <= 0:
        if not limit.free_attempts:
            raise DeadlineReachedError(limit.deadline)
        limit.free_attempts -= 1
    failure = request.context.get("attach_confirm_failure")
    if failure is not None:
        ended_at, reason = failure
        attempt = request.context.get("retries", {}).get("attempt")
        delay = _clock.monotonic() - ended_at
        _logger.warning("%s: attempt %s after %.1f s: %s", operation_name, attempt, delay, reason)


def _end_attempt(context: Any, parsed_response: Any, exception: Any, **_: Any) -> None:
    """Store the reason for a retry in the context, which the attempts of one call share."""
    if exception is not None:
        # The text of an exception may contain a token.
        reason = type(exception).__name__
    else:
        status_code = parsed_response["ResponseMetadata"]["HTTPStatusCode"]
        code = parsed_response.get("Error", {}).get("Code")
        # botocore sets the status as the code if the response has none.
        reason = f"HTTP {status_code}" + ("" if code == str(status_code) else f" {code}")
    context["attach_confirm_failure"] = (_clock.monotonic(), reason)


def _limit_retry_delay(
    events: Any,
    event_name: str,
    attempts: int,
    response: Any,
    caught_exception: BaseException | None,
    **kwargs: Any,
) -> Any:
    """Return the delay before botocore's next attempt if it ends before the deadline.

    botocore sleeps as long as the first handler of this event returns, so this one has to run the
    others to learn their delay. They run again afterwards, without effect on the delay. To spare
    botocore's retry quota, this happens only if the delay may be longer than the time left.
    """
    limit = _current_limit.get()
    if limit is None or limit.is_deciding:
        return None
    if caught_exception is None and response[0].status_code < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if limit.deadline.remaining() > max(_MAX_API_BACKOFF, 2.0**attempts):
        return None
    limit.is_deciding = True
    try:
        responses = events.emit(
            event_name,
            attempts=attempts,
            response=response,
            caught_exception=caught_exception,
            **kwargs,
        )
    finally:
        limit.is_deciding = False
    delay = first_non_none_response(responses)
    # botocore's handlers return None or False if the call is not to be retried.
    is_retried = delay is not None and delay is not False
    if is_retried and delay >= limit.deadline.remaining():
        raise DeadlineReachedError(limit.deadline) from caught_exception
    return delay
