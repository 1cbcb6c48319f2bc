"""Run the three steps of an upload in order."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from attach_confirm import _source
from attach_confirm._confirm import Confirmation, confirm
from attach_confirm._put import put_stream
from attach_confirm._start import start

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm._types import FileSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Confirmation):
    """The result of `upload`: the confirmation, and the file's name, size and type.

    Attributes:
        name: The attachment's name.
        size: The file's size, in bytes.
        content_type: The file's MIME type.
    """

    name: str
    size: int
    content_type: str


def upload(
    client: ConnectParticipantClient,
    source: FileSource,
    connection_token: str,
    *,
    name: str | None = None,
    content_type: str | None = None,
    callback: Callable[[int], object] | None = None,
    client_token: str | None = None,
) -> Upload:
    """Send a file and confirm it: call `start`, `put` and `confirm`.

    The confirmation is sent only after S3 returned 2xx for the PUT. If the service then returns
    ConflictException, the transcript is checked as in `confirm` with `on_conflict="check"`.
    botocore retries the API calls, and `put` retries the PUT.

    Args:
        client: A `connectparticipant` client.
        source: A path, bytes, or a binary file. A file is sent from its current position and is
            not closed. A stream that cannot seek is copied to a temporary file first.
        connection_token: The participant's connection token.
        name: The attachment's name. If None, it is the name of the file. Bytes and unnamed streams
            need one.
        content_type: The file's MIME type. If None, it is derived from the extension of the name.
        callback: Called with the number of bytes sent since its last call, like boto3's
            `Callback`. When a retry starts over, it is called with a negative number. An exception
            from it aborts the upload.
        client_token: The idempotency token of StartAttachmentUpload. If None, each call creates a
            new attachment. After `UploadUrlExpiredError`, pass a different token, because the
            service returns the same URL for the same token. The confirmation has a ClientToken
            derived from the attachment ID.

    Returns:
        The confirmation, and the file's name, size and type. The service checks the file
        afterwards; see `wait`.

    Raises:
        InvalidInputError: An argument is invalid and nothing was sent, or the file changed while
            it was sent and nothing was confirmed.
        PutFailedError: See `put`.
        UploadUrlExpiredError: See `put`.
        UnexpectedResponseError: See `start`, `put` and `confirm`.
        botocore.exceptions.ClientError: The service rejected a request.
        botocore.exceptions.BotoCoreError: The service or S3 did not respond.

        Errors of the last step have an `attachment_id`, which `advise` returns as well. In that
        case S3 has the bytes, so call `confirm` instead of uploading the file again.
    """
    with _source.open_source(source) as opened:
        name = _source.resolve_name(opened, name)
        content_type = _source.resolve_content_type(name, content_type)
        pending = start(
            client,
            name=name,
            size=opened.size,
            content_type=content_type,
            connection_token=connection_token,
            client_token=client_token,
        )
        put_stream(client, pending, opened, callback)
    try:
        confirmation = confirm(client, pending.attachment_id, connection_token, on_conflict="check")
    except BaseException as error:
        error.attachment_id = pending.attachment_id  # type: ignore[attr-defined]
        raise
    return Upload(**asdict(confirmation), name=name, size=opened.size, content_type=content_type)
