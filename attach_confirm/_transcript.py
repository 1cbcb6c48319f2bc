"""Step 4: what became of an attachment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attach_confirm import _responses, _validation
from attach_confirm._exceptions import UnexpectedResponseError
from attach_confirm._types import AttachmentStatus

if TYPE_CHECKING:
    from types_boto3_connectparticipant.client import ConnectParticipantClient

_OPERATION = "GetTranscript"


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
        InvalidInputError: An argument is outside the service model's limits.
        UnexpectedResponseError: A page is not a transcript's, its status is unknown, or it repeats.
        botocore.exceptions.ClientError: What the service refused a page with.
        botocore.exceptions.BotoCoreError: The service was not reached.
    """
    model = _validation.get_operation_model(client, _OPERATION)
    _check_id(client, attachment_id)
    _validation.validate_token(model, "ConnectionToken", "connection_token", connection_token)
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
        for item in _responses.get_member(_OPERATION, answer, "Transcript"):
            for attachment in item.get("Attachments", []):
                if attachment.get("AttachmentId") == attachment_id:
                    return _known(attachment.get("Status"))
        token = answer.get("NextToken")
        if not token:
            return None
        if token in seen:
            raise UnexpectedResponseError(_OPERATION, "it gives the same NextToken again")
        seen.add(token)
        page = {"NextToken": token}


def _check_id(client: ConnectParticipantClient, attachment_id: str) -> None:
    # GetTranscript takes no attachment id; the operation that takes one knows its limits.
    model = _validation.get_operation_model(client, "CompleteAttachmentUpload")
    _validation.validate_string(model, "AttachmentIds", "attachment_id", attachment_id)


def _known(value: str | None) -> AttachmentStatus:
    try:
        return AttachmentStatus(value)
    except ValueError:
        raise UnexpectedResponseError(_OPERATION, f"an attachment's Status is {value!r}") from None
