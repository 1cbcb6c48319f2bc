"""Look up attachments in the chat's transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attach_confirm import _deadline, _responses, _validation
from attach_confirm._exceptions import UnexpectedResponseError, annotate_errors
from attach_confirm._types import AttachmentStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from types_boto3_connectparticipant.client import ConnectParticipantClient

_OPERATION = "GetTranscript"
_INITIAL_BACKOFF = 0.5
_MAX_BACKOFF = 5.0


class ListedAttachment(NamedTuple):
    """An attachment that the transcript lists.

    Attributes:
        attachment_id: The attachment's ID.
        status: The status in the newest item that lists it.
    """

    attachment_id: str
    status: AttachmentStatus


class TranscriptReader:
    """Finds attachments in one chat's transcript. After the first scan, it reads only new items.

    The first scan reads the whole transcript, newest first. A later scan ends with the page that
    contains the newest item of the previous scan, or the item in which the attachment was found.
    The whole page is searched, so an item is found even if it appears late and is sorted below
    newer items.
    """

    def __init__(self, client: ConnectParticipantClient, connection_token: str) -> None:
        """Create a reader.

        Args:
            client: A `connectparticipant` client.
            connection_token: The participant's connection token.
        """
        self.client = client
        self._connection_token = connection_token
        self._last_item_id: str | None = None

    def find(self, attachment_ids: Collection[str]) -> ListedAttachment | None:
        """Return the attachment with one of these IDs that is listed newest, or None.

        After a failed scan, the next scan reads the same items again.

        Args:
            attachment_ids: The IDs.

        Raises:
            UnexpectedResponseError: A page is not a transcript, has an unknown status, or repeats
                an earlier NextToken.
            DeadlineReachedError: The deadline of the current `limit_api_calls` block is reached.
            botocore.exceptions.ClientError: The service rejected the request for a page.
            botocore.exceptions.BotoCoreError: No response was received.
        """
        item_ids: list[str | None] = []
        for page in read_pages(self.client, self._connection_token):
            for item in page:
                item_ids.append(item.get("Id"))
                for attachment in item.get("Attachments", []):
                    attachment_id = attachment.get("AttachmentId")
                    if attachment_id in attachment_ids:
                        status = parse_status(attachment.get("Status"))
                        self._last_item_id = item_ids[-1]
                        return ListedAttachment(attachment_id, status)
            if self._last_item_id is not None and self._last_item_id in item_ids:
                break
        self._last_item_id = item_ids[0] if item_ids else None
        return None


def read_pages(client: ConnectParticipantClient, connection_token: str) -> Iterator[list[Any]]:
    """Iterate over the pages of the transcript, newest first.

    Args:
        client: A `connectparticipant` client.
        connection_token: The participant's connection token.

    Returns:
        An iterator over the items of each page, newest first.

    Raises:
        UnexpectedResponseError: A page is not a transcript, or repeats an earlier NextToken.
        DeadlineReachedError: The deadline of the current `limit_api_calls` block is reached.
        botocore.exceptions.ClientError: The service rejected the request for a page.
        botocore.exceptions.BotoCoreError: No response was received.
    """
    next_page: dict[str, Any] = {}
    seen_tokens = set()
    while True:
        with annotate_errors():
            response = client.get_transcript(
                ConnectionToken=connection_token,
                MaxResults=100,
                ScanDirection="BACKWARD",
                SortOrder="DESCENDING",
                **next_page,
            )
        yield _responses.get_member(_OPERATION, response, "Transcript")
        next_token = response.get("NextToken")
        if not next_token:
            return
        if next_token in seen_tokens:
            raise UnexpectedResponseError(_OPERATION, "a NextToken was repeated")
        seen_tokens.add(next_token)
        next_page = {"NextToken": next_token}
        _deadline.require_time_left()


def parse_status(value: str | None) -> AttachmentStatus:
    """Return the status of an attachment in the transcript.

    Args:
        value: The member `Status`, or None.

    Raises:
        UnexpectedResponseError: The status is missing or unknown.
    """
    try:
        return AttachmentStatus(value)
    except ValueError:
        raise UnexpectedResponseError(_OPERATION, f"unknown attachment status {value!r}") from None


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

        All errors but `InvalidInputError` have an `attachment_id`.
    """
    validate_lookup(client, attachment_id, connection_token)
    _deadline.prepare_client(client)
    with annotate_errors(attachment_id=attachment_id):
        listed = TranscriptReader(client, connection_token).find({attachment_id})
    return None if listed is None else listed.status


def poll(
    reader: TranscriptReader,
    attachment_id: str,
    deadline: _deadline.Deadline,
    *,
    is_final: Callable[[AttachmentStatus | None], bool],
    polls_at_deadline: bool,
) -> AttachmentStatus | None:
    """Look up an attachment immediately, then after delays of 0.5, 1, 2, 4, 5, 5, ... seconds.

    Args:
        reader: The reader of the transcript.
        attachment_id: The attachment's ID.
        deadline: The time at which polling ends.
        is_final: Returns whether a status ends the polling.
        polls_at_deadline: Whether to poll a last time when the deadline is reached. This sends one
            request at most.

    Returns:
        The last status, or None if the attachment was not found.
    """
    status = None
    backoff = _INITIAL_BACKOFF
    while True:
        try:
            with _deadline.limit_api_calls(
                reader.client, deadline, free_attempts=int(polls_at_deadline)
            ):
                listed = reader.find({attachment_id})
        except _deadline.DeadlineReachedError:
            return status
        status = None if listed is None else listed.status
        remaining = deadline.remaining()
        if is_final(status) or not remaining or (backoff >= remaining and not polls_at_deadline):
            return status
        deadline.sleep(min(backoff, remaining))
        backoff = min(2 * backoff, _MAX_BACKOFF)


def validate_lookup(
    client: ConnectParticipantClient, attachment_id: str, connection_token: str
) -> None:
    """Raise if an attachment cannot be looked up with these arguments.

    Args:
        client: A `connectparticipant` client.
        attachment_id: The attachment's ID.
        connection_token: The participant's connection token.

    Raises:
        InvalidInputError: An argument is outside the limits of the service model.
    """
    model = _validation.get_operation_model(client, _OPERATION)
    # GetTranscript has no attachment ID parameter, so the limits of CompleteAttachmentUpload apply.
    complete = _validation.get_operation_model(client, "CompleteAttachmentUpload")
    _validation.validate_string(complete, "AttachmentIds", "attachment_id", attachment_id)
    _validation.validate_token(model, "ConnectionToken", "connection_token", connection_token)
