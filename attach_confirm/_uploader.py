"""The steps of one upload, and the rules by which repeated uploads leave one attachment."""

from __future__ import annotations

import logging
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from botocore.exceptions import ClientError

from attach_confirm import _deadline, _responses, _source
from attach_confirm._confirm import (
    Confirmation,
    confirm_or_check,
    derive_client_token,
    log_confirmation,
)
from attach_confirm._exceptions import (
    InvalidInputError,
    UploadUrlExpiredError,
    annotate,
    annotate_errors,
)
from attach_confirm._put import PutResult, put_stream
from attach_confirm._start import start
from attach_confirm._transcript import TranscriptReader
from attach_confirm._types import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm._start import PendingUpload
    from attach_confirm._types import Journal

_logger = logging.getLogger("attach_confirm")

# If another release derived other tokens, it would send files again that this one has sent.
_RESTART_NAMESPACE = UUID("0e6b3f0a-58b0-4f0c-9d0b-9b6d0f7f6c52")
_MAX_STARTS = 10

# `upload` starts over 90 seconds after the URL expired, and only if the transcript does not list
# the attachment. The attachment scanner may take 60 seconds until it does, so the confirmation is
# sent no later than 25 seconds after the expiry, and may be in flight for 5.
_RESTART_DELAY = timedelta(seconds=90)
_CONFIRMATION_DELAY = timedelta(seconds=25)

# A stream that can be read once is copied first if its URL may have expired.
_COPY_MARGIN = timedelta(seconds=60)

_MAX_COMPARED_NAME = 100
_FILENAME = re.compile(r'filename="([^"]*)"')
_SIMPLE_NAME = re.compile(r"[A-Za-z0-9 _.()+-]+")
_USED_BEFORE = "was used before for another name, size or content type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Confirmation):
    """The result of `upload`: the confirmation, and the file's name, size and type.

    `attempts` is 0 if this call sent no confirmation, because an earlier one had succeeded.

    Attributes:
        name: The attachment's name.
        size: The file's size, in bytes.
        content_type: The file's MIME type.
        put_attempts: The number of PUT requests that this call sent; 0 if a journal showed that S3
            had the file.
    """

    name: str
    size: int
    content_type: str
    put_attempts: int


