"""Run the three steps of an upload in order."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from attach_confirm import _deadline, _source, _validation
from attach_confirm._exceptions import InvalidInputError, UploadTimeoutError, annotate
from attach_confirm._uploader import Upload, Uploader

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm._types import FileSource, Journal


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
            not closed. If the call fails, the file returns to that position. A stream that cannot
            seek is copied to a temporary file first, unless you pass `size`. If the call fails
            after it began to read such a stream, a repeated call needs a new stream.
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
        UploadUrlExpiredError: S3 reported that the URL has expired, or the confirmation would be
            sent too late.
        UploadTimeoutError: The upload was not confirmed within `timeout`.
        UnexpectedResponseError: See `start`, `put` and `confirm`.
        botocore.exceptions.ClientError: The service rejected a request.
        botocore.exceptions.BotoCoreError: The service or S3 did not respond.

        Errors of the journal propagate. Every error has the attribute `attachment_id` once the
        upload is started, and the attribute `acknowledged`: if it is True, S3 has the bytes, so
        call `confirm` instead of uploading the file again. `advise` returns the ID only then.
        Errors of the journal, and of the confirmation of the attachment that it stores, have the
        attribute `journal_key`. After an attachment was claimed, no call starts over. If the
        attachment can never be confirmed and the transcript does not list it, call
        `journal.delete(client_token)`.
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
    if size is not None:
        _validation.validate_size(size)
    with ExitStack() as stack:
        opened = stack.enter_context(_source.open_source(source, size))
        name = _source.resolve_name(opened, name)
        content_type = _source.resolve_content_type(name, content_type)
        uploader = Uploader(
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
            timeout_error = UploadTimeoutError(
                error.deadline.seconds, error.attachment_id, error.acknowledged
            )
            if error.journal_key is not None:
                annotate(timeout_error, journal_key=error.journal_key)
            raise timeout_error from error.__cause__
