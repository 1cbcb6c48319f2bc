"""Run the three steps of an upload in order, and make repeated uploads leave one attachment."""

from __future__ import annotations

import logging
import re
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from botocore.exceptions import ClientError

from attach_confirm import _deadline, _source, _validation
from attach_confirm._confirm import (
    Confirmation,
    confirm_or_check,
    derive_client_token,
    log_confirmation,
)
from attach_confirm._exceptions import (
    InvalidInputError,
    UploadTimeoutError,
    UploadUrlExpiredError,
    annotate,
)
from attach_confirm._put import PutResult, put_stream
from attach_confirm._start import start
from attach_confirm._transcript import TranscriptReader
from attach_confirm._types import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm._start import PendingUpload
    from attach_confirm._types import FileSource, Journal

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


def upload(
    client: ConnectParticipantClient,
    source: FileSource,
    connection_token: str,
    *,
    name: str | None = None,
    content_type: str | None = None,
    size: int | None = None,
    client_token: str | None = None,
    journal: Journal | None = None,
    timeout: float | None = None,
    callback: Callable[[int], object] | None = None,
) -> Upload:
    """Send a file and confirm it: call `start`, `put` and `confirm`.

    The confirmation is sent only after S3 acknowledged all bytes. If the service then returns
    ConflictException, the transcript is checked as in `confirm` with `on_conflict="check"`.
    botocore retries the API calls, and `put` retries the PUT.

    `client_token` makes the function idempotent: repeating a call, for example after a crash, on
    another machine or because a queue delivers a message again, leaves one attachment in the chat
    and returns it. Without a journal this holds under two conditions. The service still remembers
    the ClientToken. And no other process works on the same `client_token` from shortly before the
    presigned URL expires until 90 seconds afterwards. If the URL of an earlier call has expired,
    the function searches the whole transcript for the attachment, and starts over only if the
    transcript does not list it and 90 seconds have passed. Earlier it raises
    `UploadUrlExpiredError` with the seconds to wait in `retry_after`. The function sends no
    confirmation later than 25 seconds after the expiry by S3's clock, because the search could not
    find it in time; it raises `UploadUrlExpiredError` instead. For the same reason, call `confirm`
    after an error of the confirmation only while the URL is valid, and later call `upload` again.
    If the service lists a rejected attachment without its ID, the search does not find it, so use
    a journal if a rejected file must not be sent again.

    With a journal it holds without conditions, for any number of processes at once: the attachment
    to confirm is stored before it is confirmed, and only that one is ever confirmed.

    Args:
        client: A `connectparticipant` client.
        source: A path, bytes, or a binary file. A file is sent from its current position and is
            not closed. A stream that cannot seek is copied to a temporary file first, unless you
            pass `size`.
        connection_token: The participant's connection token.
        name: The attachment's name. If None, it is the name of the file. Bytes and unnamed streams
            need one.
        content_type: The file's MIME type. If None, it is derived from the extension of the name.
        size: The size of the source, in bytes. A stream that cannot seek is then sent once, as it
            is read, without a copy on the disk. It is copied only if an earlier call with the same
            `client_token` started the upload and its URL expires within 60 seconds or has expired,
            by this machine's clock.
        client_token: The idempotency token, 1 to 500 characters. It identifies one file in one
            chat, so include the contact ID, for example `f"{contact_id}/{message_id}"`. If None,
            each call creates a new attachment.
        journal: A durable record of uploads, whose key is `client_token`, for example a
            `SQLiteJournal` or `DynamoDBJournal`. All processes that may send the file must use the
            same journal.
        timeout: Maximum time, in seconds. The function ends within this time and one more HTTP
            attempt. If None, the PUT is retried until the URL expires.
        callback: Called with the number of bytes sent since its last call, like boto3's
            `Callback`. When a retry starts over, it is called with a negative number. An exception
            from it aborts the upload.

    Returns:
        The confirmation, and the file's name, size and type. `already_confirmed` is True if an
        earlier call had confirmed the attachment. The service checks the file afterwards; see
        `wait`.

    Raises:
        InvalidInputError: An argument is invalid, or `client_token` was used before for another
            name, size or content type. Nothing was confirmed.
        SourceReadError: See `put`.
        PutFailedError: See `put`.
        UploadUrlExpiredError: S3 reported that the URL has expired.
        UploadTimeoutError: The upload was not confirmed within `timeout`.
        UnexpectedResponseError: See `start`, `put` and `confirm`.
        botocore.exceptions.ClientError: The service rejected a request.
        botocore.exceptions.BotoCoreError: The service or S3 did not respond.

        Errors of the journal propagate. Every error has the attribute `attachment_id` once the
        upload is started, and the attribute `acknowledged`: if it is True, S3 has the bytes, so
        call `confirm` instead of uploading the file again. `advise` returns the ID only then. With
        a journal, errors have the attribute `journal_key`. After an attachment was claimed, no call
        starts over. If the attachment can never be confirmed, call `journal.delete(client_token)`.
    """
    deadline = None if timeout is None else _deadline.create_deadline(timeout)
    if journal is not None and client_token is None:
        raise InvalidInputError(
            "client_token", "must be set with a journal, because it is the journal's key"
        )
    model = _validation.get_operation_model(client, "StartAttachmentUpload")
    _validation.validate_token(model, "ConnectionToken", "connection_token", connection_token)
    if client_token is not None:
        _validation.validate_string(model, "ClientToken", "client_token", client_token)
    with ExitStack() as stack:
        opened = stack.enter_context(_source.open_source(source, size))
        name = _source.resolve_name(opened, name)
        content_type = _source.resolve_content_type(name, content_type)
        uploader = _Uploader(
            client=client,
            source=opened,
            connection_token=connection_token,
            name=name,
            content_type=content_type,
            client_token=client_token,
            deadline=deadline,
            callback=callback,
            stack=stack,
        )
        try:
            if client_token is None:
                return uploader.upload_once()
            if journal is None:
                return uploader.upload_idempotently()
            return uploader.upload_with_journal(journal, client_token)
        except _deadline.DeadlineReachedError as error:
            raise UploadTimeoutError(
                error.deadline.seconds, error.attachment_id, error.acknowledged
            ) from error.__cause__


