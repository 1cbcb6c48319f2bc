"""What a test sees of an attachment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

AttachmentState = Literal["STARTED", "UPLOADED", "IN_PROGRESS", "APPROVED", "REJECTED"]


@dataclass(frozen=True, slots=True)
class FakeAttachment:
    """What the fake holds of an attachment, at the time it was asked.

    Attributes:
        attachment_id: Its id.
        name: Its name, as declared.
        content_type: Its MIME type, as declared.
        size: Its size in bytes, as declared.
        data: The bytes that are there: none before the PUT and after a rejection.
        state: STARTED before the PUT, UPLOADED before the confirmation, then what the
            transcript says: IN_PROGRESS, APPROVED or REJECTED.
        stored_content_type: The MIME type that the PUT came with; None where there are no bytes.
        stored_size: How many bytes are there; None where there are none.
    """

    attachment_id: str
    name: str
    content_type: str
    size: int
    data: bytes = field(repr=False)
    state: AttachmentState
    stored_content_type: str | None = None
    stored_size: int | None = None
