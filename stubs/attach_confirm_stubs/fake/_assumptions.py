"""What the service does where no public source tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from attach_confirm_stubs.fake._presigned_urls import attached

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Assumptions:
    """The switches of the table in `attach_confirm_stubs.fake`, which says what is assumed.

    Attributes:
        complete_before_put: The code of an error, or None for success.
        complete_again: The code of an error, or None for success.
        unknown_id: The code of an error.
        other_chat: The code of an error.
        not_available: The code of an error.
        client_token_reused: The code of an error, or None for the first answer.
        client_token_lifetime: How long; None for ever.
        upload_url_lifetime: How long.
        content_disposition: Makes the header out of an attachment's name.
        quota_counts: When.
        rejected_item: Whether it does.
        chat_ends_with_customer: Whether it does.
        joined_item: Whether it has.
        typing_item: Whether it has.
        position_included: Whether it is.
        zero_results: How many items.
        other_contact: The code of an error.
        unknown_session: The code of an error.
        webrtc: The code of an error.
    """

    complete_before_put: str | None = "ValidationException"
    complete_again: str | None = "ConflictException"
    unknown_id: str = "ValidationException"
    other_chat: str = "AccessDeniedException"
    not_available: str = "ValidationException"
    client_token_reused: str | None = None
    client_token_lifetime: timedelta | None = None
    upload_url_lifetime: timedelta = timedelta(seconds=300)
    content_disposition: Callable[[str], str] = attached
    quota_counts: Literal["started", "completed"] = "started"
    rejected_item: bool = True
    chat_ends_with_customer: bool = True
    joined_item: bool = True
    typing_item: bool = False
    position_included: bool = True
    zero_results: int = 10
    other_contact: str = "ValidationException"
    unknown_session: str = "ValidationException"
    webrtc: str = "ValidationException"
