"""Step 4: what became of an attachment."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING, Any

from attach_confirm import _answer, _params, _pause
from attach_confirm._errors import (
    AttachmentRejected,
    InvalidInput,
    UnexpectedAnswer,
    WaitTimeout,
)

if TYPE_CHECKING:
    from tenacity import RetryCallState
    from types_boto3_connectparticipant.client import ConnectParticipantClient

_OPERATION = "GetTranscript"
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0


class AttachmentStatus(str, Enum):
    """An attachment's status in the transcript (source: the service model's ArtifactStatus)."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    IN_PROGRESS = "IN_PROGRESS"


def status(
    client: ConnectParticipantClient, attachment_id: str, connection_token: str
) -> AttachmentStatus | None:
    """Look an attachment up in the chat's transcript.

    Reads pages of 100 items, newest first, until an item bears the id or the transcript ends.
    botocore retries each page as the client is configured to; nothing else does.

    Args:
        client: A `connectparticipant` client.
        attachment_id: The attachment.
        connection_token: The participant's connection token.

    Returns:
        The status in the newest item that bears the id; None if no item does, as before the
        confirmation.

    Raises:
        InvalidInput: An argument is outside the service model's limits.
        UnexpectedAnswer: A page is not a transcript's, its status is unknown, or it repeats.
        botocore.exceptions.ClientError: What the service refused a page with.
        botocore.exceptions.BotoCoreError: The service was not reached.
    """
    model = _params.operation(client, _OPERATION)
    _check_id(client, attachment_id)
    _params.check_token(model, "ConnectionToken", "connection_token", connection_token)
    page: dict[str, Any] = {}
    seen = set()
    while True:
        answer = client.get_transcript(
            ConnectionToken=connection_token,
            MaxResults=100,
            ScanDirection="BACKWARD",
            SortOrder="DESCENDING",
            **page,
        )
        for item in _answer.require(_OPERATION, answer, "Transcript"):
            for attachment in item.get("Attachments", []):
                if attachment.get("AttachmentId") == attachment_id:
                    return _known(attachment.get("Status"))
        token = answer.get("NextToken")
        if not token:
            return None
        if token in seen:
            raise UnexpectedAnswer(_OPERATION, "it gives the same NextToken again")
        seen.add(token)
        page = {"NextToken": token}


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
        AttachmentRejected: The transcript says REJECTED.
        WaitTimeout: The time is up, and it says neither.
        InvalidInput: An argument is outside the service model's limits, or the timeout is no
            finite number of seconds, 0 or more.
        UnexpectedAnswer: As `status`.
        botocore.exceptions.ClientError: As `status`.
        botocore.exceptions.BotoCoreError: As `status`.
    """
    from tenacity import Retrying, retry_if_result, wait_exponential  # noqa: PLC0415

    if not 0 <= timeout < math.inf:
        raise InvalidInput("timeout", f"must be 0 or more seconds, and finite, not {timeout!r}")
    growing = wait_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE)
    attempts = math.inf

    def pause(state: RetryCallState) -> float:
        nonlocal attempts
        seconds, left = growing(state), timeout - _pause.elapsed(state)
        if seconds < left:
            return seconds
        attempts = min(attempts, state.attempt_number + 1 if left > 0 else state.attempt_number)
        return max(0.0, left)

    polling = Retrying(
        retry=retry_if_result(_undecided),
        stop=lambda state: state.attempt_number >= attempts,
        wait=pause,
        retry_error_callback=_pause.last_result,
    )
    found = polling(status, client, attachment_id, connection_token)
    if found is AttachmentStatus.REJECTED:
        raise AttachmentRejected(attachment_id)
    if found is not AttachmentStatus.APPROVED:
        raise WaitTimeout(attachment_id, found, timeout)
    return found


def _undecided(found: AttachmentStatus | None) -> bool:
    return found in (None, AttachmentStatus.IN_PROGRESS)


def _check_id(client: ConnectParticipantClient, attachment_id: str) -> None:
    # GetTranscript takes no attachment id; the operation that takes one knows its limits.
    model = _params.operation(client, "CompleteAttachmentUpload")
    _params.check_text(model, "AttachmentIds", "attachment_id", attachment_id)


def _known(value: str | None) -> AttachmentStatus:
    try:
        return AttachmentStatus(value)
    except ValueError:
        raise UnexpectedAnswer(_OPERATION, f"an attachment's Status is {value!r}") from None
