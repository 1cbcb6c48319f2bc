"""Settings for behaviour of the service that no public source documents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import quote

from attach_confirm_stubs import _service_model
from attach_confirm_stubs.fake import _limits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_MAX_ATTACHMENT_BYTES = 100 * _limits.MEBIBYTE
_MAX_EXTENSION = 10
_EXTENSION = re.compile("[a-z0-9_-]{1,10}")


def content_disposition_header(name: str) -> str:
    """Return the Content-Disposition header for an attachment name, as RFC 6266 defines it.

    If the header would exceed 256 characters, the name is shortened before its extension.
    """
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > _MAX_EXTENSION:
        stem, dot, extension = name, "", ""
    header = _content_disposition_header(name)
    while len(header) > _limits.HEADER_VALUE_LENGTH:
        stem = stem[:-1]
        header = _content_disposition_header(f"{stem}{dot}{extension}")
    return header


def _content_disposition_header(name: str) -> str:
    if name.isascii() and name.isprintable() and not set(name) & set('"\\'):
        return f'attachment; filename="{name}"'
    return f"attachment; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def start_again_choices() -> list[str]:
    """Return the valid values of `Assumptions.start_again`."""
    return ["same_url", "fresh_url", *_service_model.all_error_codes()]


@dataclass
class Assumptions:
    """What the fake does when the service's behaviour is undocumented.

    An error code may be one that the operation does not declare; for `start_again` it must be one
    that the service declares. The docs page "The fake" has the same list with the defaults. Two
    more assumptions are not settings of this class: without a rule of `fake.scanner`, an attachment
    is approved at once; and an operation without an entry in `fake.quotas.limits` is never
    throttled.

    Attributes:
        complete_before_put: Error code returned if an attachment is completed before its PUT;
            None accepts it.
        complete_again: Error code returned if an attachment is completed again under another
            ClientToken; None accepts it and changes nothing.
        unknown_id: Error code returned for an unknown attachment ID.
        other_chat: Error code returned for the ID of an attachment in another chat.
        not_available: Error code returned by GetAttachment for an attachment that is not
            approved.
        client_token_reused: Error code returned if a ClientToken is sent again with other
            parameters; None returns the first result again. For SendEvent this is a new event.
        start_again: What StartAttachmentUpload returns for a ClientToken that it remembers:
            "same_url" returns the first response again, with a URL that may have expired;
            "fresh_url" returns the same AttachmentId with a new URL and a new expiry; an error
            code returns that error. It also applies to other parameters that
            `client_token_reused` accepts.
        client_token_lifetime: Time after which a ClientToken counts as new; None keeps it for as
            long as the chat exists.
        upload_url_lifetime: Time after which an upload URL expires.
        content_disposition: Function that returns the signed Content-Disposition header for an
            attachment name; the default uses RFC 6266's `filename*` for names outside of ASCII,
            and shortens the name if the header would exceed 256 characters.
        max_attachment_bytes: Size limit of the Connect instances, from 1 byte to 100 MiB.
        attachment_extensions: File name extensions that the Connect instances allow; None allows
            each name. New instances of the service have `DEFAULT_EXTENSIONS`.
        invalid_attachment: Error code returned by StartAttachmentUpload if the size or the
            extension is not allowed; None accepts the upload, and the verdict is REJECTED.
        scanner_timeout: Time after which the scanner's verdict is REJECTED; None disables it.
        quota_counts: When an attachment counts towards the chat's quota of 35: when it is
            "started" or "completed".
        item_appears: When the transcript lists an attachment: "completed" adds the item at the
            confirmation, with the status IN_PROGRESS until the verdict; "decided" adds it at the
            scanner's verdict.
        rejected_item: Whether the transcript item of a rejected attachment keeps its
            `Attachments` member.
        chat_ends_with_customer: Whether the chat ends when its customer disconnects.
        joined_item: Whether the first connection that marks a participant as connected adds an
            item to the transcript.
        typing_item: Whether a typing event adds an item to the transcript.
        joined_early: Whether that connection adds the item also if it has a WEBSOCKET. Otherwise
            the item is added when the websocket opens.
        own_typing: Whether a websocket receives the typing events of its own participant.
        before_subscription: What happens to events while a websocket has not subscribed: they are
            "dropped" or "queued".
        too_many_websockets: Status of the response to a participant's sixth websocket.
        position_included: Whether a page of the transcript includes the item whose Id
            `StartPosition` names.
        zero_results: Number of items on a page if `MaxResults` is 0.
        other_contact: Error code returned by GetTranscript for the ContactId of another chat.
        unknown_session: Error code returned for an unknown authentication SessionId.
        no_connection_type: Error code returned by CreateParticipantConnection without `Type` and
            `ConnectParticipant`; None returns no members.
        webrtc: Error code returned if a participant of a chat requests a WEBRTC_CONNECTION.
        invalid_request: Error code returned by the operations of Amazon Connect for an invalid
            parameter.
        ended_contact: Error code returned by CreateParticipant and StartContactStreaming if the
            chat has ended.
        streamed_attachment_type: Attribute ContentType of the SNS record of an attachment; None
            omits the attribute.
        streamed_receipts: Whether streams publish receipts.
    """

    DEFAULT_EXTENSIONS: ClassVar[frozenset[str]] = _limits.ATTACHMENT_EXTENSIONS

    complete_before_put: str | None = "ValidationException"
    complete_again: str | None = "ConflictException"
    unknown_id: str = "ValidationException"
    other_chat: str = "AccessDeniedException"
    not_available: str = "ValidationException"
    client_token_reused: str | None = None
    start_again: str = "same_url"
    client_token_lifetime: timedelta | None = None
    upload_url_lifetime: timedelta = timedelta(seconds=300)
    content_disposition: Callable[[str], str] = content_disposition_header
    max_attachment_bytes: int = 20 * _limits.MEBIBYTE
    attachment_extensions: Collection[str] | None = None
    invalid_attachment: str | None = "ValidationException"
    scanner_timeout: timedelta | None = timedelta(seconds=60)
    quota_counts: Literal["started", "completed"] = "started"
    item_appears: Literal["completed", "decided"] = "completed"
    rejected_item: bool = True
    chat_ends_with_customer: bool = True
    joined_item: bool = True
    typing_item: bool = False
    joined_early: bool = True
    own_typing: bool = True
    before_subscription: Literal["dropped", "queued"] = "dropped"
    too_many_websockets: int = 403
    position_included: bool = True
    zero_results: int = 10
    other_contact: str = "ValidationException"
    unknown_session: str = "ValidationException"
    no_connection_type: str | None = None
    webrtc: str = "ValidationException"
    invalid_request: str = "InvalidRequestException"
    ended_contact: str = "InvalidRequestException"
    streamed_attachment_type: str | None = None
    streamed_receipts: bool = False

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a setting.

        Raises:
            ValueError: The value is not valid.
        """
        if name == "start_again" and value not in start_again_choices():
            choices = ", ".join(start_again_choices())
            raise ValueError(f"unknown start_again {value!r}; choose one of {choices}")
        if name == "max_attachment_bytes" and not 1 <= value <= _MAX_ATTACHMENT_BYTES:
            raise ValueError(
                f"max_attachment_bytes={value!r}: pass 1 to {_MAX_ATTACHMENT_BYTES} (100 MiB)"
            )
        if name == "attachment_extensions" and value is not None:
            value = _parse_extensions(value)
        super().__setattr__(name, value)

    def allows_attachment(self, name: str, size: int) -> bool:
        """Return whether the Connect instances allow an attachment with a name and size."""
        _, dot, extension = name.rpartition(".")
        allowed = self.attachment_extensions
        is_extension_allowed = allowed is None or (dot and extension.lower() in allowed)
        return bool(is_extension_allowed and size <= self.max_attachment_bytes)


def _parse_extensions(extensions: Collection[str]) -> frozenset[str]:
    """Return extensions in lower case and without dots.

    Raises:
        ValueError: An extension is not valid.
    """
    if isinstance(extensions, str):
        extensions = [extensions]
    parsed = {extension.lower().removeprefix(".") for extension in extensions}
    for extension in parsed:
        if not _EXTENSION.fullmatch(extension):
            raise ValueError(
                f"invalid extension {extension!r}; use 1 to 10 letters, digits, '-' or '_'"
            )
    return frozenset(parsed)
