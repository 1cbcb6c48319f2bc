"""Wait for the verdict on an attachment."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from attach_confirm import _retry
from attach_confirm._exceptions import (
    AttachmentRejectedError,
    InvalidInputError,
    WaitTimeoutError,
)
from attach_confirm._transcript import status
from attach_confirm._types import AttachmentStatus

if TYPE_CHECKING:
    from tenacity import RetryCallState
    from types_boto3_connectparticipant.client import ConnectParticipantClient

_INITIAL_BACKOFF = 0.5
_MAX_BACKOFF = 5.0


def wait(
    client: ConnectParticipantClient,
    attachment_id: str,
    connection_token: str,
    *,
    timeout: float = 120.0,
) -> AttachmentStatus:
    """Wait until a confirmed attachment is approved.

    Asks `status` at once and then after pauses of 0.5, 1, 2, 4, 5, 5, ... seconds, the last
    time when the time is up. A scanner has up to 60 seconds (source: the admin guide on
    attachment scanning). What botocore does not retry away ends the waiting.

    Args:
        client: A `connectparticipant` client.
        attachment_id: The attachment.
        connection_token: The participant's connection token.
        timeout: How long to wait, in seconds; 0 asks once.

    Returns:
        `AttachmentStatus.APPROVED`.

    Raises:
        AttachmentRejectedError: The transcript says REJECTED.
        WaitTimeoutError: The time is up, and it says neither.
        InvalidInputError: An argument is outside the service model's limits, or the timeout is no
            finite number of seconds, 0 or more.
        UnexpectedResponseError: As `status`.
        botocore.exceptions.ClientError: As `status`.
        botocore.exceptions.BotoCoreError: As `status`.
    """
    from tenacity import Retrying, retry_if_result, wait_exponential  # noqa: PLC0415

    if not 0 <= timeout < math.inf:
        raise InvalidInputError(
            "timeout", f"must be 0 or more seconds, and finite, not {timeout!r}"
        )
    growing = wait_exponential(multiplier=_INITIAL_BACKOFF, max=_MAX_BACKOFF)
    attempts = math.inf

    def pause(state: RetryCallState) -> float:
        nonlocal attempts
        seconds, left = growing(state), timeout - _retry.elapsed_seconds(state)
        if seconds < left:
            return seconds
        attempts = min(attempts, state.attempt_number + 1 if left > 0 else state.attempt_number)
        return max(0.0, left)

    polling = Retrying(
        retry=retry_if_result(_undecided),
        stop=lambda state: state.attempt_number >= attempts,
        wait=pause,
        retry_error_callback=_retry.return_last_result,
    )
    found = polling(status, client, attachment_id, connection_token)
    if found is AttachmentStatus.REJECTED:
        raise AttachmentRejectedError(attachment_id)
    if found is not AttachmentStatus.APPROVED:
        raise WaitTimeoutError(attachment_id, found, timeout)
    return found


def _undecided(found: AttachmentStatus | None) -> bool:
    return found in (None, AttachmentStatus.IN_PROGRESS)
