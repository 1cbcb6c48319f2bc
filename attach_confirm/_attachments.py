"""List the attachments of a chat."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from attach_confirm import _deadline, _responses, _validation
from attach_confirm._transcript import parse_status, read_pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm._types import AttachmentStatus

_OPERATION = "GetTranscript"


@dataclass(frozen=True, slots=True)
class ChatAttachment:
    """An attachment in a chat's transcript.

    The service model declares every member of an item as optional. If the service
    omitted a text, the attribute is an empty string.

    Attributes:
        attachment_id: The attachment's ID, as `download` expects it.
        name: The file's name, as its sender declared it. Do not use it as a path.
        content_type: The file's MIME type, as its sender declared it.
        status: The status. Only an approved attachment can be downloaded.
        participant_role: The sender's role, for example `AGENT` or `CUSTOMER`.
        display_name: The sender's name in the chat.
        sent_at: Time of the transcript item, as a timezone-aware datetime in UTC.
    """

    attachment_id: str
    name: str
    content_type: str
    status: AttachmentStatus
    participant_role: str
    display_name: str
    sent_at: datetime


def attachments(
    client: ConnectParticipantClient, connection_token: str
) -> Iterator[ChatAttachment]:
    """Iterate over all attachments in the chat's transcript, newest first.

    The iterator requests pages of 100 items, each when you reach it. If several items list an
    attachment, it is returned once, with the data of the newest item. botocore retries each page
    as the client is configured. This function does not retry.

    Args:
        client: A `connectparticipant` client.
        connection_token: The participant's connection token.

    Returns:
        An iterator. An attachment is not listed before it is confirmed.

    Raises:
        InvalidInputError: An argument is outside the limits of the service model. The function
            raises this error itself; the iterator raises the others.
        UnexpectedResponseError: A page is not a transcript, has an attachment with an unknown
            status or without a time, or repeats an earlier NextToken.
        botocore.exceptions.ClientError: The service rejected the request for a page.
        botocore.exceptions.BotoCoreError: No response was received.
    """
    model = _validation.get_operation_model(client, _OPERATION)
    _validation.validate_token(model, "ConnectionToken", "connection_token", connection_token)
    _deadline.prepare_client(client)
    items = chain.from_iterable(read_pages(client, connection_token))
    return _unique_attachments(items)


def _unique_attachments(items: Iterator[Mapping[str, Any]]) -> Iterator[ChatAttachment]:
    seen_ids = set()
    for item in items:
        for attachment in item.get("Attachments", []):
            attachment_id = attachment.get("AttachmentId")
            if attachment_id and attachment_id not in seen_ids:
                seen_ids.add(attachment_id)
                yield ChatAttachment(
                    attachment_id=attachment_id,
                    name=attachment.get("AttachmentName", ""),
                    content_type=attachment.get("ContentType", ""),
                    status=parse_status(attachment.get("Status")),
                    participant_role=item.get("ParticipantRole", ""),
                    display_name=item.get("DisplayName", ""),
                    sent_at=_responses.get_timestamp(_OPERATION, item, "AbsoluteTime"),
                )