@dataclass(kw_only=True, repr=False)
class Uploader:
    """The steps of one call of `upload`. A `repr` would contain the token."""

    client: ConnectParticipantClient
    source: _source.Source
    connection_token: str
    name: str
    content_type: str
    client_token: str | None
    deadline: _deadline.Deadline | None
    callback: Callable[[int], object] | None
    stack: ExitStack
    put_attempts: int = 0
    sent_bytes: int = 0

    def upload_once(self) -> Upload:
        """Upload without a `client_token`."""
        pending = self._start(None)
        try:
            self._put(pending)
        except UploadUrlExpiredError as error:
            # The next call creates another attachment.
            error.retry_after = 0.0
            raise
        return self._confirm(pending.attachment_id)

    def upload_idempotently(self) -> Upload:
        """Upload with a `client_token` and without a journal."""
        attachment_ids: list[str] = []
        renewals = 0
        pending = self._start(0)
        while True:
            index = len(attachment_ids)
            attachment_ids.append(pending.attachment_id)
            try:
                result = self._put(pending)
            except UploadUrlExpiredError as error:
                # A URL that expires while this call retries was valid when the call started.
                if error.attempts == 1 and (listed := self._find(attachment_ids)):
                    return listed
                error.retry_after = _seconds_until_restart(error)
                if (
                    error.attempts > 1
                    or error.retry_after
                    or not self._may_restart(index + renewals, error)
                ):
                    raise
                # If the service renews URLs, a later call can send this attachment as well.
                renewed = self._start(index)
                if renewed.expires_at > pending.expires_at:
                    renewals += 1
                    attachment_ids.pop()
                    pending = renewed
                else:
                    pending = self._start(index + 1)
                continue
            send_deadline = self._limit_confirmation(pending, result)
            # Another process may have confirmed an attachment after the last search.
            if index and (listed := self._find(attachment_ids)):
                return listed
            return self._confirm_in_time(pending, send_deadline)

    def upload_with_journal(self, journal: Journal, key: str) -> Upload:
        """Upload with a `client_token` and a journal."""
        with annotate_errors(acknowledged=False, journal_key=key, is_journal_error=True):
            entry = journal.get(key)
            if entry is not None:
                _require_entry("get", entry)
        if entry is None:
            entry = self._put_and_claim(journal, key)
        with annotate_errors(attachment_id=entry.attachment_id, acknowledged=False):
            self._require_same_entry(entry)
        if entry.confirmed:
            return self._already_confirmed(entry.attachment_id)
        try:
            confirmed = self._confirm(entry.attachment_id)
        except BaseException as error:
            annotate(error, journal_key=key)
            _add_note(
                error,
                "if the attachment can never be confirmed and the transcript does not list it,"
                f" call journal.delete({key!r}) to allow a new upload",
            )
            raise
        with annotate_errors(
            attachment_id=entry.attachment_id,
            acknowledged=True,
            journal_key=key,
            is_journal_error=True,
        ):
            journal.mark_confirmed(key)
        return confirmed

    def _put_and_claim(self, journal: Journal, key: str) -> JournalEntry:
        """Send the file, and store its attachment unless another process has stored one.

        If a URL has expired, the next attempt starts at once, because an attachment that was not
        claimed is never confirmed.
        """
        index = 0
        while True:
            try:
                pending = self._start(index)
                self._put(pending)
            except (UploadUrlExpiredError, ClientError) as error:  # noqa: PERF203
                is_used = isinstance(error, UploadUrlExpiredError) or _is_conflict(error)
                if not is_used or not self._may_restart(index, error):
                    raise
                index += 1
            else:
                break
        entry = JournalEntry(pending.attachment_id, self.name, self.source.size, self.content_type)
        # After an error, `confirm` must not be called: the attachment may not be the claimed one.
        with annotate_errors(
            attachment_id=pending.attachment_id,
            acknowledged=False,
            journal_key=key,
            is_journal_error=True,
        ):
            stored = journal.claim(key, entry)
            _require_entry("claim", stored)
            return stored

    def _start(self, index: int | None) -> PendingUpload:
        client_token = self.client_token
        if index and client_token is not None:
            client_token = str(uuid5(_RESTART_NAMESPACE, f"{index}:{client_token}"))
        with _deadline.limit_api_calls(self.client, self.deadline):
            pending = start(
                self.client,
                name=self.name,
                size=self.source.size,
                content_type=self.content_type,
                connection_token=self.connection_token,
                client_token=client_token,
            )
        if client_token is not None:
            with annotate_errors(attachment_id=pending.attachment_id, acknowledged=False):
                self._require_same_upload(pending)
        return pending

    def _put(self, pending: PendingUpload) -> PutResult:
        with annotate_errors(attachment_id=pending.attachment_id, acknowledged=False):
            if self.sent_bytes:
                self._on_progress(-self.sent_bytes)
            self._copy_source_if_needed(pending)
        try:
            result = put_stream(self.client, pending, self.source, self._on_progress, self.deadline)
        except UploadUrlExpiredError as error:
            self.put_attempts += error.attempts
            raise
        self.put_attempts += result.attempts
        return result

    def _copy_source_if_needed(self, pending: PendingUpload) -> None:
        """Make sure that this call can start over if the URL has expired.

        A server may read the whole body before it reports that.
        """
        expires_soon = pending.expires_at <= datetime.now(timezone.utc) + _COPY_MARGIN
        if expires_soon and self.client_token is not None and not self.source.can_seek:
            self.source = self.stack.enter_context(_source.open_copy(self.source))

    def _on_progress(self, count: int) -> None:
        self.sent_bytes += count
        if self.callback is not None:
            self.callback(count)

    def _may_restart(self, index: int, error: UploadUrlExpiredError | ClientError) -> bool:
        """Return whether another attempt may follow attempt `index`, and log it.

        It also sets `consumed` and `retry_after` of an `UploadUrlExpiredError`.
        """
        is_last = index == _MAX_STARTS - 1
        is_consumed = bool(self.sent_bytes) and not self.source.can_seek
        if isinstance(error, UploadUrlExpiredError):
            error.consumed = is_consumed
            # If the URL expired during this call, the next one copies the source first. If it had
            # expired before, the local clock is wrong, and every call would end like this one.
            error.retry_after = 0.0 if is_consumed and error.attempts > 1 else None
        if is_last or is_consumed:
            return False
        _logger.warning("upload: attempt %d: %s, starting over", index, type(error).__name__)
        return True

    def _find(self, attachment_ids: list[str]) -> Upload | None:
        """Search the whole transcript for one of these attachments.

        An error of the search ends the upload, because the attachment may be in the transcript. It
        does not lead to `confirm`, which would confirm the newest attachment without a search.
        """
        with (
            annotate_errors(attachment_id=attachment_ids[-1], acknowledged=False),
            _deadline.limit_api_calls(self.client, self.deadline),
        ):
            listed = TranscriptReader(self.client, self.connection_token).find(attachment_ids)
        return None if listed is None else self._already_confirmed(listed.attachment_id)

    def _limit_confirmation(
        self, pending: PendingUpload, result: PutResult
    ) -> _deadline.Deadline | None:
        """Return the time limit of a confirmation that a later call must find, from now on."""
        if result.server_time is None:
            return None
        seconds = (pending.expires_at + _CONFIRMATION_DELAY - result.server_time).total_seconds()
        # S3 may have set the time when the last attempt began.
        return _deadline.Deadline(seconds - result.duration, self.deadline)

    def _confirm_in_time(
        self, pending: PendingUpload, send_deadline: _deadline.Deadline | None
    ) -> Upload:
        """Confirm the attachment before a later call may start over."""
        try:
            return self._confirm(pending.attachment_id, send_deadline)
        except _deadline.DeadlineReachedError as error:
            if error.deadline is not send_deadline:
                raise
            expired = UploadUrlExpiredError(
                pending.attachment_id,
                pending.expires_at,
                server_time=pending.expires_at + _CONFIRMATION_DELAY,
                attempts=self.put_attempts,
            )
            expired.retry_after = _seconds_until_restart(expired)
            annotate(expired, attachment_id=pending.attachment_id, acknowledged=False)
            raise expired from error.__cause__

    def _confirm(
        self, attachment_id: str, send_deadline: _deadline.Deadline | None = None
    ) -> Upload:
        confirmation = confirm_or_check(
            self.client,
            attachment_id,
            self.connection_token,
            client_token=derive_client_token(attachment_id),
            # An earlier call with the same token may have confirmed the attachment.
            repeated=self.client_token is not None,
            deadline=self.deadline,
            send_deadline=send_deadline,
        )
        return self._result(confirmation)

    def _already_confirmed(self, attachment_id: str) -> Upload:
        confirmation = Confirmation(
            attachment_id=attachment_id,
            client_token=derive_client_token(attachment_id),
            attempts=0,
            request_id=None,
            already_confirmed=True,
        )
        log_confirmation(confirmation)
        return self._result(confirmation)

    def _result(self, confirmation: Confirmation) -> Upload:
        return Upload(
            **asdict(confirmation),
            name=self.name,
            size=self.source.size,
            content_type=self.content_type,
            put_attempts=self.put_attempts,
        )

    def _require_same_upload(self, pending: PendingUpload) -> None:
        """Raise if the signed headers show that the token was used before for another file."""
        headers = {name.lower(): str(value) for name, value in pending.headers.items()}
        name = _FILENAME.search(headers.get("content-disposition", ""))
        size = _responses.get_content_length(headers)
        content_type = headers.get("content-type", self.content_type)
        if (
            (name and _are_different_names(name[1], self.name))
            or size not in (None, self.source.size)
            or _are_different_types(content_type, self.content_type)
        ):
            raise InvalidInputError("client_token", _USED_BEFORE)

    def _require_same_entry(self, entry: JournalEntry) -> None:
        """Raise if the journal's entry is that of another file."""
        expected = (self.name, self.source.size, self.content_type)
        if (entry.name, entry.size, entry.content_type) != expected:
            raise InvalidInputError("client_token", _USED_BEFORE)


