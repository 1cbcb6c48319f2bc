"""The steps in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from attach_confirm import _source, _validation
from attach_confirm._confirm import Confirmation, confirm
from attach_confirm._put import put_stream
from attach_confirm._start import start

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm._types import FileSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Confirmation):
    """A file that was sent and confirmed: its confirmation, and what it was announced as.

    Attributes:
        name: The attachment's name.
        size: Its size in bytes.
        content_type: Its MIME type.
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
    """Send a file: start, put, confirm.

    The confirmation is sent only after the PUT was answered with 2xx, and a ConflictException
    at that point is looked into as `confirm` does with `on_conflict="check"`. botocore retries
    the API calls, `put` the PUT.

    Args:
        client: A `connectparticipant` client.
        source: A path; bytes; or a binary file, which is sent from where it stands and left
            open. A stream that cannot seek is copied to a temporary file first.
        connection_token: The participant's connection token.
        name: The attachment's name; None takes the file's own. Bytes have none.
        content_type: Its MIME type; None goes by the name's ending.
        callback: Called with the number of bytes since its last call, as boto3's `Callback`;
            with a negative number when a retry starts over. What it raises ends the upload.
        client_token: StartAttachmentUpload's idempotency token; None makes each call a new
            attachment. After `UploadUrlExpiredError` pass another one, because the same one
            returns the same URL. The confirmation's own always comes from the attachment id.

    Returns:
        The attachment's id, its confirmation, and what it was announced as. Whether the file
        passes the instance's checks is decided afterwards: see `wait`.

    Raises:
        InvalidInputError: An argument is invalid and nothing was sent, or the file changed while it
            was sent and nothing was confirmed.
        PutFailedError: As `put`.
        UploadUrlExpiredError: As `put`.
        UnexpectedResponseError: As `start` and `confirm`.
        botocore.exceptions.ClientError: What the service refused a step with.
        botocore.exceptions.BotoCoreError: The service or S3 was not reached.

        An error of the last step has an `attachment_id`, which `advise` hands on: the bytes are
        there, so go on with `confirm` rather than upload them again.
    """
    with _source.open_source(source) as file:
        name = _source.resolve_name(file, name)
        model = _validation.get_operation_model(client, "StartAttachmentUpload")
        _validation.validate_string(model, "AttachmentName", "name", name)
        content_type = _source.resolve_content_type(name, content_type)
        pending = start(
            client,
            name=name,
            size=file.size,
            content_type=content_type,
            connection_token=connection_token,
            client_token=client_token,
        )
        put_stream(client, pending, file, callback)
    with _Concerning(pending.attachment_id):
        confirmed = confirm(client, pending.attachment_id, connection_token, on_conflict="check")
    return Upload(
        attachment_id=confirmed.attachment_id,
        client_token=confirmed.client_token,
        attempts=confirmed.attempts,
        request_id=confirmed.request_id,
        already_confirmed=confirmed.already_confirmed,
        name=name,
        size=file.size,
        content_type=content_type,
    )


class _Concerning:
    """Whatever is raised inside gets the attachment's id, and stays what it is."""

    def __init__(self, attachment_id: str) -> None:
        self._attachment_id = attachment_id

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            error.attachment_id = self._attachment_id  # type: ignore[attr-defined]
