"""Step 4: wait until the attachment is approved."""

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

    The function polls `status` immediately, then after delays of 0.5, 1, 2, 4, 5, 5, ... seconds,
    and a last time when `timeout` is reached. An attachment scanner may take 60 seconds (source:
    the administrator guide on attachment scanning). botocore retries each request as the client
    is configured. An error that remains after its retries ends the wait.

    Args:
        client: A `connectparticipant` client.
        attachment_id: The attachment's ID.
        connection_token: The participant's connection token.
        timeout: Maximum time to wait, in seconds. 0 polls once.

    Returns:
        `AttachmentStatus.APPROVED`.

    Raises:
        AttachmentRejectedError: The status is REJECTED.
        WaitTimeoutError: The attachment was neither approved nor rejected within `timeout`.
        InvalidInputError: An argument is outside the limits of the service model, or the timeout is
            negative, infinite or NaN.
        UnexpectedResponseError: See `status`.
        botocore.exceptions.ClientError: See `status`.
        botocore.exceptions.BotoCoreError: See `status`.
    """
    from tenacity import wait_exponential  # noqa: PLC0415

    if not 0 <= timeout < math.inf:
        raise InvalidInputError(
            "timeout", f"must be 0 or more seconds, and finite, not {timeout!r}"
        )
    deadline = _retry.Deadline(timeout)
    backoff = wait_exponential(multiplier=_INITIAL_BACKOFF, max=_MAX_BACKOFF)
    poller = _retry.create_retrying(
        deadline,
        retry_if=_is_pending,
        wait=lambda retry_state: min(backoff(retry_state), deadline.remaining()),
        stop=lambda retry_state: retry_state.upcoming_sleep <= 0,
    )
    attachment_status = poller(status, client, attachment_id, connection_token)
    if attachment_status is AttachmentStatus.REJECTED:
        raise AttachmentRejectedError(attachment_id)
    if attachment_status is not AttachmentStatus.APPROVED:
        raise WaitTimeoutError(attachment_id, attachment_status, timeout)
    return attachment_status


def _is_pending(attachment_status: AttachmentStatus | None) -> bool:
    return attachment_status in (None, AttachmentStatus.IN_PROGRESS)