def _are_different_names(header_name: str, name: str) -> bool:
    """Return whether a signed file name contradicts a name.

    Names with other characters are not compared, because AWS does not document how the service
    writes such characters into a header. Long names are not compared either, because a header that
    the service returns has at most 256 characters.
    """
    if len(name) > _MAX_COMPARED_NAME:
        return False
    are_simple = _SIMPLE_NAME.fullmatch(header_name) and _SIMPLE_NAME.fullmatch(name)
    return bool(are_simple) and _fold_spaces(header_name) != _fold_spaces(name)


def _fold_spaces(name: str) -> str:
    return name.replace(" ", "_").replace("+", "_")


def _are_different_types(header_type: str, content_type: str) -> bool:
    """Return whether a signed content type contradicts another one.

    Parameters, such as a charset, are compared only if both have parameters.
    """
    types = [
        [part.strip().casefold() for part in value.split(";", 1)]
        for value in (header_type, content_type)
    ]
    return any(one != other for one, other in zip(*types, strict=False))


def _seconds_until_restart(error: UploadUrlExpiredError) -> float:
    """Return the time in seconds, by S3's clock, until the upload may start over."""
    now = error.server_time or datetime.now(timezone.utc)
    return max(0.0, (error.expires_at + _RESTART_DELAY - now).total_seconds())


def _require_entry(method: str, entry: Any) -> None:
    """Raise if a journal returned something else than an entry.

    Raises:
        TypeError: It is not an entry, or has no attachment ID.
    """
    attachment_id = getattr(entry, "attachment_id", None)
    if not isinstance(attachment_id, str) or not attachment_id:
        entry_type = type(entry).__name__
        raise TypeError(
            f"journal: {method} must return a JournalEntry with an ID, not {entry_type}"
        )


def _is_conflict(error: ClientError) -> bool:
    return (
        _responses.get_error_code(error) == "ConflictException"
        or _responses.get_status_code(error) == HTTPStatus.CONFLICT
    )


def _add_note(error: BaseException, note: str) -> None:
    # Python 3.11 prints the notes in tracebacks, and older versions ignore them.
    annotate(error, __notes__=[*getattr(error, "__notes__", ()), note])
