"""Step 4: wait until the attachment is approved."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from attach_confirm import _deadline
from attach_confirm._exceptions import (
    AttachmentRejectedError,
    WaitTimeoutError,
    annotate_errors,
)
from attach_confirm._transcript import TranscriptReader, poll, validate_lookup
from attach_confirm._types import AttachmentStatus

if TYPE_CHECKING:
    from types_boto3_connectparticipant.client import ConnectParticipantClient

_logger = logging.getLogger("attach_confirm")


def wait(
    client: ConnectParticipantClient,
    attachment_id: str,
    connection_token: str,
    *,
    timeout: float = 120.0,
) -> AttachmentStatus:
    """Wait until a confirmed attachment is approved.

    The function reads the transcript immediately, then after delays of 0.5, 1, 2, 4, 5, 5, ...
    seconds, and a last time when `timeout` is reached. After the first complete scan it reads
    only new items, usually one page. An attachment scanner may take 60 seconds (source: the
    administrator guide on attachment scanning). botocore retries each request as the client is
    configured, but not after `timeout`. An error that remains after its retries ends the wait.

    Args:
        client: A `connectparticipant` client.
        attachment_id: The attachment's ID.
        connection_token: The participant's connection token.
        timeout: Maximum time to wait, in seconds. The function ends within this time and one more
            HTTP attempt. 0 reads one page, the newest 100 items.

    Returns:
        `AttachmentStatus.APPROVED`.

    Raises:
        AttachmentRejectedError: The status is REJECTED.
        WaitTimeoutError: The attachment was neither approved nor rejected within `timeout`.
        InvalidInputError: An argument is outside the limits of the service model, or the timeout is
            not a number, negative, infinite or NaN.
        UnexpectedResponseError: See `status`.
        botocore.exceptions.ClientError: See `status`.
        botocore.exceptions.BotoCoreError: See `status`.

        Errors that this function did not create have an `attachment_id` as well.
    """
    validate_lookup(client, attachment_id, connection_token)
    deadline = _deadline.create_deadline(timeout)
    with annotate_errors(attachment_id=attachment_id, acknowledged=True):
        status = poll(
            TranscriptReader(client, connection_token),
            attachment_id,
            deadline,
            is_final=_is_decided,
            polls_at_deadline=True,
        )
    if status is AttachmentStatus.REJECTED:
        _logger.info("wait: attachment %s: rejected", attachment_id)
        raise AttachmentRejectedError(attachment_id)
    if status is not AttachmentStatus.APPROVED:
        _logger.info(
            "wait: attachment %s: neither approved nor rejected after %g seconds",
            attachment_id,
            timeout,
        )
        raise WaitTimeoutError(attachment_id, status, timeout)
    _logger.info("wait: attachment %s: approved", attachment_id)
    return status


def _is_decided(status: AttachmentStatus | None) -> bool:
    return status not in (None, AttachmentStatus.IN_PROGRESS)
