"""What the service does where no public source tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass
class Assumptions:
    """The switches of the table in `attach_confirm_stubs.fake`.

    An error code that is None stands for success. One that the operation does not declare cannot
    be caught by its name, so give one that it does.

    Attributes:
        complete_before_put: The error of a confirmation before the PUT.
        unknown_id: The error of an attachment's id that was never given out.
        other_chat: The error of an attachment's id of another chat.
        complete_again: The error of a confirmation under another ClientToken.
        client_token_reused: The error of a ClientToken that comes again with other parameters.
        client_token_lifetime: How long a ClientToken is remembered; None is for ever.
        upload_url_lifetime: How long an upload URL lives.
        quota_counts: When an attachment counts towards the 35 of a chat.
        chat_ends_with_customer: Whether the chat ends when its customer disconnects.
        rejected_item: Whether a rejected attachment's item keeps its `Attachments`.
        zero_results: What `MaxResults=0` stands for.
    """

    complete_before_put: str | None = "ValidationException"
    unknown_id: str = "ValidationException"
    other_chat: str = "AccessDeniedException"
    complete_again: str | None = "ConflictException"
    client_token_reused: str | None = None
    client_token_lifetime: timedelta | None = None
    upload_url_lifetime: timedelta = timedelta(seconds=300)
    quota_counts: Literal["started", "completed"] = "started"
    chat_ends_with_customer: bool = True
    rejected_item: bool = True
    zero_results: int = 10
