"""The snapshot of an attachment that tests inspect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

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
