"""Look up attachments in the chat's transcript."""

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
    """Return an attachment's status from the chat's transcript.

    The function reads pages of 100 items, newest first, until it finds the attachment or reaches
    the end of the transcript. botocore retries each page as the client is configured. This
    function does not retry.

    Args:
        client: A `connectparticipant` client.
        attachment_id: The attachment's ID.
        connection_token: The participant's connection token.

    Returns:
        The status in the newest item that lists the attachment, or None if no item lists it. An
        attachment is not listed before it is confirmed.

    Raises:
        InvalidInputError: An argument is outside the limits of the service model.
        UnexpectedResponseError: A page is not a transcript, has an unknown status, or repeats an
            earlier NextToken.
        botocore.exceptions.ClientError: The service rejected the request for a page.
        botocore.exceptions.BotoCoreError: No response was received.
    """
    model = _validation.get_operation_model(client, _OPERATION)
    _validate_attachment_id(client, attachment_id)
    _validation.validate_token(model, "ConnectionToken", "connection_token", connection_token)
    next_page: dict[str, Any] = {}
    seen_tokens = set()
    while True:
        response = client.get_transcript(
            ConnectionToken=connection_token,
            MaxResults=100,
            ScanDirection="BACKWARD",
            SortOrder="DESCENDING",
            **next_page,
        )
        for item in _responses.get_member(_OPERATION, response, "Transcript"):
            for attachment in item.get("Attachments", []):
                if attachment.get("AttachmentId") == attachment_id:
                    return _parse_status(attachment.get("Status"))
        next_token = response.get("NextToken")
        if not next_token:
            return None
        if next_token in seen_tokens:
            raise UnexpectedResponseError(_OPERATION, "a NextToken was repeated")
        seen_tokens.add(next_token)
        next_page = {"NextToken": next_token}


def _validate_attachment_id(client: ConnectParticipantClient, attachment_id: str) -> None:
    # GetTranscript has no attachment ID parameter, so the limits of CompleteAttachmentUpload apply.
    model = _validation.get_operation_model(client, "CompleteAttachmentUpload")
    _validation.validate_string(model, "AttachmentIds", "attachment_id", attachment_id)


def _parse_status(value: str | None) -> AttachmentStatus:
    try:
        return AttachmentStatus(value)
    except ValueError:
        raise UnexpectedResponseError(_OPERATION, f"unknown attachment status {value!r}") from None
