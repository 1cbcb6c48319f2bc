"""Send files to an Amazon Connect chat and confirm that they arrived.

    import attach_confirm

    client = attach_confirm.client("us-west-2")
    connection = attach_confirm.connect(client, participant_token)
    sent = attach_confirm.upload(client, "receipt.pdf", connection.token)
    attach_confirm.wait(client, sent.attachment_id, connection.token)

`upload` runs three steps, which are public functions as well. `start` starts the upload and returns
a presigned URL, `put` sends the bytes to that URL, and `confirm` confirms the upload. `wait` polls
`status` until the service approves or rejects the attachment. `advise` returns what to do about an
error that any of these functions raised.
"""

from attach_confirm._advice import Action, Advice, advise
from attach_confirm._client import client
from attach_confirm._confirm import Confirmation, confirm
from attach_confirm._connect import Connection, connect
from attach_confirm._exceptions import (
    AttachConfirmError,
    AttachmentRejectedError,
    InvalidInputError,
    PutFailedError,
    UnexpectedResponseError,
    UploadUrlExpiredError,
    WaitTimeoutError,
)
from attach_confirm._put import put
from attach_confirm._start import PendingUpload, start
from attach_confirm._transcript import status
from attach_confirm._types import AttachmentStatus
from attach_confirm._upload import Upload, upload
from attach_confirm._wait import wait

__all__ = [
    "Action",
    "Advice",
    "AttachConfirmError",
    "AttachmentRejectedError",
    "AttachmentStatus",
    "Confirmation",
    "Connection",
    "InvalidInputError",
    "PendingUpload",
    "PutFailedError",
    "UnexpectedResponseError",
    "Upload",
    "UploadUrlExpiredError",
    "WaitTimeoutError",
    "advise",
    "client",
    "confirm",
    "connect",
    "put",
    "start",
    "status",
    "upload",
    "wait",
]

__version__ = "0.1.0"

# Tracebacks and reprs show the names that users import.
for _name in __all__:
    globals()[_name].__module__ = __name__