@dataclass(kw_only=True)
class _Uploader:
    """The steps of one call of `upload`."""

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

    def __post_init__(self) -> None:
        """Store the position of the first byte."""
        self.position = self.source.stream.tell() if self.source.can_seek else 0

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
        with _annotate_errors(acknowledged=False, journal_key=key, is_journal_error=True):
            entry = journal.get(key)
        if entry is None:
            entry = self._put_and_claim(journal, key)
        self._require_same_entry(entry)
        if entry.confirmed:
            return self._already_confirmed(entry.attachment_id)
        try:
            confirmed = self._confirm(entry.attachment_id)
        except BaseException as error:
            annotate(error, journal_key=key)
            _add_note(error, f"call journal.delete({key!r}) to allow a new upload")
            raise
        with _annotate_errors(
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
        with _annotate_errors(
            attachment_id=pending.attachment_id,
            acknowledged=False,
            journal_key=key,
            is_journal_error=True,
        ):
            return journal.claim(key, entry)

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
            self._require_same_upload(pending)
        return pending

    def _put(self, pending: PendingUpload) -> PutResult:
        if self.sent_bytes:
            self.source.stream.seek(self.position)
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
            with _annotate_errors(attachment_id=pending.attachment_id, acknowledged=False):
                self.source = self.stack.enter_context(_source.open_copy(self.source))

    def _on_progress(self, count: int) -> None:
        self.sent_bytes += count
        if self.callback is not None:
            self.callback(count)

    def _may_restart(self, index: int, error: UploadUrlExpiredError | ClientError) -> bool:
        """Return whether another attempt may follow attempt `index`, and log it."""
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
            _annotate_errors(attachment_id=attachment_ids[-1], acknowledged=False),
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
                attempts=self.put_attempts,
                retry_after=(_RESTART_DELAY - _CONFIRMATION_DELAY).total_seconds(),
            )
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
        size = headers.get("content-length", "")
        content_type = headers.get("content-type", self.content_type)
        if (
            (name and _are_different_names(name[1], self.name))
            or (size.isdecimal() and int(size) != self.source.size)
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
    writes such characters into a header.
    """
    are_simple = _SIMPLE_NAME.fullmatch(header_name) and _SIMPLE_NAME.fullmatch(name)
    return bool(are_simple) and _fold_spaces(header_name) != _fold_spaces(name)


def _fold_spaces(name: str) -> str:
    return name.replace(" ", "_").replace("+", "_")


def _are_different_types(header_type: str, content_type: str) -> bool:
    """Return whether a signed content type contradicts another one.

    Parameters, such as a charset, are compared only if both have parameters.
    """
    types = [
        [part.strip().lower() for part in value.split(";", 1)]
        for value in (header_type, content_type)
    ]
    return any(one != other for one, other in zip(*types, strict=False))


def _seconds_until_restart(error: UploadUrlExpiredError) -> float:
    """Return the time in seconds, by S3's clock, until the upload may start over."""
    now = error.server_time or datetime.now(timezone.utc)
    return max(0.0, (error.expires_at + _RESTART_DELAY - now).total_seconds())


def _is_conflict(error: ClientError) -> bool:
    code = error.response.get("Error", {}).get("Code")
    status_code = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return code == "ConflictException" or status_code == HTTPStatus.CONFLICT


@contextmanager
def _annotate_errors(**attributes: Any) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        annotate(error, **attributes)
        raise


def _add_note(error: BaseException, note: str) -> None:
    # Python 3.11 prints the notes in tracebacks, and older versions ignore them.
    annotate(error, __notes__=[*getattr(error, "__notes__", ()), note])
