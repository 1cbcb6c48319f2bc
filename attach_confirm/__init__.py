"""Send a file in an Amazon Connect chat, confirm it once, know that it arrived.

    import attach_confirm

    client = attach_confirm.client("us-west-2")
    connection = attach_confirm.connect(client, participant_token)
    sent = attach_confirm.upload(client, "receipt.pdf", connection.token)
    attach_confirm.wait(client, sent.attachment_id, connection.token)

`upload` is three steps, each a function too: `start` announces the file and gets a pre-signed
URL, `put` sends the bytes there, `confirm` tells the service that they are there. `wait` polls
`status` until the service has decided. `advise` tells what to do about an error of any of them.
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
