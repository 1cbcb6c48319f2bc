"""The snapshots of attachments and streams that tests inspect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

AttachmentState = Literal["STARTED", "UPLOADED", "IN_PROGRESS", "APPROVED", "REJECTED"]


@dataclass(frozen=True, slots=True)
class FakeAttachment:
    """A snapshot of an attachment.

    Attributes:
        attachment_id: ID of the attachment.
        name: Name that StartAttachmentUpload declared.
        content_type: MIME type that StartAttachmentUpload declared.
        size: Size that StartAttachmentUpload declared, in bytes.
        data: The stored bytes; empty before the PUT and after a rejection.
        state: STARTED before the PUT, UPLOADED before the confirmation, and then the status in
            the transcript: IN_PROGRESS, APPROVED or REJECTED.
        stored_content_type: The MIME type that the PUT sent, or None if no bytes are stored.
        stored_size: The number of stored bytes, or None if no bytes are stored.
    """

    attachment_id: str
    name: str
    content_type: str
    size: int
    data: bytes = field(repr=False)
    state: AttachmentState
    stored_content_type: str | None = None
    stored_size: int | None = None


@dataclass(frozen=True, slots=True)
class StreamFailure:
    """A record that could not be delivered.

    Attributes:
        record: The record.
        reason: Why it could not be delivered.
    """

    record: dict[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class FakeStream:
    """A snapshot of a stream, which StartContactStreaming or StartChatContact has started.

    Attributes:
        streaming_id: ID of the stream.
        contact_id: ID of the contact.
        topic_arn: ARN of the SNS topic.
        active: Whether items are still published.
        records: The published items, as SNS passes them to Lambda; at most the last 10,000.
        failures: The records that could not be delivered, for example because the topic does not
            exist.
    """

    streaming_id: str
    contact_id: str
    topic_arn: str
    active: bool
    records: tuple[dict[str, Any], ...]
    failures: tuple[StreamFailure, ...]

    def lambda_event(self) -> dict[str, Any]:
        """Return the event with which SNS invokes a Lambda function, with all records."""
        return {"Records": list(self.records)}
